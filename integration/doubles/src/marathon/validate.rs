//! What Marathon finds wrong with an app or a pod: 422, with every finding at its path.
//!
//! Source: Marathon REST API, responses 400 and 422, and the restrictions that its documentation states of each field.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::path_id;
use super::request::Answer;
use super::spec::{list, texts};

/// Findings: a path in the document, and what is wrong there.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<(String, String)>);

impl Findings {
    fn add(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.0.push((path.into(), text.into()));
    }

    /// Nothing, or the answer that tells them all.
    ///
    /// # Errors
    /// 422, when there are findings.
    pub(super) fn into_answer(self) -> Result<(), Answer> {
        if self.0.is_empty() {
            return Ok(());
        }
        let details: Vec<Value> =
            self.0.into_iter().map(|(path, text)| json!({ "path": path, "errors": [text] })).collect();
        Err(Answer::json(
            StatusCode::UNPROCESSABLE_ENTITY,
            json!({ "message": "Object is not valid", "details": details }),
        ))
    }

    fn range(&mut self, value: &Value, path: &str, (least, most): (f64, f64)) {
        let Some(number) = value.as_f64() else { return };
        if number < least {
            self.add(path, format!("is less than {least}"));
        } else if number > most {
            self.add(path, format!("is greater than {most}"));
        }
    }
}

const ANY: f64 = f64::MAX;
const PORT: (f64, f64) = (0.0, 65_535.0);

/// What is wrong with an app whose defaults are filled in.
pub(super) fn app(app: &Value, id: &str) -> Findings {
    let mut found = Findings::default();
    for problem in path_id::problems(id) {
        found.add("/id", problem);
    }
    what_runs(app, &mut found);
    for (name, range) in [
        ("cpus", (0.001, ANY)),
        ("mem", (0.0, ANY)),
        ("disk", (0.0, ANY)),
        ("gpus", (0.0, ANY)),
        ("instances", (0.0, ANY)),
        ("backoffSeconds", (0.0, ANY)),
        ("backoffFactor", (1.0, ANY)),
        ("maxLaunchDelaySeconds", (0.0, ANY)),
        ("taskKillGracePeriodSeconds", (0.0, ANY)),
    ] {
        found.range(&app[name], &format!("/{name}"), range);
    }
    for name in ["minimumHealthCapacity", "maximumOverCapacity"] {
        found.range(&app["upgradeStrategy"][name], &format!("/upgradeStrategy/{name}"), (0.0, 1.0));
    }
    for (index, dependency) in texts(&app["dependencies"]).iter().enumerate() {
        for problem in path_id::problems(dependency) {
            found.add(format!("/dependencies({index})"), problem);
        }
    }
    constraints(app, &mut found);
    networks(app, &mut found);
    ports(app, &mut found);
    volumes(app, &mut found);
    checks(app, &mut found);
    secrets(app, &mut found);
    found
}

fn what_runs(app: &Value, found: &mut Findings) {
    let (has_cmd, has_args) = (app.get("cmd").is_some(), app.get("args").is_some());
    let has_image = app["container"]["docker"].get("image").is_some();
    if has_cmd && has_args {
        found.add("/", "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'.");
    }
    if !has_cmd && !has_args && !has_image {
        found.add("/", "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'.");
    }
    if app["container"]["type"] == json!("DOCKER") && !has_image && app.get("container").is_some() {
        found.add("/container/docker", "not defined");
    }
}

