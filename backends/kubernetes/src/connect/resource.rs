//! Where objects of a kind are in the API.

use std::sync::Arc;

use rhumb_backend::{Error, ErrorKind, ObjectId, Result};
use serde::Deserialize;

use super::{Call, Cluster};
use crate::facts::ServedKind;
use crate::kind::{self, Kind, group_of};

/// What asks for every kind of every group in one answer.
///
/// Source: Kubernetes API, "Aggregated discovery".
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Every kind that a cluster serves, in the version that it prefers.
pub(crate) type Served = Vec<(String, ServedKind)>;

/// Where objects of a kind are in the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resource(ServedKind);

impl Resource {
    /// That of a kind that every cluster has.
    pub(crate) fn known(kind: &Kind) -> Self {
        Self(ServedKind {
            api_version: kind.api_version(),
            kind: kind.kind.to_owned(),
            plural: kind.plural.to_owned(),
            namespaced: kind.namespaced,
        })
    }

    /// The same kind in another version.
    pub(crate) fn in_version(&self, api_version: &str) -> Self {
        Self(ServedKind { api_version: api_version.to_owned(), ..self.0.clone() })
    }

    /// What stands in `apiVersion`.
    pub(crate) fn api_version(&self) -> &str {
        &self.0.api_version
    }

    /// What stands in `kind`.
    pub(crate) fn kind(&self) -> &str {
        &self.0.kind
    }

    /// Whether it is the built-in Secret, whose data is never read without need.
    pub(crate) fn is_secret(&self) -> bool {
        self.0.api_version == "v1" && self.0.kind == "Secret"
    }

    /// The path of all objects in a namespace, or in the cluster for kinds that lie in none.
    pub(crate) fn collection(&self, namespace: &str) -> String {
        let root = if self.0.api_version.contains('/') { "/apis" } else { "/api" };
        if self.0.namespaced {
            return format!("{root}/{}/namespaces/{namespace}/{}", self.0.api_version, self.0.plural);
        }
        format!("{root}/{}/{}", self.0.api_version, self.0.plural)
    }

    /// The path of one object.
    pub(crate) fn path(&self, namespace: &str, name: &str) -> String {
        format!("{}/{name}", self.collection(namespace))
    }
}

impl Cluster {
    /// Where objects of the kind of an id are; none when the cluster has no such kind.
    pub(crate) async fn resource(&self, id: &ObjectId) -> Result<Option<Resource>> {
        if let Some(kind) = Kind::of(id) {
            return Ok(Some(Resource::known(kind)));
        }
        let find = |served: &Served| {
            let mut all = served.iter();
            all.find(|(word, _)| word == id.kind()).map(|(_, served)| Self::found(served))
        };
        let served = self.served().await?;
        if let Some(found) = find(&served) {
            return Ok(Some(found));
        }
        // A definition may have come since.
        self.forget_served(&served).await;
        let served = self.served().await?;
        Ok(find(&served))
    }

    /// Where objects like this document are.
    ///
    /// # Errors
    /// `NotFound`, to be tried again, when the cluster has no such kind yet.
    pub(crate) async fn resource_of(&self, id: &ObjectId, api_version: &str) -> Result<Resource> {
        let found = self.resource(id).await?.ok_or_else(|| {
            let message = format!("the cluster does not serve {} of {api_version}", id.kind());
            Error::new(ErrorKind::NotFound, "find the kind", message)
                .retry(rhumb_backend::Retry::Same)
                .remedy("its CustomResourceDefinition, or what brings it, first")
        })?;
        let is_same = group_of(found.api_version()) == group_of(api_version);
        Ok(if is_same { found.in_version(api_version) } else { found })
    }

    /// Every kind that the cluster serves. It is asked once.
    pub(crate) async fn served(&self) -> Result<Arc<Served>> {
        let mut cache = self.served_cache().lock().await;
        if let Some(served) = cache.as_ref() {
            return Ok(Arc::clone(served));
        }
        let operation = "discover the cluster's kinds";
        let apis = self.json::<Discovery>(Call::get(operation, "/apis").accept(AGGREGATED)).await?;
        let served = Arc::new(apis.served());
        *cache = Some(Arc::clone(&served));
        Ok(served)
    }

    fn found(served: &ServedKind) -> Resource {
        Resource(served.clone())
    }

    /// Forgets what was discovered, unless somebody has asked anew since.
    async fn forget_served(&self, known: &Arc<Served>) {
        let mut cache = self.served_cache().lock().await;
        if cache.as_ref().is_some_and(|cached| Arc::ptr_eq(cached, known)) {
            *cache = None;
        }
    }
}

#[derive(Deserialize)]
struct Discovery {
    #[serde(default)]
    items: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    metadata: GroupMetadata,
    #[serde(default)]
    versions: Vec<Version>,
}

#[derive(Deserialize)]
struct GroupMetadata {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Version {
    version: String,
    #[serde(default)]
    resources: Vec<Found>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    resource: String,
    scope: String,
    #[serde(default)]
    response_kind: ResponseKind,
}

#[derive(Default, Deserialize)]
struct ResponseKind {
    #[serde(default)]
    kind: String,
}

impl Discovery {
    /// Every kind once: versions come in the order of the server's preference.
    fn served(self) -> Served {
        let mut served: Served = Vec::new();
        for group in self.items {
            let name = group.metadata.name;
            for version in group.versions {
                let api_version = format!("{name}/{}", version.version);
                for found in
                    version.resources.into_iter().filter(|found| !found.response_kind.kind.is_empty())
                {
                    let word = kind::word(&api_version, &found.response_kind.kind);
                    if served.iter().any(|(known, _)| *known == word) {
                        continue;
                    }
                    let kind = ServedKind {
                        api_version: api_version.clone(),
                        kind: found.response_kind.kind,
                        plural: found.resource,
                        namespaced: found.scope == "Namespaced",
                    };
                    served.push((word, kind));
                }
            }
        }
        served
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_preferred_version_of_each_kind_is_taken() {
        let found = |resource: &str, kind: &str, scope: &str| json!({ "resource": resource, "scope": scope, "responseKind": { "group": "", "version": "", "kind": kind } });
        let discovery: Discovery = serde_json::from_value(json!({ "items": [
            { "metadata": { "name": "example.com" }, "versions": [
                { "version": "v2", "resources": [found("widgets", "Widget", "Namespaced")] },
                { "version": "v1", "resources": [found("widgets", "Widget", "Namespaced"), found("zones", "Zone", "Cluster")] },
            ] },
        ] }))
        .unwrap();
        let served = discovery.served();
        let told: Vec<_> = served
            .iter()
            .map(|(word, kind)| (word.as_str(), kind.api_version.as_str(), kind.namespaced))
            .collect();
        assert_eq!(
            told,
            [("widget.example.com", "example.com/v2", true), ("zone.example.com", "example.com/v1", false)]
        );
        let widget = Resource(served[0].1.clone());
        assert_eq!(widget.path("shop", "a"), "/apis/example.com/v2/namespaces/shop/widgets/a");
        assert_eq!(Resource(served[1].1.clone()).collection("shop"), "/apis/example.com/v1/zones");
    }
}
