//! Reading what runs, whoever made it.

use rhumb_backend::{Gathered, ImportQuery, Result, Scope};
use rhumb_spec::Diagnostic;
use serde_json::Value;

use crate::connect::{Call, Server, Service};
use crate::names;

/// Reads the apps and pods of a namespace's group, and the jobs of Metronome whose ids begin with it. The namespace of those
/// who name none is everything. Records of releases are left out.
///
/// The selector is Marathon's own for labels of apps (`team==blue`). Pods and jobs have none, so they are left out with one.
///
/// Source: Marathon REST API, `GET /v2/apps`, `label`.
///
/// # Errors
/// What Marathon answers; what Metronome answers is a note.
pub(crate) async fn collect(server: &Server, query: &ImportQuery) -> Result<Gathered> {
    let is_all = query.namespace == Scope::DEFAULT_NAMESPACE;
    let group = if is_all { "/".to_owned() } else { format!("/{}/", query.namespace) };
    let mut documents = apps(server, query).await?;
    if query.selector.is_none() {
        documents.extend(list(server, Call::get("list the pods", "/v2/pods")).await?);
    }
    documents.retain(|document| is_below(document, &group));
    let mut notes = Vec::new();
    if query.selector.is_none() && server.has(&Service::Metronome)? {
        let call = Call::get("list the jobs", "/v1/jobs").of(Service::Metronome).query("embed", "schedules");
        let prefix = format!("{}.", query.namespace);
        let is_here = |job: &Value| is_all || text(job).starts_with(&prefix);
        match list(server, call).await {
            Ok(jobs) => documents.extend(jobs.into_iter().filter(is_here)),
            Err(error) => notes.push(Diagnostic::warning("", "jobs are left out").why(error.to_string())),
        }
    }
    let mut found = super::gather(vec![Value::Array(documents)]);
    found.origins.clear();
    found.notes.extend(notes);
    Ok(found)
}

async fn apps(server: &Server, query: &ImportQuery) -> Result<Vec<Value>> {
    let mut call = Call::get("list the apps", "/v2/apps");
    if let Some(selector) = &query.selector {
        call = call.query("label", selector);
    }
    let found: Value = server.json(call).await?;
    Ok(found.get("apps").and_then(Value::as_array).cloned().unwrap_or_default())
}

async fn list(server: &Server, call: Call) -> Result<Vec<Value>> {
    let found: Value = server.json(call).await?;
    Ok(found.as_array().cloned().unwrap_or_default())
}

fn text(document: &Value) -> &str {
    document.get("id").and_then(Value::as_str).unwrap_or_default()
}

fn is_below(document: &Value, group: &str) -> bool {
    let id = text(document);
    id.starts_with(group) && !id.starts_with(&format!("{}/", names::RECORDS))
}
