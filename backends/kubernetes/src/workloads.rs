//! What runs the pods of a release, and these pods.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{join_all, try_join, try_join_all};
use k8s_openapi::api::core::v1::Pod;
use rhumb_backend::{Error, ErrorKind, Result, Scope};
use serde_json::Value;

use crate::connect::{Call, Cluster, Selection};
use crate::kind::Kind;
use crate::names;
use crate::pods::{self, PodView};
use crate::resource::Resource;

/// The kinds of what runs pods, beside pods of their own.
const RUNNERS: [&str; 6] = ["deployment", "statefulset", "daemonset", "job", "cronjob", "pod"];

/// An object that runs pods.
#[derive(Clone, Debug)]
pub(crate) struct Runner {
    pub(crate) kind: &'static Kind,
    /// Its real name.
    pub(crate) name: String,
    /// The workload that it runs.
    pub(crate) workload: String,
    pub(crate) object: Value,
}

impl Runner {
    /// The path of the object in the API.
    pub(crate) fn path(&self, scope: &Scope) -> String {
        format!("{}/{}", Resource::of(self.kind).path(&scope.namespace), self.name)
    }

    fn template(&self) -> Option<&Value> {
        let at =
            if self.kind.word == "cronjob" { "/spec/jobTemplate/spec/template" } else { "/spec/template" };
        self.object.pointer(at)
    }

    /// Whether its pods bear the release's label.
    fn is_marked(&self, scope: &Scope) -> bool {
        let label =
            self.template().and_then(|template| template.pointer("/metadata/labels")?.get(names::INSTANCE));
        label.and_then(Value::as_str) == Some(&names::instance(scope))
    }
}

/// A pod, and the workload that it belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) workload: String,
    pub(crate) pod: Pod,
}

/// What a release runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub(crate) runners: Vec<Runner>,
    pub(crate) pods: Vec<Member>,
}

/// What runs a workload, or all of them, and the pods.
///
/// # Errors
/// `NotFound` for a workload that the release does not have; what the API server answers.
pub(crate) async fn find(cluster: &Cluster, scope: &Scope, workload: Option<&str>) -> Result<Found> {
    let runners = runners(cluster, scope, workload).await?;
    let pods = members(cluster, scope, &runners).await?;
    Ok(Found { runners, pods })
}

/// What runs a workload, or all of them. An object can be named as well as the workload that it runs. A kind that we may
/// not list has nothing, as long as what is looked for is found elsewhere.
///
/// # Errors
/// `NotFound` for a workload that the release does not have; what the API server answers; `Forbidden` where what is
/// looked for may be of a kind that we may not list.
pub(crate) async fn runners(cluster: &Cluster, scope: &Scope, workload: Option<&str>) -> Result<Vec<Runner>> {
    let kinds = RUNNERS.iter().filter_map(|word| Kind::of_word(word));
    let lists = join_all(kinds.map(|kind| runners_of(cluster, scope, kind))).await;
    let (mut all, mut hidden) = (Vec::new(), None);
    for list in lists {
        match list {
            Ok(found) => all.extend(found),
            Err(error) if error.kind == ErrorKind::Forbidden => hidden = hidden.or(Some(error)),
            Err(error) => return Err(error),
        }
    }
    all.sort_by(|left, right| (&left.workload, &left.name).cmp(&(&right.workload, &right.name)));
    let known: BTreeSet<String> = all.iter().map(|runner| runner.workload.clone()).collect();
    if let Some(workload) = workload {
        let label = names::fit(workload, names::LABEL_LIMIT);
        all.retain(|runner| runner.workload == label || runner.name == workload);
    }
    match (all.is_empty(), hidden, workload) {
        (true, Some(hidden), _) => Err(hidden),
        (true, None, Some(workload)) => Err(not_there(workload, known)),
        _ => Ok(all),
    }
}

