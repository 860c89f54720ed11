//! Secrets, and files of configs, in the DC/OS store.

use rhumb_backend::material::Demand;
use rhumb_backend::{Action, Backend, ErrorKind, Object, ObjectId};
use rhumb_spec::model::Generate;
use serde_json::{Value, json};

use crate::lab::{CANARY, app, failed, lab, step};

#[expect(clippy::needless_pass_by_value, reason = "the callers write literals")]
fn entry(id: &str, generation: &str, value: Value) -> Object {
    let id = ObjectId::from(id);
    let name = id.name().replace('/', "__").replace('.', "_");
    let prefix = if id.kind() == "config" { "config__" } else { "" };
    let path = format!("default/shop/{prefix}{name}-{generation}");
    Object {
        generation: Some(generation.to_owned()),
        sensitive: id.kind() == "secret",
        ..Object::new(id, json!({ "path": path, "value": value }))
    }
}

#[tokio::test]
async fn material_goes_into_the_store_and_nowhere_else() {
    let lab = lab();
    let sealed = Demand::Sealed("a".to_owned()).to_value();
    let secret = entry("secret/db/password", "0a", sealed.clone());
    let receipt = lab.create(&secret).await;
    assert!(lab.double.secret("default/shop/db__password-0a").unwrap().to_string().contains(CANARY));
    let live = lab.live(&secret).await.unwrap();
    for shown in [format!("{receipt:?}"), format!("{live:?}"), format!("{:?}", lab.marathon)] {
        assert!(!shown.contains(CANARY), "{shown}");
    }
    lab.create(&secret).await;
    let config = entry("config/web/nginx.conf", "0b", "server {}".into());
    lab.create(&config).await;
    assert!(lab.live(&config).await.is_some());

    let mut open = app("web", "nginx:1", 1);
    open.body["env"] = json!({ "PASSWORD": sealed });
    let error = failed(lab.apply(&step(Action::Create, &open, None)).await);
    assert_eq!(error.kind, ErrorKind::Invalid);
    lab.is_sound();
}

#[tokio::test]
async fn bytes_that_are_no_text_are_kept() {
    let lab = lab();
    let how: Generate = serde_json::from_value(json!({ "length": 24 })).unwrap();
    let demand = Demand::Generate { of: "secret/db/key".to_owned(), how, part: None };
    lab.create(&entry("secret/db/key", "0a", demand.to_value())).await;
    assert!(lab.double.secret("default/shop/db__key-0a").is_some());
}

#[tokio::test]
async fn generations_are_told_apart_and_old_ones_collected() {
    let lab = lab();
    let (old, new) = (
        entry("secret/db/password", "0a", Demand::Sealed("a".to_owned()).to_value()),
        entry("secret/db/password", "0b", Demand::Sealed("b".to_owned()).to_value()),
    );
    lab.create(&old).await;
    lab.create(&new).await;
    let observed = lab.observe(&[&new]).await;
    assert_eq!(observed.generations(&new.id).count(), 2);
    let live = observed.find(&old.id, Some("0a")).unwrap();
    lab.apply(&step(Action::Collect, &old, Some(live))).await.unwrap();
    lab.apply(&step(Action::Collect, &old, Some(live))).await.unwrap();
    assert!(lab.live(&old).await.is_none());
    assert!(lab.live(&new).await.is_some());
}

#[tokio::test]
async fn what_is_external_is_found_and_never_ours() {
    let lab = lab();
    let path = "/secrets/v1/secret/default/shared/token";
    let (status, _) = lab.foreign(reqwest::Method::PUT, path, &json!({ "value": CANARY })).await;
    assert_eq!(status, 201);
    let id = ObjectId::from("secret/shared/token");
    let observed = lab.marathon.observe(&lab.scope, std::slice::from_ref(&id)).await.unwrap();
    let live = observed.generations(&id).next().unwrap();
    assert!(live.foreign.is_some());
    assert!(!format!("{live:?}").contains(CANARY));
}
