//! `rhumb target`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use clap::{Args, Subcommand};
use rhumb_backend::{ErrorKind, Finding, Scope, Survey};
use rhumb_chart::{SetMode, UserValues};
use rhumb_release::{EntryKind, Filter, Storage};
use rhumb_spec::App;
use serde::Serialize;
use serde_json::Value;

use super::Ended;
use crate::config::TargetConfig;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{emit, table};
use crate::registry;
use crate::session::Session;

/// Arguments of `rhumb target`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Add a target, or change one
    Add(AddArguments),
    /// List the targets
    #[command(visible_alias = "ls")]
    List,
    /// Make a target the one that is meant when none is named
    Use(NameArguments),
    /// Give several targets one name, which then stands for all of them
    Group(GroupArguments),
    /// Ask a target whether it can be used
    Check(CheckArguments),
    /// Forget a target or a group; nothing on them changes
    #[command(visible_alias = "rm")]
    Remove(NameArguments),
}

#[derive(Debug, Args)]
struct AddArguments {
    /// The target's name
    #[arg(value_name = "NAME")]
    name: String,
    /// The backend
    #[arg(long, value_name = "BACKEND")]
    backend: String,
    /// The namespace of releases that name none
    #[arg(long = "default-namespace", value_name = "NAME")]
    namespace: Option<String>,
    /// Where the engine is: `unix://…`, `tcp://…` or `ssh://USER@HOST`
    #[arg(long, value_name = "ADDRESS")]
    host: Option<String>,
    /// The kubeconfig, of backend kubernetes
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<String>,
    /// A stored context of the platform's own tool
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// The folder with `ca.pem`, `cert.pem` and `key.pem`
    #[arg(long, value_name = "FOLDER")]
    cert_path: Option<String>,
    /// Where releases are kept, when not on the platform: `file:FOLDER`
    #[arg(long, value_name = "STORAGE")]
    storage: Option<String>,
    /// The file with the state, of backend memory
    #[arg(long, value_name = "FILE")]
    file: Option<String>,
    /// What else the backend wants to know, of the backends ecs and marathon: `region=eu-west-1,subnets={a,b}`; may be
    /// repeated. A value may be `${NAME}`, which stands for an environment variable whenever the target is used
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Make it the one that is meant when none is named
    #[arg(long)]
    r#use: bool,
}

#[derive(Debug, Args)]
struct NameArguments {
    /// The target's name
    #[arg(value_name = "NAME")]
    name: String,
}

#[derive(Debug, Args)]
struct GroupArguments {
    /// The group's name
    #[arg(value_name = "NAME")]
    name: String,
    /// Its targets
    #[arg(value_name = "TARGET", required = true)]
    targets: Vec<String>,
}

#[derive(Debug, Args)]
struct CheckArguments {
    /// The target's name [default: the one that is meant]
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: String,
    backend: String,
    location: String,
    is_current: bool,
    is_built_in: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CheckedTarget {
    name: String,
    backend: String,
    facts: serde_json::Value,
    /// None where they may not be listed.
    releases: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<Finding>,
}

/// Manages targets.
pub(crate) async fn run(session: &Session, arguments: Arguments) -> Ended {
    match arguments.what {
        What::Add(add) => added(session, add),
        What::List => list(session),
        What::Use(name) => make_current(session, &name.name),
        What::Group(group) => grouped(session, group),
        What::Remove(name) => removed(session, &name.name),
        What::Check(check) => checked(session, check.name).await,
    }
}

fn added(session: &Session, add: AddArguments) -> Ended {
    let path = session.config_path()?;
    let mut config = session.config()?;
    let target = TargetConfig {
        backend: add.backend,
        namespace: add.namespace,
        host: add.host,
        kubeconfig: add.kubeconfig,
        context: add.context,
        cert_path: add.cert_path,
        tls_verify: None,
        storage: add.storage,
        file: add.file,
        settings: settings(&add.settings)?,
    };
    registry::open(&add.name, &target, session.environment())?;
    if config.groups.contains_key(&add.name) {
        let what = format!("{} is the name of a group already", add.name);
        return Err(Failure::usage(
            what,
            format!("another name, or `rhumb target remove {}` first", add.name),
        ));
    }
    config.targets.insert(add.name.clone(), target);
    if add.r#use {
        config.current = Some(add.name.clone());
    }
    config.write(&path)?;
    session.say(&format!("Added target {} to {}", add.name, path.display()));
    Ok(Exit::Success)
}

