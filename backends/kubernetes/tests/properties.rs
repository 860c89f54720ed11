//! What holds for every app: lowering gives the same twice, never panics, and keeps its own rules.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod offline;

use std::collections::BTreeSet;

use proptest::prelude::*;
use rhumb_backend::{Choices, Object, Ownership};
use rhumb_kubernetes::facts::KubernetesFacts;
use rhumb_kubernetes::{lower, names};
use serde_json::Value;

/// Apps of every subject, whole or in parts: the golden apps, of which documents are taken and given other names.
fn documents() -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let apps = files.into_iter().filter(|path| path.to_string_lossy().ends_with(".app.yaml"));
    apps.map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

fn facts() -> impl Strategy<Value = KubernetesFacts> {
    (proptest::sample::subsequence(KubernetesFacts::APIS.to_vec(), 0..=9), any::<bool>()).prop_map(
        |(apis, is_live)| KubernetesFacts {
            version: is_live.then(|| "v1.36.0".to_owned()),
            apis: apis.into_iter().map(str::to_owned).collect(),
            ingress_classes: is_live.then(Default::default),
            storage_classes: is_live.then(Default::default),
            ..KubernetesFacts::default()
        },
    )
}

fn text(object: &Object, at: &str) -> String {
    object.body.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned()
}

proptest! {
    #[test]
    fn lowering_is_a_function(at in any::<prop::sample::Index>(), facts in facts()) {
        let documents = documents();
        let app = offline::parse(at.get::<String>(&documents));
        let once = offline::lowered(&app, &facts, &Choices::default());
        prop_assert_eq!(once, offline::lowered(&app, &facts, &Choices::default()));
    }

    #[test]
    fn text_that_is_escaped_comes_back(words in prop::collection::vec("[$()A-Z a-z]{0,12}", 1..4)) {
        let mut app = offline::parse("kind: Workload\nname: web\ncontainers: { web: { image: 'a:1' } }");
        app.workloads.get_mut("web").unwrap().containers["web"].args.clone_from(&words);
        let lowered = offline::lowered(&app, &KubernetesFacts::default(), &Choices::default()).unwrap();
        let args = lowered.objects[0].body.pointer("/spec/template/spec/containers/0/args").unwrap();
        let back: Option<Vec<String>> =
            args.as_array().unwrap().iter().map(|word| lower::unescape(word.as_str().unwrap())).collect();
        prop_assert_eq!(back, Some(words));
    }
}

#[test]
fn every_object_bears_the_marks_and_only_what_is_there_is_waited_for() {
    for document in documents() {
        let app = offline::parse(&document);
        let mut facts = KubernetesFacts::default();
        facts.apis.insert("gateway.networking.k8s.io/v1".to_owned());
        let lowered = offline::lowered(&app, &facts, &Choices::default()).unwrap();
        let ids: BTreeSet<_> = lowered.objects.iter().map(|object| &object.id).collect();
        assert_eq!(ids.len(), lowered.objects.len(), "an id is there twice");
        for object in &lowered.objects {
            assert!(object.after.iter().all(|after| ids.contains(&after.id)), "{}", object.id);
            if object.ownership == Ownership::External {
                continue;
            }
            assert_eq!(text(object, "/metadata/labels/app.kubernetes.io~1managed-by"), names::FIELD_MANAGER);
            assert_eq!(text(object, "/metadata/labels/app.kubernetes.io~1instance"), "shop");
            let selector = object.body.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
            let keys = selector.map(|labels| labels.keys().cloned().collect::<Vec<_>>());
            assert!(keys.is_none_or(|keys| keys == [names::NAME, names::INSTANCE]), "{}", object.id);
        }
    }
}

/// What is empty would be ours for ever: the server drops it, and the next plan finds it missing.
#[test]
fn nothing_is_empty_but_what_means_something() {
    fn empty(value: &Value, at: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(map) if map.is_empty() => found.push(at.to_owned()),
            Value::Array(items) if items.is_empty() => found.push(at.to_owned()),
            Value::Null => found.push(at.to_owned()),
            Value::String(text) if text.is_empty() => found.push(at.to_owned()),
            Value::Object(map) => {
                map.iter().for_each(|(key, value)| empty(value, &format!("{at}/{key}"), found));
            }
            Value::Array(items) => items.iter().for_each(|item| empty(item, &format!("{at}/*"), found)),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    // An empty folder, every pod, everything that goes out, the controller's own certificate, no storage class, and
    // how a password is made.
    let meant = ["/emptyDir", "/namespaceSelector", "/egress/*", "/tls/*", "/storageClassName", "/how"];
    for document in documents().iter().filter(|document| !document.contains("kind: Native")) {
        let mut facts = KubernetesFacts::default();
        facts.apis.insert("gateway.networking.k8s.io/v1".to_owned());
        let lowered = offline::lowered(&offline::parse(document), &facts, &Choices::default()).unwrap();
        for object in lowered.objects {
            let mut found = Vec::new();
            empty(&object.body, "", &mut found);
            found.retain(|at| !meant.iter().any(|meant| at.ends_with(meant)));
            assert!(found.is_empty(), "{}: {found:?}", object.id);
        }
    }
}
