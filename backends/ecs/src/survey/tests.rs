use serde_json::json;

use super::role::Role;
use super::*;

fn needs(app: &serde_json::Value) -> Needs {
    Needs::of(&serde_json::from_value(app.clone()).unwrap())
}

#[test]
fn only_what_an_app_needs_is_asked_for() {
    let container = json!({ "image": "i", "ports": { "http": 80 } });
    let workload = |more: serde_json::Value| {
        let mut workload = json!({ "containers": { "web": container } });
        workload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "workloads": { "web": workload } })
    };
    assert_eq!(needs(&json!({})), Needs::default());
    assert_eq!(needs(&workload(json!({}))), Needs::default());
    let exposed = needs(&workload(json!({ "expose": { "http": { "port": 80 } } })));
    assert_eq!(exposed, Needs { names: true, ..Needs::default() });
    let balanced = needs(&workload(json!({ "expose": { "http": { "port": 80, "as": "loadbalancer" } } })));
    assert_eq!(balanced, Needs { names: true, balancer: true, ..Needs::default() });
    let cron = needs(&workload(json!({ "mode": "cron", "cron": { "schedule": "0 0 * * *" } })));
    assert_eq!(cron, Needs { cron: true, ..Needs::default() });
    let shifting = needs(&workload(json!({ "update": { "strategy": "blueGreen" } })));
    assert_eq!(shifting, Needs { shifting: true, ..Needs::default() });
    let route = json!({ "routes": { "web": { "host": "h", "paths": { "/": { "workload": "web", "port": "http" } } } } });
    assert_eq!(needs(&route), Needs { routes: true, ..Needs::default() });
}

#[test]
fn trust_is_read_in_each_shape_that_policies_have() {
    let trusts = |policy: serde_json::Value| Role::of_test(policy).trusts("ecs-tasks.amazonaws.com");
    let allow = |principal: serde_json::Value| json!({ "Effect": "Allow", "Principal": principal });
    let one = json!({ "Service": "ecs-tasks.amazonaws.com" });
    let several = json!({ "Service": ["ec2.amazonaws.com", "ecs-tasks.amazonaws.com"] });
    assert!(trusts(json!({ "Statement": allow(one.clone()) })));
    assert!(trusts(json!({ "Statement": [allow(json!({ "AWS": "x" })), allow(several)] })));
    assert!(!trusts(json!({ "Statement": [allow(json!({ "Service": "ec2.amazonaws.com" }))] })));
    assert!(!trusts(json!({ "Statement": [{ "Effect": "Deny", "Principal": one }] })));
}

#[test]
fn tasks_have_addresses_where_the_target_says_so() {
    let check = |settings: serde_json::Value, expect: bool| {
        assert_eq!(has_addresses(&serde_json::from_value(settings.clone()).unwrap()), expect, "{settings}");
    };
    check(json!({}), true);
    check(json!({ "launchType": "EC2", "networkMode": "bridge" }), false);
    check(json!({ "launchType": "EC2" }), true);
    check(json!({ "networkMode": "bridge", "capacityProviders": { "machines": 1 } }), false);
    check(json!({ "networkMode": "bridge", "capacityProviders": { "FARGATE_SPOT": 1 } }), true);
}
