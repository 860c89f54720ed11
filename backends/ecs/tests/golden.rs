//! Golden files: an app, and what it becomes on ECS.
//!
//! `<subject>.app.yaml` is the app, `<subject>.facts.yaml`, where it is there, what is known of the account, and
//! `<subject>.ecs.yaml` what comes of it. Set `RHUMB_BLESS=1` to write the last ones anew, and read the difference.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod offline;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rhumb_backend::{Choices, Lowered};
use rhumb_ecs::facts::EcsFacts;
use rhumb_spec::yaml;
use serde_json::{Map, Value, json};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The subjects, in the order of their names.
fn subjects() -> Vec<String> {
    let files = std::fs::read_dir(folder()).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut subjects: Vec<String> =
        names.filter_map(|name| name.strip_suffix(".app.yaml").map(str::to_owned)).collect();
    subjects.sort();
    subjects
}

fn facts_of(subject: &str) -> EcsFacts {
    match std::fs::read_to_string(folder().join(format!("{subject}.facts.yaml"))) {
        Ok(text) => serde_json::from_value(yaml::value_from_str(&text).unwrap()).unwrap(),
        Err(_) => EcsFacts::default(),
    }
}

fn text_of(lowered: &Lowered) -> String {
    let mut text = String::new();
    for object in &lowered.objects {
        let mut document = Map::new();
        let mut about = serde_json::to_value(object).unwrap();
        document.insert("id".to_owned(), object.id.as_str().into());
        for field in ["ownership", "generation", "once", "workload", "sequence", "after"] {
            document.extend(about.get_mut(field).map(|value| (field.to_owned(), value.take())));
        }
        document.insert("body".to_owned(), object.body.clone());
        let _ = writeln!(text, "---\n{}", yaml::to_string(&Value::Object(document)).unwrap().trim_end());
    }
    let losses: Vec<Value> = lowered
        .losses
        .iter()
        .map(|loss| json!({ "feature": loss.feature, "path": loss.path, "text": loss.text }))
        .collect();
    let about = json!({ "losses": losses, "choices": lowered.choices });
    let _ = writeln!(text, "---\n{}", yaml::to_string(&about).unwrap().trim_end());
    text
}

#[test]
fn apps_become_what_the_golden_files_say() {
    let subjects = subjects();
    assert!(subjects.len() >= 10, "only {} subjects", subjects.len());
    let mut wrong = Vec::new();
    for subject in subjects {
        let app =
            offline::parse(&std::fs::read_to_string(folder().join(format!("{subject}.app.yaml"))).unwrap());
        let text = match offline::lowered(&app, &facts_of(&subject), &Choices::default()) {
            Ok(lowered) => text_of(&lowered),
            Err(diagnostics) => panic!("{subject}: {}", offline::texts(&diagnostics)),
        };
        let expected = folder().join(format!("{subject}.ecs.yaml"));
        if std::env::var_os("RHUMB_BLESS").is_some() {
            std::fs::write(&expected, &text).unwrap();
        }
        if std::fs::read_to_string(&expected).unwrap_or_default() != text {
            wrong.push(subject);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?} differ; look at them and set RHUMB_BLESS=1");
}
