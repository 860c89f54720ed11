//! The `ServiceSpec` of a workload.

use rhumb_backend::{After, Object, ObjectId, Until};
use rhumb_spec::Diagnostic;
use rhumb_spec::model::{Kind, Mode};
use serde_json::{Map, Value, json};

use super::body::{Body, text_map};
use super::pin::Pins;
use super::route::RouteLabels;
use super::{Context, ENV_SECRET, REGISTRY_AUTH, Report, Site, container, native, network, placement, ports};
use super::{resources, rollout, secret};
use crate::names;

/// The name under which people know what a service runs: for an ordinal, that of its set.
pub(super) fn workload_name<'a>(context: &'a Context<'_>, name: &'a str) -> &'a str {
    context.checked.ordinal(name).map_or(name, |sequence| &sequence.set)
}

/// The service of a workload, with the user's patch for Swarm; none where the patch is wrong.
///
/// Source: Engine API, `ServiceSpec`.
pub(super) fn object(
    context: &Context<'_>,
    site: &Site<'_>,
    pins: &Pins,
    routes: &RouteLabels,
    report: &mut Report,
) -> Option<Object> {
    let id = ObjectId::new("service", site.name);
    let mut body = Body::new();
    body.set("Name", names::service_name(context.scope, site.name))
        .set("Labels", labels(context, site, &id, routes))
        .set("TaskTemplate", task(context, site, (pins, routes), report))
        .set("Mode", rollout::mode(site))
        .set_some("UpdateConfig", rollout::update(context, site, pins, report))
        .set_some("RollbackConfig", rollout::rollback(site))
        .set_some("EndpointSpec", ports::endpoint(context, site, report))
        .set_some(REGISTRY_AUTH, registry_auth(context, site, report));
    let mut body = native::patched(site, body.into_value(), report)?;
    let once = (site.workload.mode == Mode::Job).then(|| content(&body));
    if let Some(once) = &once {
        body["Labels"][names::CONTENT] = once.clone().into();
    }
    let after = site.workload.depends_on.iter();
    Some(Object {
        once,
        after: after.map(|name| After { id: ObjectId::new("service", name), until: Until::Ready }).collect(),
        workload: Some(workload_name(context, site.name).to_owned()),
        sequence: context.checked.ordinal(site.name).cloned(),
        ..Object::new(id, body)
    })
}

fn task(
    context: &Context<'_>,
    site: &Site<'_>,
    (pins, routes): (&Pins, &RouteLabels),
    report: &mut Report,
) -> Value {
    let mut body = Body::new();
    body.set("ContainerSpec", container::spec(context, site, report))
        .set_filled("Resources", resources::resources(site, report))
        .set_some("RestartPolicy", rollout::restart(site))
        .set_filled("Placement", placement::placement(site, pins, report))
        .set_filled("Networks", network::attachments(context, site, routes))
        .set_some("LogDriver", log_driver(site));
    body.into_value()
}

fn log_driver(site: &Site<'_>) -> Option<Value> {
    let logging = site.container.logging.as_ref()?;
    let mut body = Body::new();
    body.set("Name", logging.driver.clone()).set_filled("Options", text_map(&logging.options));
    Some(body.into_value())
}

/// A service bears the user's labels and annotations; its containers bear the labels only.
fn labels(context: &Context<'_>, site: &Site<'_>, id: &ObjectId, routes: &RouteLabels) -> Map<String, Value> {
    let mut labels = text_map(&site.workload.labels);
    labels.extend(text_map(site.workload.annotations.iter().filter(|(key, _)| *key != ENV_SECRET)));
    labels.extend(rollout::cron_labels(site));
    labels.extend(routes.get(site.name).cloned().unwrap_or_default());
    labels.extend(names::marks(context.scope, id));
    labels.insert(names::WORKLOAD.to_owned(), workload_name(context, site.name).into());
    labels.insert(names::STACK_IMAGE.to_owned(), site.container.image.clone().into());
    labels
}

/// The demand for the registry's credentials.
fn registry_auth(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Option<Value> {
    const KEY: &str = ".dockerconfigjson";
    let name = site.workload.pull_secret.as_deref()?;
    let demand = secret::demand(context.checked, name, KEY);
    if demand.is_none() {
        report.refuse(
            Diagnostic::error(
                site.at("pullSecret"),
                format!("{} has no key {KEY} that can be read", Kind::Secret.path(name)),
            )
            .why(
                "Swarm takes the credentials with the service, and never shows what an existing secret holds",
            )
            .remedy(format!("a secret of the chart with the key {KEY}, or `docker login` where rhumb runs")),
        );
    }
    demand
}

/// What a job runs: another content is another run.
fn content(body: &Value) -> String {
    let content = json!([body.pointer("/TaskTemplate/ContainerSpec"), body.get("Mode")]);
    names::hash(content.to_string().as_bytes())[..16].to_owned()
}
