//! An app as Marathon keeps it: deprecated fields in their new form, and every default filled in.
//!
//! Source: Marathon REST API, `App`, and its upgrade notes for 1.5 (networks and port mappings).

use serde_json::{Map, Value, json};

use super::path_id;
use super::spec::{list, texts};

/// Fields that Marathon itself writes, so that they are not taken from a request.
const READ_ONLY: [&str; 11] = [
    "version",
    "versionInfo",
    "tasksStaged",
    "tasksRunning",
    "tasksHealthy",
    "tasksUnhealthy",
    "deployments",
    "tasks",
    "lastTaskFailure",
    "readinessCheckResults",
    "taskStats",
];

/// An app's definition as it is kept, its id beside it. Ports that are 0 are yet to be assigned.
pub(super) fn complete(mut app: Value, id: &str, default_network: Option<&str>) -> Value {
    let Some(fields) = app.as_object_mut() else { return app };
    fields.retain(|name, value| !value.is_null() && !READ_ONLY.contains(&name.as_str()));
    // It has no effect any more, and is not kept.
    fields.remove("residency");
    fields.insert("id".to_owned(), json!(id));
    modernize(fields);
    networks(fields, default_network);
    plain_defaults(fields);
    container(fields);
    ports(fields);
    checks(fields);
    strategies(fields);
    let parent = path_id::parent(id);
    if let Some(Value::Array(dependencies)) = fields.get_mut("dependencies") {
        for dependency in dependencies {
            *dependency = json!(path_id::absolute(dependency.as_str().unwrap_or_default(), &parent));
        }
    }
    app
}

fn default(fields: &mut Map<String, Value>, name: &str, value: Value) {
    fields.entry(name).or_insert(value);
}

/// `uris`, `ports`, `ipAddress` and Docker's own network settings are of versions before 1.5.
fn modernize(app: &mut Map<String, Value>) {
    if let Some(uris) = app.remove("uris") {
        let fetch = texts(&uris).into_iter().map(|uri| json!({ "uri": uri })).collect();
        default(app, "fetch", Value::Array(fetch));
    }
    if let Some(ports) = app.remove("ports") {
        let definitions = list(&ports).map(|port| json!({ "port": port })).collect();
        default(app, "portDefinitions", Value::Array(definitions));
    }
    let address = app.remove("ipAddress");
    let Some(docker) = app.get_mut("container").and_then(|container| container.get_mut("docker")) else {
        if let Some(address) = address {
            default(app, "networks", json!([user_network(Some(&address))]));
        }
        return;
    };
    let (network, mappings) = docker
        .as_object_mut()
        .map_or((None, None), |docker| (docker.remove("network"), docker.remove("portMappings")));
    let container = app.get_mut("container").and_then(Value::as_object_mut);
    if let (Some(mappings), Some(container)) = (mappings, container) {
        default(container, "portMappings", mappings);
    }
    match network.as_ref().and_then(Value::as_str) {
        Some("BRIDGE") => default(app, "networks", json!([{ "mode": "container/bridge" }])),
        Some("USER") => default(app, "networks", json!([user_network(address.as_ref())])),
        Some(_) => default(app, "networks", json!([{ "mode": "host" }])),
        None if address.is_some() => default(app, "networks", json!([user_network(address.as_ref())])),
        None => {}
    }
}

fn user_network(address: Option<&Value>) -> Value {
    match address.and_then(|address| address.get("networkName")) {
        Some(name) => json!({ "mode": "container", "name": name }),
        None => json!({ "mode": "container" }),
    }
}

/// No networks means the host's, and what is mapped to ports of it is dropped.
fn networks(app: &mut Map<String, Value>, default_network: Option<&str>) {
    let is_empty = app.get("networks").is_none_or(|networks| list(networks).next().is_none());
    if is_empty {
        app.insert("networks".to_owned(), json!([{ "mode": "host" }]));
    }
    let Some(Value::Array(networks)) = app.get_mut("networks") else { return };
    for network in networks.iter_mut().filter_map(Value::as_object_mut) {
        default(network, "mode", json!("container"));
        network.retain(|name, value| name != "labels" || value != &json!({}));
        if let (true, Some(name)) = (network["mode"] == json!("container"), default_network) {
            default(network, "name", json!(name));
        }
    }
}