/// Settings as `--set` gives them, in the grammar of values.
fn settings(expressions: &[String]) -> Result<BTreeMap<String, Value>, Failure> {
    let mut settings = UserValues::new();
    for expression in expressions {
        let set = settings.set(expression, SetMode::Typed);
        set.map_err(|error| {
            Failure::usage(format!("--set: {error}"), "--set region=eu-west-1,subnets={a,b}")
        })?;
    }
    Ok(settings.reveal().clone().into_iter().collect())
}

fn list(session: &Session) -> Ended {
    let config = session.config()?;
    let current = session.target_config().ok().map(|(name, _)| name);
    let built_in =
        registry::BACKENDS.iter().filter(|name| !config.targets.contains_key(**name)).map(|name| {
            (
                (*name).to_owned(),
                TargetConfig { backend: (*name).to_owned(), ..TargetConfig::default() },
                true,
            )
        });
    let own = config.targets.iter().map(|(name, target)| (name.clone(), target.clone(), false));
    let groups = config.groups.iter().map(|(name, targets)| Row {
        name: name.clone(),
        backend: "group".to_owned(),
        location: targets.join(", "),
        is_current: false,
        is_built_in: false,
    });
    let rows: Vec<Row> = own
        .chain(built_in)
        .map(|(name, target, is_built_in)| Row {
            is_current: current.as_deref() == Some(name.as_str()),
            location: location(&target),
            backend: target.backend,
            name,
            is_built_in,
        })
        .chain(groups)
        .collect();
    emit(session.format(), &rows, || {
        table(
            ["CURRENT", "NAME", "BACKEND", "WHERE"],
            rows.iter().map(|row| {
                let mark = if row.is_current { "*" } else { "" };
                [mark.to_owned(), row.name.clone(), row.backend.clone(), row.location.clone()]
            }),
        )
    })?;
    Ok(Exit::Success)
}

fn location(target: &TargetConfig) -> String {
    let context = target.context.as_deref().map(|context| format!("context {context}"));
    let place =
        target.host.clone().or(context).or_else(|| target.file.clone()).or_else(|| of_settings(target));
    place.unwrap_or_else(|| "as the platform's own tools find it".to_owned())
}

