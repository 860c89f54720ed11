//! Services.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use rhumb_backend::fields::{Fields, leaves};
use rhumb_spec::model::{Container, Job, Logging, Mode, PullPolicy, Restart, RestartPolicy, Workload};
use rhumb_spec::yaml::Node;
use serde_json::{Value, json};

use super::amounts::duration;
use super::fields_of_services::LOST;
use super::{
    World, deploy, document_name, environment, files, flag, health, labels, list, network, ports, route,
    scalar,
};
use super::{security, templates, text_pairs, volumes};
use crate::read::split_words;

/// Reads the services that were chosen.
pub(super) fn lift(world: &mut World<'_>) {
    for (name, node) in world.section("services") {
        if let Some(by) = node.get("provider").filter(|_| node.get("image").is_none()) {
            let by = by.get("type").and_then(Node::as_str).unwrap_or("another program").escape_debug();
            let what =
                format!("what {by} provides is left out, and so are the variables that it gives to others");
            world.warn(
                format!("service/{name}"),
                what,
                "its address and variables in the services that need it",
            );
            world
                .left_out(("service", &name, node), "what Compose starts by another program is no container");
            continue;
        }
        if !world.chosen.contains(&name) {
            let why = "none of its profiles is chosen: import again with --profile";
            world.left_out(("service", &name, node), why);
            continue;
        }
        let Some(document) = world.known("services", &name) else { continue };
        let path = format!("workload/{document}");
        world.entry(("service", &name, node), Some(path), |fields, world| {
            service(fields, (&name, &document, node), world);
        });
    }
}

fn service(fields: &mut Fields<'_>, (name, document, node): (&str, &str, &Node), world: &mut World<'_>) {
    let mut workload = Workload { short_names: true, ..Workload::default() };
    let mut container = Container::default();
    let mut patch = json!({});
    image(fields, name, &mut container, world);
    fields.take_whole("profiles");
    fields.take_whole("extends");
    start(fields, &mut container);
    if world.jobs.contains(name) {
        workload.mode = Mode::Job;
    }
    restart(fields, &mut workload, node);
    let mut traefik = route::Labels::default();
    deploy::lift(fields, (&mut container, &mut workload), &mut patch, &mut traefik);
    templates::variables(fields, name, &mut patch, world);
    environment::lift(fields, (name, &mut container), world);
    ports::lift(fields, (name, &mut container, &mut workload), world);
    if matches!(workload.mode, Mode::Job | Mode::Cron) {
        fields.lose("healthcheck", "a job is asked for its end, and not for its health");
    }
    health::lift(fields, &mut container, &mut patch);
    security::lift(fields, &mut container);
    volumes::mounts(fields, (name, &mut container), world);
    files::granted(fields, &mut container, world);
    network::mode(fields, name, world);
    network::attach(fields, &mut workload, world);
    labels::files(fields, (name, &mut workload), world);
    labels::lift(fields, &mut workload, &mut traefik);
    traefik.lift(fields, (name, document), (&mut container, &mut workload), world);
    templates::hostname(fields, name, &mut patch, world);
    surroundings(fields, (&mut container, &mut workload));
    models(fields, name, world);
    waits(fields, (name, &mut workload), world);
    kept(fields, &mut patch);
    for (key, why) in LOST {
        fields.lose(key, why);
    }
    if workload.mode == Mode::Job {
        workload.restart = None;
    }
    workload.containers.insert(document.to_owned(), container);
    if patch.as_object().is_some_and(|patch| !patch.is_empty()) {
        workload.on.entry("swarm".to_owned()).or_default().insert("Service".to_owned(), patch);
    }
    world.app.workloads.insert(document.to_owned(), workload);
}

fn image(fields: &mut Fields<'_>, name: &str, container: &mut Container, world: &mut World<'_>) {
    let image = fields.take("image", scalar).unwrap_or_default();
    let is_good = |image: &str| {
        !image.is_empty() && !image.contains(char::is_whitespace) && !image.ends_with([':', '/', '@'])
    };
    let is_given = is_good(&image);
    container.image =
        if is_given { image } else { format!("{}-{}", document_name(world.name), document_name(name)) };
    let has_build = fields.get("build").is_some();
    if !has_build && !is_given {
        let what =
            format!("it names no image that can be pulled, and {} stands in its place", container.image);
        world.warn(format!("service/{name}.image"), what, "an image, as the value `image`");
    }
    if has_build {
        fields.lose("build", "an image that is built and pushed already is what runs");
        let what = format!(
            "it is built from source, and {} is only the name that Compose gives the image",
            container.image
        );
        world.warn(
            format!("service/{name}.build"),
            what,
            "build and push it, and give its name as the value `image`",
        );
    }
    let policy = |value: &Value| match value.as_str()? {
        "always" => Some(PullPolicy::Always),
        "missing" | "if_not_present" => Some(PullPolicy::IfMissing),
        "never" => Some(PullPolicy::Never),
        _ => None,
    };
    container.pull = fields.take("pull_policy", policy);
    fields.lose("pull_policy", "an image is pulled always, where it is missing, or never");
}

