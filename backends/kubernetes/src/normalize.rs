//! What the API server makes of the documents that it is given, so that it does not look like a difference.
//!
//! Fields that we never set stay out of the comparison by themselves. What is here are fields that we do set and that
//! come back in another form.

mod amount;

use rhumb_backend::change::Path;
use serde_json::{Map, Value};

pub use amount::quantity;

use crate::change::rules::RULES;

/// Metadata that only the server writes.
const SERVERS: [&str; 9] = [
    "managedFields",
    "resourceVersion",
    "uid",
    "generation",
    "creationTimestamp",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generateName",
];
/// What `kubectl apply` of old writes down of itself.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A document as it is compared: without what only the server writes, without the API's version, and with the protocol
/// of ports, which is part of their key.
pub fn comparable(document: &Value) -> Value {
    let mut body = document.clone();
    let Some(fields) = body.as_object_mut() else { return body };
    fields.shift_remove("status");
    // The version of one document may differ from that of the other. The kind is part of the id.
    fields.shift_remove("apiVersion");
    fields.shift_remove("kind");
    if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in SERVERS {
            metadata.shift_remove(field);
        }
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.shift_remove(LAST_APPLIED);
        }
    }
    ports(&mut body);
    body
}

fn ports(body: &mut Value) {
    each(body.pointer_mut("/spec/ports"), with_protocol);
    for at in ["/spec/template/spec", "/spec/jobTemplate/spec/template/spec", "/spec"] {
        let Some(pod) = body.pointer_mut(at) else { continue };
        for containers in ["initContainers", "containers"] {
            each(pod.get_mut(containers), |container| each(container.get_mut("ports"), with_protocol));
        }
    }
}

fn with_protocol(port: &mut Value) {
    if let Some(port) = port.as_object_mut() {
        port.entry("protocol").or_insert_with(|| "TCP".into());
    }
}

fn each(list: Option<&mut Value>, change: impl FnMut(&mut Value)) {
    if let Some(items) = list.and_then(Value::as_array_mut) {
        items.iter_mut().for_each(change);
    }
}

/// What is or was wanted, in the form in which the server shows it.
///
/// - An amount that equals the one that is there is written as that one: `0.5` as `500m`.
/// - What is empty, zero or false, and was so last time, is nothing: the server drops most of these. It counts where its
///   presence means something.
/// - Lists without a key are compared as a whole, so their items get what the server adds to them by itself: what is in
///   the live item at the same place and in neither what is nor what was wanted.
///
/// `other` is what was wanted when this is wanted, and the other way round.
pub fn align(wanted: &Value, other: Option<&Value>, live: &Value) -> Value {
    Aligner { path: Path::default(), filling: 0 }.value(wanted, other, live)
}

struct Aligner {
    path: Path,
    /// How many lists without a key this is inside of.
    filling: usize,
}

impl Aligner {
    fn value(&mut self, wanted: &Value, other: Option<&Value>, live: &Value) -> Value {
        match (wanted, live) {
            (Value::Object(wanted), Value::Object(live)) => self.mapping(wanted, other, live),
            (Value::Array(wanted), Value::Array(live)) => self.list(wanted, other, live),
            _ if self.is_amount() && amount::is_same(wanted, live) => live.clone(),
            _ => wanted.clone(),
        }
    }

    /// Whether what is at this place is an amount to the API.
    fn is_amount(&self) -> bool {
        let path = self.path.to_string();
        path.starts_with("spec.")
            && (AMOUNTS.iter().any(|part| path.contains(part))
                || AMOUNT.iter().any(|end| path.ends_with(end)))
    }

    fn mapping(
        &mut self,
        wanted: &Map<String, Value>,
        other: Option<&Value>,
        live: &Map<String, Value>,
    ) -> Value {
        let mut aligned = Map::new();
        for (name, value) in wanted {
            let before = other.and_then(|other| other.get(name));
            match live.get(name) {
                Some(there) => {
                    self.path.push(name);
                    aligned.insert(name.clone(), self.value(value, before, there));
                    self.path.pop();
                }
                None if is_nothing(name, value) && before.is_none_or(|before| before == value) => {}
                None => {
                    aligned.insert(name.clone(), value.clone());
                }
            }
        }
        if self.filling > 0 {
            let is_known = |name: &str| {
                wanted.contains_key(name) || other.is_some_and(|other| other.get(name).is_some())
            };
            let added = live.iter().filter(|(name, _)| !is_known(name));
            aligned.extend(added.map(|(name, value)| (name.clone(), value.clone())));
        }
        Value::Object(aligned)
    }

    fn list(&mut self, wanted: &[Value], other: Option<&Value>, live: &[Value]) -> Value {
        let others = other.and_then(Value::as_array);
        if let Some(key) = RULES.lists.find(&self.path).filter(|_| self.filling == 0) {
            let find = |items: &[Value], name: &str| {
                items.iter().find(|item| key.of(item).as_deref() == Some(name)).cloned()
            };
            let aligned = wanted.iter().map(|item| {
                let Some(name) = key.of(item) else { return item.clone() };
                let Some(there) = find(live, &name) else { return item.clone() };
                let before = others.and_then(|items| find(items, &name));
                self.path.push(&name);
                let aligned = self.value(item, before.as_ref(), &there);
                self.path.pop();
                aligned
            });
            return Value::Array(aligned.collect());
        }
        if wanted.len() != live.len() {
            return Value::Array(wanted.to_vec());
        }
        self.filling += 1;
        let others = others.filter(|items| items.len() == wanted.len());
        let pairs = wanted.iter().zip(live).enumerate();
        let aligned = pairs
            .map(|(at, (item, there))| self.value(item, others.and_then(|items| items.get(at)), there))
            .collect();
        self.filling -= 1;
        Value::Array(aligned)
    }
}

/// Fields whose own fields are amounts.
///
/// Source: Kubernetes `OpenAPI` v3 schemas, 1.36: fields of the type `Quantity`.
const AMOUNTS: [&str; 7] =
    [".requests.", ".limits.", ".capacity.", ".hard.", ".overhead.", ".default.", ".allocatedResources."];
/// Fields that are amounts.
const AMOUNT: [&str; 5] = [".sizeLimit", ".averageValue", ".divisor", ".target.value", ".tolerance"];

/// Fields whose absence is not the same as nothing in them, and of which the server keeps what it is given.
const MEANT: [&str; 22] = [
    "allowPrivilegeEscalation",
    "automountServiceAccountToken",
    "emptyDir",
    "enableServiceLinks",
    "fsGroup",
    "hostUsers",
    "matchLabels",
    "maxUnavailable",
    "minAvailable",
    "namespaceSelector",
    "podSelector",
    "replicas",
    "runAsGroup",
    "runAsNonRoot",
    "runAsUser",
    "selector",
    "storageClassName",
    "suspend",
    "tolerationSeconds",
    "ttlSecondsAfterFinished",
    "volumeMode",
    "weight",
];

fn is_nothing(name: &str, value: &Value) -> bool {
    let is_empty = match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
    };
    is_empty && !MEANT.contains(&name)
}

#[cfg(test)]
mod tests;
