use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{Adopted, Ownership, There};
use serde_json::json;

use super::pairs::pairs;
use super::*;
use crate::collect;

fn object(id: &str, body: Value) -> Object {
    Object::new(ObjectId::from(id), body)
}

fn live(id: &str, body: Value) -> Live {
    Live {
        object: object(id, body),
        native: "arn:x".to_owned(),
        version: None,
        outputs: BTreeMap::new(),
        holds: BTreeSet::new(),
        foreign: None,
    }
}

fn adopted(base: Value, there: Value) -> Adopted {
    let there = There { identity: "arn:x".to_owned(), body: there, ownership: Ownership::Owned };
    Adopted { base, generation: None, there: Some(there) }
}

/// What an import makes of a service behind a load balancer, in Cloud Map, that follows the load.
fn chart() -> Vec<Object> {
    let group = json!({ "$ref": "target-group/web-http#arn" });
    let resource = "service/c/default-shop-web";
    let metric = json!({ "PredefinedMetricType": "ECSServiceAverageCPUUtilization" });
    vec![
        object("log-group/shop", json!({ "logGroupName": "/rhumb/default/shop" })),
        object("discovery/web", json!({ "Name": "default-shop-web" })),
        object("target-group/web-http", json!({ "Name": "default-shop-web-http" })),
        object("task-definition/web", json!({ "family": "default-shop-web" })),
        object(
            "service/web",
            json!({
                "serviceName": "default-shop-web",
                "loadBalancers": [{ "targetGroupArn": group, "containerName": "nginx-proxy", "containerPort": 80 }],
                "serviceRegistries": [{ "registryArn": { "$ref": "discovery/web#arn" } }],
            }),
        ),
        object("scalable-target/web", json!({ "ResourceId": resource })),
        object(
            "scaling-policy/web-cpu",
            json!({ "ResourceId": resource, "TargetTrackingScalingPolicyConfiguration": { "PredefinedMetricSpecification": metric } }),
        ),
        object(
            "listener-rule/front-0",
            json!({
                "Conditions": [{ "Field": "path-pattern", "PathPatternConfig": { "Values": ["/a", "/a/*"] } }],
                "Actions": [{ "Type": "forward", "TargetGroupArn": group }],
            }),
        ),
    ]
}

fn there() -> collect::There {
    let scaling = |name: &str, metric: &str| {
        json!({ "PolicyName": name, "ResourceId": "service/c/web", "TargetTrackingScalingPolicyConfiguration": {
            "PredefinedMetricSpecification": { "PredefinedMetricType": metric } } })
    };
    let rule = |arn: &str, path: &str| {
        json!({ "RuleArn": arn, "Conditions": [{ "Field": "path-pattern", "Values": [path] }],
            "Actions": [{ "Type": "forward", "TargetGroupArn": "arn:g" }] })
    };
    collect::There {
        services: vec![json!({
            "serviceName": "web", "taskDefinition": "arn:aws:ecs:r:1:task-definition/front:7",
            "loadBalancers": [{ "targetGroupArn": "arn:g", "containerName": "nginx_proxy", "containerPort": 80 }],
            "serviceRegistries": [{ "registryArn": "arn:r" }],
        })],
        definitions: vec![
            json!({ "taskDefinition": { "taskDefinitionArn": "arn:aws:ecs:r:1:task-definition/front:7" } }),
        ],
        groups: vec![json!({ "TargetGroupArn": "arn:g", "TargetGroupName": "front" })],
        ways: vec![rule("arn:rule-a", "/a*")],
        registries: vec![json!({ "Arn": "arn:r", "Name": "web" })],
        scaling: vec![
            json!({ "ResourceId": "service/c/web" }),
            scaling("memory", "ECSServiceAverageMemoryUtilization"),
            scaling("cpu", "ECSServiceAverageCPUUtilization"),
        ],
        ..collect::There::default()
    }
}

/// What is paired, with what an uninstall leaves in brackets, and how many notes there are.
#[track_caller]
fn check(there: &collect::There, expect: &[&str], notes: usize) {
    let found = pairs(there, &chart());
    let shown = found.found.iter().map(|pair| match pair.ownership {
        Ownership::Kept => format!("({})", pair.id),
        _ => pair.id.to_string(),
    });
    assert_eq!(shown.collect::<Vec<_>>(), expect);
    assert_eq!(found.notes.len(), notes, "{:?}", found.notes);
}

