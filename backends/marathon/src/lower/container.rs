//! How a container starts, and what the Docker Engine is told about it.

use rhumb_spec::model::{Kind as Document, PullPolicy, Security};
use rhumb_spec::{Diagnostic, Feature};
use serde_json::{Map, Value, json};

use super::body::Body;
use super::{Context, Part, Report, Site, driver, network, shell};
use crate::kind::Kind;

/// What a container starts.
#[derive(Debug, PartialEq, Eq)]
enum Start {
    /// What the image says.
    Image,
    /// The image's entry point with other arguments.
    Args(Vec<String>),
    /// A line for `/bin/sh -c`.
    Shell(String),
    /// Another entry point, by the Docker Engine's option.
    Entrypoint(String, Vec<String>),
}

fn start(site: &Site<'_>, part: &Part<'_>, report: &mut Report) -> Start {
    let container = part.container;
    if container.command.is_empty() {
        return if container.args.is_empty() { Start::Image } else { Start::Args(container.args.clone()) };
    }
    let words: Vec<String> = container.command.iter().chain(&container.args).cloned().collect();
    if let Some(script) = shell::script(&words) {
        return Start::Shell(script.clone());
    }
    if site.engine.is_docker() {
        return Start::Entrypoint(words[0].clone(), words[1..].to_vec());
    }
    let text = "the Universal Container Runtime keeps the image's entry point, so /bin/sh starts the command, which \
                the image must have";
    report.lose(Feature::Command, part.at("command"), text);
    Start::Shell(format!("exec {}", shell::line(&words)))
}

/// `cmd` or `args`, and the parameters of the Docker Engine.
pub(super) struct Started {
    /// `cmd` or `args`, of which at most one is there.
    pub(super) fields: Map<String, Value>,
    /// `docker.parameters`.
    pub(super) parameters: Vec<Value>,
}

/// How the one container of an app or job starts.
///
/// A `command` is the parameter `entrypoint` of the Docker Engine, since Marathon has no field for it; `sh -c SCRIPT` is
/// its `cmd`.
///
/// Source: Marathon REST API, `App.cmd`, `App.args`; Mesos, `docker/docker.cpp`: a command that is a shell's overrides
/// the entry point.
pub(super) fn started(
    context: &Context<'_>,
    site: &Site<'_>,
    part: &Part<'_>,
    report: &mut Report,
) -> Started {
    let mut fields = Body::new();
    let mut parameters = Parameters::default();
    match start(site, part, report) {
        Start::Image => {}
        Start::Args(args) => {
            fields.set("args", args);
        }
        Start::Shell(line) => {
            fields.set("cmd", line);
        }
        Start::Entrypoint(entrypoint, args) => {
            parameters.add("entrypoint", entrypoint);
            fields.set_filled("args", args);
        }
    }
    if site.engine.is_docker() {
        options(context, (site, part), &mut parameters, report);
    } else {
        refuse_options(site, part, report);
    }
    Started { fields: fields.into_map(), parameters: parameters.0 }
}

/// Options of `docker run`.
#[derive(Default)]
pub(super) struct Parameters(Vec<Value>);

impl Parameters {
    pub(super) fn add(&mut self, key: &str, value: impl Into<String>) {
        self.0.push(json!({ "key": key, "value": value.into() }));
    }

    fn add_all<'a>(&mut self, key: &str, values: impl IntoIterator<Item = &'a String>) {
        values.into_iter().for_each(|value| self.add(key, value.clone()));
    }
}

/// What the Docker Engine is told.
///
/// Source: docs.docker.com, `docker container run`, options.
fn options(
    context: &Context<'_>,
    (site, part): (&Site<'_>, &Part<'_>),
    to: &mut Parameters,
    report: &mut Report,
) {
    let container = part.container;
    if let Some(folder) = &container.working_dir {
        to.add("workdir", folder.clone());
    }
    secured(part, to, report);
    if let Some(signal) = &container.stop.signal {
        to.add("stop-signal", signal.clone());
    }
    let workload = site.workload;
    to.add_all("dns", &workload.dns.servers);
    to.add_all("dns-search", &workload.dns.search);
    if workload.short_names
        && let Some(domain) = network::search_domain(context)
    {
        to.add("dns-search", domain);
    }
    to.add_all("dns-opt", &workload.dns.options);
    for (name, address) in &workload.extra_hosts {
        to.add("add-host", format!("{name}:{address}"));
    }
    if let Some(hostname) = &workload.hostname {
        to.add("hostname", hostname.clone());
    }
    if let Some(logging) = &container.logging {
        to.add("log-driver", logging.driver.clone());
        for (name, value) in &logging.options {
            to.add("log-opt", format!("{name}={value}"));
        }
    }
    driver::parameters(context, part, to);
}

fn secured(part: &Part<'_>, to: &mut Parameters, report: &mut Report) {
    let security = &part.container.security;
    if let Some(user) = user(part, security, report) {
        to.add("user", user);
    }
    if security.read_only_root {
        to.add("read-only", "true");
    }
    to.add_all("cap-add", &security.capabilities.add);
    to.add_all("cap-drop", &security.capabilities.drop);
    for (name, value) in &security.sysctls {
        to.add("sysctl", format!("{name}={value}"));
    }
    for (name, limit) in &security.ulimits {
        to.add("ulimit", format!("{name}={}:{}", limit.soft, limit.hard));
    }
    if let Some(profile) = security.seccomp.as_deref().filter(|profile| *profile != "default") {
        to.add("security-opt", format!("seccomp={profile}"));
    }
}

