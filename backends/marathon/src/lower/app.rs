//! The app of a workload of one container.

use rhumb_backend::{ObjectId, Scope};
use rhumb_spec::model::Mode;
use serde_json::{Map, Value, json};

use super::body::{Body, text_map};
use super::environment::{self, Used};
use super::placement::Constraint;
use super::route::Labels;
use super::{Context, Part, Report, Site};
use super::{container, health, mounts, network, placement, ports, resources, rollout};
use crate::kind::Kind;
use crate::names;

/// The body of an app.
///
/// Source: Marathon REST API, `App`.
pub(super) fn body(
    context: &Context<'_>,
    (site, part): (&Site<'_>, &Part<'_>),
    (id, routes): (&ObjectId, &Labels),
    (used, report): (&mut Used, &mut Report),
) -> Map<String, Value> {
    let started = container::started(context, site, part, report);
    let env = environment::variables(context, (site, part), used, report);
    let volumes = mounts::volumes(context, (site, part), used, report);
    let resources = resources::resources(context, part, report);
    let asked = health::asked(part, true);
    let mut body = Body::new();
    body.set("id", names::native(context.scope, site.name)).extend(started.fields);
    if !site.engine.is_docker() {
        body.set_some("user", container::agent_user(part, report));
    }
    body.set_filled("env", env)
        .set("instances", instances(context, site))
        .extend(resources.promised.into_map())
        .set_some("resourceLimits", resources.limits)
        .set("container", image(context, (site, part), (started.parameters, volumes.list), (used, report)))
        .set("networks", network::networks(context, site))
        .set_filled("constraints", constraints(&placement::constraints(context, site, report)))
        .set_filled("healthChecks", health::health_checks(part, &asked, report))
        .set_filled("readinessChecks", health::readiness_checks(part, &asked, report))
        .set_filled("dependencies", dependencies(context, site))
        .set_some("upgradeStrategy", rollout::upgrade(site, volumes.is_resident, report));
    if volumes.is_local {
        body.extend(rollout::resident());
    }
    if let Some(delay) = rollout::backoff(site, report) {
        body.set("backoffSeconds", delay).set("backoffFactor", 1);
    }
    let grace = part.container.stop.grace;
    body.set_some("taskKillGracePeriodSeconds", rollout::grace(part.at("stop.grace"), grace, report))
        .set("labels", labels(context.scope, site, id, routes))
        .set_filled("secrets", used.secrets.clone());
    rollout::lose_amounts(site, report);
    body.into_map()
}

/// How many instances there are: of a global workload one on each agent.
pub(super) fn instances(context: &Context<'_>, site: &Site<'_>) -> u32 {
    if site.workload.mode == Mode::Global { context.facts.agents } else { site.replicas() }
}

/// `container`.
fn image(
    context: &Context<'_>,
    (site, part): (&Site<'_>, &Part<'_>),
    (parameters, volumes): (Vec<Value>, Vec<Value>),
    (used, report): (&mut Used, &mut Report),
) -> Value {
    let security = &part.container.security;
    let mut docker = Body::new();
    docker
        .set("image", part.container.image.clone())
        .set_some("forcePullImage", container::force_pull(part, report))
        .set_some("pullConfig", container::pull_config(context, site, used, report))
        .set_filled("parameters", parameters);
    if security.privileged && site.engine.is_docker() {
        docker.set("privileged", true);
    }
    let mut body = Body::new();
    body.set("type", site.engine.word())
        .set("docker", docker.into_value())
        .set("portMappings", ports::mappings(context, site, part, report))
        .set_filled("volumes", volumes);
    if !site.engine.is_docker() {
        body.set_some("linuxInfo", seccomp(part));
    }
    body.into_value()
}

/// `linuxInfo`, for the seccomp profile.
///
/// Source: Marathon REST API, `LinuxInfo`: a profile is a file on the agent.
pub(super) fn seccomp(part: &Part<'_>) -> Option<Value> {
    let seccomp = match part.container.security.seccomp.as_deref()? {
        "default" => return None,
        "unconfined" => json!({ "unconfined": true }),
        profile => json!({ "profileName": profile, "unconfined": false }),
    };
    Some(json!({ "seccomp": seccomp }))
}

/// Constraints as apps have them: lists of two or three.
fn constraints(found: &[Constraint]) -> Vec<Value> {
    let list = |constraint: &Constraint| match &constraint.value {
        Some(value) => json!([constraint.field, constraint.operator, value]),
        None => json!([constraint.field, constraint.operator]),
    };
    found.iter().map(list).collect()
}

/// `dependencies`: the apps among those that it waits for. Pods and jobs cannot be named here.
fn dependencies(context: &Context<'_>, site: &Site<'_>) -> Vec<Value> {
    let is_app = |name: &&String| {
        context
            .app
            .workloads
            .get(*name)
            .is_some_and(|other| super::workload::kind(context, other) == Kind::App)
    };
    let others = site.workload.depends_on.iter().filter(is_app);
    others.map(|name| names::native(context.scope, name).into()).collect()
}

/// Labels of the user, of marathon-lb, and ours. Annotations are labels, too: Marathon knows no other notes.
pub(super) fn labels(scope: &Scope, site: &Site<'_>, id: &ObjectId, routes: &Labels) -> Map<String, Value> {
    let mut labels = text_map(&site.workload.labels);
    labels.extend(text_map(&site.workload.annotations));
    labels.extend(routes.get(site.name).cloned().unwrap_or_default());
    labels.extend(names::marks(scope, id, None));
    labels
}
