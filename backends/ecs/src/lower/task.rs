//! A workload's task definition.

use rhumb_backend::{After, Object};
use rhumb_spec::Diagnostic;
use serde_json::{Value, json};

use super::body::Body;
use super::tags::Tags;
use super::{Context, Report, Site, container, exists, resources, tags};
use crate::connect::NetworkMode;
use crate::kind::Kind;
use crate::names;

/// The most containers of a task, and the most bytes of its definition.
///
/// Source: Amazon ECS developer guide, "Amazon ECS service quotas".
const CONTAINERS: usize = 10;
const BYTES: usize = 64 * 1024;

/// A task definition on its way, as far as containers add to it.
#[derive(Default)]
pub(super) struct Draft {
    /// What must be there before a task is run.
    pub(super) after: Vec<After>,
    pub(super) volumes: Vec<Value>,
}

/// The task definition of a workload, named by its content.
///
/// Source: Amazon ECS API reference, `RegisterTaskDefinition`.
pub(super) fn definition(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Object {
    let mut draft =
        Draft { after: vec![exists(Kind::LogGroup.id(&context.scope.release))], ..Draft::default() };
    let containers = containers(context, site, &mut draft, report);
    let facts = context.facts;
    let mut body = Body::new();
    body.set("family", names::native(context.scope, site.name, names::NAME_LIMIT))
        .set_some("taskRoleArn", facts.task_role.clone())
        .set_some("executionRoleArn", facts.execution_role.clone())
        .set("networkMode", mode(facts.network()))
        .set("containerDefinitions", containers)
        .set_filled("volumes", draft.volumes)
        .set("requiresCompatibilities", json!([if facts.is_fargate() { "FARGATE" } else { "EC2" }]));
    resources::set_task(context, site, &mut body, report);
    tags::check(&site.workload.labels, &site.at("labels"), report);
    let id = Kind::TaskDefinition.id(site.name);
    Object { after: draft.after, ..Object::new(id, body.into_value()) }
}

/// Names a task definition by its content, once nothing more is changed in it, and marks it.
pub(super) fn seal(
    context: &Context<'_>,
    site: &Site<'_>,
    mut object: Object,
    report: &mut Report,
) -> Object {
    let text = object.body.to_string();
    if text.len() > BYTES {
        report.refuse(
            Diagnostic::error(
                &site.path,
                format!("its task definition has {} KiB", text.len().div_ceil(1024)),
            )
            .why("ECS takes 64 KiB at most, and commands, variables and labels are part of it")
            .remedy("fewer variables, or files of a config in their place"),
        );
    }
    let hash = names::content_hash(&object.body);
    Tags::of(context.scope, &object.id)
        .with(names::WORKLOAD, site.name)
        .with(names::GENERATION, &hash)
        .below(&site.workload.labels)
        .put(Kind::TaskDefinition, &mut object.body);
    object.generation = Some(hash);
    object
}

const fn mode(mode: NetworkMode) -> &'static str {
    match mode {
        NetworkMode::Awsvpc => "awsvpc",
        NetworkMode::Bridge => "bridge",
        NetworkMode::Host => "host",
    }
}

fn containers(context: &Context<'_>, site: &Site<'_>, draft: &mut Draft, report: &mut Report) -> Vec<Value> {
    let found: Vec<Value> =
        site.parts().map(|part| container::container(context, &part, draft, report)).collect();
    if found.len() > CONTAINERS {
        report.refuse(
            Diagnostic::error(
                site.at("containers"),
                format!("a task cannot have {} containers", found.len()),
            )
            .why(format!("ECS takes {CONTAINERS} at most, the one that writes files among them"))
            .remedy("several workloads"),
        );
    }
    found
}
