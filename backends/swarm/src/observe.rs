//! What is there.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use rhumb_backend::{Error, Live, Object, ObjectId, Observed, Ownership, Result, Scope};
use serde_json::{Value, json};

use crate::connect::{Call, Engine};
use crate::health::{self, Patience};
use crate::kind::Kind;
use crate::names;
use crate::rollout::given_up;

/// Looks at these ids and at whatever bears the release's marks: one list for each kind, all at once, and another for
/// names that are wanted and not found among ours.
///
/// # Errors
/// When no kind can be listed. What could not be read of a single kind is in [`Observed::unreadable`].
pub(crate) async fn observe(
    engine: &Engine,
    patience: &Patience,
    scope: &Scope,
    ids: &[ObjectId],
) -> Result<Observed> {
    // One connection before many calls: each would else try its own.
    engine.connected().await?;
    let kinds = join_all(Kind::ALL.map(|kind| observe_kind(engine, scope, kind, ids))).await;
    if kinds.iter().all(Result::is_err) {
        return kinds.into_iter().next().unwrap_or_else(|| Ok(Vec::new())).map(|_| Observed::default());
    }
    let mut observed = Observed::default();
    for (kind, found) in Kind::ALL.into_iter().zip(kinds) {
        match found {
            Ok(objects) => observed.objects.extend(objects),
            Err(error) => mark_unreadable(&mut observed, kind, ids, &error),
        }
    }
    health::tell_rollouts(engine, patience, &mut observed.objects).await?;
    Ok(observed)
}

fn mark_unreadable(observed: &mut Observed, kind: Kind, ids: &[ObjectId], error: &Error) {
    let ids = ids.iter().filter(|id| Kind::of(id) == Some(kind));
    observed.unreadable.extend(ids.map(|id| (id.clone(), error.to_string())));
}

async fn observe_kind(engine: &Engine, scope: &Scope, kind: Kind, ids: &[ObjectId]) -> Result<Vec<Live>> {
    let mut found = ours(engine, scope, kind).await?;
    let known: BTreeSet<_> = found.iter().map(|live| live.object.id.clone()).collect();
    let missing = ids.iter().filter(|id| Kind::of(id) == Some(kind) && !known.contains(*id));
    let wanted: BTreeMap<_, _> =
        missing.filter_map(|id| Some((kind.fixed_name(scope, id)?, id.clone()))).collect();
    if !wanted.is_empty() {
        found.extend(by_name(engine, scope, kind, &wanted).await?);
    }
    Ok(found)
}

/// Every object of a kind that bears the release's marks.
pub(crate) async fn ours(engine: &Engine, scope: &Scope, kind: Kind) -> Result<Vec<Live>> {
    let marks = [
        format!("{}={}", names::RELEASE, scope.release),
        format!("{}={}", names::NAMESPACE, scope.namespace),
    ];
    let call = Call::get(kind.listing(), kind.path()).filters(&json!({ "label": marks }));
    let documents = engine.json::<Vec<Value>>(call).await?;
    let found = documents.iter().filter_map(|document| {
        let mut live = live(kind, document, object_id(document)?)?;
        let state = document.pointer("/UpdateStatus/State").and_then(Value::as_str);
        live.outputs.extend(state.and_then(given_up).map(|why| (Live::GIVEN_UP.to_owned(), why.to_owned())));
        Some(live)
    });
    Ok(found.collect())
}

/// Objects by their names, which are wanted under these ids.
async fn by_name(
    engine: &Engine,
    scope: &Scope,
    kind: Kind,
    wanted: &BTreeMap<String, ObjectId>,
) -> Result<Vec<Live>> {
    let names: Vec<_> = wanted.keys().collect();
    let call = Call::get(kind.listing(), kind.path()).filters(&json!({ "name": names }));
    let documents = engine.json::<Vec<Value>>(call).await?;
    // The filter finds names that begin with, or hold, the one that is asked for.
    let found = documents.iter().filter_map(|document| {
        let id = wanted.get(name_of(document)?)?;
        named(scope, kind, document, id)
    });
    Ok(found.collect())
}

