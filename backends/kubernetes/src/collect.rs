//! What somebody made in a namespace, read from the cluster.

use futures_util::stream::{self, StreamExt as _};
use rhumb_backend::{Error, ErrorKind, Gathered, ImportQuery, Result};
use rhumb_spec::Diagnostic;
use serde_json::Value;

use crate::connect::{Call, Cluster, Selection};
use crate::gather;
use crate::resource::Resource;

/// Resources of which nobody makes objects by hand, or which say nothing that is not said elsewhere.
const WRITTEN: [&str; 8] = [
    "bindings",
    "controllerrevisions",
    "endpoints",
    "endpointslices",
    "events",
    "leases",
    "localsubjectaccessreviews",
    "podmetrics",
];

/// Types of secrets that tools keep their own affairs in, and those that the cluster fills.
const AFFAIRS: [&str; 4] = [
    "rhumb.dev/release",
    "helm.sh/release.v1",
    "kubernetes.io/service-account-token",
    "bootstrap.kubernetes.io/token",
];

/// How many kinds are read at one time.
const AT_ONCE: usize = 4;

/// A kind that the cluster serves in namespaces.
struct Served {
    resource: Resource,
    kind: String,
}

/// Reads every object of a namespace that somebody made.
pub(crate) async fn collect(cluster: &Cluster, query: &ImportQuery) -> Result<Gathered> {
    let kinds = served(cluster).await?;
    let selection = Selection { labels: query.selector.clone().unwrap_or_default(), fields: String::new() };
    let lists = stream::iter(kinds).map(|served| {
        let selection = &selection;
        async move {
            let path = served.resource.path(&query.namespace);
            let call = Call::get(format!("list {}", served.resource.plural), path);
            (cluster.list(call, selection).await, served)
        }
    });
    let mut lists: Vec<_> = lists.buffer_unordered(AT_ONCE).collect().await;
    lists.sort_by(|(_, one), (_, other)| {
        (&one.kind, &one.resource.api_version).cmp(&(&other.kind, &other.resource.api_version))
    });
    let (mut bodies, mut notes) = (Vec::new(), Vec::new());
    for (list, served) in lists {
        match list {
            Ok(items) => bodies.extend(items.into_iter().filter_map(|item| complete(item, &served))),
            Err(error) => notes.push(unread(&served, error)?),
        }
    }
    let mut found = gather::gather(bodies);
    found.origins.clear();
    found.notes.extend(notes);
    Ok(found)
}

/// The kinds that can be listed in a namespace, each in the version that the server prefers.
async fn served(cluster: &Cluster) -> Result<Vec<Served>> {
    let operation = "ask which kinds the cluster serves";
    let groups: Value = cluster.json(Call::get(operation, "/apis")).await?;
    let groups = groups.get("groups").and_then(Value::as_array).cloned().unwrap_or_default();
    let version =
        |group: &Value| group.pointer("/preferredVersion/groupVersion")?.as_str().map(str::to_owned);
    let mut versions = vec!["v1".to_owned()];
    versions.extend(groups.iter().filter_map(version));
    let mut found = Vec::new();
    for version in versions {
        let root = if version.contains('/') { "/apis" } else { "/api" };
        // A group whose own server does not answer has nothing that could be read.
        let Some(list) =
            answered(cluster.json::<Value>(Call::get(operation, format!("{root}/{version}"))).await)?
        else {
            continue;
        };
        let resources = list.get("resources").and_then(Value::as_array).cloned().unwrap_or_default();
        found.extend(resources.iter().filter_map(|resource| read(resource, &version)));
    }
    Ok(found)
}

fn answered(answer: Result<Value>) -> Result<Option<Value>> {
    match answer {
        Ok(list) => Ok(Some(list)),
        Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Platform) => Ok(None),
        Err(error) => Err(error),
    }
}

fn read(resource: &Value, version: &str) -> Option<Served> {
    let text = |key: &str| resource.get(key).and_then(Value::as_str);
    let plural = text("name")?.to_owned();
    let verbs = resource.get("verbs").and_then(Value::as_array)?;
    let is_listed = verbs.iter().any(|verb| verb == "list") && verbs.iter().any(|verb| verb == "create");
    let namespaced = resource.get("namespaced") == Some(&Value::Bool(true));
    let is_wanted = namespaced && is_listed && !plural.contains('/') && !WRITTEN.contains(&plural.as_str());
    let resource = Resource { api_version: version.to_owned(), plural, namespaced };
    is_wanted.then(|| Served { resource, kind: text("kind").unwrap_or_default().to_owned() })
}

/// An item of a list with its kind, unless nobody made it.
fn complete(mut item: Value, served: &Served) -> Option<Value> {
    let fields = item.as_object_mut()?;
    fields.insert("apiVersion".to_owned(), served.resource.api_version.clone().into());
    fields.insert("kind".to_owned(), served.kind.clone().into());
    let text = |at: &str| item.pointer(at).and_then(Value::as_str).unwrap_or_default();
    let owners = item.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let is_owned =
        owners.is_some_and(|owners| owners.iter().any(|owner| owner.get("controller") == Some(&true.into())));
    let is_the_clusters = matches!(
        (served.kind.as_str(), text("/metadata/name")),
        ("ServiceAccount", "default") | ("ConfigMap", "kube-root-ca.crt") | ("Service", "kubernetes")
    );
    let is_affair = served.kind == "Secret" && AFFAIRS.contains(&text("/type"));
    let is_going = item.pointer("/metadata/deletionTimestamp").is_some();
    (!is_owned && !is_the_clusters && !is_affair && !is_going).then_some(item)
}

/// What may not be read is told; any other failure ends the work.
fn unread(served: &Served, error: Error) -> Result<Diagnostic> {
    match error.kind {
        ErrorKind::Forbidden | ErrorKind::NotFound | ErrorKind::Unsupported => {
            let what = format!("the {} of the namespace are not imported", served.resource.plural);
            let remedy = format!("a user who may list {}", served.resource.plural);
            Ok(Diagnostic::warning("", what).why(error.message).remedy(remedy))
        }
        _ => Err(error),
    }
}
