//! What runs no pods: claims, services, budgets, definitions, and whatever has conditions.

use std::collections::BTreeMap;
use std::time::Duration;

use rhumb_backend::State;
use serde_json::Value;

use super::patience::Patience;
use super::verdict::{Culprit, Verdict, condition, conditions, number, text};

/// A controller that says anything of an object says it within this time.
const SILENT: Duration = Duration::from_secs(2);

/// Judges an object of a kind that runs nothing. `waits` tells of each class of storage whether its volumes wait for a
/// pod that uses them; none where that may not be read.
pub(super) fn object(
    word: &str,
    object: &Value,
    waits: Option<&BTreeMap<String, bool>>,
    patience: &Patience,
) -> Verdict {
    match word {
        "persistentvolumeclaim" => claim(object, waits, patience),
        "service" => service(object),
        "horizontalpodautoscaler" => autoscaler(object),
        "poddisruptionbudget" => budget(object),
        "customresourcedefinition" => definition(object),
        "apiservice" => available(object),
        "namespace" => namespace(object),
        "httproute" => route(object),
        _ => custom(object, patience),
    }
}

/// A claim whose class waits for a pod is as ready as it can be: the pod itself may wait for the claim to be made.
fn claim(object: &Value, waits: Option<&BTreeMap<String, bool>>, patience: &Patience) -> Verdict {
    match text(object, "/status/phase") {
        Some("Bound") => return Verdict::ready("bound"),
        Some("Lost") => {
            return Verdict::failed(object, "its volume is lost")
                .remedy("bring the volume back, or remove the claim and restore its data");
        }
        _ => {}
    }
    let class = text(object, "/spec/storageClassName").unwrap_or_default();
    let waits_for_pod = waits.is_none_or(|waits| waits.get(class).copied().unwrap_or(false));
    if waits_for_pod {
        return Verdict::ready("bound once a pod uses it");
    }
    let message = if class.is_empty() {
        "a volume is looked for, as it names no class of storage and the cluster has no default".to_owned()
    } else {
        format!("a volume of the class {class} is made or found")
    };
    let uid = text(object, "/metadata/uid").unwrap_or_default();
    let mut culprit = Culprit::object(object, message.clone());
    culprit.ask_events = patience.is_over(uid, "claim", None, Duration::from_secs(3));
    Verdict { culprit: Some(culprit), ..Verdict::progressing(message) }
}

/// A service for the world outside waits for its address, as with Helm.
fn service(object: &Value) -> Verdict {
    let given = |pointer: &str| {
        object.pointer(pointer).and_then(Value::as_array).is_some_and(|list| !list.is_empty())
    };
    let waits = text(object, "/spec/type") == Some("LoadBalancer")
        && !given("/status/loadBalancer/ingress")
        && !given("/spec/externalIPs");
    if waits {
        return Verdict::progressing("the cluster has given the load balancer no address yet");
    }
    Verdict::ready("is there")
}

fn autoscaler(object: &Value) -> Verdict {
    match condition(object, "AbleToScale").filter(|condition| condition.is("False")) {
        Some(condition) => Verdict::progressing(condition.words()),
        None => Verdict::ready("is there"),
    }
}

fn budget(object: &Value) -> Verdict {
    if number(object, "/status/observedGeneration") < number(object, "/metadata/generation") {
        return Verdict::progressing("its controller has not seen it yet");
    }
    match condition(object, "DisruptionAllowed").filter(|condition| condition.reason == "SyncFailed") {
        Some(condition) => Verdict::progressing(condition.words()),
        None => Verdict::ready("is there"),
    }
}

fn definition(object: &Value) -> Verdict {
    if let Some(refused) = condition(object, "NamesAccepted").filter(|condition| condition.is("False")) {
        return Verdict::failed(object, format!("its names are taken: {}", refused.words()));
    }
    let holds = |kind: &str| condition(object, kind).is_some_and(|condition| condition.is("True"));
    if holds("Established") && holds("NamesAccepted") {
        return Verdict::ready("served");
    }
    Verdict::progressing("it is not served yet")
}

fn available(object: &Value) -> Verdict {
    match condition(object, "Available") {
        Some(condition) if condition.is("True") => Verdict::ready("available"),
        Some(condition) => Verdict::progressing(condition.words()),
        None => Verdict::progressing("it is not available yet"),
    }
}

fn namespace(object: &Value) -> Verdict {
    match text(object, "/status/phase") {
        Some("Terminating") => Verdict::failed(object, "it is being removed")
            .remedy("wait until it is gone, and see what holds it up: `kubectl describe namespace`"),
        _ => Verdict::ready("is there"),
    }
}

/// Gateways tell of a route, each for itself, whether they take it.
fn route(object: &Value) -> Verdict {
    let parents = object.pointer("/status/parents").and_then(Value::as_array);
    let told: Vec<Value> = parents
        .into_iter()
        .flatten()
        .map(|parent| serde_json::json!({ "status": { "conditions": parent.get("conditions") } }))
        .collect();
    let refused = told.iter().find_map(|parent| {
        condition(parent, "Accepted")
            .filter(|condition| condition.is("False"))
            .map(|condition| condition.words())
    });
    match refused {
        Some(words) => Verdict::progressing(format!("a gateway does not take it: {words}")),
        None => Verdict::ready("is there"),
    }
}

/// Conditions that say by `True` that an object has got there; the first that it has is heeded.
const GOOD: [&str; 5] = ["Ready", "Available", "Succeeded", "Healthy", "Complete"];

/// Conditions that say by `True` that it will not get there.
const BAD: [&str; 2] = ["Stalled", "Failed"];

/// An object of a kind that only its own controller knows, by the conventions for conditions. One that says nothing of
/// itself is ready by being there.
///
/// Source: Kubernetes API conventions, "Typical status properties"; cli-utils, `pkg/kstatus`.
fn custom(object: &Value, patience: &Patience) -> Verdict {
    let generation = object.pointer("/metadata/generation").and_then(Value::as_u64).unwrap_or(0);
    let observed = object.pointer("/status/observedGeneration").and_then(Value::as_u64);
    if observed.is_some_and(|observed| observed < generation) {
        return Verdict::progressing("its controller has not seen it yet");
    }
    let all = conditions(object);
    if let Some(bad) = all.iter().find(|condition| BAD.contains(&condition.kind) && condition.is("True")) {
        return Verdict::failed(object, bad.words());
    }
    if let Some(busy) = all.iter().find(|condition| condition.kind == "Reconciling" && condition.is("True")) {
        return Verdict::progressing(busy.words());
    }
    let good = GOOD.iter().find_map(|kind| all.iter().find(|condition| condition.kind == *kind));
    match good {
        Some(good) if good.generation.is_some_and(|of| of < generation) => {
            Verdict::progressing("its controller has not seen it yet")
        }
        Some(good) if good.is("True") => Verdict::ready(good.kind.to_lowercase()),
        Some(good) => Verdict::progressing(good.words()),
        None => silent(object, patience),
    }
}

fn silent(object: &Value, patience: &Patience) -> Verdict {
    let meta = |key: &str| text(object, &format!("/metadata/{key}"));
    let made = meta("creationTimestamp").and_then(|time| time.parse().ok());
    if patience.is_over(meta("uid").unwrap_or_default(), "silent", made, SILENT) {
        return Verdict::of(State::Ready, "is there");
    }
    Verdict::progressing("its controller has said nothing yet")
}
