//! What holds for every app: lowering gives the same twice, never panics, and keeps its own rules.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod offline;

use std::collections::BTreeSet;

use proptest::prelude::*;
use rhumb_backend::{Choices, Ownership};
use rhumb_marathon::facts::{MarathonFacts, Naming};
use rhumb_marathon::kind::Kind;
use rhumb_marathon::{lift, names};
use rhumb_spec::model::{IntOrPercent, Update};
use serde_json::Value;

/// The golden apps.
fn documents() -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let apps = files.into_iter().filter(|path| path.to_string_lossy().ends_with(".app.yaml"));
    apps.map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

fn facts() -> impl Strategy<Value = MarathonFacts> {
    let numbers = (1..20_u32, prop::option::of(Just("dcos".to_owned())), prop::bool::ANY);
    (prop::array::uniform6(any::<bool>()), numbers).prop_map(|(flags, (agents, network, is_vip))| {
        MarathonFacts {
            version: if flags[0] { "1.11.24" } else { "1.9.100" }.to_owned(),
            secrets: flags[1],
            external_volumes: flags[2],
            gpus: flags[3],
            metronome: flags[4],
            chronos: flags[5],
            network,
            naming: if is_vip { Naming::Vip } else { Naming::MesosDns },
            agents,
            ..MarathonFacts::default()
        }
    })
}

proptest! {
    #[test]
    fn lowering_is_a_function(at in any::<prop::sample::Index>(), facts in facts()) {
        let documents = documents();
        let app = offline::parse(at.get::<String>(&documents));
        let once = offline::lowered(&app, &facts, &Choices::default());
        prop_assert_eq!(once, offline::lowered(&app, &facts, &Choices::default()));
    }

    /// Marathon rounds the share that stays up and the share beside it down, and must come to the numbers of the app.
    #[test]
    fn shares_come_to_whole_replicas(replicas in 1..400_u32, missing in 0..400_u32, beside in 0..400_u32) {
        let (missing, beside) = (missing.min(replicas), beside.min(replicas));
        prop_assume!(missing > 0 || beside > 0);
        let mut app = offline::parse("kind: Workload\nname: web\ncontainers: { web: { image: 'a:1' } }");
        let web = app.workloads.get_mut("web").unwrap();
        web.replicas = Some(replicas);
        web.update = Some(Update {
            max_unavailable: Some(IntOrPercent::Int(missing)),
            max_surge: Some(IntOrPercent::Int(beside)),
            ..Update::default()
        });
        let lowered = offline::lowered(&app, &MarathonFacts::default(), &Choices::default()).unwrap();
        let share = |key: &str| lowered.objects[0].body["upgradeStrategy"][key].as_f64().unwrap();
        let least = (share("minimumHealthCapacity") * f64::from(replicas)).ceil();
        let most = (share("maximumOverCapacity") * f64::from(replicas)).floor();
        prop_assert_eq!((least, most), (f64::from(replicas - missing), f64::from(beside)));
    }

    /// What is lifted is an app, whatever the document says.
    #[test]
    fn lifting_never_panics(body in body(), kind in prop::sample::select(vec![Kind::App, Kind::Pod, Kind::Job])) {
        let object = rhumb_backend::Object::new(kind.id("a"), body);
        let lifted = lift::lift(std::slice::from_ref(&object));
        prop_assert_eq!(lifted.accounts.len(), 1);
        let account = &lifted.accounts[0];
        let told: usize = account.rest.iter().map(|rest| rest.fields).sum();
        prop_assert!(told <= account.fields, "{told} of {}", account.fields);
    }
}

/// Values of every shape.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-1..70_000_i64).prop_map(Value::from),
        "[a-z/.:]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(
        [
            "id",
            "container",
            "docker",
            "image",
            "portMappings",
            "containerPort",
            "hostPort",
            "servicePort",
            "labels",
            "VIP_0",
            "volumes",
            "containerPath",
            "hostPath",
            "persistent",
            "size",
            "external",
            "secret",
            "healthChecks",
            "protocol",
            "portIndex",
            "constraints",
            "networks",
            "mode",
            "name",
            "env",
            "parameters",
            "key",
            "value",
            "upgradeStrategy",
            "containers",
            "resources",
            "endpoints",
            "volumeMounts",
            "mountPath",
            "run",
            "schedules",
            "cron",
            "restart",
            "policy",
            "ipAddress",
            "ports",
            "uris",
            "type",
            "kind",
            "exec",
            "command",
            "argv",
            "HAPROXY_0_VHOST",
            "HAPROXY_GROUP",
        ]
        .to_vec(),
    )
    .prop_map(str::to_owned)
}

/// A document with an image, so that it is read.
fn body() -> impl Strategy<Value = Value> {
    prop::collection::vec((key(), any_value()), 0..10).prop_map(|pairs| {
        let mut body: serde_json::Map<String, Value> = pairs.into_iter().collect();
        body.insert("id".to_owned(), "/default/shop/a".into());
        for (at, field) in [("container", "docker"), ("run", "docker")] {
            let below = body.entry(at).or_insert_with(|| serde_json::json!({}));
            if let Some(docker) =
                below.as_object_mut().map(|below| below.entry(field).or_insert_with(|| serde_json::json!({})))
                && let Some(docker) = docker.as_object_mut()
            {
                docker.insert("image".to_owned(), "a:1".into());
            }
        }
        Value::Object(body)
    })
}

#[test]
fn every_object_bears_the_marks_and_only_what_is_there_is_waited_for() {
    for document in documents() {
        let facts =
            MarathonFacts { chronos: document.contains("retries: 2 }\nlabels"), ..MarathonFacts::default() };
        let Ok(lowered) = offline::lowered(&offline::parse(&document), &facts, &Choices::default()) else {
            continue;
        };
        let ids: BTreeSet<_> = lowered.objects.iter().map(|object| &object.id).collect();
        assert_eq!(ids.len(), lowered.objects.len(), "an id is there twice");
        for object in &lowered.objects {
            assert!(object.after.iter().all(|after| ids.contains(&after.id)), "{}", object.id);
            if object.ownership == Ownership::External {
                continue;
            }
            match Kind::of(&object.id).unwrap() {
                Kind::Secret | Kind::Config => {
                    let path = object.body["path"].as_str().unwrap();
                    assert!(path.starts_with("default/shop/"), "{path}");
                    assert!(path.ends_with(object.generation.as_deref().unwrap()), "{path}");
                }
                _ => assert_eq!(object.body["labels"][names::OBJECT], object.id.as_str()),
            }
        }
    }
}
