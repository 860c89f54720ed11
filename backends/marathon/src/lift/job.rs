//! Jobs of Metronome.

use rhumb_backend::fields::Fields;
use rhumb_spec::Duration;
use rhumb_spec::model::{
    Concurrency, Container, Cron, Job, Mode, Network, NetworkAttachment, PullPolicy, Workload,
};
use serde_json::{Value, json};

use super::document::Document;
use super::naming::document_name;
use super::volumes::About;
use super::{World, app, environment, files, native, parameters, placement, resources, volumes};

/// The id of the one schedule of a job of a release.
const SCHEDULE: &str = "default";
/// Seconds in which a failed run is started again, for each retry.
const TRY: u64 = 300;

/// Reads a job.
pub(super) fn lift(mut document: Document, world: &mut World) {
    document
        .fields()
        .own(&["activeRuns", "history", "historySummary", "scheduledRuns"], "Metronome writes it");
    let whole = document.whole.clone();
    let image =
        ["/run/docker/image", "/run/ucr/image/id"].into_iter().find_map(|at| whole.pointer(at)?.as_str());
    let name = world.workloads.get(document.native()).cloned();
    let (Some(image), Some(name)) = (image, name) else {
        return native::pass(document, "Job", native::NO_IMAGE, world);
    };
    let mut workload = Workload { mode: Mode::Job, ..Workload::default() };
    let mut container = Container { image: image.to_owned(), ..Container::default() };
    read(&mut document.fields(), (&name, &whole), (&mut container, &mut workload), world);
    environment::take_search(&mut container, &mut workload);
    workload.containers.insert(name.clone(), container);
    world.add(&name, workload, (document, "Job"));
}

fn read(
    fields: &mut Fields<'_>,
    (name, whole): (&str, &Value),
    (container, workload): (&mut Container, &mut Workload),
    world: &mut World,
) {
    fields.take_whole("id");
    app::labels(fields, workload);
    schedules(fields, workload);
    let Some(mut run) = fields.below("run") else { return };
    let mut used = Vec::new();
    if let Some(mut docker) = run.below("docker") {
        docker.take_whole("image");
        docker.default("forcePullImage", &json!(false));
        container.pull = (docker.flag("forcePullImage") == Some(true)).then_some(PullPolicy::Always);
        docker.default("privileged", &json!(false));
        container.security.privileged = docker.flag("privileged").unwrap_or(false);
        let id = whole.get("id").and_then(Value::as_str).unwrap_or_default();
        parameters::lift(&mut docker, id, (container, workload), world);
    }
    if let Some(mut image) = run.descended(&["ucr", "image"]) {
        image.take_whole("id");
        image.take("kind", |value| (value.as_str() == Some("docker")).then_some(()));
        image.default("forcePull", &json!(false));
        container.pull = (image.flag("forcePull") == Some(true)).then_some(PullPolicy::Always);
        app::pull_secret(&mut image, workload, (whole, &mut used, world));
    }
    app::start(&mut run, container);
    resources::promised(&mut run, container);
    environment::lift(&mut run, "env", whole, (container, &mut used, world));
    let about = About { whole, workload: name, has_files: run.get("artifacts").is_some() };
    volumes::lift(&mut run, &about, (container, &mut used, world));
    resources::disk(&mut run, container);
    if whole.pointer("/run/ucr").is_some() {
        container.security.user = run.take("user", app::user);
    }
    restart(&mut run, workload);
    constraints(&mut run, (name, workload));
    networks(&mut run, workload, world);
    container.stop.grace = run.take("taskKillGracePeriodSeconds", Value::as_u64).map(Duration::from_secs);
    run.default("maxLaunchDelay", &json!(3600));
    files::take_used(&mut run, &used);
}

fn restart(run: &mut Fields<'_>, workload: &mut Workload) {
    let Some(mut restart) = run.below("restart") else { return };
    let deadline = restart.take("activeDeadlineSeconds", Value::as_u64);
    let mut job = Job::default();
    match restart.text_at("policy") {
        Some("NEVER") => job.deadline = deadline.map(Duration::from_secs),
        Some("ON_FAILURE") => match deadline {
            Some(seconds) if seconds % TRY == 0 && seconds > 0 => {
                job.retries = u32::try_from(seconds / TRY).ok();
            }
            Some(seconds) => (job.retries, job.deadline) = (Some(1), Some(Duration::from_secs(seconds))),
            None => {
                // Without an end it has no word, so a patch says so.
                return;
            }
        },
        _ => return,
    }
    restart.take_whole("policy");
    workload.job = Some(job).filter(|job| *job != Job::default());
}

fn constraints(run: &mut Fields<'_>, (name, workload): (&str, &mut Workload)) {
    let Some(mut place) = run.below("placement") else { return };
    let list = |value: &Value| -> Option<Vec<placement::Constraint>> {
        let text = |item: &Value, key: &str| item.get(key).and_then(Value::as_str).map(str::to_owned);
        let one =
            |item: &Value| Some((text(item, "attribute")?, text(item, "operator")?, text(item, "value")));
        value.as_array()?.iter().map(one).collect()
    };
    let Some(found) = place.get("constraints").and_then(list) else { return };
    let (found, is_whole) = placement::read(&found, name);
    workload.placement = found;
    if is_whole {
        place.take_whole("constraints");
    }
}

fn networks(run: &mut Fields<'_>, workload: &mut Workload, world: &mut World) {
    let names = |value: &Value| -> Option<Vec<String>> {
        let name = |network: &Value| {
            let is_container = network.get("mode").and_then(Value::as_str) == Some("container");
            let name =
                network.get("name").and_then(Value::as_str).filter(|name| document_name(name) == *name)?;
            (is_container && network.as_object()?.len() == 2).then(|| name.to_owned())
        };
        value.as_array()?.iter().map(name).collect()
    };
    for name in run.take("networks", names).unwrap_or_default() {
        let network = Network { external: true, ..Network::default() };
        world.app.networks.entry(name.clone()).or_insert(network);
        workload.networks.insert(name, NetworkAttachment::default());
    }
}

/// Reads the first schedule. Further ones stay, since a workload has one.
fn schedules(fields: &mut Fields<'_>, workload: &mut Workload) {
    const LIST: &str = "schedules";
    let mut items = fields.items(LIST, "id").into_iter();
    let Some(mut first) = items.next() else { return };
    let id = first.name();
    let mut schedule = fields.of_item(LIST, &mut first);
    schedule.own(&["nextRunAt"], "Metronome writes it");
    if let Some(line) = schedule.text("cron") {
        let concurrency = schedule.take("concurrencyPolicy", |value| match value.as_str()? {
            "ALLOW" => Some(Concurrency::Allow),
            "FORBID" => Some(Concurrency::Forbid),
            _ => None,
        });
        schedule.default("startingDeadlineSeconds", &json!(900));
        schedule.take("enabled", |value| (*value == Value::Bool(true)).then_some(()));
        let time_zone = schedule.text("timezone").filter(|zone| zone != "UTC");
        workload.mode = Mode::Cron;
        workload.cron =
            Some(Cron { schedule: line, time_zone, concurrency: concurrency.unwrap_or_default() });
        if id != SCHEDULE {
            fields.lost(
                &format!("{LIST}.{id}.id"),
                1,
                "the one schedule of a workload has a name of the release's own",
            );
            first.key = SCHEDULE.into();
        }
    }
    fields.put_item(LIST, "id", first);
    for other in items {
        fields.put_whole_item(LIST, "id", other);
    }
}
