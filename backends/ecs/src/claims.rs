//! What only one object can have at a time.

use std::collections::BTreeSet;

use rhumb_backend::Object;
use serde_json::Value;

use crate::kind::Kind;

/// Names that only one object can have at a time: a port of a load balancer, a priority among the rules of a listener, a
/// bare name and port in a Cloud Map namespace.
///
/// Sources: Elastic Load Balancing API reference, `CreateListener` and `CreateRule`; Amazon ECS API reference,
/// `ServiceConnectService.clientAliases`.
pub(crate) fn claims(object: &Object) -> BTreeSet<String> {
    let text = |at: &str| object.body.pointer(at).and_then(Value::as_str).unwrap_or_default();
    let number = |at: &str| object.body.pointer(at).and_then(Value::as_u64);
    match Kind::of(&object.id) {
        Some(Kind::Listener) => {
            let port = number("/Port").map(|port| format!("port {port} of {}", text("/LoadBalancerArn")));
            port.into_iter().collect()
        }
        Some(Kind::ListenerRule) => {
            let priority = number("/Priority");
            priority
                .map(|priority| format!("priority {priority} of {}", text("/ListenerArn")))
                .into_iter()
                .collect()
        }
        Some(Kind::Service) => aliases(&object.body),
        _ => BTreeSet::new(),
    }
}

fn aliases(body: &Value) -> BTreeSet<String> {
    let connect = body.get("serviceConnectConfiguration");
    let namespace = connect.and_then(|connect| connect.get("namespace")).and_then(Value::as_str);
    let services = connect.and_then(|connect| connect.get("services")).and_then(Value::as_array);
    let aliases =
        services.into_iter().flatten().filter_map(|service| service.get("clientAliases")?.as_array());
    let alias = |alias: &Value| {
        let (name, port) = (alias.get("dnsName")?.as_str()?, alias.get("port")?.as_u64()?);
        Some(format!("name {name}:{port} in {}", namespace.unwrap_or_default()))
    };
    aliases.flatten().filter_map(alias).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(id: &str, body: Value, expected: &[&str]) {
        let found = claims(&Object::new(id.into(), body));
        assert_eq!(found, expected.iter().map(|claim| (*claim).to_owned()).collect());
    }

    #[test]
    fn ports_priorities_and_bare_names_are_claimed() {
        check("listener/a", json!({ "LoadBalancerArn": "net", "Port": 53 }), &["port 53 of net"]);
        check("listener-rule/a-0", json!({ "ListenerArn": "app", "Priority": 10 }), &["priority 10 of app"]);
        let connect = json!({ "namespace": "ns", "services": [
            { "portName": "http", "clientAliases": [{ "dnsName": "web", "port": 80 }] },
            { "portName": "admin", "clientAliases": [{ "dnsName": "web", "port": 81 }] },
        ] });
        check(
            "service/a",
            json!({ "serviceConnectConfiguration": connect }),
            &["name web:80 in ns", "name web:81 in ns"],
        );
        check("target-group/a", json!({ "Port": 80 }), &[]);
    }
}