fn named(scope: &Scope, kind: Kind, document: &Value, id: &ObjectId) -> Option<Live> {
    let mut live = live(kind, document, id.clone())?;
    if names::external_parts(id).is_some() {
        live.object.ownership = Ownership::External;
    } else {
        live.foreign = foreign(scope, id, document);
    }
    Some(live)
}

/// Reads one object by its id or name on the swarm; none when there is no such thing.
pub(crate) async fn one(
    engine: &Engine,
    scope: &Scope,
    kind: Kind,
    native: &str,
    id: &ObjectId,
) -> Result<Option<Live>> {
    let document = match kind {
        Kind::Network => network(engine, native).await?,
        _ => engine.find::<Value>(Call::get(kind.reading(), format!("{}/{native}", kind.path()))).await?,
    };
    Ok(document.and_then(|document| named(scope, kind, &document, id)))
}

/// Only the list shows a network of the swarm as it was asked for, and not as the node has it.
async fn network(engine: &Engine, native: &str) -> Result<Option<Value>> {
    let call = Call::get(Kind::Network.reading(), Kind::Network.path());
    let networks = engine.json::<Vec<Value>>(call).await?;
    let is_meant =
        |network: &Value| ["Id", "Name"].iter().any(|key| network.get(key) == Some(&json!(native)));
    Ok(networks.into_iter().find(|network| is_meant(network) && !is_remnant(network)))
}

/// Whether a network is gone from the swarm, and a node has not noticed yet: it then shows what is attached to it.
///
/// Source: moby, `api/server/router/network`, `getNetworksList`.
fn is_remnant(document: &Value) -> bool {
    let is_there = |key: &str| document.get(key).is_some_and(|value| !value.is_null());
    document.get("Scope").and_then(Value::as_str) == Some("swarm")
        && (is_there("Containers") || is_there("Peers"))
}

/// Why an object is not this release's, if it is not.
pub(crate) fn foreign(scope: &Scope, id: &ObjectId, document: &Value) -> Option<String> {
    let label = |name: &str| label_of(document, name);
    match (label(names::RELEASE), label(names::NAMESPACE)) {
        (Some(release), Some(namespace)) if release == scope.release && namespace == scope.namespace => {
            let object = label(names::OBJECT).unwrap_or("nothing known");
            (object != id.as_str()).then(|| format!("this release has it as {object}"))
        }
        (Some(release), namespace) => {
            let namespace = namespace.unwrap_or(Scope::DEFAULT_NAMESPACE);
            Some(format!("it belongs to the release {release} in the namespace {namespace}"))
        }
        _ => Some(label(names::STACK).map_or_else(
            || "it was not made by a release".to_owned(),
            |stack| format!("it belongs to the stack {stack}, which is no release"),
        )),
    }
}

/// An object as the contract wants it; none when the document has neither id nor name, or is of something that is
/// gone.
pub(crate) fn live(kind: Kind, document: &Value, id: ObjectId) -> Option<Live> {
    if kind == Kind::Network && is_remnant(document) {
        return None;
    }
    let native = document.get(if kind.has_spec() { "ID" } else { "Id" })?.as_str()?.to_owned();
    let name = name_of(document)?.to_owned();
    let body = if kind.has_spec() { document.get("Spec")? } else { document };
    let mut object = Object::new(id, body.clone());
    object.generation = label_of(document, names::GENERATION).map(ToOwned::to_owned);
    object.once = label_of(document, names::CONTENT).map(ToOwned::to_owned);
    object.workload = label_of(document, names::WORKLOAD).map(ToOwned::to_owned);
    object.sensitive = kind == Kind::Secret;
    Some(Live {
        object,
        version: document.pointer("/Version/Index").and_then(Value::as_u64).map(|index| index.to_string()),
        outputs: BTreeMap::from([("id".to_owned(), native.clone()), ("name".to_owned(), name)]),
        holds: held(document),
        foreign: None,
        native,
    })
}

