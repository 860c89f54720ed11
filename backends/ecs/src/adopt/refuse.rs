//! What may not be taken over, and from whom.

use rhumb_backend::{Live, Scope};
use rhumb_spec::Diagnostic;
use serde_json::Value;

use super::is_marked;
use crate::kind::Kind;
use crate::marks::Tags;
use crate::observe::owner;
use crate::pages::{items, text};
use crate::rollout::{deployments, given_up, primary};

/// What keeps a service from being adopted, by what ECS says of it.
///
/// Sources: Amazon ECS API reference, `DeploymentController`, `Service`; Amazon ECS developer guide, "Amazon ECS deployment
/// controllers and strategies".
pub(super) fn service(live: &Live, service: &Value) -> Option<Diagnostic> {
    let id = live.object.id.as_str();
    let error = |what: &str| Diagnostic::error(id, format!("{id} {what}"));
    let controller = service.pointer("/deploymentController/type").and_then(Value::as_str).unwrap_or("ECS");
    if controller != "ECS" {
        return Some(
            error("cannot be adopted: ECS does not deploy it")
                .why(format!("its deployment controller is {controller}, which replaces its tasks by task sets; a release changes a service with UpdateService, which ECS refuses here"))
                .remedy("a service with the deployment controller ECS (`rhumb import` makes a chart of this one; installed, it is a new service beside it)"),
        );
    }
    if items(service, "taskSets").next().is_some() {
        return Some(
            error("cannot be adopted: it has task sets")
                .why("somebody deploys it from outside ECS, and a release would not reach the tasks in them")
                .remedy("an end to those deployments (`aws ecs delete-task-set`), then the adoption"),
        );
    }
    if let Some(why) = given_up(service) {
        return Some(
            error("cannot be adopted: its last deployment failed")
                .why(why)
                .remedy("a deployment that succeeds (`aws ecs update-service`), then the adoption"),
        );
    }
    let is_under_way = |service| text(service, "rolloutState") == Some("IN_PROGRESS");
    if deployments(service).count() > 1 || primary(service).is_some_and(is_under_way) {
        return Some(
            error("cannot be adopted now: a deployment of it is under way")
                .why("its tasks are being replaced, so nobody could say whether the same ones run on")
                .remedy("`aws ecs wait services-stable`, then the adoption"),
        );
    }
    None
}

/// That a task definition can be rolled back to no more.
pub(super) fn definition(live: &Live, answer: &Value) -> Option<Diagnostic> {
    let status = answer.pointer("/taskDefinition/status").and_then(Value::as_str);
    let id = live.object.id.as_str();
    status.filter(|status| *status != "ACTIVE").map(|status| {
        Diagnostic::error(id, format!("{} is {status}, so a rollback could not bring it back", live.native))
            .why("somebody deregistered the revision while tasks run it, and ECS deploys active ones only")
            .remedy("the same definition registered again and deployed (`aws ecs update-service`), then the adoption")
    })
}

/// That something is another release's, or says that a tool manages it.
pub(super) fn owned(scope: &Scope, live: &Live) -> Option<Diagnostic> {
    let kind = Kind::of(&live.object.id)?;
    let id = live.object.id.as_str();
    let tags = Tags::of_body(kind, &live.object.body);
    if is_marked(&tags) && !tags.are_of(scope) {
        let what = format!("{id} is a release's already");
        return Some(
            Diagnostic::error(id, what)
                .why(owner(&tags))
                .remedy("that release, or an uninstall of it; others alone with --service or --selector"),
        );
    }
    let tool = tool(&tags)?;
    let what = format!("{id} says that {tool} manages it");
    Some(Diagnostic::warning(id, what).remedy(format!(
        "change it by one of the two only; with {tool}, take it out of what that knows first (Terraform: `terraform state rm`)"
    )))
}

/// The tool that tags name as the one that manages a thing. No tool sets such a tag by itself, but teams do.
fn tool(tags: &Tags) -> Option<&'static str> {
    const TOOLS: [&str; 6] = ["Terraform", "OpenTofu", "Pulumi", "ecspresso", "Copilot", "CDK"];
    let is_manager = |key: &str| {
        let key = key.to_ascii_lowercase().replace(['-', '_', ':', '.', '/', ' '], "");
        ["managedby", "createdby", "provisioner", "provisionedby", "iac", "tool"].contains(&key.as_str())
    };
    if tags.0.keys().any(|key| key.starts_with("copilot-")) {
        return Some("Copilot");
    }
    let mut values =
        tags.0.iter().filter(|(key, _)| is_manager(key)).map(|(_, value)| value.to_ascii_lowercase());
    let named = |value: String| TOOLS.into_iter().find(|tool| value.contains(&tool.to_ascii_lowercase()));
    values.find_map(named)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use rhumb_backend::{Object, ObjectId};
    use serde_json::json;

    use super::*;

    fn live(tags: &Value) -> Live {
        Live {
            object: Object::new(ObjectId::from("service/web"), json!({ "tags": tags })),
            native: "arn:s".to_owned(),
            version: None,
            outputs: BTreeMap::new(),
            holds: BTreeSet::new(),
            foreign: None,
        }
    }

    #[track_caller]
    fn check(body: &Value, expect: Option<&str>) {
        let found = service(&live(&json!([])), body);
        assert_eq!(found.as_ref().map(|found| found.what.as_str()), expect);
    }

    #[test]
    fn services_that_ecs_does_not_deploy_or_is_deploying_are_refused() {
        let settled = json!([{ "status": "PRIMARY", "rolloutState": "COMPLETED" }]);
        check(&json!({ "deployments": settled }), None);
        check(&json!({ "deployments": [{ "status": "PRIMARY" }] }), None);
        check(
            &json!({ "deploymentController": { "type": "CODE_DEPLOY" } }),
            Some("service/web cannot be adopted: ECS does not deploy it"),
        );
        check(
            &json!({ "taskSets": [{ "id": "a" }] }),
            Some("service/web cannot be adopted: it has task sets"),
        );
        let rolling = json!([{ "status": "PRIMARY", "rolloutState": "IN_PROGRESS" }]);
        let now = Some("service/web cannot be adopted now: a deployment of it is under way");
        check(&json!({ "deployments": rolling }), now);
        check(&json!({ "deployments": [{ "status": "PRIMARY" }, { "status": "ACTIVE" }] }), now);
        check(
            &json!({ "deployments": [{ "status": "PRIMARY", "rolloutState": "FAILED" }] }),
            Some("service/web cannot be adopted: its last deployment failed"),
        );
    }

    #[test]
    fn tags_say_whose_a_thing_is() {
        let scope = Scope::new("default", "shop");
        let said = |key: &str, value: &str| {
            owned(&scope, &live(&json!([{ "key": key, "value": value }])))
                .map(|found| (found.is_error(), found.what))
        };
        assert_eq!(said("team", "terraform"), None);
        let other = said("rhumb.dev/release", "other").unwrap();
        assert_eq!(other, (true, "service/web is a release's already".to_owned()));
        let tool = said("ManagedBy", "terraform-1.9").unwrap();
        assert_eq!(tool, (false, "service/web says that Terraform manages it".to_owned()));
        assert!(said("copilot-application", "shop").unwrap().1.contains("Copilot"));
    }
}
