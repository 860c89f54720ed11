//! Who leaves and comes back has the same app: what was exported, imported again, becomes the same documents.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rhumb_action::{
    ChartInputs, Existing, FactsFrom, Folders, ImportInput, ImportRequest, SecretFiles, TemplateRequest,
    ValueInput, ValueInputs, template,
};
use rhumb_backend::material::Demand;
use rhumb_backend::{Backend, Object};
use rhumb_integration::conformance::roundtrip::{compare, unmarked};
use rhumb_kubernetes::{Environment, Kubernetes, Settings};
use serde_json::Value;

use super::exported::request;
use super::{CASES, root};

fn given(values: &[&str]) -> ValueInputs {
    ValueInputs(values.iter().map(|text| ValueInput::Set((*text).to_owned())).collect())
}

async fn objects(backend: &dyn Backend, name: &str, chart: PathBuf, values: ValueInputs) -> Vec<Object> {
    let request = TemplateRequest {
        name: name.to_owned(),
        namespace: "default".to_owned(),
        inputs: ChartInputs { chart, values, ..ChartInputs::default() },
        is_upgrade: false,
        facts: FactsFrom::Defaults,
    };
    let templated = template(backend, &request).await;
    templated.unwrap_or_else(|error| panic!("{name}: {error}")).objects
}

/// A way out of rhumb and back.
struct Way<'a> {
    /// Whose files are written. The documents that are compared are its own.
    exporter: &'a dyn Backend,
    /// Who reads them.
    importer: &'a dyn Backend,
    /// What is read of the folder.
    read: &'a str,
}

/// Exports a chart, imports the files, and returns the documents of what came back.
async fn back(way: &Way<'_>, chart: &str, values: &[&str], folder: &Path) -> Vec<Object> {
    let out = folder.join(chart);
    let request = request(chart, values, out.clone(), SecretFiles::Written);
    rhumb_action::export(way.exporter, &request, jiff::Timestamp::UNIX_EPOCH).await.expect("it is exported");
    let imported = folder.join("imported").join(chart);
    let request = ImportRequest { name: None, out: imported.clone(), existing: Existing::Keep };
    let inputs = [ImportInput::Path(out.join(way.read))];
    rhumb_action::import_files(way.importer, &inputs, Folders::Flat, &request).expect("it is imported");
    let secrets = imported.join("secrets.values.yaml");
    let values = secrets.exists().then_some(ValueInput::File(secrets));
    objects(way.exporter, chart, imported, ValueInputs(values.into_iter().collect())).await
}

/// Documents by id, under plain names, with one word for all secret material: what was made is a value of the chart now.
fn comparable(objects: &[Object]) -> Value {
    let native = |object: &Object| {
        let name = object.body.pointer("/metadata/name").or_else(|| object.body.get("Name"));
        name?.as_str().map(str::to_owned)
    };
    let hashed = objects.iter().filter(|object| object.generation.is_some());
    let plain: BTreeMap<String, String> =
        hashed.filter_map(|object| Some((native(object)?, object.id.name().to_owned()))).collect();
    let bodies = unmarked(objects).into_iter().map(|object| {
        let body = rhumb_backend::export::map_texts(&object.body, &|text| plain.get(text).cloned());
        (object.id.to_string(), without_material(&body))
    });
    Value::Object(bodies.collect())
}

fn without_material(value: &Value) -> Value {
    if Demand::parse(value).is_some() {
        return "material".into();
    }
    match value {
        Value::Array(items) => items.iter().map(without_material).collect(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (key.clone(), without_material(value))).collect())
        }
        other => other.clone(),
    }
}

/// Every case of every chart becomes the same documents again.
async fn hold(way: &Way<'_>) {
    let mut failed = Vec::new();
    for (chart, case, values) in CASES {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let before = objects(way.exporter, chart, root().join("charts").join(chart), given(values)).await;
        let after = back(way, chart, values, folder.path()).await;
        let mut differences = Vec::new();
        compare(&comparable(&before), &comparable(&after), "", &mut differences);
        if !differences.is_empty() {
            failed.push(format!("{chart} ({case}): {differences:#?}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[tokio::test]
async fn charts_come_back_through_manifests() {
    let backend = Kubernetes::new(Settings::default(), Environment::default());
    hold(&Way { exporter: &backend, importer: &backend, read: "" }).await;
}