/// Settings that tell places apart, and never a secret: what else there is may be one.
fn of_settings(target: &TargetConfig) -> Option<String> {
    let told = ["url", "profile", "region", "cluster"].into_iter().filter_map(|name| {
        let text = target.settings.get(name)?.as_str()?;
        // Before an `@` there may be a password.
        let place = text.rsplit_once('@').map_or(text, |(_, place)| place);
        Some(if name == "url" { place.to_owned() } else { format!("{name} {place}") })
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| told.join(", "))
}

fn make_current(session: &Session, name: &str) -> Ended {
    let path = session.config_path()?;
    let mut config = session.config()?;
    if !config.targets.contains_key(name) && !registry::BACKENDS.contains(&name) {
        return Err(no_target(name, config.targets.keys()));
    }
    config.current = Some(name.to_owned());
    config.write(&path)?;
    session.say(&format!("{name} is meant from now on when no target is named"));
    Ok(Exit::Success)
}

fn grouped(session: &Session, group: GroupArguments) -> Ended {
    let path = session.config_path()?;
    let mut config = session.config()?;
    let is_target = |name: &str| config.targets.contains_key(name) || registry::BACKENDS.contains(&name);
    if is_target(&group.name) {
        let what = format!("{} is the name of a target already", group.name);
        return Err(Failure::usage(what, "another name for the group"));
    }
    if let Some(unknown) = group.targets.iter().find(|name| !is_target(name)) {
        return Err(no_target(unknown, config.targets.keys()));
    }
    let (name, targets) = (group.name, group.targets);
    session.say(&format!("{name} stands for {}", targets.join(", ")));
    config.groups.insert(name, targets);
    config.write(&path)?;
    Ok(Exit::Success)
}

fn removed(session: &Session, name: &str) -> Ended {
    let path = session.config_path()?;
    let mut config = session.config()?;
    if config.groups.remove(name).is_some() {
        config.write(&path)?;
        session.say(&format!("Forgot the group {name}"));
        return Ok(Exit::Success);
    }
    if config.targets.remove(name).is_none() {
        return Err(no_target(name, config.targets.keys()));
    }
    for targets in config.groups.values_mut() {
        targets.retain(|target| target != name);
    }
    config.groups.retain(|_, targets| !targets.is_empty());
    if config.current.as_deref() == Some(name) {
        config.current = None;
    }
    config.write(&path)?;
    session.say(&format!("Forgot target {name}; nothing on it changed"));
    Ok(Exit::Success)
}

fn no_target<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> Failure {
    let names: Vec<&str> = known.map(String::as_str).collect();
    let remedy = if names.is_empty() {
        "`rhumb target add` to make one".to_owned()
    } else {
        format!("one of: {}", names.join(", "))
    };
    Failure::usage(format!("there is no target `{name}` in the configuration"), remedy)
}

async fn checked(session: &Session, name: Option<String>) -> Ended {
    let session = session.with_target(name);
    let parts = session.parts(false)?;
    let backend = &parts.target.backend;
    let findings = backend.verify(&parts.namespace).await?;
    let is_usable = findings.iter().all(|finding| finding.is_good);
    let scope = Scope::new(parts.namespace.as_str(), "check");
    let facts = backend.survey(&scope, &App::default(), &Survey::default()).await;
    let releases = releases(&*parts.target.storage, &parts.namespace).await;
    let checked = CheckedTarget {
        name: parts.target.name.clone(),
        backend: backend.name().to_owned(),
        facts: told(facts.map(|facts| facts.data).map_err(Failure::from), &findings)?,
        releases: told(releases, &findings)?,
        findings,
    };
    parts.progress.finish();
    emit(session.format(), &checked, || checked.text())?;
    Ok(if is_usable { Exit::Success } else { Exit::Failure })
}

/// What was asked for; nothing where it failed for what a finding tells already.
fn told<T: Default>(asked: Result<T, Failure>, findings: &[Finding]) -> Result<T, Failure> {
    match asked {
        Err(_) if findings.iter().any(|finding| !finding.is_good) => Ok(T::default()),
        asked => asked,
    }
}

impl CheckedTarget {
    fn text(&self) -> String {
        let releases = match self.releases {
            Some(count) => format!("with {count} release(s)"),
            None => "and does not show us its releases".to_owned(),
        };
        let missing = match self.findings.iter().filter(|finding| !finding.is_good).count() {
            0 => String::new(),
            count => format!("; what must change first: {count}"),
        };
        let mut text = format!("{} answers ({}), {releases}{missing}.\n", self.name, self.backend);
        for finding in &self.findings {
            let mark = if finding.is_good { "" } else { " (!)" };
            let _ = writeln!(text, "  {}{mark}: {}", finding.what, finding.text);
            if let Some(remedy) = &finding.remedy {
                let _ = writeln!(text, "    use: {remedy}");
            }
        }
        for (fact, value) in self.facts.as_object().into_iter().flatten() {
            let _ = writeln!(text, "  {fact}: {value}");
        }
        text
    }
}

/// How many releases there are: on the whole target, or else in the namespace; none where neither may be listed.
async fn releases(storage: &dyn Storage, namespace: &str) -> Result<Option<usize>, Failure> {
    for namespace in [None, Some(namespace.to_owned())] {
        match storage.list(EntryKind::Head, &Filter { namespace, ..Filter::default() }).await {
            Ok(heads) => {
                let names = heads.into_iter().map(|head| (head.key.namespace, head.key.release));
                return Ok(Some(names.collect::<BTreeSet<_>>().len()));
            }
            Err(error) if error.kind == ErrorKind::Forbidden => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}
