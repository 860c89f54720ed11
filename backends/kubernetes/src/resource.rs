//! Where the API serves objects of a kind.

use rhumb_backend::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::connect::{Call, Cluster};
use crate::kind::Kind;

/// Where the API serves objects of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    /// `apps/v1`.
    pub(crate) api_version: String,
    /// `deployments`.
    pub(crate) plural: String,
    /// Whether objects of it lie in a namespace.
    pub(crate) namespaced: bool,
}

impl Resource {
    /// The resource of a kind that every cluster has.
    pub(crate) fn of(kind: &Kind) -> Self {
        Self { api_version: kind.api_version(), plural: kind.plural.to_owned(), namespaced: kind.namespaced }
    }

    /// The path of its objects in a namespace; an empty one means that of the whole cluster.
    pub(crate) fn path(&self, namespace: &str) -> String {
        let root = if self.api_version.contains('/') { "/apis" } else { "/api" };
        let (api_version, plural) = (&self.api_version, &self.plural);
        if self.namespaced && !namespace.is_empty() {
            return format!("{root}/{api_version}/namespaces/{namespace}/{plural}");
        }
        format!("{root}/{api_version}/{plural}")
    }

    /// The resource of the kind that this word in ids stands for. Kinds that not every cluster has are asked for.
    ///
    /// # Errors
    /// `NotFound` where the cluster serves no such kind; what it answers.
    pub(crate) async fn find(cluster: &Cluster, word: &str) -> Result<Self> {
        if let Some(kind) = Kind::of_word(word) {
            return Ok(Self::of(kind));
        }
        let operation = || format!("find the kind {word}");
        let (kind, group) = word.split_once('.').unwrap_or((word, ""));
        let version = if group.is_empty() {
            "v1".to_owned()
        } else {
            let about: Value = cluster.json(Call::get(operation(), format!("/apis/{group}"))).await?;
            let preferred = about.pointer("/preferredVersion/groupVersion").and_then(Value::as_str);
            preferred.unwrap_or_default().to_owned()
        };
        let root = if group.is_empty() { "/api" } else { "/apis" };
        let served: Value = cluster.json(Call::get(operation(), format!("{root}/{version}"))).await?;
        let resources = served.get("resources").and_then(Value::as_array);
        let is_it = |resource: &&Value| {
            let named = resource.get("kind").and_then(Value::as_str).unwrap_or_default();
            let path = resource.get("name").and_then(Value::as_str).unwrap_or_default();
            named.eq_ignore_ascii_case(kind) && !path.contains('/')
        };
        let found = resources.into_iter().flatten().find(is_it).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, operation(), format!("{version} has no such kind"))
        })?;
        Ok(Self {
            api_version: version,
            plural: found.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
            namespaced: found.get("namespaced").and_then(Value::as_bool).unwrap_or(true),
        })
    }
}
