//! What runs a workload, and what belongs to it.

use std::collections::BTreeSet;

use rhumb_backend::{After, Object, ObjectId, Until};
use rhumb_spec::model::{Concurrency, Job, Mode, RestartPolicy};
use rhumb_spec::{Diagnostic, Feature};
use serde_json::{Map, Value, json};

use super::body::{Body, text_map};
use super::native::Natives;
use super::pod::Template;
use super::{Context, Report, Site, labels, network, patches, pod, rollout, runner, scale, service, volume};
use crate::names;

/// The objects of a workload: its services, what runs it, its autoscaler, budget and policy, with the user's patches.
pub(super) fn objects(
    context: &Context<'_>,
    site: &Site<'_>,
    natives: &Natives,
    report: &mut Report,
) -> Vec<Object> {
    labels::check(&site.workload.labels, &site.at("labels"), report);
    labels::check_annotations(&site.workload.annotations, &site.at("annotations"), report);
    tell_of_restart(site, report);
    let mut objects = service::objects(context, site, report);
    let main = main(context, site, natives, report);
    objects.extend(account(context, site, natives));
    let name = main.id.name().to_owned();
    objects.push(main);
    let scaled = if site.workload.mode == Mode::Stateful { "StatefulSet" } else { "Deployment" };
    objects.extend(scale::autoscaler(context, site, (scaled, &name), report));
    objects.extend(scale::budget(context, site));
    objects.extend(network::exposure(context, site));
    patches::apply(site, &mut objects, report);
    for object in &mut objects {
        if object.id.kind() == "job" {
            name_by_content(object, site.name);
        }
    }
    objects
}

/// The account that a workload acts as must be there; the release makes it only where the user wrote it.
fn account(context: &Context<'_>, site: &Site<'_>, natives: &Natives) -> Option<Object> {
    let name = &site.workload.identity.as_ref()?.name;
    let id = ObjectId::new("serviceaccount", name);
    let is_first = || {
        let mut others = context.app.workloads.iter();
        others.find(|(_, other)| other.identity.as_ref().is_some_and(|identity| identity.name == *name))
    };
    if natives.named("serviceaccount", name).is_some() || is_first()?.0 != site.name {
        return None;
    }
    Some(super::files::external(context.scope, &id, ("v1", "ServiceAccount"), name))
}

fn main(context: &Context<'_>, site: &Site<'_>, natives: &Natives, report: &mut Report) -> Object {
    let id = runner(site.name, site.workload.mode);
    let template = pod::template(context, site, restart_policy(site), report);
    let mut after: BTreeSet<After> = template.after.iter().cloned().collect();
    after.extend(natives.before_pods());
    if site.workload.mode == Mode::Stateful {
        after.insert(pod::exists(ObjectId::new("service", &service::governing_name(site))));
    }
    // Pods that come up find their names and those of their siblings there, as with everybody who writes by hand.
    if matches!(site.workload.mode, Mode::Replicated | Mode::Global) && !site.workload.expose.is_empty() {
        after.insert(pod::exists(ObjectId::new("service", site.name)));
    }
    let others = site.workload.depends_on.iter().filter_map(|name| context.runner(name));
    after.extend(others.map(|id| After { id, until: Until::Ready }));
    let (api_version, kind, spec) = match site.workload.mode {
        Mode::Replicated => ("apps/v1", "Deployment", deployment(context, site, template, report)),
        Mode::Global => ("apps/v1", "DaemonSet", daemon_set(context, site, template, report)),
        Mode::Stateful => ("apps/v1", "StatefulSet", stateful_set(context, site, template, report)),
        Mode::Job => ("batch/v1", "Job", job(site, template, report)),
        Mode::Cron => ("batch/v1", "CronJob", cron_job(context, site, template, report)),
    };
    let annotations = text_map(&site.workload.annotations);
    let metadata = labels::metadata(context, (id.name(), site.name), &site.workload.labels, annotations);
    let mut body = Body::document(api_version, kind, metadata);
    body.set("spec", spec);
    let after = after.into_iter().collect();
    Object { after, workload: Some(site.name.to_owned()), ..Object::new(id, body.into_value()) }
}

fn selector(context: &Context<'_>, site: &Site<'_>) -> Value {
    json!({ "matchLabels": names::selector(context.scope, site.name) })
}

/// The number of replicas, which is the autoscaler's where there is one.
fn replicas(site: &Site<'_>) -> Option<u32> {
    site.workload.replicas.filter(|_| site.workload.autoscale.is_none())
}

/// Source: Kubernetes API reference, `DeploymentSpec`.
fn deployment(context: &Context<'_>, site: &Site<'_>, template: Template, report: &mut Report) -> Value {
    let min_ready = rollout::min_ready(site, report);
    let mut body = Body::new();
    body.set_some("replicas", replicas(site))
        .set("selector", selector(context, site))
        .set_some("strategy", rollout::of_deployment(site, report))
        .set_some("minReadySeconds", min_ready)
        .set_some("progressDeadlineSeconds", rollout::progress_deadline(min_ready))
        .set("template", template.value);
    body.into_value()
}

