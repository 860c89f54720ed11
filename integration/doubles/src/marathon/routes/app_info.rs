//! An app as the API shows it, with what is embedded.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::marathon::instance::{Instance, Phase};
use crate::marathon::request::Request;
use crate::marathon::spec::Spec;
use crate::marathon::world::World;

/// What is embedded: `tasks`, `counts`, `deployments`, `readiness`, `lastTaskFailure`, `taskStats`.
pub(super) type Embeds = BTreeSet<&'static str>;

const ALL: [&str; 6] = ["tasks", "counts", "deployments", "readiness", "lastTaskFailure", "taskStats"];

/// What a request asks to embed, and these beside.
pub(super) fn embeds(request: &Request, always: &[&'static str]) -> Embeds {
    let mut found: Embeds = always.iter().copied().collect();
    for embed in request.parameters("embed") {
        let name = embed.rsplit('.').next().unwrap_or(embed);
        match name {
            "failures" => found.extend(["lastTaskFailure", "tasks", "counts", "deployments"]),
            "count" => found.extend(["counts"]),
            _ => found.extend(ALL.iter().find(|known| **known == name)),
        }
    }
    if found.contains("tasks") {
        found.insert("deployments");
    }
    found
}

/// An app with what is embedded.
pub(super) fn show(world: &World, spec: &Spec, embeds: &Embeds) -> Value {
    let mut shown = spec.shown();
    let instances: Vec<&Instance> = world.instances_of(&spec.id).collect();
    if embeds.contains("counts") {
        let counts = counts(&instances);
        for (name, field) in [
            ("staged", "tasksStaged"),
            ("running", "tasksRunning"),
            ("healthy", "tasksHealthy"),
            ("unhealthy", "tasksUnhealthy"),
        ] {
            shown[field] = counts[name].clone();
        }
    }
    if embeds.contains("deployments") {
        shown["deployments"] = json!(world.deployments_of(&spec.id));
    }
    if embeds.contains("readiness") {
        shown["readinessCheckResults"] = json!(readiness(world, &spec.id));
    }
    if embeds.contains("tasks") {
        shown["tasks"] = json!(instances.iter().map(|instance| instance.task()).collect::<Vec<_>>());
    }
    if let (true, Some(failure)) = (embeds.contains("lastTaskFailure"), world.failures.get(&spec.id)) {
        shown["lastTaskFailure"] = failure.clone();
    }
    if embeds.contains("taskStats") {
        shown["taskStats"] = stats(spec, &instances);
    }
    shown
}

/// The answers of an app's readiness checks, while it is deployed.
pub(super) fn readiness(world: &World, id: &str) -> Vec<Value> {
    world.instances_of(id).filter_map(Instance::readiness).collect()
}

fn counts(instances: &[&Instance]) -> Value {
    let count = |is: &dyn Fn(&Instance) -> bool| instances.iter().filter(|instance| is(instance)).count();
    json!({
        "staged": count(&|instance| instance.phase == Phase::Staging),
        "running": count(&|instance| instance.phase != Phase::Staging),
        "healthy": count(&|instance| instance.healthy == Some(true)),
        "unhealthy": count(&|instance| instance.healthy == Some(false)),
    })
}

/// Statistics of tasks by the version that they run; what no task is of is left out.
fn stats(spec: &Spec, instances: &[&Instance]) -> Value {
    let mut shown = json!({});
    let belongs = |name: &str, version: &String| match name {
        "startedAfterLastScaling" => *version >= spec.scaled_at,
        "withLatestConfig" => *version >= spec.configured_at,
        "withOutdatedConfig" => *version < spec.configured_at,
        _ => true,
    };
    for name in ["startedAfterLastScaling", "withLatestConfig", "withOutdatedConfig", "totalSummary"] {
        let of: Vec<&Instance> =
            instances.iter().copied().filter(|instance| belongs(name, &instance.spec.version)).collect();
        if !of.is_empty() {
            let mut stats = json!({ "counts": counts(&of) });
            if let Some(life) = life_time(&of) {
                stats["lifeTime"] = life;
            }
            shown[name] = json!({ "stats": stats });
        }
    }
    shown
}

fn life_time(instances: &[&Instance]) -> Option<Value> {
    let now = Timestamp::now();
    let mut ages: Vec<f64> = instances
        .iter()
        .filter_map(|instance| instance.started_at.as_ref()?.parse::<Timestamp>().ok())
        .map(|started| now.duration_since(started).as_secs_f64())
        .collect();
    ages.sort_by(f64::total_cmp);
    let median = *ages.get(ages.len() / 2)?;
    let count = u32::try_from(ages.len()).ok()?;
    Some(json!({ "averageSeconds": ages.iter().sum::<f64>() / f64::from(count), "medianSeconds": median }))
}