const ALL: [&str; 7] = [
    "service/web",
    "task-definition/web",
    "target-group/web-http",
    "discovery/web",
    "scalable-target/web",
    "scaling-policy/web-cpu",
    "listener-rule/front-0",
];

#[test]
fn what_a_service_uses_is_found_whatever_it_is_called() {
    // The policy that measures memory is none of the chart's.
    check(&there(), &ALL, 1);
    let mut named = there();
    named.services[0]["serviceName"] = "default-shop-web".into();
    named.scaling.clear();
    check(&named, &[&ALL[..4], &ALL[6..]].concat(), 0);
}

#[test]
fn what_others_use_stays_after_an_uninstall() {
    let mut shared = there();
    shared.others = vec![json!({ "loadBalancers": [{ "targetGroupArn": "arn:g" }] })];
    let mut expect = ALL.to_vec();
    expect[2] = "(target-group/web-http)";
    check(&shared, &expect, 2);
    let mut by_default = there();
    by_default.ways.push(
        json!({ "ListenerArn": "l", "Protocol": "HTTP", "DefaultActions": [{ "TargetGroupArn": "arn:g" }] }),
    );
    check(&by_default, &expect, 2);
}

#[test]
fn a_rule_that_the_chart_does_not_have_stays_somebody_elses() {
    let mut there = there();
    there.ways = vec![json!({ "RuleArn": "r", "Actions": [{ "TargetGroupArn": "arn:g" }],
        "Conditions": [{ "Field": "http-header" }] })];
    let expect: Vec<&str> = ALL[..6]
        .iter()
        .map(|id| if id.starts_with("target") { "(target-group/web-http)" } else { id })
        .collect();
    check(&there, &expect, 2);
}

#[test]
fn a_service_is_asked_for_as_it_is_with_marks() {
    let tags = json!([{ "key": "team", "value": "web" }, { "key": "aws:ecs:x", "value": "1" }]);
    let marks = json!([{ "key": "rhumb.dev/release", "value": "shop" }, { "key": "chart", "value": "x" }]);
    let asked = asked(
        &live("service/web", json!({ "serviceName": "web", "role": "arn", "tags": tags })),
        &object("service/web", json!({ "serviceName": "default-shop-web", "tags": marks })),
    );
    let expect = json!([{ "key": "rhumb.dev/release", "value": "shop" }, { "key": "team", "value": "web" }]);
    assert_eq!(asked, json!({ "serviceName": "web", "role": "arn", "tags": expect }));
}

#[test]
fn a_task_definition_is_marked_from_its_next_revision_on() {
    let marks = json!([{ "key": "rhumb.dev/release", "value": "shop" }]);
    let want = object("task-definition/web", json!({ "family": "default-shop-web", "tags": marks }));
    let mut body = asked(&live("task-definition/web", json!({ "family": "front" })), &want);
    assert_eq!(body, json!({ "family": "front" }));
    mark(&want, &mut body);
    assert_eq!(body, json!({ "family": "front", "tags": marks }));
}

#[test]
fn a_schedule_is_pinned_to_the_revision_that_it_runs() {
    let mut there = live(
        "schedule/report",
        json!({ "Name": "report", "Target": { "EcsParameters": { "TaskDefinitionArn": "arn:report" } } }),
    );
    there.outputs.insert(RUNS.to_owned(), "arn:report:3".to_owned());
    let tags = json!([{ "Key": "rhumb.dev/release", "Value": "shop" }]);
    let want = object("schedule/report", json!({ "Target": { "EcsParameters": { "Tags": tags } } }));
    let ecs = json!({ "TaskDefinitionArn": "arn:report:3", "Tags": tags });
    assert_eq!(asked(&there, &want), json!({ "Name": "report", "Target": { "EcsParameters": ecs } }));
}

#[test]
fn tags_of_the_thing_itself_are_marks() {
    let is = |id: &str, path: &str| is_mark(&ObjectId::from(id), path);
    assert!(is("service/web", "tags.rhumb.dev/release.value") && is("target-group/web", "Tags"));
    assert!(!is("service/web", "tags.team") && !is("service/web", "taskDefinition"));
    assert!(is("schedule/a", "Target.EcsParameters.Tags") && !is("service/a", "Target.EcsParameters.Tags"));
}

