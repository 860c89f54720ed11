use rhumb_backend::change::three_way;
use serde_json::json;

use super::*;

/// The paths that differ between what is wanted, and was wanted before, and what is there.
#[expect(clippy::needless_pass_by_value, reason = "cases read better without a borrow each")]
fn changes(want: Value, live: Value) -> Vec<String> {
    let (want, live) = (comparable(&want), comparable(&live));
    let aligned = align(&want, Some(&want), &live);
    let merged = three_way(Some(&aligned), &live, &aligned, &RULES);
    merged.changes.into_iter().map(|change| change.path).collect()
}

fn pod(container: &Value) -> Value {
    json!({ "spec": { "template": { "spec": { "containers": [container] } } } })
}

#[test]
fn amounts_are_equal_in_whatever_form() {
    let resources = |cpu: Value, memory: &str| {
        pod(&json!({ "name": "a", "resources": { "requests": { "cpu": cpu, "memory": memory } } }))
    };
    let none: Vec<String> = Vec::new();
    assert_eq!(changes(resources(json!("1000m"), "1024Mi"), resources(json!("1"), "1Gi")), none);
    assert_eq!(changes(resources(json!(0.5), "1e3"), resources(json!("500m"), "1k")), none);
    assert_eq!(changes(resources(json!(2), "1G"), resources(json!("2"), "1000M")), none);
    let differ = changes(resources(json!("1"), "1G"), resources(json!("1"), "1Gi"));
    assert_eq!(differ, ["spec.template.spec.containers.a.resources.requests.memory"]);
}

#[test]
fn texts_that_look_like_amounts_are_texts() {
    let env = |value: &str| pod(&json!({ "name": "a", "env": [{ "name": "X", "value": value }] }));
    assert_eq!(changes(env("1.0"), env("1")), ["spec.template.spec.containers.a.env.X.value"]);
}

#[test]
fn what_the_server_adds_is_no_difference() {
    let none: Vec<String> = Vec::new();
    let want = json!({ "spec": { "ports": [{ "port": 80, "name": "http" }] }, "metadata": { "name": "a", "labels": {} } });
    let live = json!({
        "metadata": { "name": "a", "uid": "u", "resourceVersion": "1", "managedFields": [{}] },
        "spec": { "ports": [{ "port": 80, "name": "http", "protocol": "TCP", "targetPort": 80, "nodePort": 30000 }], "clusterIP": "10.0.0.1" },
        "status": {},
    });
    assert_eq!(changes(want, live), none);
    // Lists without a key, whose items get defaults.
    let policy = |port: Value| json!({ "spec": { "podSelector": {}, "ingress": [{ "ports": [port] }] } });
    assert_eq!(
        changes(policy(json!({ "port": 80 })), policy(json!({ "port": 80, "protocol": "TCP" }))),
        none
    );
    assert_eq!(
        changes(
            policy(json!({ "port": 80, "protocol": "UDP" })),
            policy(json!({ "port": 80, "protocol": "TCP" }))
        ),
        ["spec.ingress"]
    );
    // Zeros and empty texts, which the server drops.
    let want = pod(&json!({ "name": "a", "env": [{ "name": "X", "value": "" }], "tty": false }));
    assert_eq!(changes(want, pod(&json!({ "name": "a", "env": [{ "name": "X" }] }))), none);
}

#[test]
fn an_absence_that_means_something_is_a_difference() {
    let want = json!({ "spec": { "template": { "spec": { "automountServiceAccountToken": false } } } });
    let live = json!({ "spec": { "template": { "spec": {} } } });
    assert_eq!(changes(want, live), ["spec.template.spec.automountServiceAccountToken"]);
}

#[test]
fn amounts_are_read_as_the_server_reads_them() {
    let check = |text: &str, expect: Option<i128>| assert_eq!(quantity(&json!(text)), expect, "{text}");
    check("1", Some(1_000_000_000));
    check("1500m", Some(1_500_000_000));
    check("1.5", Some(1_500_000_000));
    check("1Ki", Some(1024 * 1_000_000_000));
    check("2E", Some(2_000_000_000_000_000_000_000_000_000));
    check("1e3", Some(1_000_000_000_000));
    check("1E-3", Some(1_000_000));
    check("-5", Some(-5_000_000_000));
    check(".5", Some(500_000_000));
    for wrong in ["", "m", "1x", "1.2.3", "one"] {
        check(wrong, None);
    }
}
