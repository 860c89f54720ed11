//! What is looked for, and what to make of what is found.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{Live, Object, ObjectId, Ownership, Result, Scope};
use serde_json::Value;

use super::{last_segment, naming};
use crate::connect::Account;
use crate::kind::Kind;
use crate::marks::{self, Tags};
use crate::names;

/// In the place of a generation, of what others made.
const EXTERNAL: &str = "external";

/// What is looked for.
pub(crate) struct Look<'a> {
    pub(crate) account: &'a Account,
    pub(crate) scope: &'a Scope,
    pub(crate) kind: Kind,
    /// Ids of this kind that are wanted.
    pub(crate) ids: Vec<&'a ObjectId>,
    /// What the one that is wanted is called, where its request says it: what was adopted has a name of its own.
    pub(crate) called: Option<&'a str>,
}

/// A thing that was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) native: String,
    pub(crate) name: String,
    pub(crate) arn: Option<String>,
    /// In the shape of the request that makes it, without its tags.
    pub(crate) body: Value,
    pub(crate) tags: Tags,
    /// Other outputs: `id`, `dns`, what became of it.
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) holds: BTreeSet<String>,
    /// When it was made, of what keeps its native when it is made anew.
    pub(crate) version: Option<String>,
}

impl<'a> Look<'a> {
    /// A look for things of a kind, of which those among the ids are wanted.
    pub(crate) fn new(account: &'a Account, scope: &'a Scope, kind: Kind, ids: &'a [ObjectId]) -> Self {
        let ids = ids.iter().filter(|id| Kind::of(id) == Some(kind)).collect();
        Self { account, scope, kind, ids, called: None }
    }

    /// The same look for one thing that is called so.
    #[must_use]
    pub(crate) fn called(self, called: Option<&'a str>) -> Self {
        Self { called, ..self }
    }

    /// Whether there can be any: every release may have what ECS itself keeps, and what else is wanted or what the
    /// target names something for.
    pub(crate) fn is_needed(&self) -> bool {
        let settings = self.account.settings();
        let is_set = match self.kind {
            Kind::Service | Kind::TaskDefinition | Kind::LogGroup | Kind::Parameter | Kind::Secret => true,
            Kind::Discovery => settings.discovery_namespace.is_some(),
            Kind::AccessPoint => settings.file_system.is_some(),
            Kind::TargetGroup | Kind::Listener => {
                settings.load_balancer.is_some() || settings.network_load_balancer.is_some()
            }
            Kind::ListenerRule => settings.load_balancer.is_some(),
            Kind::Schedule => settings.scheduler_role.is_some(),
            Kind::SecurityGroup | Kind::Task | Kind::ScalableTarget | Kind::ScalingPolicy => false,
        };
        is_set || !self.ids.is_empty()
    }

    /// What every name of the release begins with.
    pub(crate) fn prefix(&self) -> String {
        format!("{}-", names::prefix(self.scope))
    }

    /// The wanted ids by the names that they have on AWS.
    pub(crate) fn wanted(&self) -> BTreeMap<String, &'a ObjectId> {
        let cluster = last_segment(self.account.cluster());
        let fixed = self.ids.iter().filter_map(|id| Some((naming::fixed(cluster, self.scope, id)?, *id)));
        let called = self.called.into_iter().filter_map(|name| Some((name.to_owned(), *self.ids.first()?)));
        fixed.chain(called).collect()
    }

    /// Whether a name may be one of this release's: by what it begins with, or because it is wanted. Names that were cut
    /// need not have the whole of the prefix.
    pub(crate) fn may_be_ours(&self, name: &str) -> bool {
        let limit = naming::limit(self.kind).saturating_sub(names::HASH + 1);
        let prefix = self.prefix();
        let cut = prefix.get(..limit.min(prefix.len())).unwrap_or(&prefix);
        name.starts_with(cut.trim_end_matches('-')) || self.wanted().contains_key(name)
    }

    /// Everything that a call lists, page by page.
    pub(crate) async fn list(&self, operation: &'static str, body: Value, items: &str) -> Result<Vec<Value>> {
        self.account.all(operation, &body, items).await
    }

    /// What was found as the contract wants it; none where it is neither ours nor in the place of what is wanted.
    pub(crate) fn live(&self, found: Found) -> Option<Live> {
        let ours = found.tags.are_of(self.scope).then(|| found.tags.get(names::OBJECT)).flatten();
        let wanted = self.wanted().get(&found.name).map(|id| (*id).clone());
        let (id, foreign) = match (ours, wanted) {
            (Some(object), Some(wanted)) if object != wanted.as_str() => {
                (wanted, Some(format!("this release has it as {object}")))
            }
            (Some(object), _) => (ObjectId::from(object), None),
            (None, Some(wanted)) => (wanted, Some(owner(&found.tags))),
            (None, None) => return None,
        };
        // Two kinds may share an API, and what was tagged by hand may be anything.
        (Kind::of(&id) == Some(self.kind)).then(|| self.named(found, id, foreign))
    }

    /// The wanted ids that are not among what was found: others may have made them, under names of their own.
    pub(crate) fn missing(&self, found: &[Live]) -> Vec<&'a ObjectId> {
        let is_there =
            |id: &ObjectId| found.iter().any(|live| live.object.id == *id && live.foreign.is_none());
        self.ids.iter().copied().filter(|id| !is_there(id)).collect()
    }

    /// What others made and an app may take for granted. It is told from a thing of the release's own by its generation,
    /// since only the app knows which of the two it means.
    pub(crate) fn external(&self, found: Found, id: &ObjectId) -> Live {
        let mut live = self.named(found, id.clone(), None);
        live.object.ownership = Ownership::External;
        live.object.generation = Some(EXTERNAL.to_owned());
        live
    }

    /// What was found, under this id.
    pub(crate) fn named(&self, found: Found, id: ObjectId, foreign: Option<String>) -> Live {
        let Found { native, name, arn, mut body, tags, mut outputs, holds, version } = found;
        let generation = tags.get(names::GENERATION).map(ToOwned::to_owned);
        if self.kind == Kind::SecurityGroup {
            let tags = tags.to_value(marks::Shape::Upper);
            body["TagSpecifications"] =
                serde_json::json!([{ "ResourceType": "security-group", "Tags": tags }]);
        } else if !tags.0.is_empty()
            && let Some(fields) = body.as_object_mut()
        {
            fields.insert(marks::field(self.kind).to_owned(), tags.to_value(marks::shape(self.kind)));
        }
        let mut object = Object::new(id, body);
        match self.kind {
            Kind::Task => object.once = generation,
            Kind::TaskDefinition | Kind::Parameter | Kind::Secret => object.generation = generation,
            _ => {}
        }
        object.sensitive = self.kind == Kind::Secret;
        object.workload = tags.get(names::WORKLOAD).map(ToOwned::to_owned);
        outputs.extend(arn.map(|arn| ("arn".to_owned(), arn)));
        outputs.insert("name".to_owned(), name);
        Live { object, native, version, outputs, holds, foreign }
    }
}

/// Whose something is that is not the release's.
pub(crate) fn owner(tags: &Tags) -> String {
    let Some(release) = tags.get(names::RELEASE) else {
        return match tags.get("aws:cloudformation:stack-name") {
            Some(stack) => format!("it belongs to the CloudFormation stack {stack}, which is no release"),
            None => "it was not made by a release".to_owned(),
        };
    };
    let namespace = tags.get(names::NAMESPACE).unwrap_or(Scope::DEFAULT_NAMESPACE);
    format!("it belongs to the release {release} in the namespace {namespace}")
}
