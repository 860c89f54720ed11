//! Entries of the DC/OS secret store: secrets, and files of configs.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;
use rhumb_backend::{Live, Object, ObjectId, Result, Scope};
use serde::Deserialize;
use serde_json::json;

use crate::connect::{Call, Server, Service};
use crate::kind::Kind;
use crate::names;

/// Where the store is, for calls.
pub(crate) const STORE: &str = "/secret/default";

#[derive(Deserialize)]
struct Listed {
    array: Vec<String>,
}

/// The release's entries, by their paths, and those that are there under a wanted name and belong to nobody's release. No
/// value is read.
pub(super) async fn entries(server: &Server, scope: &Scope, ids: &[ObjectId]) -> Result<Vec<Live>> {
    if server.settings().secrets == Some(false) || !server.has(&Service::Secrets)? {
        return Ok(Vec::new());
    }
    let folder = format!("{}/{}", scope.namespace, scope.release);
    let names = listed(server, &folder).await?;
    let ours = names.iter().filter_map(|name| live(scope, &format!("{folder}/{name}"), ids));
    let mut found: Vec<Live> = ours.collect();
    let known: BTreeSet<ObjectId> = found.iter().map(|live| live.object.id.clone()).collect();
    let missing = ids.iter().filter(|id| is_entry(id) && !known.contains(*id));
    let mut folders: BTreeMap<&str, Vec<&ObjectId>> = BTreeMap::new();
    for id in missing {
        let folder = id.name().rsplit_once('/').map_or("", |(folder, _)| folder);
        folders.entry(folder).or_default().push(id);
    }
    let external = folders.iter().map(|(folder, ids)| external(server, folder, ids));
    found.extend(try_join_all(external).await?.into_iter().flatten());
    Ok(found)
}

fn is_entry(id: &ObjectId) -> bool {
    matches!(Kind::of(id), Some(Kind::Secret | Kind::Config))
}

/// The names in a folder of the store. A folder that is not there has none.
///
/// Source: DC/OS secrets API, `GET /secret/{store}/{path}?list=true`.
async fn listed(server: &Server, folder: &str) -> Result<Vec<String>> {
    let call = Call::get("list the secrets", format!("{STORE}/{folder}")).of(Service::Secrets);
    let found = server.find::<Listed>(call.query("list", "true")).await?;
    let names = found.into_iter().flat_map(|listed| listed.array);
    Ok(names.map(|name| name.trim_matches('/').to_owned()).collect())
}

/// Those that somebody made for apps to use, at `<document>/<key>`.
async fn external(server: &Server, folder: &str, ids: &[&ObjectId]) -> Result<Vec<Live>> {
    let names = listed(server, folder).await?;
    let is_there = |id: &&&ObjectId| names.iter().any(|name| id.name() == format!("{folder}/{name}"));
    let found = ids.iter().filter(is_there).map(|id| {
        let foreign = Some("it was not made by this release".to_owned());
        Live { foreign, ..entry((*id).clone(), id.name(), None) }
    });
    Ok(found.collect())
}

/// An entry whose path is that of a wanted one belongs to it; another's id is read off its path.
fn live(scope: &Scope, path: &str, ids: &[ObjectId]) -> Option<Live> {
    let is_of = |id: &&ObjectId| {
        let stem = names::secret_stem(scope, &names::entry(id));
        is_entry(id) && path.strip_prefix(&stem).is_some_and(|rest| !rest.contains('-'))
    };
    let (stem, generation) = path.rsplit_once('-')?;
    let name = stem.rsplit_once('/').map_or(stem, |(_, name)| name).replace("__", "/");
    let read = || match name.strip_prefix("config/") {
        Some(name) => Kind::Config.id(name),
        None => Kind::Secret.id(&name),
    };
    let id = ids.iter().find(is_of).cloned().unwrap_or_else(read);
    Some(entry(id, path, Some(generation)))
}

fn entry(id: ObjectId, path: &str, generation: Option<&str>) -> Live {
    let mut object = Object::new(id, json!({ "path": path }));
    object.sensitive = Kind::of(&object.id) == Some(Kind::Secret);
    object.generation = generation.map(ToOwned::to_owned);
    Live {
        object,
        native: path.to_owned(),
        version: None,
        outputs: BTreeMap::from([("path".to_owned(), path.to_owned())]),
        holds: BTreeSet::new(),
        foreign: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_the_entry_and_its_generation() {
        let scope = Scope::new("default", "shop");
        let check = |expect: &str, ids: &[&str]| {
            let path = names::secret(&scope, &names::entry(&ObjectId::from(expect)), "0123abcd");
            let ids: Vec<ObjectId> = ids.iter().map(|id| ObjectId::from(*id)).collect();
            let live = live(&scope, &path, &ids).unwrap();
            assert_eq!(live.object.id.as_str(), expect);
            assert_eq!(live.object.generation.as_deref(), Some("0123abcd"));
        };
        check("secret/db/password", &["secret/db/password"]);
        check("secret/db/password", &[]);
        check("secret/db/tls.key", &["secret/db/tls.key"]);
        check("secret/db/a-b", &["secret/db/a", "secret/db/a-b"]);
        check("config/web/nginx.conf", &["secret/web/nginx.conf", "config/web/nginx.conf"]);
        check("config/web/page", &[]);
    }
}