/// The ids of configs, secrets and networks that a service has, or would have again if the engine rolled it back.
fn held(document: &Value) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for spec in ["/Spec", "/PreviousSpec"].iter().filter_map(|spec| document.pointer(spec)) {
        let lists = [
            ("/TaskTemplate/ContainerSpec/Configs", "ConfigID"),
            ("/TaskTemplate/ContainerSpec/Secrets", "SecretID"),
            ("/TaskTemplate/Networks", "Target"),
            ("/Networks", "Target"),
        ];
        for (list, key) in lists {
            let entries = spec.pointer(list).and_then(Value::as_array).into_iter().flatten();
            ids.extend(entries.filter_map(|entry| entry.get(key)?.as_str()).map(ToOwned::to_owned));
        }
    }
    ids
}

fn object_id(document: &Value) -> Option<ObjectId> {
    label_of(document, names::OBJECT).map(ObjectId::from)
}

fn name_of(document: &Value) -> Option<&str> {
    document.pointer("/Spec/Name").or_else(|| document.get("Name"))?.as_str()
}

pub(crate) fn label_of<'a>(document: &'a Value, name: &str) -> Option<&'a str> {
    let labels = document.pointer("/Spec/Labels").or_else(|| document.get("Labels"))?;
    labels.get(name)?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(labels: &Value) -> Value {
        json!({
            "ID": "s1",
            "Version": { "Index": 18_446_744_073_709_551_615_u64 },
            "Spec": {
                "Name": "shop_web",
                "Labels": labels,
                "TaskTemplate": {
                    "ContainerSpec": { "Configs": [{ "ConfigID": "c2" }], "Secrets": [{ "SecretID": "x1" }] },
                    "Networks": [{ "Target": "n1" }],
                },
            },
            "PreviousSpec": { "TaskTemplate": { "ContainerSpec": { "Configs": [{ "ConfigID": "c1" }] } } },
        })
    }

    #[test]
    fn what_the_previous_spec_names_is_held_too() {
        let live = live(Kind::Service, &service(&json!({})), ObjectId::from("service/web")).unwrap();
        assert_eq!(live.holds, ["c1", "c2", "n1", "x1"].map(ToOwned::to_owned).into());
        assert_eq!(live.version.as_deref(), Some("18446744073709551615"));
    }

    #[test]
    fn a_network_that_is_gone_lives_on_in_a_node() {
        let mut network = json!({ "Name": "n", "Id": "1", "Scope": "swarm", "Containers": null });
        assert!(live(Kind::Network, &network, ObjectId::from("network/n")).is_some());
        network["Containers"] = json!({});
        assert!(live(Kind::Network, &network, ObjectId::from("network/n")).is_none());
    }

    #[test]
    fn who_else_has_a_name_is_told() {
        let scope = Scope::new("default", "shop");
        let id = ObjectId::from("service/web");
        let check = |labels: Value, expect: Option<&str>| {
            assert_eq!(foreign(&scope, &id, &service(&labels)).as_deref(), expect);
        };
        check(json!({}), Some("it was not made by a release"));
        check(
            json!({ "com.docker.stack.namespace": "old" }),
            Some("it belongs to the stack old, which is no release"),
        );
        check(
            json!({ "rhumb.dev/release": "shop", "rhumb.dev/namespace": "prod" }),
            Some("it belongs to the release shop in the namespace prod"),
        );
        let ours = |object: &str| json!({ "rhumb.dev/release": "shop", "rhumb.dev/namespace": "default", "rhumb.dev/object": object });
        check(ours("service/web"), None);
        check(ours("service/api"), Some("this release has it as service/api"));
    }
}
