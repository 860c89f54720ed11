use rhumb_backend::{Cause, FieldChange};
use serde_json::json;

use super::*;

fn check(kind: Kind, body: &Value, paths: &[&str], expect: &[(&str, Value)]) {
    let change =
        |path: &&str| FieldChange { path: (*path).to_owned(), from: None, to: None, cause: Cause::Wanted };
    let changes: Vec<FieldChange> = paths.iter().map(change).collect();
    let made = changed("c", kind, "arn:x/srv-1", (body, &changes));
    let made: Vec<(&str, Value)> =
        made.into_iter().map(|request| (request.operation, request.body)).collect();
    assert_eq!(made, expect);
}

#[test]
fn only_fields_that_differ_are_sent() {
    let body = json!({ "serviceName": "web", "taskDefinition": "arn:d", "desiredCount": 7, "launchType": "FARGATE" });
    let update = json!({ "cluster": "c", "service": "arn:x/srv-1", "taskDefinition": "arn:d" });
    check(Kind::Service, &body, &["taskDefinition", "tags.a.value"], &[("ecs:UpdateService", update)]);
    check(Kind::Service, &body, &["tags.a.value"], &[]);
}

#[test]
fn what_is_not_wanted_any_more_is_sent_as_nothing() {
    let update = json!({
        "cluster": "c",
        "service": "arn:x/srv-1",
        "loadBalancers": [],
        "serviceConnectConfiguration": { "enabled": false },
    });
    let paths = ["loadBalancers", "serviceConnectConfiguration.services"];
    check(Kind::Service, &json!({}), &paths, &[("ecs:UpdateService", update)]);
}

#[test]
fn capacity_providers_come_with_a_new_deployment() {
    let strategy = json!([{ "capacityProvider": "FARGATE", "weight": 1 }]);
    let body = json!({ "capacityProviderStrategy": strategy });
    let update = json!({
        "capacityProviderStrategy": strategy,
        "forceNewDeployment": true,
        "cluster": "c",
        "service": "arn:x/srv-1",
    });
    check(
        Kind::Service,
        &body,
        &["capacityProviderStrategy.FARGATE.weight"],
        &[("ecs:UpdateService", update)],
    );
}

#[test]
fn what_was_given_up_is_sent_by_force_with_its_definition() {
    let body = json!({ "taskDefinition": "arn:d", "desiredCount": 2, "forceNewDeployment": true });
    let update = json!({ "cluster": "c", "service": "arn:x/srv-1", "taskDefinition": "arn:d", "forceNewDeployment": true });
    check(Kind::Service, &body, &[], &[("ecs:UpdateService", update)]);
}

#[test]
fn a_priority_has_a_call_of_its_own() {
    let body = json!({ "Priority": 5, "Conditions": [{ "Field": "host-header", "Values": ["a"] }] });
    let priorities = json!({ "RulePriorities": [{ "RuleArn": "arn:x/srv-1", "Priority": 5 }] });
    check(Kind::ListenerRule, &body, &["Priority"], &[("elbv2:SetRulePriorities", priorities)]);
    let conditions = json!({ "RuleArn": "arn:x/srv-1", "Conditions": body["Conditions"] });
    check(Kind::ListenerRule, &body, &["Conditions"], &[("elbv2:ModifyRule", conditions)]);
}

#[test]
fn cloud_map_is_told_the_whole_of_what_it_can_change() {
    let records = json!([{ "Type": "A", "TTL": 5 }]);
    let body =
        json!({ "Name": "web", "DnsConfig": { "RoutingPolicy": "MULTIVALUE", "DnsRecords": records } });
    let update =
        json!({ "Id": "srv-1", "Service": { "Description": "", "DnsConfig": { "DnsRecords": records } } });
    check(Kind::Discovery, &body, &["DnsConfig.DnsRecords"], &[("servicediscovery:UpdateService", update)]);
    check(Kind::Discovery, &body, &["Tags.a.Value"], &[]);
}
