//! The cluster as an independent client sees it.

use serde_json::Value;

use super::case::Need;
use super::kubernetes::{Read, expectation};
use super::{Case, Proof, Shows};
use crate::kubernetes::{Cluster, Kubectl};
use crate::trial;

/// Checks what must be read back of a case, and has pods show the feature where they can.
pub(super) fn watch(cluster: &Cluster, case: &Case, namespace: &str) -> Result<Proof, String> {
    let kubectl = cluster.kubectl();
    let expected = expectation(case.feature);
    for read in expected.reads {
        // A status follows what it is about.
        trial::eventually(read.1, || check(kubectl, namespace, read))?;
    }
    match expected.shows.unwrap_or(case.shows) {
        Shows::Ready | Shows::Update | Shows::Kept(_) => Ok(Proof::Ran),
        Shows::Accepted(_) | Shows::Unready(_) => Ok(Proof::Accepted),
        Shows::Exec(workload, command, text) => trial::eventually(text, || {
            let printed = kubectl.exec(namespace, workload, command)?;
            if printed.contains(text) {
                Ok(Proof::Ran)
            } else {
                Err(format!("{workload} prints {printed:?}"))
            }
        }),
        Shows::Answers(port) => {
            trial::fetch(&format!("http://{}:{port}/version", cluster.address())).map(|_| Proof::Ran)
        }
    }
}

fn check(kubectl: &Kubectl, namespace: &str, (object, at, is): &Read) -> Result<(), String> {
    let body = find(kubectl, namespace, object)?;
    let expected: Value = serde_json::from_str(is).map_err(|error| format!("{is}: {error}"))?;
    let found = body.pointer(at).unwrap_or(&Value::Null);
    let begins = |expected: &str| {
        let start = expected.strip_suffix('*')?;
        Some(found.as_str()?.starts_with(start))
    };
    if *found == expected || expected.as_str().and_then(begins) == Some(true) {
        return Ok(());
    }
    Err(format!("{object} {at} is {found} instead of {expected}"))
}

/// An object by its own name, or by that of the document that it was made for.
fn find(kubectl: &Kubectl, namespace: &str, object: &str) -> Result<Value, String> {
    let (kind, name) = object.split_once('/').ok_or("an object is written kind/name")?;
    if let Ok(found) = kubectl.get(namespace, kind, name) {
        return Ok(found);
    }
    let found = kubectl.list(namespace, kind, &format!("app.kubernetes.io/name={name}"))?;
    found.into_iter().next().ok_or_else(|| format!("there is no {object}"))
}

/// Makes what a case needs.
pub(super) fn prepare(kubectl: &Kubectl, namespace: &str, need: Need) -> Result<(), String> {
    let run = |arguments: &[&str]| kubectl.run(&[&["-n", namespace], arguments].concat()).map(drop);
    match need {
        Need::Config(name) => run(&["create", "configmap", name, "--from-literal=colour=made by hand"]),
        Need::Identity(name) => run(&["create", "serviceaccount", name]),
        Need::SwarmCronjob | Need::Traefik => Ok(()),
    }
}

/// Nothing of a case's release is left but what is to be kept.
pub(super) fn require_nothing_of(kubectl: &Kubectl, namespace: &str, case: &Case) -> Result<(), String> {
    // Volumes stay unless they say otherwise, and no case's does.
    let has_volume = case.app.contains("kind: Volume");
    let kept = has_volume.then(|| "PersistentVolumeClaim/data".to_owned());
    kubectl.require_nothing_in(namespace, kept.as_slice())
}
