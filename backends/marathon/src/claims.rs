//! What only one object can have at a time.

use std::collections::BTreeSet;

use rhumb_backend::Object;
use serde_json::Value;

use crate::kind::Kind;

/// Names that only one object can have at a time: service ports of marathon-lb, which are unique in the cluster, virtual
/// hosts with their path, and the id, which apps and pods share.
///
/// Virtual addresses are no claims: the apps of a set share one.
pub(crate) fn claims(object: &Object) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if matches!(Kind::of(&object.id), Some(Kind::App | Kind::Pod)) {
        found.extend(object.body.get("id").and_then(Value::as_str).map(|id| format!("id{id}")));
    }
    let mappings = object.body.pointer("/container/portMappings").and_then(Value::as_array);
    let definitions = object.body.get("portDefinitions").and_then(Value::as_array);
    let numbers = mappings.into_iter().flatten().map(|mapping| mapping.get("servicePort"));
    let numbers = numbers.chain(definitions.into_iter().flatten().map(|definition| definition.get("port")));
    for number in numbers.flatten().filter_map(Value::as_u64).filter(|number| *number != 0) {
        found.insert(format!("service-port/{number}"));
    }
    let labels = object.body.get("labels").and_then(Value::as_object);
    for (key, hosts) in labels.into_iter().flatten() {
        let Some(port) = key.strip_prefix("HAPROXY_").and_then(|rest| rest.strip_suffix("_VHOST")) else {
            continue;
        };
        let path =
            labels.and_then(|labels| labels.get(&format!("HAPROXY_{port}_PATH"))).and_then(Value::as_str);
        let hosts = hosts.as_str().unwrap_or_default().split(',');
        found.extend(hosts.map(|host| format!("vhost/{host}{}", path.unwrap_or("/"))));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use rhumb_backend::ObjectId;
    use serde_json::json;

    #[test]
    fn fixed_service_ports_and_hosts_are_claimed() {
        let body = json!({
            "container": { "portMappings": [{ "servicePort": 10080 }, { "servicePort": 0 }] },
            "labels": { "HAPROXY_0_VHOST": "a.example,b.example", "HAPROXY_0_PATH": "/shop", "HAPROXY_0_GROUP": "x" },
        });
        let found = claims(&Object::new(ObjectId::new("app", "web"), body));
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        assert_eq!(found, ["service-port/10080", "vhost/a.example/shop", "vhost/b.example/shop"]);
    }
}
