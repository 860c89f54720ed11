//! Generated secrets agree with what is composed of them, wherever a run before was cut short.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use rhumb_action::{
    ActionResult, CancellationToken, ChartInputs, Context, DeployOptions, Deployed, IfAbsent, Silent, Target,
    UpgradeRequest,
};
use rhumb_memory::faults::{Call, Faults, FaultyBackend, FaultyStorage, When};
use rhumb_memory::{MemoryBackend, MemoryStorage};
use rhumb_release::{Holder, Life, Liveness};
use serde_json::Value;

/// The address is the password and nothing else, so that their digests must be equal.
const TEMPLATE: &str = r#"kind: Secret
name: db
generate: { password: { length: 24 } }
template: { url: "{password}" }
---
kind: Workload
name: db
containers:
  db:
    image: db:1
    env: { PASSWORD: { secret: db, key: password } }
---
kind: Workload
name: web
containers:
  web:
    image: web:1
    env: { URL: { secret: db, key: url } }
"#;

struct Gone;

impl Liveness for Gone {
    fn life(&self, _holder: &Holder) -> Life {
        Life::Gone
    }
}

struct World {
    folder: tempfile::TempDir,
    faults: Faults,
    target: Target,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let templates = folder.path().join("shop/templates");
        std::fs::create_dir_all(&templates).unwrap();
        let meta = "apiVersion: rhumb.dev/v1\nname: shop\nversion: 1.0.0\n";
        std::fs::write(folder.path().join("shop/Chart.yaml"), meta).unwrap();
        std::fs::write(templates.join("shop.yaml"), TEMPLATE).unwrap();
        let backend = MemoryBackend::with_file(folder.path().join("state.json"));
        let faults = Faults::default();
        let target = Target {
            name: "here".to_owned(),
            storage: Arc::new(FaultyStorage::new(MemoryStorage::beside(&backend), &faults)),
            backend: Arc::new(FaultyBackend::new(backend, &faults)),
        };
        Self { folder, faults, target }
    }

    async fn upgrade(&self) -> ActionResult<Deployed> {
        let request = UpgradeRequest {
            name: "shop".to_owned(),
            inputs: ChartInputs { chart: self.folder.path().join("shop"), ..ChartInputs::default() },
            absent: IfAbsent::Install,
            options: DeployOptions::default(),
            ..UpgradeRequest::default()
        };
        let context = Context {
            target: &self.target,
            namespace: "default",
            who: &Holder::default(),
            clock: &|| Timestamp::UNIX_EPOCH,
            liveness: &Gone,
            cancel: &CancellationToken::new(),
            progress: &Silent,
        };
        rhumb_action::upgrade(&context, &request).await
    }

    /// The digests of the password and of the address, as the platform keeps them.
    fn digests(&self) -> (String, String) {
        let digest = |key: &str| find(&read(&self.folder.path().join("state.json")), key).unwrap();
        (digest("password"), digest("url"))
    }
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The digest of the material under a key, wherever in the state.
fn find(state: &Value, key: &str) -> Option<String> {
    if let Some(digest) = state.pointer(&format!("/material/{key}/sha256")) {
        return digest.as_str().map(str::to_owned);
    }
    match state {
        Value::Object(map) => map.values().find_map(|value| find(value, key)),
        Value::Array(items) => items.iter().find_map(|value| find(value, key)),
        _ => None,
    }
}

#[tokio::test]
async fn cut_short_at_any_write_the_next_run_makes_secrets_that_agree() {
    for when in [When::Before, When::After] {
        for nth in 1.. {
            let world = World::new();
            world.faults.die(Call::Apply, nth, when);
            let is_done = world.upgrade().await.is_ok();
            world.faults.revive();
            let again = world.upgrade().await;
            assert!(again.is_ok(), "{when:?} write {nth}: {}", again.unwrap_err());
            let (password, url) = world.digests();
            assert_eq!(password, url, "{when:?} write {nth}");
            let before = (password, url);
            world.upgrade().await.unwrap();
            assert_eq!(world.digests(), before, "an upgrade keeps what was made");
            if is_done {
                assert!(nth > 4, "two secrets and two workloads are written");
                break;
            }
        }
    }
}