#[test]
fn what_the_chart_makes_is_called_as_what_was_adopted() {
    let containers =
        |name: &str| json!({ "containerDefinitions": [{ "name": name }], "volumes": [{ "name": "data" }] });
    let disk = |name: &str| json!({ "volumes": [{ "name": name, "efsVolumeConfiguration": { "fileSystemId": "fs-1" } }] });
    let adoption = Adoption::from([
        (
            "service/web".into(),
            adopted(json!({ "serviceName": "default-shop-web" }), json!({ "serviceName": "web" })),
        ),
        ("discovery/web".into(), adopted(json!({ "Name": "default-shop-web" }), json!({ "Name": "www" }))),
        ("task-definition/web".into(), adopted(containers("nginx-proxy"), containers("nginx_proxy"))),
        ("task-definition/disk".into(), adopted(disk("volume-fs-1"), disk("data"))),
        ("listener-rule/web-0".into(), adopted(json!({ "Priority": 20 }), json!({ "Priority": 3 }))),
    ]);
    let check = |id: &str, body: Value, expect: Value| {
        assert_eq!(reword(&adoption, &ObjectId::from(id), &body), expect, "{id}");
    };
    check(
        "scaling-policy/web-cpu",
        json!({ "ResourceId": "service/c/default-shop-web", "PolicyName": "default-shop-web-cpu" }),
        json!({ "ResourceId": "service/c/web", "PolicyName": "default-shop-web-cpu" }),
    );
    check(
        "task-definition/new",
        json!({ "environment": [{ "value": "http://default-shop-web.local:80 my-default-shop-web.x" }] }),
        json!({ "environment": [{ "value": "http://www.local:80 my-default-shop-web.x" }] }),
    );
    check(
        "task-definition/web",
        json!({ "containerDefinitions": [{ "name": "nginx-proxy" }, { "name": "side", "dependsOn": [{ "containerName": "nginx-proxy" }] }] }),
        json!({ "containerDefinitions": [{ "name": "nginx_proxy" }, { "name": "side", "dependsOn": [{ "containerName": "nginx_proxy" }] }] }),
    );
    check(
        "task-definition/disk",
        json!({ "volumes": [{ "name": "volume-fs-1" }], "containerDefinitions": [{ "mountPoints": [{ "sourceVolume": "volume-fs-1" }] }] }),
        json!({ "volumes": [{ "name": "data" }], "containerDefinitions": [{ "mountPoints": [{ "sourceVolume": "data" }] }] }),
    );
    check(
        "service/web",
        json!({ "loadBalancers": [{ "containerName": "nginx-proxy" }] }),
        json!({ "loadBalancers": [{ "containerName": "nginx_proxy" }] }),
    );
    check("listener-rule/web-0", json!({ "Priority": 30 }), json!({ "Priority": 3 }));
    check("listener-rule/new-0", json!({ "Priority": 30 }), json!({ "Priority": 30 }));
}

#[test]
fn what_writes_to_the_releases_log_group_needs_it() {
    let group = object("log-group/shop", json!({ "logGroupName": "/rhumb/default/shop" }));
    let writes = |name: &str| json!({ "options": { "awslogs-group": name } });
    assert!(needs(&writes("/rhumb/default/shop"), &group) && !needs(&writes("/ecs/web"), &group));
}

#[test]
fn a_listener_that_is_no_releases_is_taken_for_this_ones() {
    let mut facts = EcsFacts::default();
    let balancer = facts.network_load_balancer.as_mut().unwrap();
    balancer.listeners.insert(53, crate::facts::Listener::default());
    let other = crate::facts::Listener { release: Some("default/other".to_owned()), ..Default::default() };
    balancer.listeners.insert(54, other);
    let facts = claimed(&Scope::new("default", "shop"), facts);
    let listeners = facts.network_load_balancer.unwrap().listeners;
    assert_eq!(listeners[&53].release.as_deref(), Some("default/shop"));
    assert_eq!(listeners[&54].release.as_deref(), Some("default/other"));
}
