//! A double of AWS, and the backend on it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rhumb_backend::{
    Action, Backend, Change, Live, Material, Materials, Object, ObjectHealth, ObjectId, Observed, Receipt,
    Result, Retry, Scope, State, Step,
};
use rhumb_doubles::{ecs as double, has_modules};
use rhumb_ecs::{Ecs, Environment};
use rhumb_spec::model::Generate;
use serde_json::{Value, json};

/// How long anything on the double may take.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Stage {
    pub(crate) double: double::Double,
    pub(crate) ecs: Ecs,
    pub(crate) scope: Scope,
}

pub(crate) struct Given;

impl Materials for Given {
    fn sealed(&self, _: &str) -> Result<Material> {
        let config = json!({ "auths": { "ghcr.io": { "username": "user", "password": "canary" } } });
        Ok(Material::new(config.to_string().into_bytes()))
    }

    fn generated(&self, _: &str, _: &Generate, _: Option<&str>) -> Result<Material> {
        Ok(Material::new(b"canary-made".to_vec()))
    }
}

impl Stage {
    /// A stage; none, with a word about it, where there is no moto.
    pub(crate) fn new() -> Option<Self> {
        Self::with(double::Options::default())
    }

    #[expect(clippy::print_stdout, reason = "the test script counts what is skipped by it")]
    pub(crate) fn with(options: double::Options) -> Option<Self> {
        if !has_modules(&["moto", "flask"]) {
            println!(
                "skipped: python3 has no moto; integration/harness/aws/python.sh install makes one that has"
            );
            return None;
        }
        let double = double::Double::start(options).expect("a double");
        let settings = serde_json::from_value(double.settings()).expect("settings of a target");
        let variables = [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "canary-key")];
        let vars = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let ecs = Ecs::new(settings, Environment { vars, ..Environment::default() });
        Some(Self { double, ecs, scope: Scope::new("default", "shop") })
    }

    pub(crate) async fn observe(&self, ids: &[&str]) -> Observed {
        let ids: Vec<ObjectId> = ids.iter().map(|id| ObjectId::from(*id)).collect();
        let observed = self.ecs.observe(&self.scope, &ids).await.expect("AWS answers");
        assert_eq!(observed.unreadable, BTreeMap::new());
        observed
    }

    /// The one thing of an id that is there.
    pub(crate) async fn live(&self, id: &str) -> Live {
        let observed = self.observe(&[id]).await;
        let found: Vec<&Live> =
            observed.objects.iter().filter(|live| live.object.id.as_str() == id).collect();
        assert_eq!(found.len(), 1, "{id}: {found:#?}");
        found[0].clone()
    }

    pub(crate) async fn is_gone(&self, id: &str) -> bool {
        self.observe(&[id]).await.objects.iter().all(|live| live.object.id.as_str() != id)
    }

    pub(crate) async fn apply(&self, step: &Step) -> Result<Receipt> {
        self.ecs.apply(&self.scope, step, &Given).await
    }

    /// Carries out a step as the engine does: again and again while that may help.
    pub(crate) async fn carry_out(&self, step: &Step) -> Receipt {
        let begun = Instant::now();
        loop {
            match self.apply(step).await {
                Ok(receipt) => return receipt,
                Err(error) if error.retry == Retry::Same && begun.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    pub(crate) async fn create(&self, object: &Object) -> Receipt {
        self.carry_out(&step(Action::Create, object, None)).await
    }

    /// Brings what is there to what is wanted, and gives what changed.
    pub(crate) async fn update(&self, last: &Object, want: &Object) -> (Receipt, Vec<String>) {
        let live = self.live(want.id.as_str()).await;
        let Change::Update { body, changes, .. } = self.ecs.change(Some(last), &live, want) else {
            panic!("no update: {:#?}", self.ecs.change(Some(last), &live, want))
        };
        let paths = changes.iter().map(|change| change.path.clone()).collect();
        let object = Object { body, ..want.clone() };
        let step = Step { changes, ..step(Action::Update, &object, Some(&live)) };
        (self.carry_out(&step).await, paths)
    }

    pub(crate) async fn delete(&self, id: &str) {
        let live = self.live(id).await;
        self.carry_out(&step(Action::Delete, &live.object, Some(&live))).await;
    }

    pub(crate) async fn health(&self, receipt: &Receipt) -> ObjectHealth {
        let health = self.ecs.health(&self.scope, std::slice::from_ref(receipt)).await.expect("AWS answers");
        health.into_iter().next().expect("one for each receipt")
    }

    /// The health once it is not `Progressing` any more.
    pub(crate) async fn settled(&self, receipt: &Receipt) -> ObjectHealth {
        let begun = Instant::now();
        loop {
            let health = self.health(receipt).await;
            if health.state != State::Progressing || begun.elapsed() > PATIENCE {
                return health;
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Nothing that was sent is against AWS's own models.
    pub(crate) fn is_in_order(&self) {
        assert_eq!(self.double.violations(), Vec::<String>::new());
    }
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

/// The marks of an object, as `[{"key": …, "value": …}]`.
pub(crate) fn marks(id: &str, more: &[(&str, &str)]) -> Value {
    let own = [("rhumb.dev/namespace", "default"), ("rhumb.dev/release", "shop"), ("rhumb.dev/object", id)];
    own.iter().chain(more).map(|(key, value)| json!({ "key": key, "value": value })).collect()
}

/// The same with capitals.
pub(crate) fn capital(tags: &Value) -> Value {
    let tags = tags.as_array().into_iter().flatten();
    tags.map(|tag| json!({ "Key": tag["key"], "Value": tag["value"] })).collect()
}

/// An object without marks in its body, as a request takes it.
pub(crate) fn object(id: &str, body: Value) -> Object {
    Object::new(ObjectId::from(id), body)
}

/// A task definition of a workload, of this image.
pub(crate) fn definition(stage: &Stage, workload: &str, image: &str) -> Object {
    let id = format!("task-definition/{workload}");
    let account = stage.double.account();
    let body = json!({
        "family": format!("default-shop-{workload}"),
        "executionRoleArn": account.execution_role,
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [{
            "name": workload,
            "image": image,
            "essential": true,
            "logConfiguration": { "logDriver": "awslogs", "options": {
                "awslogs-group": "/rhumb/default/shop",
                "awslogs-region": account.region,
                "awslogs-stream-prefix": workload,
            } },
        }],
        "tags": marks(&id, &[("rhumb.dev/generation", image), ("rhumb.dev/workload", workload)]),
    });
    Object { generation: Some(image.to_owned()), workload: Some(workload.to_owned()), ..object(&id, body) }
}

/// A service of a workload that runs this definition.
pub(crate) fn service(stage: &Stage, workload: &str, definition: &str) -> Object {
    let id = format!("service/{workload}");
    let account = stage.double.account();
    let body = json!({
        "cluster": "default",
        "serviceName": format!("default-shop-{workload}"),
        "taskDefinition": definition,
        "desiredCount": 2,
        "launchType": "FARGATE",
        "schedulingStrategy": "REPLICA",
        "deploymentConfiguration": {
            "maximumPercent": 200,
            "minimumHealthyPercent": 100,
            "deploymentCircuitBreaker": { "enable": true, "rollback": true },
        },
        "networkConfiguration": { "awsvpcConfiguration": {
            "subnets": account.subnets,
            "securityGroups": [account.security_group],
            "assignPublicIp": "DISABLED",
        } },
        "enableECSManagedTags": true,
        "propagateTags": "SERVICE",
        "tags": marks(&id, &[("rhumb.dev/workload", workload)]),
    });
    Object { workload: Some(workload.to_owned()), ..object(&id, body) }
}
