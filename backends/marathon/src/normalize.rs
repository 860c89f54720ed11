//! What the servers make of the documents that they are given, so that it does not look like a difference.
//!
//! Fields that we never set stay out of the comparison by themselves. What is here are fields that we do set and that
//! come back in another form, defaults inside of lists, and what is a state rather than a wish.

use rhumb_backend::change::Path;
use serde_json::{Map, Value, json};

use crate::document::text;

/// What is said of an app, pod or job beside what it is wanted to be.
///
/// `ports` and `uris` say again what `portDefinitions`, `portMappings` and `fetch` say, and must not be sent beside them.
///
/// Source: Marathon REST API, `AppInfo`; Metronome API, embeds of jobs.
const STATE: [&str; 18] = [
    "version",
    "versionInfo",
    "tasks",
    "tasksStaged",
    "tasksRunning",
    "tasksHealthy",
    "tasksUnhealthy",
    "tasksStats",
    "taskStats",
    "deployments",
    "lastTaskFailure",
    "readinessCheckResults",
    "ports",
    "uris",
    "activeRuns",
    "history",
    "historySummary",
    "role",
];

/// Makes a mapping of defaults.
type Defaults = fn() -> Value;

/// What the servers take where nothing is said, inside of lists and of mappings that are one value.
///
/// Source: Marathon REST API, the RAML types `AppHealthCheck`, `ReadinessCheck`, `ContainerPortMapping`,
/// `PortDefinition`, `Network`, `DockerContainer`, `Artifact`, `HealthCheck`, `Endpoint`; Metronome API, `Schedule`.
const DEFAULTS: [(&str, Defaults); 14] = [
    ("healthChecks.*", app_health_check),
    ("readinessChecks.*", readiness_check),
    ("container.portMappings.*", || json!({ "protocol": "tcp" })),
    ("portDefinitions.*", || json!({ "protocol": "tcp" })),
    ("networks.*", || json!({ "mode": "container" })),
    ("container.docker", || json!({ "forcePullImage": false, "privileged": false })),
    ("fetch.*", artifact),
    ("containers.*.artifacts.*", artifact),
    ("containers.*.healthCheck", pod_health_check),
    ("containers.*.healthCheck.http", || json!({ "scheme": "HTTP" })),
    ("containers.*.image", || json!({ "forcePull": false })),
    ("run.docker", || json!({ "forcePullImage": false, "privileged": false })),
    ("run.artifacts.*", artifact),
    ("schedules.*", schedule),
];

fn app_health_check() -> Value {
    json!({
        "protocol": "HTTP",
        "gracePeriodSeconds": 300,
        "intervalSeconds": 60,
        "timeoutSeconds": 20,
        "maxConsecutiveFailures": 3,
        "delaySeconds": 15,
        "ipProtocol": "IPv4",
        "ignoreHttp1xx": false,
    })
}

fn pod_health_check() -> Value {
    json!({
        "gracePeriodSeconds": 300,
        "intervalSeconds": 60,
        "timeoutSeconds": 20,
        "maxConsecutiveFailures": 3,
        "delaySeconds": 15,
    })
}

fn readiness_check() -> Value {
    json!({
        "name": "readinessCheck",
        "protocol": "HTTP",
        "path": "/",
        "portName": "http-api",
        "intervalSeconds": 30,
        "timeoutSeconds": 10,
        "httpStatusCodesForReady": [200],
        "preserveLastResponse": false,
    })
}

fn artifact() -> Value {
    json!({ "extract": true, "executable": false, "cache": false })
}

fn schedule() -> Value {
    json!({
        "timezone": "UTC",
        "concurrencyPolicy": "ALLOW",
        "startingDeadlineSeconds": 900,
        "enabled": true,
    })
}

