//! The ids of objects: by our own tags where a release made them, else by the names that AWS knows them by.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{ObjectId, reference};
use serde_json::Value;

use super::find::Found;
use crate::kind::Kind;
use crate::marks::Tags;
use crate::names;

/// The id of each document. Two of one name differ by a number, or by their revisions.
pub(super) fn ids(found: &[Found]) -> Vec<ObjectId> {
    let newest = newest(found);
    let mut taken: BTreeSet<ObjectId> = BTreeSet::new();
    let mut ids = Vec::new();
    for (at, one) in found.iter().enumerate() {
        let wanted = wanted(one).filter(|(name, _)| !name.is_empty());
        let (name, revision) = wanted.unwrap_or_else(|| (one.kind.as_str().to_owned(), None));
        let is_older =
            newest.get(&name).is_some_and(|newest| *newest != at) && one.kind == Kind::TaskDefinition;
        let name = match revision.filter(|_| is_older) {
            Some(revision) => format!("{name}:{revision}"),
            None => name,
        };
        let numbered = (2..).map(|number| one.kind.id(&format!("{name}-{number}")));
        let id = std::iter::once(one.kind.id(&name)).chain(numbered).find(|id| !taken.contains(id));
        let id = id.unwrap_or_else(|| one.kind.id(&name));
        taken.insert(id.clone());
        ids.push(id);
    }
    ids
}

/// For each family of which there are several revisions, the place of the newest.
fn newest(found: &[Found]) -> BTreeMap<String, usize> {
    let mut newest: BTreeMap<String, (u64, usize)> = BTreeMap::new();
    for (at, one) in found.iter().enumerate().filter(|(_, one)| one.kind == Kind::TaskDefinition) {
        let Some((name, Some(revision))) = wanted(one) else { continue };
        let known = newest.entry(name).or_insert((revision, at));
        if known.0 < revision {
            *known = (revision, at);
        }
    }
    newest.into_iter().map(|(name, (_, at))| (name, at)).collect()
}

/// The name of a document, and its revision where it has one.
fn wanted(found: &Found) -> Option<(String, Option<u64>)> {
    let body = &found.body;
    let text = |key: &str| body.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(object) = Tags::of(body).get(names::OBJECT)
        && let Some((kind, name)) = object.split_once('/')
        && kind == found.kind.as_str()
    {
        return Some((name.to_owned(), revision(body)));
    }
    let last = |arn: &str| arn.rsplit('/').next().unwrap_or(arn).to_owned();
    let name = match found.kind {
        Kind::TaskDefinition => {
            let of_arn = || text("taskDefinitionArn").map(|arn| family_of(&last(arn)));
            let first =
                || body.pointer("/containerDefinitions/0/name").and_then(Value::as_str).map(str::to_owned);
            let called = || found.called.clone();
            let family = text("family").and_then(said);
            return Some((family.or_else(of_arn).or_else(called).or_else(first)?, revision(body)));
        }
        Kind::Service => text("serviceName").and_then(said).or_else(|| text("serviceArn").map(last)),
        Kind::Task => text("startedBy").map(str::to_owned).or_else(|| text("group").map(str::to_owned)),
        Kind::TargetGroup => text("Name").or_else(|| text("TargetGroupName")).map(str::to_owned),
        Kind::Listener => text("ListenerArn").map(last).or_else(|| body.get("Port").map(Value::to_string)),
        Kind::ListenerRule => {
            text("RuleArn").map(last).or_else(|| body.get("Priority").map(ToString::to_string))
        }
        Kind::ScalableTarget => text("ResourceId").map(last).as_deref().and_then(said),
        Kind::ScalingPolicy => text("PolicyName").map(str::to_owned),
        Kind::AccessPoint => text("AccessPointId").or_else(|| text("ClientToken")).map(str::to_owned),
        Kind::SecurityGroup => text("GroupName").map(str::to_owned),
        Kind::LogGroup => text("logGroupName").map(str::to_owned),
        Kind::Parameter | Kind::Secret | Kind::Discovery | Kind::Schedule => text("Name").map(str::to_owned),
    };
    Some((name.or_else(|| found.called.clone())?, None))
}

/// The family of a task definition's name: `web` of `web:3`.
pub(crate) fn family_of(name: &str) -> String {
    let is_revision = |end: &str| !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_digit());
    name.rsplit_once(':').filter(|(_, end)| is_revision(end)).map_or(name, |(family, _)| family).to_owned()
}

/// A name without the placeholders in it, which only AWS can fill in: `cron` of `${AWS::StackName}-cron`.
fn said(name: &str) -> Option<String> {
    let mut found = String::new();
    let mut rest = name;
    while let Some((before, tail)) = rest.split_once("${") {
        let (_, after) = tail.split_once('}')?;
        found.push_str(before);
        rest = after;
    }
    found.push_str(rest);
    let found = found.trim_matches(['-', '_', '/']).to_owned();
    Some(found).filter(|found| !found.is_empty())
}

fn revision(body: &Value) -> Option<u64> {
    let of_arn = || body.get("taskDefinitionArn")?.as_str()?.rsplit_once(':')?.1.parse().ok();
    body.get("revision").and_then(Value::as_u64).or_else(of_arn)
}

/// The ids of resources of templates, by those that their logical names stand for.
pub(super) fn renamed(found: &[Found], ids: &[ObjectId]) -> BTreeMap<ObjectId, ObjectId> {
    let pairs = found
        .iter()
        .zip(ids)
        .filter_map(|(found, id)| Some((found.kind.id(found.called.as_ref()?), id.clone())));
    pairs.collect()
}

/// Makes references to logical names references to ids, within text too.
pub(super) fn rename(value: &mut Value, renamed: &BTreeMap<ObjectId, ObjectId>) {
    if let Some((id, output)) = reference::parse(value) {
        if let Some(now) = renamed.get(&id) {
            *value = reference::reference(now, output);
        }
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, renamed)),
        Value::Object(map) => map.values_mut().for_each(|item| rename(item, renamed)),
        Value::String(text) if text.contains("${") => {
            for (logical, id) in renamed.iter().filter(|(logical, id)| logical.name() != id.name()) {
                *text = text.replace(&format!("${{{}}}", logical.name()), &format!("${{{}}}", id.name()));
            }
        }
        _ => {}
    }
}
