//! What the cluster says at one moment.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{try_join, try_join_all};
use k8s_openapi::api::core::v1::Pod;
use rhumb_backend::{ErrorKind, ObjectId, Receipt, Result, Scope};
use serde_json::Value;

use super::verdict::text;
use crate::connect::{Call, Cluster, Selection};
use crate::kind::{self, Kind};
use crate::names;
use crate::pods::PodView;
use crate::resource::Resource;

/// A receipt's object, by where it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The word for its kind.
    pub(super) word: String,
    /// Where it lies; empty for what is the whole cluster's.
    pub(super) namespace: String,
    /// Its real name.
    pub(super) name: String,
}

impl Place {
    pub(super) fn of(scope: &Scope, receipt: &Receipt) -> Self {
        let native = match receipt.native.split_once('/') {
            Some(_) => ObjectId::from(receipt.native.as_str()),
            None => ObjectId::new(receipt.id.kind(), &receipt.native),
        };
        let (namespace, name) = kind::place(scope, &native);
        let is_clusters = Kind::of(&receipt.id).is_some_and(|kind| !kind.namespaced);
        let namespace = if is_clusters { String::new() } else { namespace.to_owned() };
        Self { word: receipt.id.kind().to_owned(), namespace, name: name.to_owned() }
    }
}

/// What runs something, so that nothing can be said of it without a look.
const RUNNERS: [&str; 7] =
    ["deployment", "statefulset", "daemonset", "replicaset", "replicationcontroller", "job", "pod"];

/// What a look at an object shows.
enum Seen {
    Shown(Value),
    /// We may not read it.
    Hidden,
}

/// What the cluster says at one moment.
#[derive(Debug, Default)]
pub(super) struct Scene {
    objects: BTreeMap<Place, Value>,
    /// Objects that we may not read.
    hidden: BTreeSet<Place>,
    pods: Vec<Pod>,
    sets: Vec<Value>,
    /// Of each class of storage, whether its volumes wait for a pod; none where that may not be read.
    pub(super) waits: Option<BTreeMap<String, bool>>,
}

impl Scene {
    /// Reads the objects with one call for each kind, and what belongs to those that run something.
    pub(super) async fn read(cluster: &Cluster, scope: &Scope, places: &[Place]) -> Result<Self> {
        let (mut objects, mut hidden) = (BTreeMap::new(), BTreeSet::new());
        for (place, seen) in self::objects(cluster, scope, places).await? {
            match seen {
                Seen::Shown(object) => drop(objects.insert(place, object)),
                Seen::Hidden => drop(hidden.insert(place)),
            }
        }
        let selections = selections(scope, &objects);
        let has_deployments = objects.keys().any(|place| place.word == "deployment");
        let pods = belongings(cluster, "pod", &selections);
        let sets = async {
            if has_deployments {
                belongings(cluster, "replicaset", &selections).await
            } else {
                Ok(Vec::new())
            }
        };
        let (pods, sets) = try_join(pods, sets).await?;
        let pods = pods.into_iter().filter_map(|pod| serde_json::from_value(pod).ok()).collect();
        let waits = classes(cluster, &objects).await;
        Ok(Self { objects, hidden, pods, sets, waits })
    }

    pub(super) fn is_hidden(&self, place: &Place) -> bool {
        self.hidden.contains(place)
    }

    pub(super) fn object(&self, place: &Place) -> Option<&Value> {
        self.objects.get(place)
    }

    /// The `ReplicaSet` that has a Deployment's template of now.
    ///
    /// Source: kubernetes, `pkg/controller/deployment/util`, `FindNewReplicaSet`.
    pub(super) fn current_set<'a>(&'a self, deployment: &'a Value) -> Option<&'a Value> {
        let wanted = template(deployment);
        let mut same: Vec<_> = self.sets_of(deployment).filter(|set| template(set) == wanted).collect();
        same.sort_by_key(|set| text(set, "/metadata/creationTimestamp").unwrap_or_default());
        same.first().copied()
    }

    fn sets_of<'a>(&'a self, deployment: &'a Value) -> impl Iterator<Item = &'a Value> {
        let owner = text(deployment, "/metadata/uid");
        self.sets.iter().filter(move |set| {
            let owners = set.pointer("/metadata/ownerReferences").and_then(Value::as_array);
            owners.into_iter().flatten().any(|reference| text(reference, "/uid") == owner)
        })
    }

    /// The pods that an object made, directly or by `ReplicaSets`.
    pub(super) fn pods_of(&self, object: &Value) -> Vec<&Pod> {
        let mut makers: BTreeSet<&str> = text(object, "/metadata/uid").into_iter().collect();
        makers.extend(self.sets_of(object).filter_map(|set| text(set, "/metadata/uid")));
        let is_its = |pod: &&Pod| pod.controller().is_some_and(|owner| makers.contains(owner.uid.as_str()));
        self.pods.iter().filter(is_its).collect()
    }
}

/// A template without the label by which its `ReplicaSet` tells its pods from others.
fn template(object: &Value) -> Option<Value> {
    let mut template = object.pointer("/spec/template")?.clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.shift_remove("pod-template-hash");
    }
    Some(template)
}

