//! What is there.

mod document;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt};
use rhumb_backend::{Error, ErrorKind, Live, ObjectId, Observed, Result, Scope};
use serde_json::Value;

use crate::connect::{Call, Cluster, Resource, Selection};
use crate::kind::{KINDS, Kind, place};
use crate::names;

/// Calls at one time. More would only be more connections to make.
const CONCURRENCY: usize = 6;
/// How many ids of one kind are looked at one by one; of more, the names that there are get listed first.
const FEW: usize = 8;

/// Looks at these ids and at whatever bears the release's marks: one list for each kind that an app's documents become,
/// and one call for each id that no list has shown. Of Secrets only the metadata is read.
///
/// What is being deleted is not there any more: what is made in its place waits until it is gone.
///
/// # Errors
/// What the API server answers, where it may answer otherwise later. What may not be read is in
/// [`Observed::unreadable`].
pub(crate) async fn observe(cluster: &Cluster, scope: &Scope, ids: &[ObjectId]) -> Result<Observed> {
    cluster.client().await?;
    let mut observed = Observed::default();
    let lists: Vec<BoxFuture<'_, Result<Vec<Live>>>> =
        KINDS[..Kind::MADE].iter().map(|kind| list(cluster, scope, kind).boxed()).collect();
    let mut lists = stream::iter(lists).buffer_unordered(CONCURRENCY);
    while let Some(found) = lists.next().await {
        observed.objects.extend(found?);
    }
    let known: BTreeSet<&ObjectId> = observed.objects.iter().map(|live| &live.object.id).collect();
    let missing: BTreeSet<&ObjectId> = ids.iter().filter(|id| !known.contains(id)).collect();
    let missing = perhaps_there(cluster, scope, missing).await?;
    let look = |id| async move { (id, one(cluster, scope, id).await) };
    let looks: Vec<BoxFuture<'_, Look<'_>>> = missing.iter().map(|id| look(id).boxed()).collect();
    let mut looks = stream::iter(looks).buffer_unordered(CONCURRENCY);
    while let Some((id, found)) = looks.next().await {
        match found {
            Ok(live) => observed.objects.extend(live),
            Err(error) if error.kind == ErrorKind::Forbidden => {
                observed.unreadable.insert(id.clone(), told(&error));
            }
            Err(error) => return Err(error),
        }
    }
    observed.objects.sort_by(|one, other| one.native.cmp(&other.native));
    Ok(observed)
}

/// Those of the ids of which something may be there. Where many of one kind are asked for, one list of names tells
/// more quickly than a look at each that nothing has them.
async fn perhaps_there(cluster: &Cluster, scope: &Scope, ids: BTreeSet<&ObjectId>) -> Result<Vec<ObjectId>> {
    let mut by_kind: BTreeMap<&str, Vec<&ObjectId>> = BTreeMap::new();
    for id in ids {
        by_kind.entry(id.kind()).or_default().push(id);
    }
    let asked: Vec<BoxFuture<'_, Result<Vec<ObjectId>>>> = by_kind
        .into_iter()
        .map(|(word, ids)| {
            named(cluster, scope, Kind::of_word(word).filter(|kind| kind.namespaced), ids).boxed()
        })
        .collect();
    let mut asked = stream::iter(asked).buffer_unordered(CONCURRENCY);
    let mut found = Vec::new();
    while let Some(ids) = asked.next().await {
        found.extend(ids?);
    }
    Ok(found)
}

/// Those of the ids of one kind whose names something has.
async fn named(
    cluster: &Cluster,
    scope: &Scope,
    kind: Option<&Kind>,
    ids: Vec<&ObjectId>,
) -> Result<Vec<ObjectId>> {
    let all = || ids.iter().map(|id| (*id).clone()).collect();
    let is_here = |id: &&ObjectId| place(scope, id).0 == scope.namespace;
    let Some(kind) = kind.filter(|_| ids.len() > FEW && ids.iter().all(is_here)) else { return Ok(all()) };
    let call =
        Call::get(format!("list the {}", kind.plural), Resource::known(kind).collection(&scope.namespace));
    let mut names = BTreeSet::new();
    let take = |page: Vec<Value>| {
        let name = |object: &Value| object.pointer("/metadata/name")?.as_str().map(ToOwned::to_owned);
        names.extend(page.iter().filter_map(name));
    };
    match cluster.list_metadata(call, &Selection::default(), take).await {
        Ok(()) => Ok(ids.iter().filter(|id| names.contains(id.name())).map(|id| (*id).clone()).collect()),
        // Who may not list may still be let look at each.
        Err(error) if error.kind == ErrorKind::Forbidden => Ok(all()),
        Err(error) => Err(error),
    }
}

/// An id, and what a look at it has shown.
type Look<'a> = (&'a ObjectId, Result<Option<Live>>);

fn told(error: &Error) -> String {
    match &error.remedy {
        Some(remedy) => format!("{}; {remedy}", error.message),
        None => error.message.clone(),
    }
}

/// Every object of a kind that bears the release's marks. A kind that is not served has none, and one that may not be
/// listed is looked at id by id.
async fn list(cluster: &Cluster, scope: &Scope, kind: &Kind) -> Result<Vec<Live>> {
    let resource = Resource::known(kind);
    let selection = Selection { labels: names::release_selector(scope), ..Selection::default() };
    let call = Call::get(format!("list the {}", kind.plural), resource.collection(&scope.namespace));
    let found = if resource.is_secret() {
        let mut found = Vec::new();
        cluster.list_metadata(call, &selection, |page| found.extend(page)).await.map(|()| found)
    } else {
        cluster.list(call, &selection).await
    };
    let documents = match found {
        Ok(documents) => documents,
        Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Forbidden) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let live = documents.into_iter().filter_map(|document| {
        let document = document::with_kind(document, &resource);
        let id = document::id(scope, &document)?;
        document::live(scope, document, id).filter(|live| live.foreign.is_none())
    });
    Ok(live.collect())
}

/// Reads what an id names; none when there is no such thing, or no such kind of things.
pub(crate) async fn one(cluster: &Cluster, scope: &Scope, id: &ObjectId) -> Result<Option<Live>> {
    let Some(resource) = cluster.resource(id).await? else { return Ok(None) };
    let (namespace, name) = place(scope, id);
    let Some(document) = read(cluster, &resource, namespace, name).await? else { return Ok(None) };
    let document = document::with_kind(document, &resource);
    // What was written in another version is compared in that one.
    let written = document::written_version(&document).map(ToOwned::to_owned);
    let document = match written.filter(|version| version != resource.api_version()) {
        Some(version) if !resource.is_secret() => {
            let resource = resource.in_version(&version);
            let same = read(cluster, &resource, namespace, name).await.ok().flatten();
            same.map_or(document, |same| document::with_kind(same, &resource))
        }
        _ => document,
    };
    Ok(document::live(scope, document, id.clone()))
}

async fn read(cluster: &Cluster, resource: &Resource, namespace: &str, name: &str) -> Result<Option<Value>> {
    let call = Call::get(format!("read the {}", resource.kind()), resource.path(namespace, name));
    let call = if resource.is_secret() { call.metadata_only() } else { call };
    cluster.find::<Value>(call).await
}
