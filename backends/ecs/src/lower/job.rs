//! What runs to its end: a task that is run once for each content, or by the clock.

use rhumb_backend::{After, Object, Until, reference};
use rhumb_spec::Diagnostic;
use serde_json::{Value, json};

use super::body::Body;
use super::tags::Tags;
use super::{Context, Report, Site, cron, network, placement, service, task};
use crate::kind::Kind;
use crate::names;

/// The most tasks of one run. Source: Amazon ECS API reference, `RunTask.count`.
const TASKS: u32 = 10;

/// The run of a job. It is not complete before [`seal`].
///
/// Source: Amazon ECS API reference, `RunTask`.
pub(super) fn run(
    context: &Context<'_>,
    site: &Site<'_>,
    volumes: Vec<Value>,
    report: &mut Report,
) -> Object {
    let mut body = Body::new();
    body.set("cluster", context.facts.cluster.clone())
        .set("taskDefinition", reference::reference(&Kind::TaskDefinition.id(site.name), "arn"))
        .set("count", count(site, report));
    service::set_capacity(context, &mut body);
    body.set_some("networkConfiguration", network::configuration(context, site, report));
    placement::set(context, site, &mut body, report);
    body.set("enableECSManagedTags", true)
        .set_true("enableExecuteCommand", task::role(context, site).is_some())
        .set_filled("volumeConfigurations", volumes);
    Object {
        after: after(context, site),
        workload: Some(site.name.to_owned()),
        ..Object::new(Kind::Task.id(site.name), body.into_value())
    }
}

/// Names a run by its content: what it runs, and how. `startedBy` is by what its tasks are found.
pub(super) fn seal(context: &Context<'_>, site: &Site<'_>, definition: &str, mut object: Object) -> Object {
    let once = names::content_hash(&json!([definition, object.body]));
    object.body["startedBy"] = format!("rhumb/{once}").into();
    Tags::of(context.scope, &object.id)
        .with(names::WORKLOAD, site.name)
        .with(names::GENERATION, &once)
        .below(&site.workload.labels)
        .put(Kind::Task, &mut object.body);
    object.once = Some(once);
    object
}

/// All tasks of a job start at one time.
fn count(site: &Site<'_>, report: &mut Report) -> u32 {
    let count = site.workload.job.as_ref().and_then(|job| job.completions).unwrap_or(1);
    if count > TASKS {
        report.refuse(
            Diagnostic::error(site.at("job.completions"), format!("{count} tasks are too many for one run"))
                .why(format!("ECS starts {TASKS} tasks at a time at most"))
                .remedy("several jobs"),
        );
    }
    count
}

fn after(context: &Context<'_>, site: &Site<'_>) -> Vec<After> {
    let waits = |name: &String| context.runner(name).map(|id| After { id, until: Until::Ready });
    site.workload.depends_on.iter().filter_map(waits).collect()
}

/// The schedule of a job.
///
/// Source: EventBridge Scheduler API reference, `CreateSchedule` and `EcsParameters`.
pub(super) fn schedule(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Object {
    let facts = context.facts;
    let wanted = site.workload.cron.clone().unwrap_or_default();
    let expression =
        cron::expression(&wanted.schedule, &site.at("cron.schedule")).unwrap_or_else(|diagnostic| {
            report.refuse(*diagnostic);
            String::new()
        });
    let mut ecs = Body::new();
    ecs.set("TaskDefinitionArn", reference::reference(&Kind::TaskDefinition.id(site.name), "arn"))
        .set("TaskCount", count(site, report));
    capacity(context, &mut ecs);
    ecs.set_some("NetworkConfiguration", network::of_schedule(context, site, report));
    let mut places = Body::new();
    placement::set(context, site, &mut places, report);
    for (from, to) in
        [("placementConstraints", "PlacementConstraints"), ("placementStrategy", "PlacementStrategy")]
    {
        ecs.set_some(to, places.get(from).cloned());
    }
    let tags = Tags::of(context.scope, &Kind::Schedule.id(site.name)).with(names::WORKLOAD, site.name);
    ecs.set("EnableECSManagedTags", true)
        .set_true("EnableExecuteCommand", task::role(context, site).is_some())
        .set("Tags", tags.below(&site.workload.labels).upper_case());
    let target = json!({
        "Arn": names::cluster_arn(facts),
        "RoleArn": facts.scheduler_role,
        "EcsParameters": ecs.into_value(),
    });
    let mut body = Body::new();
    body.set("Name", names::native(context.scope, site.name, names::SCHEDULE_LIMIT))
        .set("GroupName", "default")
        .set("ScheduleExpression", expression)
        .set_some("ScheduleExpressionTimezone", wanted.time_zone)
        .set("FlexibleTimeWindow", json!({ "Mode": "OFF" }))
        .set("Target", target);
    Object {
        after: after(context, site),
        workload: Some(site.name.to_owned()),
        ..Object::new(Kind::Schedule.id(site.name), body.into_value())
    }
}

/// What runs the tasks of a schedule, in the scheduler's casing.
fn capacity(context: &Context<'_>, ecs: &mut Body) {
    let mut body = Body::new();
    service::set_capacity(context, &mut body);
    ecs.set_some("LaunchType", body.get("launchType").cloned())
        .set_some("CapacityProviderStrategy", body.get("capacityProviderStrategy").cloned());
}
