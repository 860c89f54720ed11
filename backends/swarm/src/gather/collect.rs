//! Reading what runs, whoever made it.

use std::collections::BTreeSet;

use rhumb_backend::{Error, ErrorKind, Gathered, ImportQuery, Result};
use serde_json::{Value, json};

use crate::connect::{Call, Engine};
use crate::kind::Kind;

/// Reads the services that bear the selector's labels, and the networks, configs and secrets that they use or that bear them
/// too. Records of releases are used by no service and bear no stack's label.
///
/// The selector is a list of labels as `docker service ls --filter label=` takes them: `team=web,tier`.
///
/// # Errors
/// What the engine answers; `Invalid` for a selector with another operator.
pub(crate) async fn collect(engine: &Engine, query: &ImportQuery) -> Result<Gathered> {
    let mut found = super::gather(vec![Value::Array(documents(engine, query).await?)]);
    found.origins.clear();
    Ok(found)
}

/// The documents of [`collect`], as the engine answers them.
pub(crate) async fn documents(engine: &Engine, query: &ImportQuery) -> Result<Vec<Value>> {
    let labels = labels(query.selector.as_deref())?;
    let services = list(engine, Kind::Service, &labels).await?;
    let used = used(&services);
    let mut documents = services;
    for kind in [Kind::Network, Kind::Config, Kind::Secret] {
        let chosen: BTreeSet<String> = if labels.is_empty() {
            BTreeSet::new()
        } else {
            list(engine, kind, &labels).await?.iter().filter_map(id).map(str::to_owned).collect()
        };
        let all = list(engine, kind, &[]).await?;
        let is_wanted =
            |document: &Value| id(document).is_some_and(|id| used.contains(id) || chosen.contains(id));
        documents.extend(all.into_iter().filter(is_wanted));
    }
    Ok(documents)
}

fn labels(selector: Option<&str>) -> Result<Vec<String>> {
    let parts = selector.into_iter().flat_map(|selector| selector.split(',')).map(str::trim);
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let is_wrong = |part: &&String| part.contains("!=") || part.contains("==") || part.starts_with('=');
    if let Some(wrong) = parts.iter().find(is_wrong) {
        let message = format!("`{wrong}` is no label that Docker looks for");
        return Err(Error::new(ErrorKind::Invalid, "list services", message).remedy("label=value or label"));
    }
    Ok(parts)
}

async fn list(engine: &Engine, kind: Kind, labels: &[String]) -> Result<Vec<Value>> {
    let call = Call::get(kind.listing(), kind.path());
    let call = if labels.is_empty() { call } else { call.filters(&json!({ "label": labels })) };
    engine.json(call).await
}

fn id(document: &Value) -> Option<&str> {
    document.get("ID").or_else(|| document.get("Id"))?.as_str()
}

/// The ids of networks, configs and secrets that services use.
fn used(services: &[Value]) -> BTreeSet<String> {
    let lists = [
        ("/Spec/TaskTemplate/ContainerSpec/Configs", "ConfigID"),
        ("/Spec/TaskTemplate/ContainerSpec/Secrets", "SecretID"),
        ("/Spec/TaskTemplate/Networks", "Target"),
    ];
    let mut found = BTreeSet::new();
    for service in services {
        for (list, key) in lists {
            let items = service.pointer(list).and_then(Value::as_array).into_iter().flatten();
            found.extend(items.filter_map(|item| item.get(key)?.as_str()).map(str::to_owned));
        }
    }
    found
}