fn user(part: &Part<'_>, security: &Security, report: &mut Report) -> Option<String> {
    match (&security.user, &security.group) {
        (Some(user), None) => Some(user.clone()),
        (Some(user), Some(group)) => Some(format!("{user}:{group}")),
        (None, None) => None,
        (None, Some(_)) => {
            report.refuse(
                Diagnostic::error(part.at("security.group"), "a group goes with a user only")
                    .why("the engine takes them in one field, and a user left out of it is root")
                    .remedy("`security.user` beside it"),
            );
            None
        }
    }
}

/// Refuses what the Universal Container Runtime has no word for.
pub(super) fn refuse_options(site: &Site<'_>, part: &Part<'_>, report: &mut Report) {
    let (container, workload) = (part.container, site.workload);
    let security = &container.security;
    let capabilities = &security.capabilities;
    let dns = &workload.dns;
    let asked = [
        (container.working_dir.is_some(), part.at("workingDir"), "folder to start in"),
        (security.group.is_some(), part.at("security.group"), "group of processes"),
        (
            security.read_only_root,
            part.at("security.readOnlyRoot"),
            "root file system that cannot be written",
        ),
        (!capabilities.add.is_empty(), part.at("security.capabilities.add"), "field for capabilities"),
        (!capabilities.drop.is_empty(), part.at("security.capabilities.drop"), "field for capabilities"),
        (security.privileged, part.at("security.privileged"), "privileged mode"),
        (!security.sysctls.is_empty(), part.at("security.sysctls"), "kernel parameters"),
        (!security.ulimits.is_empty(), part.at("security.ulimits"), "kernel limits"),
        (container.logging.is_some(), part.at("logging"), "log drivers"),
        (
            !dns.servers.is_empty() || !dns.search.is_empty() || !dns.options.is_empty(),
            site.at("dns"),
            "resolver",
        ),
        (!workload.extra_hosts.is_empty(), site.at("extraHosts"), "hosts file"),
        (workload.hostname.is_some(), site.at("hostname"), "host name of its own"),
    ];
    for (_, path, what) in asked.into_iter().filter(|(is_asked, ..)| *is_asked) {
        site.engine.need_docker(path, what, report);
    }
    if let Some(signal) = container.stop.signal.as_ref().filter(|signal| *signal != "SIGTERM") {
        let text = format!(
            "the Universal Container Runtime sends SIGTERM instead of {signal}, and kills what is left after the grace"
        );
        report.lose(Feature::StopSignal, part.at("stop.signal"), text);
    }
}

/// The user of a container of the Universal Container Runtime: one that the agent knows by name.
///
/// Source: Marathon REST API, `App.user`, `PodContainer.user`.
pub(super) fn agent_user(part: &Part<'_>, report: &mut Report) -> Option<String> {
    let user = part.container.security.user.as_ref()?;
    if user.chars().all(|character| character.is_ascii_digit()) && user != "0" {
        report.refuse(
            Diagnostic::error(
                part.at("security.user"),
                format!("the Universal Container Runtime takes a user by its name, and `{user}` is a number"),
            )
            .why("Mesos looks the name up on the agent")
            .remedy("the name of a user that the agents have, such as `nobody`"),
        );
        return None;
    }
    Some(if user == "0" { "root".to_owned() } else { user.clone() })
}

/// What of an image is fetched: `forcePullImage`, `forcePull`.
pub(super) fn force_pull(part: &Part<'_>, report: &mut Report) -> Option<bool> {
    match part.container.pull? {
        PullPolicy::Always => Some(true),
        // That is what Marathon does where nothing is said.
        PullPolicy::IfMissing => None,
        PullPolicy::Never => {
            let text = "an agent that lacks the image fetches it all the same";
            report.lose(Feature::PullPolicy, part.at("pull"), text);
            None
        }
    }
}

/// `pullConfig`: the entry of the secret store with the registry's credentials.
///
/// Source: Marathon REST API, `DockerPullConfig`.
pub(super) fn pull_config(
    context: &Context<'_>,
    site: &Site<'_>,
    used: &mut super::environment::Used,
    report: &mut Report,
) -> Option<Value> {
    const KEY: &str = ".dockerconfigjson";
    let name = site.workload.pull_secret.as_deref()?;
    let file = context.files.find(Kind::Secret, name, KEY);
    if file.is_none() {
        report.refuse(
            Diagnostic::error(
                site.at("pullSecret"),
                format!("{} has no key {KEY}", Document::Secret.path(name)),
            )
            .why("Marathon reads the registry's credentials from an entry of the secret store")
            .remedy(format!("a secret of the chart with the key {KEY}")),
        );
    }
    Some(json!({ "secret": used.add(file?) }))
}

/// A pod's `exec`, where it says anything.
///
/// Source: Marathon REST API, `MesosExec`.
pub(super) fn exec(part: &Part<'_>) -> Option<Value> {
    let container = part.container;
    if container.command.is_empty() {
        let args = (!container.args.is_empty()).then_some(&container.args)?;
        return Some(json!({ "command": { "argv": args }, "overrideEntrypoint": false }));
    }
    let words: Vec<String> = container.command.iter().chain(&container.args).cloned().collect();
    Some(match shell::script(&words) {
        Some(script) => json!({ "command": { "shell": script } }),
        None => json!({ "command": { "argv": words }, "overrideEntrypoint": true }),
    })
}
