//! Names that only one service of a swarm can have.

use std::collections::BTreeSet;

use rhumb_backend::Object;
use serde_json::Value;

/// The ingress ports of a service: `ingress port 80/tcp`. Equal host-mode ports coexist, on different nodes.
///
/// Source: swarmkit, `manager/controlapi/service.go`, `checkPortConflicts`.
pub(crate) fn claims(object: &Object) -> BTreeSet<String> {
    let ports = object.body.pointer("/EndpointSpec/Ports").and_then(Value::as_array).into_iter().flatten();
    let claim = |port: &Value| {
        let is_host = port.get("PublishMode").and_then(Value::as_str) == Some("host");
        let published =
            port.get("PublishedPort").and_then(Value::as_u64).filter(|port| *port > 0 && !is_host)?;
        let protocol = port.get("Protocol").and_then(Value::as_str).unwrap_or("tcp");
        Some(format!("ingress port {published}/{protocol}"))
    };
    ports.filter_map(claim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rhumb_backend::ObjectId;
    use serde_json::json;

    #[test]
    fn only_ingress_ports_with_a_number_are_claimed() {
        let body = json!({ "EndpointSpec": { "Ports": [
            { "PublishedPort": 80, "TargetPort": 8080 },
            { "PublishedPort": 53, "TargetPort": 53, "Protocol": "udp", "PublishMode": "ingress" },
            { "PublishedPort": 81, "TargetPort": 8081, "PublishMode": "host" },
            { "TargetPort": 8082 },
        ] } });
        let found = claims(&Object::new(ObjectId::from("service/web"), body));
        assert_eq!(found, ["ingress port 53/udp", "ingress port 80/tcp"].map(ToOwned::to_owned).into());
    }
}