fn plain_defaults(app: &mut Map<String, Value>) {
    let defaults = json!({
        "acceptedResourceRoles": ["*"], "backoffFactor": 1.15, "backoffSeconds": 1, "cpus": 1, "disk": 0, "executor": "",
        "gpus": 0, "instances": 1, "killSelection": "YOUNGEST_FIRST", "labels": {}, "maxLaunchDelaySeconds": 300,
        "mem": 128, "requirePorts": false, "role": "*",
    });
    for (name, value) in defaults.as_object().into_iter().flatten() {
        default(app, name, value.clone());
    }
    for name in ["args", "constraints", "dependencies", "env", "fetch", "secrets"] {
        let is_empty = matches!(app.get(name), Some(value) if *value == json!([]) || *value == json!({}));
        if is_empty {
            app.remove(name);
        }
    }
    if let Some(Value::Array(artifacts)) = app.get_mut("fetch") {
        for artifact in artifacts.iter_mut().filter_map(Value::as_object_mut) {
            default(artifact, "extract", json!(true));
            default(artifact, "executable", json!(false));
            default(artifact, "cache", json!(false));
        }
    }
}

fn container(app: &mut Map<String, Value>) {
    let Some(Value::Object(container)) = app.get_mut("container") else { return };
    default(container, "type", json!("DOCKER"));
    default(container, "volumes", json!([]));
    if let Some(Value::Object(docker)) = container.get_mut("docker") {
        default(docker, "forcePullImage", json!(false));
        default(docker, "privileged", json!(false));
        default(docker, "parameters", json!([]));
    }
    if let Some(Value::Array(volumes)) = container.get_mut("volumes") {
        for volume in volumes {
            if let Some(persistent) = volume.get_mut("persistent").and_then(Value::as_object_mut) {
                default(persistent, "type", json!("root"));
                default(persistent, "constraints", json!([]));
            }
        }
    }
}

