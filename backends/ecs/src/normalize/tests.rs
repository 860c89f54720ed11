use serde_json::json;

use super::*;

fn live(kind: Kind, last: Option<&Value>, live: &Value, want: &Value) -> Value {
    align(kind, last, live, want).live
}

#[test]
fn forms_that_say_the_same_are_the_same() {
    let want = json!({ "Port": 80, "HealthCheckEnabled": true, "Matcher": { "HttpCode": "200" } });
    let told = json!({ "Port": "80", "HealthCheckEnabled": "true", "Matcher": { "HttpCode": "200", "GrpcCode": null } });
    let aligned = live(Kind::TargetGroup, None, &told, &want);
    assert_eq!((&aligned["Port"], &aligned["HealthCheckEnabled"]), (&json!(80), &json!(true)));
    assert_eq!(aligned["Matcher"], json!({ "HttpCode": "200" }));
    let policy =
        |target: Value| json!({ "TargetTrackingScalingPolicyConfiguration": { "TargetValue": target } });
    let aligned = live(Kind::ScalingPolicy, None, &policy(json!(60.0)), &policy(json!(60)));
    assert_eq!(aligned["TargetTrackingScalingPolicyConfiguration"]["TargetValue"], json!(60));
}

#[test]
fn what_aws_adds_to_items_of_lists_is_left_out() {
    let want = json!({
        "Conditions": [{ "Field": "path-pattern", "Values": ["/api/*"] }, { "Field": "host-header", "Values": ["a"] }],
        "Actions": [{ "Type": "forward", "TargetGroupArn": "arn:t" }],
    });
    let told = json!({
        "Conditions": [
            { "Field": "host-header", "Values": ["a"], "HostHeaderConfig": { "Values": ["a"] } },
            { "Field": "path-pattern", "Values": ["/api/*"], "PathPatternConfig": { "Values": ["/api/*"] } },
        ],
        "Actions": [{ "Type": "forward", "TargetGroupArn": "arn:t", "Order": 1, "ForwardConfig": { "TargetGroups": [{ "TargetGroupArn": "arn:t" }] } }],
    });
    let aligned = align(Kind::ListenerRule, None, &told, &want);
    assert_eq!(aligned.live, aligned.want);
}

#[test]
fn a_default_stands_where_the_chart_says_nothing_any_more() {
    let last = json!({ "deploymentConfiguration": { "minimumHealthyPercent": 50 } });
    let there = json!({ "deploymentConfiguration": { "minimumHealthyPercent": 50, "maximumPercent": 200 } });
    let aligned = align(Kind::Service, Some(&last), &there, &json!({ "desiredCount": 1 }));
    assert_eq!(aligned.want["deploymentConfiguration"], json!({ "minimumHealthyPercent": 100 }));
    let daemon = json!({ "schedulingStrategy": "DAEMON" });
    let aligned = align(Kind::Service, Some(&last), &there, &daemon);
    assert_eq!(aligned.want["deploymentConfiguration"], json!({ "minimumHealthyPercent": 0 }));
}

#[test]
fn what_finds_a_service_is_no_part_of_it() {
    let want = json!({ "cluster": "c", "clientToken": "t", "tags": [{ "key": "a", "value": "1" }] });
    let told = json!({ "cluster": "arn:aws:ecs:r:1:cluster/c", "tags": [{ "key": "aws:x", "value": "2" }, { "key": "a", "value": "1" }] });
    let aligned = align(Kind::Service, None, &told, &want);
    assert_eq!(aligned.live, aligned.want);
}

#[test]
fn a_task_definition_may_be_wanted_by_its_family() {
    let check = |named: &str, expect: bool| {
        let arn = "arn:aws:ecs:r:1:task-definition/shop-web:7";
        let aligned = align(
            Kind::Service,
            None,
            &json!({ "taskDefinition": arn }),
            &json!({ "taskDefinition": named }),
        );
        assert_eq!(aligned.want["taskDefinition"] == arn, expect, "{named}");
    };
    check("shop-web", true);
    check("shop-web:7", true);
    check("shop-web:6", false);
    check("web", false);
}

#[test]
fn traffic_that_ecs_shifts_is_no_drift() {
    let rule = |blue: u32, green: u32| {
        let groups = json!([{ "TargetGroupArn": "arn:b", "Weight": blue }, { "TargetGroupArn": "arn:g", "Weight": green }]);
        json!({ "Actions": [{ "Type": "forward", "ForwardConfig": { "TargetGroups": groups } }] })
    };
    let aligned = align(Kind::ListenerRule, Some(&rule(1, 0)), &rule(0, 100), &rule(1, 0));
    assert_eq!(aligned.live, aligned.want);
    let one = json!({ "Actions": [{ "Type": "forward", "ForwardConfig": { "TargetGroups": [{ "TargetGroupArn": "arn:b", "Weight": 1 }] } }] });
    let aligned = align(Kind::ListenerRule, None, &rule(0, 100), &one);
    assert_ne!(aligned.live, aligned.want);
}