/// A document of an app, pod or job, reduced to what it is wanted to be, in the form in which the servers write it.
///
/// - Empty lists and mappings are the same as none.
/// - Whole numbers are written without a point.
/// - Defaults inside of lists are written out.
pub fn document(live: &Value) -> Value {
    let mut body = live.clone();
    if let Some(map) = body.as_object_mut() {
        map.retain(|key, _| !STATE.contains(&key.as_str()));
    }
    for schedule in body.get_mut("schedules").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(schedule) = schedule.as_object_mut() {
            schedule.shift_remove("nextRunAt");
        }
    }
    fill(&mut body, &mut Path::default());
    without_empty(&body)
}

/// A document as we want it, in the form in which the servers will return it. Ports that the server assigned to what is
/// there stay where none is asked for.
pub fn wanted(want: &Value, live: &Value) -> Value {
    let mut body = document(want);
    let assigned = |at: &str| live.pointer(at).and_then(Value::as_array).cloned().unwrap_or_default();
    let mappings = assigned("/container/portMappings");
    adopt(&mut body, "/container/portMappings", &mappings, "servicePort");
    adopt(&mut body, "/portDefinitions", &assigned("/portDefinitions"), "port");
    if let (Some(want), Some(live)) = (text(want, "/schedule"), text(live, "/schedule"))
        && is_same_rhythm(want, live)
    {
        body["schedule"] = live.into();
    }
    body
}

/// Whether two schedules of Chronos differ by nothing but how often they struck already: it writes the time of the next run
/// over the first one.
///
/// Source: Chronos documentation, "Job configuration", `schedule`: `R<times>/<first time>/<interval>`.
fn is_same_rhythm(want: &str, live: &str) -> bool {
    let parts = |text: &str| {
        let parts: Vec<String> = text.splitn(3, '/').map(ToOwned::to_owned).collect();
        let [times, first, interval] = <[String; 3]>::try_from(parts).ok()?;
        let span: jiff::Span = interval.parse().ok()?;
        let days = i64::from(span.get_days()) + 7 * i64::from(span.get_weeks());
        let seconds =
            days * 86_400 + i64::from(span.get_hours()) * 3600 + span.get_minutes() * 60 + span.get_seconds();
        let first: jiff::Timestamp = first.parse().ok()?;
        Some((times, first.as_second(), seconds))
    };
    match (parts(want), parts(live)) {
        (Some((times, first, seconds)), Some((left, next, interval))) => {
            times == left && seconds == interval && seconds > 0 && (next - first) % seconds == 0
        }
        _ => false,
    }
}

/// A document that is there, without what belongs to a network that is no longer wanted.
///
/// Source: Marathon's validation: port definitions are for host networking, port mappings for the others.
pub fn live(live: &Value, want: &Value) -> Value {
    let mut body = document(live);
    let Some(map) = body.as_object_mut() else { return body };
    if !is_on_host(want) {
        for field in ["portDefinitions", "requirePorts"] {
            if want.get(field).is_none() {
                map.shift_remove(field);
            }
        }
    }
    body
}

fn is_on_host(body: &Value) -> bool {
    let networks = body.get("networks").and_then(Value::as_array);
    networks.is_none_or(|networks| {
        networks.is_empty()
            || networks.iter().any(|network| network.get("mode").is_some_and(|mode| mode == "host"))
    })
}

/// Takes over the ports that the server assigned: those of the item with the same name, else of the same place.
fn adopt(body: &mut Value, at: &str, live: &[Value], field: &str) {
    let items = body.pointer_mut(at).and_then(Value::as_array_mut).into_iter().flatten();
    for (place, item) in items.enumerate() {
        let Some(map) = item.as_object_mut() else { continue };
        if map.get(field).and_then(Value::as_u64).unwrap_or(0) > 0 {
            continue;
        }
        let named = map.get("name").and_then(|name| live.iter().find(|live| live.get("name") == Some(name)));
        let assigned = named.or_else(|| live.get(place)).and_then(|live| live.get(field));
        if let Some(port) = assigned.filter(|port| port.as_u64().unwrap_or(0) > 0) {
            map.insert(field.to_owned(), port.clone());
        }
    }
}