pub(super) fn words(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::Array(items) => items.iter().map(scalar).collect(),
        other => split_words(&scalar(other)?),
    }
}

fn start(fields: &mut Fields<'_>, container: &mut Container) {
    container.command = fields.take("entrypoint", words).unwrap_or_default();
    container.args = fields.take("command", words).unwrap_or_default();
    container.working_dir =
        fields.take("working_dir", |value| scalar(value).filter(|folder| folder.starts_with('/')));
    container.stop.signal = fields.take("stop_signal", scalar).map(|signal| {
        let signal = signal.to_ascii_uppercase();
        if signal.starts_with("SIG") || signal.starts_with(|c: char| c.is_ascii_digit()) {
            signal
        } else {
            format!("SIG{signal}")
        }
    });
    container.stop.grace = fields.take("stop_grace_period", duration);
    for (key, place) in
        [("post_start", &mut container.lifecycle.post_start), ("pre_stop", &mut container.lifecycle.pre_stop)]
    {
        let one = |value: &Value| {
            let [one] = value.as_array()?.as_slice() else { return None };
            one.as_object().filter(|one| one.len() == 1).and_then(|one| words(one.get("command")?))
        };
        *place = fields.take(key, one).unwrap_or_default();
        fields.lose(key, "a hook of an app is one command, run as what the container runs as");
    }
}

/// Reads `restart`. What ends for good and is reached by nobody is a job.
fn restart(fields: &mut Fields<'_>, workload: &mut Workload, node: &Node) {
    let Some(text) = fields.take("restart", scalar) else { return };
    let (word, count) =
        text.split_once(':').map_or((text.as_str(), None), |(word, count)| (word, count.parse().ok()));
    let is_reached = ["ports", "expose", "healthcheck"].iter().any(|key| node.get(key).is_some());
    match word {
        "on-failure" if workload.mode == Mode::Job => {
            workload.job = Some(Job { retries: count, ..Job::default() });
        }
        "on-failure" => {
            let max_attempts = count.filter(|count| *count > 0);
            workload.restart =
                Some(Restart { policy: RestartPolicy::OnFailure, max_attempts, ..Restart::default() });
        }
        "no" | "false" if workload.mode == Mode::Job => {}
        "no" | "false" if !is_reached && node.get("deploy").is_none() => workload.mode = Mode::Job,
        "no" | "false" => {
            fields.lost("restart", 1, "a service that others reach is started again when it ends");
        }
        _ => {}
    }
}

fn surroundings(fields: &mut Fields<'_>, (container, workload): (&mut Container, &mut Workload)) {
    let logging = |value: &Value| {
        if value.as_object()?.keys().any(|key| !matches!(key.as_str(), "driver" | "options")) {
            return None;
        }
        let driver = scalar(value.get("driver")?)?;
        let options = value.get("options").map_or(Some(BTreeMap::new()), text_pairs)?;
        Some(Logging { driver, options })
    };
    container.logging = fields.take("logging", logging);
    fields.lose("logging", "an app has a log driver and its options, and nothing else");
    workload.dns.servers = fields.take("dns", list).unwrap_or_default();
    workload.dns.search = fields.take("dns_search", list).unwrap_or_default();
    workload.dns.options = fields.take("dns_opt", list).unwrap_or_default();
    workload.hostname = fields.take("hostname", scalar).filter(|name| !name.is_empty());
    let hosts = fields.take("extra_hosts", hosts).unwrap_or_default();
    for (host, address) in hosts {
        let address = address.trim_matches(['[', ']']).to_owned();
        let at = format!("extra_hosts.{host}");
        match workload.extra_hosts.entry(host) {
            Entry::Occupied(_) => fields.lost(&at, 1, "a host of an app has one address"),
            Entry::Vacant(free) if address.parse::<std::net::IpAddr>().is_ok() => {
                free.insert(address);
            }
            Entry::Vacant(_) => fields.lost(&at, 1, "a line of the hosts file has an IP address"),
        }
    }
}