/// Source: Kubernetes API reference, `DaemonSetSpec`.
fn daemon_set(context: &Context<'_>, site: &Site<'_>, template: Template, report: &mut Report) -> Value {
    let mut body = Body::new();
    body.set("selector", selector(context, site))
        .set_some("updateStrategy", rollout::of_daemon_set(site, report))
        .set_some("minReadySeconds", rollout::min_ready(site, report))
        .set("template", template.value);
    body.into_value()
}

/// Source: Kubernetes API reference, `StatefulSetSpec`.
fn stateful_set(context: &Context<'_>, site: &Site<'_>, template: Template, report: &mut Report) -> Value {
    rollout::of_stateful_set(site, report);
    let claims: Vec<Value> =
        template.claims.iter().filter_map(|name| volume::template(context, name)).collect();
    let mut body = Body::new();
    body.set("serviceName", service::governing_name(site))
        .set_some("replicas", replicas(site))
        .set("selector", selector(context, site))
        .set_some("minReadySeconds", rollout::min_ready(site, report))
        .set_some(
            "persistentVolumeClaimRetentionPolicy",
            volume::retention(context, &template.claims, report),
        )
        .set("template", template.value)
        .set_filled("volumeClaimTemplates", claims);
    body.into_value()
}

/// Kubernetes would try a job six more times where nothing is said; the app's own default is none.
///
/// Source: Kubernetes API reference, `JobSpec`.
fn job(site: &Site<'_>, template: Template, report: &mut Report) -> Value {
    let Job { retries, deadline, parallelism, completions } = site.workload.job.clone().unwrap_or_default();
    let deadline = deadline.map(|time| report.seconds(Feature::JobDeadline, site.at("job.deadline"), time));
    let mut body = Body::new();
    // Without a number of completions, a job with several replicas would end with the first that succeeds.
    body.set_some("parallelism", parallelism)
        .set_some("completions", completions.or(parallelism.map(|_| 1)))
        .set("backoffLimit", retries.unwrap_or(0))
        .set_some("activeDeadlineSeconds", deadline)
        .set("template", template.value);
    body.into_value()
}

/// Source: Kubernetes API reference, `CronJobSpec`. Without a zone the schedule would be the controller's.
fn cron_job(context: &Context<'_>, site: &Site<'_>, template: Template, report: &mut Report) -> Value {
    let cron = site.workload.cron.clone().unwrap_or_default();
    let concurrency = match cron.concurrency {
        Concurrency::Allow => None,
        Concurrency::Forbid => Some("Forbid"),
        Concurrency::Replace => Some("Replace"),
    };
    // What the schedule makes is its own, so the label by which the release's objects are found is not on it.
    let labels = json!({ "labels": names::selector(context.scope, site.name) });
    let mut body = Body::new();
    body.set("schedule", cron.schedule)
        .set("timeZone", cron.time_zone.unwrap_or_else(|| "UTC".to_owned()))
        .set_some("concurrencyPolicy", concurrency)
        .set("jobTemplate", json!({ "metadata": labels, "spec": job(site, template, report) }));
    body.into_value()
}

/// Pods that stay have the policy that is the default and the only one; those of jobs are made anew unless the app
/// wants the container to be.
fn restart_policy(site: &Site<'_>) -> Option<&'static str> {
    if !matches!(site.workload.mode, Mode::Job | Mode::Cron) {
        return None;
    }
    let policy = site.workload.restart.as_ref().map(|restart| restart.policy);
    Some(if policy == Some(RestartPolicy::OnFailure) { "OnFailure" } else { "Never" })
}

fn tell_of_restart(site: &Site<'_>, report: &mut Report) {
    if matches!(site.workload.mode, Mode::Job | Mode::Cron) {
        return;
    }
    match site.workload.restart.as_ref().map(|restart| restart.policy) {
        Some(RestartPolicy::OnFailure) => {
            let text = "a container that ends is started again, whether it failed or not";
            report.lose(Feature::RestartPolicy, site.at("restart.policy"), text);
        }
        Some(RestartPolicy::Never) => report.refuse(
            Diagnostic::error(site.at("restart.policy"), "a pod that stays cannot be left ended")
                .why("Deployments, stateful sets and daemon sets start every container again that ends")
                .remedy("`mode: job` for what runs to its end; else `policy: always`"),
        ),
        Some(RestartPolicy::Always) | None => {}
    }
}

/// A job cannot change, so another content is another job beside it.
fn name_by_content(object: &mut Object, name: &str) {
    let hash = names::content_hash(&object.body["spec"]);
    let metadata = &mut object.body["metadata"];
    metadata["name"] = names::job_name(name, &hash).into();
    let mut annotations = metadata["annotations"].as_object().cloned().unwrap_or_else(Map::new);
    annotations.insert(names::OBJECT.to_owned(), object.id.as_str().into());
    annotations.insert(names::GENERATION.to_owned(), hash.clone().into());
    annotations.insert(names::CONTENT.to_owned(), hash.clone().into());
    metadata["annotations"] = annotations.into();
    object.generation = Some(hash.clone());
    object.once = Some(hash);
}
