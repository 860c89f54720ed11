//! What a service's containers are.

use rhumb_backend::fields::{Fields, text_map};
use rhumb_backend::{ObjectId, reference};
use serde_json::{Map, Value, json};

use super::amount::{duration, mode};
use super::{Work, labels, shared};
use crate::kind::Kind;
use crate::lower::Body;

/// Writes `TaskTemplate.ContainerSpec`.
pub(super) fn container(work: &mut Work, task: &mut Fields<'_>, body: &mut Body) {
    let Some(mut read) = task.below("ContainerSpec") else { return };
    body.set_some("image", read.text("Image"))
        .set_filled("entrypoint", read.texts("Command"))
        .set_filled("command", read.texts("Args"))
        .set_some("hostname", read.text("Hostname"))
        .set_filled("environment", read.take("Env", environment).unwrap_or_default())
        .set_some("working_dir", read.text("Dir"))
        .set_some("user", read.text("User"))
        .set_some("init", read.flag("Init"))
        .set_some("tty", read.flag("TTY"))
        .set_some("stdin_open", read.flag("OpenStdin"))
        .set_some("read_only", read.flag("ReadOnly"))
        .set_some("isolation", read.text("Isolation"))
        .set_some("stop_signal", read.text("StopSignal"))
        .set_some("stop_grace_period", read.take("StopGracePeriod", duration));
    if let Some(mut check) = read.below("Healthcheck") {
        body.set_filled("healthcheck", healthcheck(&mut check));
    }
    body.set_filled("volumes", work.mounts(&mut read))
        .set_filled("configs", work.references(&mut read, Kind::Config))
        .set_filled("secrets", work.references(&mut read, Kind::Secret));
    surroundings(&mut read, body);
    body.set_filled("labels", labels(&mut read));
}

/// Variables with a value. One without would be taken from the environment of whoever deploys.
fn environment(value: &Value) -> Option<Vec<String>> {
    let found = rhumb_backend::fields::texts(value)?;
    found.iter().all(|variable| variable.contains('=')).then_some(found)
}

fn healthcheck(check: &mut Fields<'_>) -> Value {
    let test = check.texts("Test");
    if test == ["NONE"] {
        return json!({ "disable": true });
    }
    let mut body = Body::new();
    body.set_filled("test", test)
        .set_some("interval", check.take("Interval", duration))
        .set_some("timeout", check.take("Timeout", duration))
        .set_some("start_period", check.take("StartPeriod", duration))
        .set_some("retries", check.take("Retries", Value::as_u64));
    body.into_value()
}

/// Names, limits and rights of the system around it.
fn surroundings(read: &mut Fields<'_>, body: &mut Body) {
    body.set_some("extra_hosts", read.take("Hosts", hosts));
    if let Some(mut dns) = read.below("DNSConfig") {
        body.set_filled("dns", dns.texts("Nameservers")).set_filled("dns_search", dns.texts("Search"));
    }
    let pairs = |map: std::collections::BTreeMap<String, String>| {
        map.into_iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>()
    };
    body.set_some("sysctls", read.take("Sysctls", text_map).map(pairs))
        .set_filled("cap_add", read.texts("CapabilityAdd"))
        .set_filled("cap_drop", read.texts("CapabilityDrop"))
        .set_some("ulimits", read.take("Ulimits", ulimits));
}

/// `address host` as `host:address`.
fn hosts(value: &Value) -> Option<Vec<String>> {
    let one = |line: &Value| {
        let (address, host) = line.as_str()?.split_once(' ')?;
        (!host.contains(' ')).then(|| format!("{host}:{address}"))
    };
    value.as_array()?.iter().map(one).collect()
}

fn ulimits(value: &Value) -> Option<Value> {
    let mut found = Map::new();
    for limit in value.as_array()? {
        let of = |key: &str| limit.get(key).filter(|value| value.is_i64());
        let name = limit.get("Name")?.as_str()?;
        found.insert(name.to_owned(), json!({ "soft": of("Soft")?, "hard": of("Hard")? }));
    }
    Some(Value::Object(found))
}

impl Work {
    /// The files of configs or secrets that a container has.
    fn references(&self, read: &mut Fields<'_>, kind: Kind) -> Vec<Value> {
        let (list, id, name) = match kind {
            Kind::Secret => ("Secrets", "SecretID", "SecretName"),
            _ => ("Configs", "ConfigID", "ConfigName"),
        };
        let Some(Value::Array(items)) = read.take_whole(list) else { return Vec::new() };
        let mut found = Vec::new();
        for (at, item) in items.into_iter().enumerate() {
            let path = format!("{}.{at}", read.at(list));
            let Value::Object(mut map) = item else { continue };
            let mut file = Fields::new(&mut map, path.clone(), read.ledger());
            let target = file.take(id, |value| Some(reference::parse(value)?.0));
            if let Some(key) = target.and_then(|id: ObjectId| self.key(&id).cloned()) {
                file.text(name);
                found.push(reference_of(&key, &mut file));
            }
            shared::tell_rest(map, &path, read);
        }
        found
    }
}

/// Source: docker/cli, `convertFileObject`: owner and group are root's and the mode is 0444 where nothing is said.
fn reference_of(key: &str, file: &mut Fields<'_>) -> Value {
    let mut body = Body::new();
    body.set("source", key);
    if let Some(mut place) = file.below("File") {
        body.set_some("target", place.text("Name"))
            .set_some("uid", place.text("UID").filter(|id| id != "0"))
            .set_some("gid", place.text("GID").filter(|id| id != "0"))
            .set_some("mode", place.take("Mode", mode).filter(|mode| !mode.ends_with("-0444")));
    }
    body.into_value()
}
