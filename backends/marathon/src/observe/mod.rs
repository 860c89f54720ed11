//! What is there.

mod entry;
mod job;
mod service;

use std::collections::BTreeSet;

use futures_util::future::join4;
use rhumb_backend::{Error, Live, ObjectId, Observed, Result, Scope};
use serde_json::Value;

use crate::connect::{Call, Server};
use crate::document::{is_ours, label};
use crate::kind::Kind;
use crate::names;

pub(crate) use entry::STORE;
pub(crate) use job::{job_live, job_state, jobs, one_job};

pub(crate) use service::{EVERYTHING, apps, document, one_service};

/// Looks at these ids and at whatever bears the release's marks: one list of each server's things, all at once.
///
/// # Errors
/// When Marathon itself does not answer, or a server beside it does not that may answer later. What could not be read of a single kind is in [`Observed::unreadable`].
pub(crate) async fn observe(server: &Server, scope: &Scope, ids: &[ObjectId]) -> Result<Observed> {
    // One connection before many calls: each would else try its own.
    server.info().await?;
    let (services, jobs, chronos, entries) = join4(
        Box::pin(service::services(server, scope, ids)),
        Box::pin(job::metronome(server, scope, ids)),
        Box::pin(job::chronos(server, scope, ids)),
        Box::pin(entry::entries(server, scope, ids)),
    )
    .await;
    let mut observed = Observed { objects: services?, ..Observed::default() };
    for (kinds, found) in
        [(&[Kind::Job][..], jobs), (&[Kind::Chronos], chronos), (&[Kind::Secret, Kind::Config], entries)]
    {
        match found {
            Ok(objects) => observed.objects.extend(objects),
            // Whoever looks may look again.
            Err(error) if error.may_pass() && of_kinds(ids, kinds).next().is_some() => return Err(error),
            Err(error) => mark_unreadable(&mut observed, kinds, ids, &error),
        }
    }
    Ok(observed)
}

/// A server that nobody needs may be closed to us: then nothing is said of it.
fn mark_unreadable(observed: &mut Observed, kinds: &[Kind], ids: &[ObjectId], error: &Error) {
    tracing::debug!(?kinds, %error, "they are not read");
    observed.unreadable.extend(of_kinds(ids, kinds).map(|id| (id.clone(), error.to_string())));
}

fn of_kinds<'a>(ids: &'a [ObjectId], kinds: &'a [Kind]) -> impl Iterator<Item = &'a ObjectId> {
    ids.iter().filter(|id| Kind::of(id).is_some_and(|kind| kinds.contains(&kind)))
}

/// The platform's own id of an object that has one by its name: everything but secrets. A document of the user's own may
/// name a place outside of the release's group, which then is the object's name.
pub(crate) fn native(scope: &Scope, id: &ObjectId) -> Option<String> {
    match Kind::of(id)? {
        Kind::App | Kind::Pod if id.name().starts_with('/') => Some(id.name().to_owned()),
        Kind::App | Kind::Pod => Some(names::native(scope, id.name())),
        Kind::Job | Kind::Chronos => Some(names::job(scope, id.name())),
        Kind::Secret | Kind::Config => None,
    }
}

/// The id of something that bears labels: the one that it bears where it is ours, else the wanted one with its native.
fn id_of(scope: &Scope, kind: Kind, document: &Value, native: &str, ids: &[ObjectId]) -> Option<ObjectId> {
    let marked =
        || label(document, names::OBJECT).map(ObjectId::from).filter(|id| Kind::of(id) == Some(kind));
    if let Some(id) = is_ours(scope, document).then(marked).flatten() {
        return Some(id);
    }
    let of_kind = ids.iter().filter(|id| Kind::of(id) == Some(kind));
    of_kind.into_iter().find(|id| self::native(scope, id).as_deref() == Some(native)).cloned()
}

/// Why what bears a wanted name is not ours; none when it is.
fn foreign(scope: &Scope, id: &ObjectId, document: &Value) -> Option<String> {
    let of = |name| label(document, name);
    if is_ours(scope, document) {
        let object = of(names::OBJECT).filter(|object| *object != id.as_str())?;
        return Some(format!("this release has it as {object}"));
    }
    Some(match (of(names::RELEASE), of(names::NAMESPACE)) {
        (Some(release), Some(namespace)) => {
            format!("it belongs to the release {release} in the namespace {namespace}")
        }
        _ => "it was not made by a release".to_owned(),
    })
}

/// The paths of the secrets that an app, pod or job needs.
///
/// Source: Marathon REST API, `Secrets`: `{"secrets": {"<name>": {"source": "<path>"}}}`.
fn secrets_of(document: &Value) -> BTreeSet<String> {
    let places = [document.get("secrets"), document.pointer("/run/secrets")];
    let secrets = places.into_iter().flatten().filter_map(Value::as_object).flatten();
    secrets
        .filter_map(|(_, secret)| Some(secret.get("source")?.as_str()?.trim_start_matches('/').to_owned()))
        .collect()
}

/// An object as it is on the platform, without what is said of it.
struct Found<'a> {
    scope: &'a Scope,
    id: ObjectId,
    native: &'a str,
    document: &'a Value,
}

impl Found<'_> {
    fn live(self, body: Value) -> Live {
        let mut object = rhumb_backend::Object::new(self.id.clone(), body);
        object.workload = label(self.document, names::WORKLOAD).map(ToOwned::to_owned);
        Live {
            foreign: foreign(self.scope, &self.id, self.document),
            version: self.document.get("version").and_then(Value::as_str).map(ToOwned::to_owned),
            outputs: [("id".to_owned(), self.native.to_owned())].into(),
            holds: secrets_of(self.document),
            native: self.native.to_owned(),
            object,
        }
    }
}

/// Reads a list, or nothing where the server has no such list.
async fn list(server: &Server, call: Call) -> Result<Vec<Value>> {
    Ok(server.find::<Vec<Value>>(call).await?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn who_else_has_a_name_is_told() {
        let scope = Scope::new("default", "shop");
        let id = ObjectId::from("app/web");
        let check = |labels: Value, expect: Option<&str>| {
            assert_eq!(foreign(&scope, &id, &json!({ "labels": labels })).as_deref(), expect);
        };
        check(json!({}), Some("it was not made by a release"));
        check(
            json!({ "rhumb.dev/release": "shop", "rhumb.dev/namespace": "prod" }),
            Some("it belongs to the release shop in the namespace prod"),
        );
        let ours = |object: &str| json!({ "rhumb.dev/release": "shop", "rhumb.dev/namespace": "default", "rhumb.dev/object": object });
        check(ours("app/web"), None);
        check(ours("app/api"), Some("this release has it as app/api"));
    }

    #[test]
    fn what_is_wanted_and_without_marks_has_its_id_by_its_place() {
        let scope = Scope::new("default", "shop");
        let ids = [ObjectId::from("app/web"), ObjectId::from("app//other/place")];
        let id = |native: &str| id_of(&scope, Kind::App, &json!({}), native, &ids);
        assert_eq!(id("/default/shop/web").as_ref(), Some(&ids[0]));
        assert_eq!(id("/other/place").as_ref(), Some(&ids[1]));
        assert_eq!(id("/default/shop/api"), None);
    }
}