fn constraints(app: &Value, found: &mut Findings) {
    const OPERATORS: [&str; 7] = ["UNIQUE", "CLUSTER", "GROUP_BY", "LIKE", "UNLIKE", "MAX_PER", "IS"];
    for (index, constraint) in list(&app["constraints"]).enumerate() {
        let path = format!("/constraints({index})");
        match texts(constraint).as_slice() {
            [_, operator, rest @ ..] if OPERATORS.contains(&operator.as_str()) => {
                let needs_value = matches!(operator.as_str(), "LIKE" | "UNLIKE" | "MAX_PER" | "IS");
                if needs_value && rest.is_empty() {
                    found.add(path, format!("{operator} requires a value"));
                } else if operator == "UNIQUE" && rest.first().is_some_and(|value| !value.is_empty()) {
                    found.add(path, "UNIQUE does not accept a value");
                } else if operator == "MAX_PER" && rest[0].parse::<u32>().is_err() {
                    found.add(path, "MAX_PER requires an integer value");
                }
            }
            [_, _, ..] => found.add(path, "operator must be one of the following UNIQUE, CLUSTER, GROUP_BY, LIKE, UNLIKE, MAX_PER or IS"),
            _ => found.add(path, "each constraint must have either 2 or 3 fields"),
        }
    }
}

fn networks(app: &Value, found: &mut Findings) {
    let modes: BTreeSet<&str> =
        list(&app["networks"]).filter_map(|network| network["mode"].as_str()).collect();
    if modes.len() > 1 {
        found.add("/networks", "mixing networks of different modes is not allowed");
    }
    for (index, network) in list(&app["networks"]).enumerate() {
        match network["mode"].as_str() {
            Some("container") if network.get("name").is_none() => {
                found.add(
                    format!("/networks({index})/name"),
                    "a network name must be specified when default_network_name is not configured",
                );
            }
            Some("host" | "container/bridge") if network.get("name").is_some() => {
                found.add(format!("/networks({index})/name"), "only container networks may have a name");
            }
            Some("container" | "host" | "container/bridge") => {}
            _ => found
                .add(format!("/networks({index})/mode"), "must be one of container, container/bridge, host"),
        }
    }
}

fn ports(app: &Value, found: &mut Findings) {
    let (path, ports, numbers) = if app.get("portDefinitions").is_some() {
        ("/portDefinitions", &app["portDefinitions"], ["port"].as_slice())
    } else {
        (
            "/container/portMappings",
            &app["container"]["portMappings"],
            ["containerPort", "hostPort", "servicePort"].as_slice(),
        )
    };
    let mut names = BTreeSet::new();
    let mut fixed = BTreeSet::new();
    for (index, port) in list(ports).enumerate() {
        for number in numbers {
            found.range(&port[number], &format!("{path}({index})/{number}"), PORT);
        }
        if port["name"].as_str().is_some_and(|name| !names.insert(name)) {
            found.add(path, "Port names must be unique.");
        }
        let number = port["port"].as_u64().filter(|number| *number != 0);
        if number.is_some_and(|number| !fixed.insert(number)) {
            found.add(path, "Ports must be unique.");
        }
        let protocol = port["protocol"].as_str().unwrap_or("tcp");
        if !["tcp", "udp", "udp,tcp"].contains(&protocol) {
            found.add(format!("{path}({index})/protocol"), "must be one of tcp, udp, udp,tcp");
        }
    }
}