/// The objects at these places, those of one kind and namespace with one call.
async fn objects(cluster: &Cluster, scope: &Scope, places: &[Place]) -> Result<BTreeMap<Place, Seen>> {
    let mut groups: BTreeMap<(&str, &str), Vec<&Place>> = BTreeMap::new();
    for place in places {
        groups.entry((&place.word, &place.namespace)).or_default().push(place);
    }
    let found = groups.into_iter().map(|((word, namespace), places)| async move {
        let resource = Resource::find(cluster, word).await?;
        match group(cluster, scope, &resource, namespace, &places).await {
            // What runs something must be looked at; of anything else it is enough that it was made.
            Err(error) if error.kind == ErrorKind::Forbidden && !RUNNERS.contains(&word) => {
                tracing::debug!(%error, "it is taken for ready");
                Ok(places.into_iter().map(|place| (place.clone(), Seen::Hidden)).collect())
            }
            Err(error) => Err(error),
            Ok(found) => Ok(found.into_iter().map(|(place, object)| (place, Seen::Shown(object))).collect()),
        }
    });
    let found: Vec<Vec<(Place, Seen)>> = try_join_all(found).await?;
    Ok(found.into_iter().flatten().collect())
}

async fn group(
    cluster: &Cluster,
    scope: &Scope,
    resource: &Resource,
    namespace: &str,
    places: &[&Place],
) -> Result<Vec<(Place, Value)>> {
    let mut listed = BTreeMap::new();
    if places.len() > 1 {
        let selection = Selection { labels: names::release_selector(scope), ..Selection::default() };
        let call = Call::get(format!("list the {}", resource.plural), resource.path(namespace));
        for object in cluster.list(call, &selection).await? {
            let name = text(&object, "/metadata/name").unwrap_or_default().to_owned();
            listed.insert(name, object);
        }
    }
    // What bears no mark of ours, or was asked for alone, is read by its name.
    let each = places.iter().map(|place| {
        let found = listed.remove(&place.name);
        async move {
            if let Some(found) = found {
                return Ok(Some(found));
            }
            let path = format!("{}/{}", resource.path(namespace), place.name);
            cluster.find(Call::get(format!("read the {}", place.word), path)).await
        }
    });
    let each: Vec<_> = each.collect();
    let found: Vec<Option<Value>> = try_join_all(each).await?;
    let pairs = places.iter().zip(found);
    Ok(pairs.filter_map(|(place, found)| Some(((*place).clone(), found?))).collect())
}

/// By which labels the pods of these objects are found, in which namespaces: the release's own label where a template
/// has it, else what its object selects by.
fn selections(scope: &Scope, objects: &BTreeMap<Place, Value>) -> BTreeSet<(String, String)> {
    let instance = names::instance(scope);
    let running = objects.iter().filter(|(_, object)| object.pointer("/spec/template").is_some());
    running
        .filter_map(|(place, object)| {
            let labels = object.pointer("/spec/template/metadata/labels")?;
            let is_marked = labels.get(names::INSTANCE).and_then(Value::as_str) == Some(&instance);
            let selector = if is_marked && place.word != "replicationcontroller" {
                format!("{}={instance}", names::INSTANCE)
            } else {
                crate::pods::selector(object)?
            };
            Some((place.namespace.clone(), selector))
        })
        .collect()
}

/// Pods or `ReplicaSets`. Where they may not be read, rollouts are judged without them.
async fn belongings(
    cluster: &Cluster,
    word: &str,
    selections: &BTreeSet<(String, String)>,
) -> Result<Vec<Value>> {
    let Some(kind) = Kind::of_word(word) else { return Ok(Vec::new()) };
    let resource = Resource::of(kind);
    let lists = selections.iter().map(|(namespace, labels)| {
        let call = Call::get(format!("list the {}", kind.plural), resource.path(namespace));
        let selection = Selection { labels: labels.clone(), ..Selection::default() };
        async move {
            match cluster.list(call, &selection).await {
                Err(error) if error.kind == ErrorKind::Forbidden => {
                    tracing::debug!(%error, "rollouts are judged by their counters alone");
                    Ok(Vec::new())
                }
                other => other,
            }
        }
    });
    Ok(try_join_all(lists).await?.into_iter().flatten().collect())
}

/// Reads the classes of storage where a claim waits for its volume.
async fn classes(cluster: &Cluster, objects: &BTreeMap<Place, Value>) -> Option<BTreeMap<String, bool>> {
    let waits = |(place, object): (&Place, &Value)| {
        place.word == "persistentvolumeclaim" && text(object, "/status/phase") != Some("Bound")
    };
    if !objects.iter().any(waits) {
        return None;
    }
    let call = Call::get("list the classes of storage", "/apis/storage.k8s.io/v1/storageclasses");
    let found = cluster.list(call, &Selection::default()).await.ok()?;
    let class = |object: &Value| {
        let waits = text(object, "/volumeBindingMode") == Some("WaitForFirstConsumer");
        Some((text(object, "/metadata/name")?.to_owned(), waits))
    };
    Some(found.iter().filter_map(class).collect())
}

impl Scene {
    /// A moment made by hand.
    #[cfg(test)]
    pub(super) fn new(pods: Vec<Pod>, sets: Vec<Value>) -> Self {
        Self { pods, sets, ..Self::default() }
    }

    /// The moment with one more object.
    #[cfg(test)]
    pub(super) fn with(mut self, place: Place, object: Value) -> Self {
        self.objects.insert(place, object);
        self
    }
}
