//! The object of a workload: an app, a pod or a job.

use rhumb_backend::{After, Object, Until};
use rhumb_spec::model::{Mode, Workload};
use rhumb_spec::{Diagnostic, Feature};
use serde_json::{Value, json};

use super::environment::Used;
use super::route::Labels;
use super::{Context, Report, Site, app, chronos, job, native, pod};
use crate::kind::Kind;
use crate::names;

/// What a workload becomes.
pub(super) fn kind(context: &Context<'_>, workload: &Workload) -> Kind {
    match workload.mode {
        Mode::Cron if !context.facts.metronome && context.facts.chronos => Kind::Chronos,
        Mode::Job | Mode::Cron => Kind::Job,
        Mode::Replicated | Mode::Global | Mode::Stateful if is_pod(workload) => Kind::Pod,
        Mode::Replicated | Mode::Global | Mode::Stateful => Kind::App,
    }
}

/// Whether a workload is a pod: it has several containers, or a patch for a pod asks for it.
pub(super) fn is_pod(workload: &Workload) -> bool {
    workload.containers.len() > 1
        || workload.on.get(native::PLATFORM).is_some_and(|patches| patches.contains_key("Pod"))
}

/// The name under which people know what an object runs: for an ordinal, that of its set.
fn workload_name<'a>(context: &'a Context<'_>, name: &'a str) -> &'a str {
    context.checked.ordinal(name).map_or(name, |sequence| &sequence.set)
}

/// The object of a workload, with the user's patch for Marathon; none where the patch is wrong.
pub(super) fn object(
    context: &Context<'_>,
    site: &Site<'_>,
    routes: &Labels,
    report: &mut Report,
) -> Option<Object> {
    let kind = kind(context, site.workload);
    let id = kind.id(site.name);
    let mut used = Used::default();
    let part = site.parts.first()?;
    let mut body = match kind {
        Kind::Pod => pod::body(context, site, &id, (&mut used, report)),
        Kind::Job => job::body(context, (site, part), &id, (&mut used, report)),
        Kind::Chronos => chronos::body(context, (site, part), &id, (&mut used, report)),
        _ => app::body(context, (site, part), (&id, routes), (&mut used, report)),
    };
    if let Some(labels) = body.get_mut("labels").and_then(Value::as_object_mut) {
        labels.insert(names::WORKLOAD.to_owned(), workload_name(context, site.name).into());
    }
    if matches!(kind, Kind::Job | Kind::Chronos) {
        refuse_many(site, report);
        lose_of_jobs(site, report);
    }
    let mut body = native::patched(site, kind, Value::Object(body), report)?;
    let once = (site.workload.mode == Mode::Job).then(|| content(&body));
    if let Some(once) = &once {
        body["labels"][names::GENERATION] = once.clone().into();
    }
    let waits = site.workload.depends_on.iter().filter_map(|name| {
        let other = context.app.workloads.get(name)?;
        Some(After { id: self::kind(context, other).id(name), until: Until::Ready })
    });
    let mut after: Vec<After> = used.after.into_iter().collect();
    after.extend(waits);
    Some(Object {
        once,
        after,
        workload: Some(workload_name(context, site.name).to_owned()),
        sequence: context.checked.ordinal(site.name).cloned(),
        ..Object::new(id, body)
    })
}

fn refuse_many(site: &Site<'_>, report: &mut Report) {
    if site.parts.len() > 1 {
        report.refuse(
            Diagnostic::error(site.at("containers"), "a job has one container here")
                .why("a run of Metronome is one task of Mesos")
                .remedy("one container that does all of it, or a job for each with `dependsOn`"),
        );
    }
}

/// Says what of a workload a run to the end has no use for.
fn lose_of_jobs(site: &Site<'_>, report: &mut Report) {
    if site.workload.restart.is_some() {
        let text = "a failed run is started again by `job.retries` only";
        report.lose(Feature::RestartPolicy, site.at("restart"), text);
    }
    for part in &site.parts {
        let probes = &part.container.probes;
        for (field, probe, feature) in [
            ("ready", &probes.ready, Feature::ReadinessProbe),
            ("live", &probes.live, Feature::LivenessProbe),
            ("startup", &probes.startup, Feature::StartupProbe),
        ] {
            if probe.is_some() {
                report.lose(feature, part.at(&format!("probes.{field}")), "a run is asked nothing: it ends");
            }
        }
    }
}

/// What a job runs: another content is another run.
fn content(body: &Value) -> String {
    names::content_hash(&json!([body.get("run")]))
}