fn volumes(app: &Value, found: &mut Findings) {
    let mut is_resident = false;
    let mut is_external = false;
    for (index, volume) in list(&app["container"]["volumes"]).enumerate() {
        let path = format!("/container/volumes({index})");
        let kinds = ["persistent", "external", "secret", "hostPath"];
        if kinds.iter().filter(|kind| volume.get(**kind).is_some()).count() != 1 {
            found
                .add(path.clone(), "exactly one of persistent, external, secret or hostPath must be defined");
        }
        if volume["containerPath"].as_str().is_none_or(str::is_empty) {
            found.add(format!("{path}/containerPath"), "must not be empty");
        }
        is_resident |= volume.get("persistent").is_some();
        is_external |= volume.get("external").is_some();
        let inner = volume["containerPath"].as_str().unwrap_or_default();
        if volume.get("persistent").is_some() && (inner.contains('/') || inner == "." || inner == "..") {
            found.add(format!("{path}/containerPath"), "must not contain \"/\" or be \".\" or \"..\"");
        }
        if volume.get("persistent").is_some() && volume["mode"] != json!("RW") {
            found.add(format!("{path}/mode"), "must be RW");
        }
    }
    let strategy = |name: &str| app["upgradeStrategy"][name].as_f64().unwrap_or(0.0);
    if is_resident && strategy("maximumOverCapacity") > 0.0 {
        found.add("/upgradeStrategy/maximumOverCapacity", "must be 0 for apps with persistent volumes");
    }
    if is_resident && strategy("minimumHealthCapacity") > 0.5 {
        found.add(
            "/upgradeStrategy/minimumHealthCapacity",
            "must be less than or equal to 0.5 for apps with persistent volumes",
        );
    }
    if is_resident && app["unreachableStrategy"] != json!("disabled") {
        found.add("/unreachableStrategy", "unreachableStrategy must be disabled for resident tasks");
    }
    if is_external && app["instances"].as_u64().unwrap_or(1) > 1 && !all_shared(app) {
        found.add("/instances", "is greater than 1, with an external volume that is not shared");
    }
}

fn all_shared(app: &Value) -> bool {
    list(&app["container"]["volumes"])
        .filter_map(|volume| volume.get("external"))
        .all(|external| external["shared"] == json!(true) || external["provider"] == json!("csi"))
}

fn checks(app: &Value, found: &mut Findings) {
    let readiness: Vec<&Value> = list(&app["readinessChecks"]).collect();
    if readiness.len() > 1 {
        found.add("/readinessChecks", "readiness checks must not be more than one");
    }
    let names: Vec<&str> = port_names(app).collect();
    for (index, check) in readiness.iter().enumerate() {
        let name = check["portName"].as_str().unwrap_or_default();
        if !names.contains(&name) {
            found.add(
                format!("/readinessChecks({index})/portName"),
                format!("No port definition reference for portName {name}"),
            );
        }
        let seconds = |name: &str| check[name].as_u64().unwrap_or(0);
        if seconds("timeoutSeconds") >= seconds("intervalSeconds") {
            found.add(
                format!("/readinessChecks({index})/timeoutSeconds"),
                "must be less than intervalSeconds",
            );
        }
    }
    let count = names_or_ports(app);
    for (index, check) in list(&app["healthChecks"]).enumerate() {
        let path = format!("/healthChecks({index})");
        let is_command = check["protocol"] == json!("COMMAND");
        if is_command != check.get("command").is_some() {
            found.add(path.clone(), "command must be defined for COMMAND and for nothing else");
        }
        let beyond =
            check["portIndex"].as_u64().is_some_and(|at| usize::try_from(at).is_ok_and(|at| at >= count));
        if beyond && !is_command {
            found.add(path, "Health check port indices must address an element of the ports array or container port mappings.");
        }
    }
}

fn ports_of(app: &Value) -> &Value {
    if app.get("portDefinitions").is_some() {
        &app["portDefinitions"]
    } else {
        &app["container"]["portMappings"]
    }
}

fn port_names(app: &Value) -> impl Iterator<Item = &str> {
    list(ports_of(app)).filter_map(|port| port["name"].as_str())
}

fn names_or_ports(app: &Value) -> usize {
    list(ports_of(app)).count()
}

/// What names a secret names one that is declared.
fn secrets(app: &Value, found: &mut Findings) {
    let is_declared = |name: &str| app["secrets"].get(name).is_some();
    for (variable, value) in app["env"].as_object().into_iter().flatten() {
        if value["secret"].as_str().is_some_and(|name| !is_declared(name)) {
            found.add(format!("/env({variable})/secret"), "references an undeclared secret");
        }
    }
    for (index, volume) in list(&app["container"]["volumes"]).enumerate() {
        if volume["secret"].as_str().is_some_and(|name| !is_declared(name)) {
            found.add(format!("/container/volumes({index})/secret"), "references an undeclared secret");
        }
    }
    for (name, secret) in app["secrets"].as_object().into_iter().flatten() {
        if secret["source"].as_str().is_none_or(str::is_empty) {
            found.add(format!("/secrets({name})/source"), "must not be empty");
        }
    }
}