/// Writes out the defaults of everything that is there.
fn fill(value: &mut Value, path: &mut Path) {
    if let Some(map) = value.as_object_mut() {
        for (_, defaults) in DEFAULTS.iter().filter(|(pattern, _)| path.matches(pattern)) {
            for (key, default) in defaults().as_object().into_iter().flatten() {
                map.entry(key.clone()).or_insert_with(|| default.clone());
            }
        }
        for (key, item) in map {
            path.push(key);
            fill(item, path);
            path.pop();
        }
    } else if let Some(items) = value.as_array_mut() {
        for item in items {
            path.push("*");
            fill(item, path);
            path.pop();
        }
    }
}

/// The value without nulls, empty lists and empty mappings, and with whole numbers as such.
fn without_empty(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let cleaned = map.iter().map(|(key, value)| (key.clone(), without_empty(value)));
            Value::Object(cleaned.filter(|(key, value)| is_meant(key, value)).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_empty).collect()),
        Value::Number(number) => whole(number),
        other => other.clone(),
    }
}

/// An empty list of port mappings means none, and no list means one. An empty volume of a pod is a mapping.
fn is_meant(key: &str, value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty() || matches!(key, "portMappings" | "portDefinitions"),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    }
}

/// A whole number as one: Marathon writes a share of `1` as `1.0`.
#[expect(clippy::cast_possible_truncation, reason = "it is whole and within the bounds")]
fn whole(number: &serde_json::Number) -> Value {
    match number.as_f64().filter(|_| number.is_f64()) {
        Some(float) if float.fract() == 0.0 && float.abs() < 1e15 => (float as i64).into(),
        _ => Value::Number(number.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_forms_are_no_wishes() {
        let live = json!({
            "id": "/a", "cpus": 1.0, "mem": 0.5, "args": [], "env": {}, "version": "v", "tasksRunning": 1,
            "versionInfo": {}, "deployments": [], "ports": [10_000], "lastTaskFailure": { "message": "x" },
        });
        assert_eq!(document(&live), json!({ "id": "/a", "cpus": 1, "mem": 0.5 }));
    }

    #[test]
    fn defaults_inside_of_lists_are_written_out() {
        let body = document(&json!({ "healthChecks": [{ "path": "/", "intervalSeconds": 5 }] }));
        assert_eq!(body["healthChecks"][0]["intervalSeconds"], 5);
        assert_eq!(body["healthChecks"][0]["protocol"], "HTTP");
        assert_eq!(document(&body), body);
    }

    #[test]
    fn a_schedule_that_struck_is_the_same() {
        let first = "R/2024-01-01T03:30:00Z/P1D";
        assert!(is_same_rhythm(first, "R/2026-11-28T03:30:00.000Z/P1D"));
        assert!(!is_same_rhythm(first, "R/2026-11-28T04:30:00.000Z/P1D"));
        assert!(!is_same_rhythm(first, "R/2026-11-28T03:30:00.000Z/P7D"));
        assert!(!is_same_rhythm("0 3 * * *", "0 4 * * *"));
        let wanted =
            wanted(&json!({ "schedule": first }), &json!({ "schedule": "R/2026-11-28T03:30:00.000Z/P1D" }));
        assert_eq!(wanted["schedule"], "R/2026-11-28T03:30:00.000Z/P1D");
    }

    #[test]
    fn assigned_ports_stay() {
        let live = json!({ "container": { "portMappings": [
            { "containerPort": 81, "name": "b", "servicePort": 10_001 },
            { "containerPort": 80, "name": "a", "servicePort": 10_000 },
        ] } });
        let want = json!({ "container": { "portMappings": [
            { "containerPort": 80, "name": "a", "servicePort": 0 },
            { "containerPort": 82, "name": "b", "servicePort": 9000 },
        ] } });
        let body = wanted(&want, &live);
        assert_eq!(body.pointer("/container/portMappings/0/servicePort"), Some(&json!(10_000)));
        assert_eq!(body.pointer("/container/portMappings/1/servicePort"), Some(&json!(9000)));
    }
}
