//! A double, a backend that talks to it, and what tests do with the two.

use std::path::Path;
use std::time::{Duration, Instant};

use rhumb_backend::{
    Action, Backend, Change, Error, Facts, Live, Material, Materials, Object, ObjectHealth, ObjectId,
    Observed, Receipt, Result, Scope, State, Step, Survey,
};
use rhumb_doubles::marathon::{Double, Options, Pace};
use rhumb_marathon::{Environment, Marathon, Settings};
use rhumb_spec::App;
use rhumb_spec::model::Generate;
use serde_json::{Value, json};

pub(crate) const CANARY: &str = "canary-5b1d";

pub(crate) struct Lab {
    pub(crate) double: Double,
    pub(crate) marathon: Marathon,
    pub(crate) scope: Scope,
}

/// Gives every secret the same bytes.
pub(crate) struct Given;

impl Materials for Given {
    fn sealed(&self, _: &str) -> Result<Material> {
        Ok(Material::new(CANARY.as_bytes().to_vec()))
    }

    fn generated(&self, _: &str, _: &Generate, _: Option<&str>) -> Result<Material> {
        Ok(Material::new(vec![0xff, 0x00, 0x01]))
    }
}

pub(crate) fn fast() -> Options {
    let pace = Pace { second: Duration::from_millis(20), ..Pace::default() };
    let types = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/marathon/rest-api/types");
    Options { pace, ..Options::default() }.checked_by(types)
}

/// A DC/OS.
pub(crate) fn lab() -> Lab {
    with(fast())
}

pub(crate) fn with(options: Options) -> Lab {
    let double = Double::start(options).unwrap();
    let url = format!("{}/service/marathon", double.url());
    let settings = Settings { url: Some(url), ..Settings::default() };
    let marathon = Marathon::new(settings, Environment::default());
    Lab { double, marathon, scope: Scope::new("default", "shop") }
}

pub(crate) fn marks(id: &str, workload: &str) -> Value {
    json!({
        "rhumb.dev/namespace": "default",
        "rhumb.dev/release": "shop",
        "rhumb.dev/object": id,
        "rhumb.dev/workload": workload,
    })
}

/// An app of one container.
pub(crate) fn app(name: &str, image: &str, instances: u32) -> Object {
    let id = ObjectId::new("app", name);
    let body = json!({
        "id": format!("/default/shop/{name}"),
        "instances": instances,
        "cpus": 0.1,
        "mem": 32,
        "container": { "type": "MESOS", "docker": { "image": image }, "portMappings": [
            { "containerPort": 80, "hostPort": 0, "servicePort": 0, "name": "http", "protocol": "tcp" },
        ] },
        "networks": [{ "mode": "container/bridge" }],
        "labels": marks(id.as_str(), name),
    });
    Object { workload: Some(name.to_owned()), ..Object::new(id, body) }
}

pub(crate) fn step(action: Action, object: &Object, live: Option<&Live>) -> Step {
    Step {
        id: object.id.clone(),
        action,
        object: object.clone(),
        native: live.map(|live| live.native.clone()),
        version: live.and_then(|live| live.version.clone()),
        changes: Vec::new(),
        force: false,
        reason: None,
        after: Vec::new(),
    }
}

impl Lab {
    /// Another process, which knows nothing of what this one did.
    pub(crate) fn another(&self) -> Marathon {
        let url = format!("{}/service/marathon", self.double.url());
        Marathon::new(Settings { url: Some(url), ..Settings::default() }, Environment::default())
    }

    pub(crate) async fn survey(&self) -> Facts {
        self.marathon.survey(&self.scope, &App::default(), &Survey::default()).await.unwrap()
    }

    pub(crate) async fn observe(&self, objects: &[&Object]) -> Observed {
        let ids: Vec<ObjectId> = objects.iter().map(|object| object.id.clone()).collect();
        self.marathon.observe(&self.scope, &ids).await.unwrap()
    }

    pub(crate) async fn live(&self, object: &Object) -> Option<Live> {
        let observed = self.observe(&[object]).await;
        assert!(observed.unreadable.is_empty(), "{:?}", observed.unreadable);
        observed.find(&object.id, object.generation.as_deref()).cloned()
    }

    pub(crate) async fn apply(&self, step: &Step) -> Result<Receipt> {
        self.marathon.apply(&self.scope, step, &Given).await
    }

    pub(crate) async fn create(&self, object: &Object) -> Receipt {
        self.apply(&step(Action::Create, object, None)).await.unwrap()
    }

    /// The update that brings what is there to what is wanted.
    pub(crate) async fn update_step(&self, last: &Object, want: &Object) -> Step {
        let live = self.live(want).await.unwrap();
        match self.marathon.change(Some(last), &live, want) {
            Change::Update { body, changes, .. } => {
                let object = Object { body, ..want.clone() };
                Step { changes, ..step(Action::Update, &object, Some(&live)) }
            }
            other => panic!("no update: {other:?}"),
        }
    }

    pub(crate) async fn health(&self, receipt: &Receipt) -> ObjectHealth {
        self.marathon.health(&self.scope, std::slice::from_ref(receipt)).await.unwrap().remove(0)
    }

    /// Waits until a rollout is settled.
    pub(crate) async fn settled(&self, receipt: &Receipt) -> ObjectHealth {
        let begun = Instant::now();
        loop {
            let health = self.health(receipt).await;
            if health.state != State::Progressing {
                return health;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "still {health:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn ready(&self, receipt: &Receipt) {
        let health = self.settled(receipt).await;
        assert_eq!(health.state, State::Ready, "{health:?}");
    }

    /// The next plan is empty for this object.
    pub(crate) async fn is_as_wanted(&self, want: &Object) {
        let live = self.live(want).await.unwrap();
        match self.marathon.change(Some(want), &live, want) {
            Change::None { kept } => assert!(kept.is_empty(), "{kept:?}"),
            other => panic!("{other:?}"),
        }
    }

    /// Writes as somebody else would.
    pub(crate) async fn foreign(&self, method: reqwest::Method, path: &str, body: &Value) -> (u16, Value) {
        let request = reqwest::Client::new().request(method, format!("{}{path}", self.double.url()));
        let response =
            request.header("content-type", "application/json").body(body.to_string()).send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default())
    }

    /// Nothing that was sent or answered is other than the published types say.
    pub(crate) fn is_sound(&self) {
        assert_eq!(self.double.violations(), Vec::<String>::new());
    }
}

pub(crate) fn failed<T: std::fmt::Debug>(result: Result<T>) -> Error {
    result.expect_err("it should fail")
}