/// What is wrong with a pod whose defaults are filled in.
pub(super) fn pod(pod: &Value, id: &str) -> Findings {
    let mut found = Findings::default();
    for problem in path_id::problems(id) {
        found.add("/id", problem);
    }
    networks(pod, &mut found);
    found.range(&pod["scaling"]["instances"], "/scaling/instances", (0.0, ANY));
    for name in ["minimumHealthCapacity", "maximumOverCapacity"] {
        let path = format!("/scheduling/upgrade/{name}");
        found.range(&pod["scheduling"]["upgrade"][name], &path, (0.0, 1.0));
    }
    let volumes: Vec<&str> = list(&pod["volumes"]).filter_map(|volume| volume["name"].as_str()).collect();
    let mut names = BTreeSet::new();
    let mut endpoints = BTreeSet::new();
    if list(&pod["containers"]).next().is_none() {
        found.add("/containers", "must not be empty");
    }
    for (index, container) in list(&pod["containers"]).enumerate() {
        let path = format!("/containers({index})");
        if !container["name"].as_str().is_some_and(|name| names.insert(name)) {
            found.add("/containers", "container names must be unique");
        }
        found.range(&container["resources"]["cpus"], &format!("{path}/resources/cpus"), (0.001, ANY));
        found.range(&container["resources"]["mem"], &format!("{path}/resources/mem"), (0.001, ANY));
        for mount in list(&container["volumeMounts"]) {
            let name = mount["name"].as_str().unwrap_or_default();
            if !volumes.contains(&name) {
                found.add(format!("{path}/volumeMounts"), format!("volume {name} is not defined"));
            }
        }
        for endpoint in list(&container["endpoints"]) {
            if !endpoint["name"].as_str().is_some_and(|name| endpoints.insert(name)) {
                found.add("/containers/endpoints", "endpoint names must be unique across all containers");
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::app_shape;
    use super::*;

    #[track_caller]
    fn check(text: Value, expect: &[&str]) {
        let found = app(&app_shape::complete(text, "/a", None), "/a");
        let paths: Vec<&str> = found.0.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, expect);
    }

    #[test]
    fn every_finding_has_its_path() {
        check(json!({ "cmd": "sleep 1" }), &[]);
        check(json!({}), &["/"]);
        check(json!({ "cmd": "a", "args": ["b"] }), &["/"]);
        check(
            json!({ "cmd": "a", "upgradeStrategy": { "minimumHealthCapacity": 2, "maximumOverCapacity": 0 } }),
            &["/upgradeStrategy/minimumHealthCapacity"],
        );
        check(json!({ "cmd": "a", "networks": [{ "mode": "container" }] }), &["/networks(0)/name"]);
        check(json!({ "cmd": "a", "env": { "A": { "secret": "b" } } }), &["/env(A)/secret"]);
        check(json!({ "cmd": "a", "readinessChecks": [{}] }), &["/readinessChecks(0)/portName"]);
        check(json!({ "cmd": "a", "constraints": [["hostname"]] }), &["/constraints(0)"]);
    }

    #[test]
    fn residents_roll_without_surge() {
        let volume = json!({ "containerPath": "data", "mode": "RW", "persistent": { "size": 10 } });
        let mut text = json!({ "cmd": "a", "container": { "type": "MESOS", "volumes": [volume] } });
        check(text.clone(), &[]);
        text["upgradeStrategy"] = json!({ "minimumHealthCapacity": 1, "maximumOverCapacity": 1 });
        check(text, &["/upgradeStrategy/maximumOverCapacity", "/upgradeStrategy/minimumHealthCapacity"]);
    }
}
