//! Documents of the user's own, in AWS's own words.

use std::collections::BTreeMap;

use rhumb_backend::{Object, ObjectId};
use rhumb_spec::Diagnostic;
use rhumb_spec::model::{Kind as Document, Native};
use serde_json::Value;

use super::patches::PLATFORM;
use super::tags::Tags;
use super::{Context, Report};
use crate::kind::Kind;
use crate::names;

/// The documents of the user's own as objects of the release: requests with the word `kind` in them, which says what they
/// make. A name that is not given is that of the document in the release.
pub(super) fn objects(context: &Context<'_>, report: &mut Report) -> Vec<Object> {
    let own = context.app.natives.iter().filter(|(_, native)| native.platform == PLATFORM);
    own.filter_map(|(name, native)| object(context, (name, native), report)).collect()
}

fn object(context: &Context<'_>, (name, native): (&str, &Native), report: &mut Report) -> Option<Object> {
    let path = format!("{}.manifest", Document::Native.path(name));
    let mut body = native.manifest.clone();
    let fields = body.as_object_mut();
    let word = fields.and_then(|fields| fields.shift_remove("kind")).unwrap_or_default();
    let Some(kind) = word.as_str().and_then(Kind::named) else {
        let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        report.refuse(
            Diagnostic::error(path, "it is not a request that ECS knows")
                .why("requests of AWS are told apart by `kind` beside their own fields")
                .remedy(format!("`kind`, one of {}", known.join(", "))),
        );
        return None;
    };
    if kind == Kind::Secret {
        report.refuse(
            Diagnostic::error(path, "a secret cannot be a native document")
                .why("its data would be in the app and in every record")
                .remedy("a Secret document"),
        );
        return None;
    }
    Some(marked(context, name, kind, body))
}

/// Puts the release's marks on a document and names it, by its content where that is how it is told apart.
fn marked(context: &Context<'_>, name: &str, kind: Kind, mut body: Value) -> Object {
    let id = kind.id(name);
    if let Some((field, limit)) = named(kind)
        && body.get(field).is_none()
    {
        body[field] = match kind {
            Kind::Parameter => format!("{}/{name}", names::path(context.scope)).into(),
            _ => names::native(context.scope, name, limit).into(),
        };
    }
    if let Kind::Service | Kind::Task = kind
        && body.get("cluster").is_none()
    {
        body["cluster"] = context.facts.cluster.clone().into();
    }
    let runs = matches!(kind, Kind::Service | Kind::Task | Kind::Schedule);
    let hash = matches!(kind, Kind::TaskDefinition | Kind::Task).then(|| names::content_hash(&body));
    let mut tags = Tags::of(context.scope, &id);
    if let Some(hash) = &hash {
        tags = tags.with(names::GENERATION, hash);
    }
    if runs {
        tags = tags.with(names::WORKLOAD, name);
    }
    if let (Kind::Task, Some(once)) = (kind, &hash) {
        body["startedBy"] = format!("rhumb/{once}").into();
    }
    tags.put(kind, &mut body);
    let generation = hash.clone().filter(|_| kind == Kind::TaskDefinition);
    let once = hash.filter(|_| kind == Kind::Task);
    Object { generation, once, workload: runs.then(|| name.to_owned()), ..Object::new(id, body) }
}

/// The field with the name of a request, and the longest name.
const fn named(kind: Kind) -> Option<(&'static str, usize)> {
    match kind {
        Kind::SecurityGroup => Some(("GroupName", names::NAME_LIMIT)),
        Kind::LogGroup => Some(("logGroupName", names::NAME_LIMIT)),
        Kind::AccessPoint => Some(("ClientToken", names::SCHEDULE_LIMIT)),
        Kind::Parameter | Kind::Secret => Some(("Name", names::NAME_LIMIT)),
        Kind::Discovery => Some(("Name", names::LABEL_LIMIT)),
        Kind::TargetGroup => Some(("Name", names::TARGET_GROUP_LIMIT)),
        Kind::TaskDefinition => Some(("family", names::NAME_LIMIT)),
        Kind::Service => Some(("serviceName", names::NAME_LIMIT)),
        Kind::ScalingPolicy => Some(("PolicyName", names::NAME_LIMIT)),
        Kind::Schedule => Some(("Name", names::SCHEDULE_LIMIT)),
        Kind::Listener | Kind::ListenerRule | Kind::Task | Kind::ScalableTarget => None,
    }
}

/// Refuses what two documents of the app would become.
pub(super) fn refuse_twice(context: &Context<'_>, objects: &[Object], report: &mut Report) {
    let mut seen: BTreeMap<&ObjectId, u32> = BTreeMap::new();
    for object in objects {
        *seen.entry(&object.id).or_default() += 1;
    }
    for (id, _) in seen.into_iter().filter(|(_, count)| *count > 1) {
        let native = context.app.natives.contains_key(id.name()).then(|| Document::Native.path(id.name()));
        report.refuse(
            Diagnostic::error(native.unwrap_or_default(), format!("{id} is another document's already"))
                .why("two documents would be one object of the release")
                .remedy("another name"),
        );
    }
}