/// Port definitions on the host's network, port mappings on others; one of them where none is named.
fn ports(app: &mut Map<String, Value>) {
    let modes: Vec<String> =
        app.get("networks").into_iter().flat_map(list).map(|n| text(n, "mode")).collect();
    if modes.iter().all(|mode| mode == "host") {
        if let Some(container) = app.get_mut("container").and_then(Value::as_object_mut) {
            container.remove("portMappings");
        }
        default(app, "portDefinitions", json!([{ "port": 0, "name": "default" }]));
        if let Some(Value::Array(definitions)) = app.get_mut("portDefinitions") {
            for definition in definitions.iter_mut().filter_map(Value::as_object_mut) {
                default(definition, "port", json!(0));
                default(definition, "protocol", json!("tcp"));
            }
        }
        return;
    }
    app.remove("portDefinitions");
    let is_bridge = modes.iter().any(|mode| mode == "container/bridge");
    let container = app.entry("container").or_insert_with(|| json!({ "type": "MESOS", "volumes": [] }));
    let Some(container) = container.as_object_mut() else { return };
    default(container, "portMappings", json!([{ "containerPort": 0, "name": "default" }]));
    if let Some(Value::Array(mappings)) = container.get_mut("portMappings") {
        for mapping in mappings.iter_mut().filter_map(Value::as_object_mut) {
            default(mapping, "containerPort", json!(0));
            default(mapping, "labels", json!({}));
            default(mapping, "protocol", json!("tcp"));
            default(mapping, "servicePort", json!(0));
            if is_bridge {
                default(mapping, "hostPort", json!(0));
            }
        }
    }
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn checks(app: &mut Map<String, Value>) {
    for name in ["healthChecks", "readinessChecks"] {
        default(app, name, json!([]));
    }
    if let Some(Value::Array(checks)) = app.get_mut("healthChecks") {
        for check in checks.iter_mut().filter_map(Value::as_object_mut) {
            health_check(check);
        }
    }
    if let Some(Value::Array(checks)) = app.get_mut("readinessChecks") {
        for check in checks.iter_mut().filter_map(Value::as_object_mut) {
            for (name, value) in [
                ("name", json!("readinessCheck")),
                ("protocol", json!("HTTP")),
                ("path", json!("/")),
                ("portName", json!("http-api")),
                ("intervalSeconds", json!(30)),
                ("timeoutSeconds", json!(10)),
                ("httpStatusCodesForReady", json!([200])),
                ("preserveLastResponse", json!(false)),
            ] {
                default(check, name, value);
            }
        }
    }
}

fn health_check(check: &mut Map<String, Value>) {
    for (name, value) in [
        ("protocol", json!("HTTP")),
        ("gracePeriodSeconds", json!(300)),
        ("intervalSeconds", json!(60)),
        ("maxConsecutiveFailures", json!(3)),
        ("timeoutSeconds", json!(20)),
        ("delaySeconds", json!(15)),
        ("ipProtocol", json!("IPv4")),
    ] {
        default(check, name, value);
    }
    let protocol = check["protocol"].as_str().unwrap_or_default().to_owned();
    if protocol.contains("HTTP") {
        default(check, "path", json!("/"));
        default(check, "ignoreHttp1xx", json!(false));
    }
    if protocol != "COMMAND" && !check.contains_key("port") {
        default(check, "portIndex", json!(0));
    }
}

fn strategies(app: &mut Map<String, Value>) {
    let volumes = app.get("container").map(|container| &container["volumes"]).into_iter().flat_map(list);
    let is_resident = volumes.into_iter().any(|volume| volume.get("persistent").is_some());
    if is_resident {
        default(app, "upgradeStrategy", json!({ "minimumHealthCapacity": 0.5, "maximumOverCapacity": 0 }));
        default(app, "unreachableStrategy", json!("disabled"));
    } else {
        default(app, "upgradeStrategy", json!({ "minimumHealthCapacity": 1, "maximumOverCapacity": 1 }));
        default(app, "unreachableStrategy", json!({ "inactiveAfterSeconds": 0, "expungeAfterSeconds": 0 }));
    }
}

/// Assigns service ports that are 0: those that the app had before, then free ones.
pub(super) fn assign_ports(app: &mut Value, before: &[u64], mut free: impl FnMut() -> u64) {
    let on_host = list(&app["networks"]).all(|network| network["mode"] == json!("host"));
    let (ports, name) = if on_host {
        (&mut app["portDefinitions"], "port")
    } else {
        (&mut app["container"]["portMappings"], "servicePort")
    };
    let Value::Array(ports) = ports else { return };
    let fixed: Vec<u64> =
        ports.iter().filter_map(|port| port[name].as_u64()).filter(|port| *port != 0).collect();
    let mut kept = before.iter().copied().filter(|port| *port != 0 && !fixed.contains(port));
    for port in ports.iter_mut().filter(|port| port[name] == json!(0)) {
        port[name] = json!(kept.next().unwrap_or_else(&mut free));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_mode_drops_port_mappings() {
        let app = json!({ "cmd": "x", "container": { "portMappings": [{ "containerPort": 80 }] } });
        let kept = complete(app, "/a", None);
        assert_eq!(kept["container"].get("portMappings"), None);
        assert_eq!(kept["portDefinitions"], json!([{ "port": 0, "name": "default", "protocol": "tcp" }]));
    }

    #[test]
    fn old_docker_networks_become_networks() {
        let app = json!({ "container": { "docker": {
            "image": "nginx", "network": "BRIDGE", "portMappings": [{ "containerPort": 80 }] } } });
        let kept = complete(app, "/a", None);
        assert_eq!(kept["networks"], json!([{ "mode": "container/bridge" }]));
        assert_eq!(kept["container"]["portMappings"][0]["hostPort"], json!(0));
        assert_eq!(kept["container"]["docker"].get("network"), None);
    }

    #[test]
    fn assigned_ports_stay() {
        let mut app =
            complete(json!({ "cmd": "x", "portDefinitions": [{}, { "port": 8080 }, {}] }), "/a", None);
        assign_ports(&mut app, &[10000, 8080], || 10007);
        let ports: Vec<u64> =
            list(&app["portDefinitions"]).filter_map(|port| port["port"].as_u64()).collect();
        assert_eq!(ports, [10000, 8080, 10007]);
    }
}