async fn runners_of(cluster: &Cluster, scope: &Scope, kind: &'static Kind) -> Result<Vec<Runner>> {
    let selection = Selection { labels: names::release_selector(scope), ..Selection::default() };
    let call = Call::get(format!("list the {}", kind.plural), Resource::of(kind).path(&scope.namespace));
    let found = cluster.list(call, &selection).await?;
    Ok(found.into_iter().filter_map(|object| runner(kind, object)).collect())
}

fn not_there(workload: &str, known: BTreeSet<String>) -> Error {
    let error = Error::new(ErrorKind::NotFound, "find the workload", "the release does not have it");
    error.with("workload", workload).remedy(if known.is_empty() {
        "the release runs nothing".to_owned()
    } else {
        format!("it has {}", known.into_iter().collect::<Vec<_>>().join(", "))
    })
}

/// An object that runs pods for itself, and not for another that made it.
fn runner(kind: &'static Kind, object: Value) -> Option<Runner> {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let is_made =
        owners.into_iter().flatten().any(|owner| owner.get("controller") == Some(&Value::Bool(true)));
    let name = object.pointer("/metadata/name").and_then(Value::as_str)?.to_owned();
    let label = object.pointer("/metadata/labels").and_then(|labels| labels.get(names::NAME));
    let workload = label.and_then(Value::as_str).unwrap_or(&name).to_owned();
    (!is_made).then_some(Runner { kind, name, workload, object })
}

/// The pods: with one call for all that bear the release's label, and one for each object whose pods do not.
async fn members(cluster: &Cluster, scope: &Scope, runners: &[Runner]) -> Result<Vec<Member>> {
    let (marked, others): (Vec<_>, Vec<_>) =
        runners.iter().filter(|runner| runner.kind.word != "pod").partition(|runner| runner.is_marked(scope));
    let workloads: BTreeSet<&str> = marked.iter().map(|runner| runner.workload.as_str()).collect();
    let own = async {
        if workloads.is_empty() {
            return Ok(Vec::new());
        }
        let mut labels = format!("{}={}", names::INSTANCE, names::instance(scope));
        if let [only] = workloads.iter().collect::<Vec<_>>()[..] {
            labels = format!("{labels},{}={only}", names::NAME);
        }
        list(cluster, scope, labels).await
    };
    let theirs = try_join_all(others.iter().filter_map(|runner| {
        let labels = pods::selector(&runner.object)?;
        Some(async move {
            let pods = list(cluster, scope, labels).await?;
            Ok::<_, Error>(pods.into_iter().map(|pod| Member { workload: runner.workload.clone(), pod }))
        })
    }));
    let (own, theirs) = try_join(own, theirs).await?;
    let mut found: BTreeMap<String, Member> = BTreeMap::new();
    for pod in own {
        let workload = pod.label(names::NAME).unwrap_or_default().to_owned();
        if workloads.contains(workload.as_str()) {
            found.insert(pod.uid().to_owned(), Member { workload, pod });
        }
    }
    let single = runners.iter().filter(|runner| runner.kind.word == "pod").filter_map(|runner| {
        let pod = serde_json::from_value(runner.object.clone()).ok()?;
        Some(Member { workload: runner.workload.clone(), pod })
    });
    found.extend(
        theirs.into_iter().flatten().chain(single).map(|member| (member.pod.uid().to_owned(), member)),
    );
    Ok(found.into_values().collect())
}

pub(crate) async fn list(cluster: &Cluster, scope: &Scope, labels: String) -> Result<Vec<Pod>> {
    let path = format!("/api/v1/namespaces/{}/pods", scope.namespace);
    let found =
        cluster.list(Call::get("list the pods", path), &Selection { labels, ..Selection::default() }).await?;
    found
        .into_iter()
        .map(|pod| {
            serde_json::from_value(pod).map_err(|error| {
                Error::new(
                    ErrorKind::Platform,
                    "list the pods",
                    format!("a pod is not what was expected: {error}"),
                )
            })
        })
        .collect()
}
