//! A pod as Marathon keeps it, with every default filled in.
//!
//! Source: Marathon REST API, `Pod`.

use serde_json::{Map, Value, json};

use super::spec::list;

/// A pod's definition as it is kept.
pub(super) fn complete(mut pod: Value, id: &str, default_network: Option<&str>) -> Value {
    let Some(fields) = pod.as_object_mut() else { return pod };
    fields.retain(|name, value| !value.is_null() && name != "version");
    fields.insert("id".to_owned(), json!(id));
    default(fields, "role", json!("*"));
    default(fields, "scaling", json!({ "kind": "fixed", "instances": 1 }));
    if let Some(Value::Object(scaling)) = fields.get_mut("scaling") {
        default(scaling, "instances", json!(1));
    }
    default(fields, "executorResources", json!({}));
    if let Some(Value::Object(resources)) = fields.get_mut("executorResources") {
        default(resources, "cpus", json!(0.1));
        default(resources, "mem", json!(32));
        default(resources, "disk", json!(10));
    }
    networks(fields, default_network);
    scheduling(fields);
    if let Some(Value::Array(containers)) = fields.get_mut("containers") {
        for container in containers.iter_mut().filter_map(Value::as_object_mut) {
            self::container(container);
        }
    }
    pod
}

fn default(fields: &mut Map<String, Value>, name: &str, value: Value) {
    fields.entry(name).or_insert(value);
}

fn networks(pod: &mut Map<String, Value>, default_network: Option<&str>) {
    if pod.get("networks").is_none_or(|networks| list(networks).next().is_none()) {
        pod.insert("networks".to_owned(), json!([{ "mode": "host" }]));
    }
    let Some(Value::Array(networks)) = pod.get_mut("networks") else { return };
    for network in networks.iter_mut().filter_map(Value::as_object_mut) {
        network.retain(|name, value| !value.is_null() && (name != "labels" || *value != json!({})));
        default(network, "mode", json!("container"));
        if let (true, Some(name)) = (network["mode"] == json!("container"), default_network) {
            default(network, "name", json!(name));
        }
    }
}

fn scheduling(pod: &mut Map<String, Value>) {
    let volumes = pod.get("volumes").into_iter().flat_map(list);
    let is_resident = volumes.into_iter().any(|volume| volume.get("persistent").is_some());
    default(pod, "scheduling", json!({}));
    let Some(Value::Object(scheduling)) = pod.get_mut("scheduling") else { return };
    let (upgrade, unreachable) = if is_resident {
        (json!({ "minimumHealthCapacity": 0.5, "maximumOverCapacity": 0 }), json!("disabled"))
    } else {
        (
            json!({ "minimumHealthCapacity": 1, "maximumOverCapacity": 1 }),
            json!({ "inactiveAfterSeconds": 0, "expungeAfterSeconds": 0 }),
        )
    };
    for (name, value) in [
        ("backoff", json!({})),
        ("upgrade", upgrade),
        ("placement", json!({ "constraints": [] })),
        ("killSelection", json!("YOUNGEST_FIRST")),
        ("unreachableStrategy", unreachable),
    ] {
        default(scheduling, name, value);
    }
    if let Some(Value::Object(backoff)) = scheduling.get_mut("backoff") {
        default(backoff, "backoff", json!(1));
        default(backoff, "backoffFactor", json!(1.15));
        default(backoff, "maxLaunchDelay", json!(300));
    }
    if let Some(Value::Object(placement)) = scheduling.get_mut("placement") {
        default(placement, "acceptedResourceRoles", json!(["*"]));
    }
}

fn container(container: &mut Map<String, Value>) {
    default(container, "resources", json!({}));
    if let Some(Value::Object(resources)) = container.get_mut("resources") {
        default(resources, "cpus", json!(1));
        default(resources, "mem", json!(128));
        default(resources, "disk", json!(0));
        default(resources, "gpus", json!(0));
    }
    for name in ["endpoints", "environment", "volumeMounts", "artifacts", "labels"] {
        if matches!(container.get(name), Some(value) if *value == json!([]) || *value == json!({})) {
            container.remove(name);
        }
    }
    if let Some(Value::Array(endpoints)) = container.get_mut("endpoints") {
        for endpoint in endpoints.iter_mut().filter_map(Value::as_object_mut) {
            endpoint.retain(|name, value| !value.is_null() && (name != "labels" || *value != json!({})));
        }
    }
    if let Some(Value::Object(image)) = container.get_mut("image") {
        default(image, "forcePull", json!(false));
    }
    if let Some(Value::Object(check)) = container.get_mut("healthCheck") {
        for (name, value) in [
            ("gracePeriodSeconds", 300),
            ("intervalSeconds", 60),
            ("maxConsecutiveFailures", 3),
            ("timeoutSeconds", 20),
            ("delaySeconds", 15),
        ] {
            default(check, name, json!(value));
        }
    }
}