/// A mapping of addresses, or a list of `host=address` or `host:address`. A host may have several.
fn hosts(value: &Value) -> Option<Vec<(String, String)>> {
    if let Value::Object(map) = value {
        let each =
            map.iter().map(|(host, value)| Some(list(value)?.into_iter().map(|at| (host.clone(), at))));
        return each.collect::<Option<Vec<_>>>().map(|all| all.into_iter().flatten().collect());
    }
    let Value::Array(items) = value else { return None };
    let pairs = items.iter().map(|item| {
        let line = scalar(item)?;
        line.split_once(['=', ':']).map(|(host, address)| (host.to_owned(), address.to_owned()))
    });
    pairs.collect()
}

/// Says which variables a service gets from Compose's model runner, and not here.
///
/// Source: the Compose specification, "Models": the short form names variables by the model.
fn models(fields: &mut Fields<'_>, service: &str, world: &mut World<'_>) {
    let Some(models) = fields.take_whole("models") else { return };
    let named: Vec<(String, Value)> = match &models {
        Value::Object(map) => map.clone().into_iter().collect(),
        other => list(other).unwrap_or_default().into_iter().map(|name| (name, Value::Null)).collect(),
    };
    let mut variables = Vec::new();
    for (name, about) in named {
        let usual = name.to_ascii_uppercase().replace('-', "_");
        for (key, end) in [("endpoint_var", "URL"), ("model_var", "MODEL")] {
            let given = about.get(key).and_then(scalar);
            variables.push(format!("`{}`", given.unwrap_or_else(|| format!("{usual}_{end}"))));
        }
    }
    fields.lost("models", leaves(&models), "an app has no models");
    let what = format!("Compose's model runner gives it {}, and nobody does here", variables.join(", "));
    world.warn(format!("service/{service}.models"), what, "a server of the model, and these variables");
}

/// Reads `depends_on` and `links`.
fn waits(fields: &mut Fields<'_>, (name, workload): (&str, &mut Workload), world: &mut World<'_>) {
    let named = |value: &Value| match value {
        Value::Object(map) => Some(map.clone().into_iter().collect::<Vec<_>>()),
        other => Some(list(other)?.into_iter().map(|name| (name, Value::Null)).collect()),
    };
    let others: Vec<(String, Value)> = fields.take("depends_on", named).unwrap_or_default();
    for (other, about) in others {
        let at = format!("depends_on.{other}");
        if !wait((name, &other), workload, world) {
            fields.lost(&at, leaves(&about), NOT_IMPORTED);
        } else if about.get("restart").and_then(flag) == Some(true) {
            fields.lost(
                &format!("{at}.restart"),
                1,
                "a workload is not started again with what it waits for",
            );
        }
    }
    for (index, link) in fields.take("links", list).unwrap_or_default().iter().enumerate() {
        let (other, alias) = link.split_once(':').unwrap_or((link, link));
        let at = format!("links.{index}");
        if !wait((name, other), workload, world) {
            fields.lost(&at, 1, NOT_IMPORTED);
        } else if alias != other {
            fields.lost(&at, 1, "siblings are reached by their own names, and by aliases on networks");
        }
    }
}

const NOT_IMPORTED: &str = "no other service of this name is imported";

/// Has a workload wait for a service; not where there is no such service.
fn wait((name, other): (&str, &str), workload: &mut Workload, world: &World<'_>) -> bool {
    let is_there = world.chosen.contains(other) && other != name;
    let Some(document) = world.known("services", other).filter(|_| is_there) else { return false };
    if !workload.depends_on.contains(&document) {
        workload.depends_on.push(document);
    }
    true
}

/// Reads what Swarm has and an app does not.
fn kept(fields: &mut Fields<'_>, patch: &mut Value) {
    let why = "a patch under on.swarm.Service keeps it; other platforms have no such thing";
    for (key, native) in [("init", "Init"), ("tty", "TTY"), ("stdin_open", "OpenStdin")] {
        if let Some(value) = fields.take(key, flag) {
            patch["TaskTemplate"]["ContainerSpec"][native] = json!(value);
            fields.kept(key, &json!(value), why);
        }
    }
    if let Some(groups) = fields.take("group_add", list).filter(|groups| !groups.is_empty()) {
        patch["TaskTemplate"]["ContainerSpec"]["Groups"] = json!(groups);
        fields.kept("group_add", &json!(groups), why);
    }
    fields.own(&["attach"], "it is about the terminal of `docker compose up`");
}
