//! `rhumb import`.

#[cfg(feature = "compose")]
mod compose;
mod sources;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use rhumb_action::{Existing, Folders, ImportInput, ImportRequest, Imported};
use rhumb_backend::{Fate, ImportQuery};
use rhumb_spec::Diagnostic;

use self::sources::Sources;
use super::Ended;
use crate::exit::Exit;
use crate::failure::{Failure, diagnostic_text};
use crate::output::emit;
use crate::session::Session;

/// Arguments of `rhumb import`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a chart of Compose files
    #[cfg(feature = "compose")]
    Compose(compose::ComposeArguments),
    /// Make a chart of task definitions and services, or of what runs in a cluster
    Ecs(EcsArguments),
    /// Make a chart of manifests, or of what runs in a namespace
    #[command(visible_alias = "k8s")]
    Kubernetes(KubernetesArguments),
    /// Make a chart of apps, groups, pods and jobs, or of what runs in a group
    Marathon(MarathonArguments),
    /// Make a chart of what `docker inspect` answers, or of a stack that runs in a swarm
    Swarm(SwarmArguments),
}

#[derive(Debug, Args)]
#[command(mut_arg("words", |of| of.help(
    "Files or folders with task definitions and services, as the AWS CLI takes or answers them, or with templates of \
     CloudFormation; - for standard input [default: the target's cluster]"
)))]
struct EcsArguments {
    #[command(flatten)]
    sources: Sources,
    /// Only what bears these tags: team=web,stage!=test
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    selector: Option<String>,
    /// Only this service of the cluster; may be repeated
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<String>,
    #[command(flatten)]
    into: Destination,
}

#[derive(Debug, Args)]
#[command(mut_arg("words", |of| of.help(
    "Files or folders with manifests; - for standard input [default: the namespace that --namespace names]"
)))]
struct KubernetesArguments {
    #[command(flatten)]
    sources: Sources,
    /// Only what bears these labels, as kubectl takes them: app=web,tier!=db
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    selector: Option<String>,
    #[command(flatten)]
    into: Destination,
}

#[derive(Debug, Args)]
#[command(mut_arg("words", |of| of.help(
    "Files or folders with apps, groups, pods and jobs as their APIs take or answer them; - for standard input \
     [default: the group that --namespace names]"
)))]
struct MarathonArguments {
    #[command(flatten)]
    sources: Sources,
    /// Only what bears these labels, as Marathon takes them: team==web
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    selector: Option<String>,
    #[command(flatten)]
    into: Destination,
}

#[derive(Debug, Args)]
#[command(mut_arg("words", |of| of.help(
    "Files or folders with what docker service, network, config and secret inspect answer; - for standard input \
     [default: the target's swarm]"
)))]
struct SwarmArguments {
    #[command(flatten)]
    sources: Sources,
    /// Only this stack
    #[arg(long, value_name = "NAME")]
    stack: Option<String>,
    /// Only services that bear these labels, as docker's filters take them: team=web,tier
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    selector: Option<String>,
    #[command(flatten)]
    into: Destination,
}

/// Where the chart goes.
#[derive(Debug, Args)]
struct Destination {
    /// The chart's name [default: the folder's]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The folder of the chart
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Take the place of a chart that is there
    #[arg(long)]
    force: bool,
}

/// A platform that is imported from.
struct Platform {
    /// The backend's name.
    backend: &'static str,
    /// As people write it.
    title: &'static str,
}

/// What of a platform is imported.
#[derive(Default)]
struct Chosen {
    stack: Option<String>,
    selector: Option<String>,
    services: Vec<String>,
}

impl Chosen {
    fn by(selector: Option<String>) -> Self {
        Self { selector, ..Self::default() }
    }

    /// The options that were given, with their values.
    fn options(&self) -> [(&'static str, Option<&str>); 3] {
        [
            ("--stack", self.stack.as_deref()),
            ("--selector", self.selector.as_deref()),
            ("--service", self.services.first().map(String::as_str)),
        ]
    }

    /// The labels that are chosen by. A stack is what bears its label.
    fn labels(&self) -> Option<String> {
        let stack = self.stack.as_ref().map(|stack| format!("com.docker.stack.namespace={stack}"));
        let parts: Vec<String> = stack.into_iter().chain(self.selector.clone()).collect();
        (!parts.is_empty()).then(|| parts.join(","))
    }
}

/// Makes a chart of what is there already.
pub(crate) async fn run(session: &Session, arguments: Arguments) -> Ended {
    let (platform, sources, chosen, into) = match arguments.what {
        #[cfg(feature = "compose")]
        What::Compose(of) => return compose::run(session, of),
        What::Ecs(of) => {
            let chosen = Chosen { selector: of.selector, services: of.services, ..Chosen::default() };
            (Platform { backend: "ecs", title: "Amazon ECS" }, of.sources, chosen, of.into)
        }
        What::Kubernetes(of) => {
            let platform = Platform { backend: "kubernetes", title: "Kubernetes" };
            (platform, of.sources, Chosen::by(of.selector), of.into)
        }
        What::Marathon(of) => {
            let platform = Platform { backend: "marathon", title: "Marathon" };
            (platform, of.sources, Chosen::by(of.selector), of.into)
        }
        What::Swarm(of) => {
            let chosen = Chosen { stack: of.stack, selector: of.selector, ..Chosen::default() };
            (Platform { backend: "swarm", title: "Docker Swarm" }, of.sources, chosen, of.into)
        }
    };
    let inputs = sources.inputs(&chosen.options())?;
    let request = request(into);
    let imported = if inputs.is_empty() {
        live(session, &platform, chosen, &request).await?
    } else {
        from_files(session, &platform, (&inputs, sources.folders()), &request)?
    };
    finish(session, &platform, &imported)
}

fn request(into: Destination) -> ImportRequest {
    ImportRequest {
        name: into.name,
        out: into.out,
        existing: if into.force { Existing::Replace } else { Existing::Keep },
    }
}

/// Says what was made.
fn finish(session: &Session, platform: &Platform, imported: &Imported) -> Ended {
    emit(session.format(), imported, || text(session, platform, imported))?;
    let is_bad = imported.problems.iter().any(Diagnostic::is_error);
    Ok(if is_bad { Exit::Invalid } else { Exit::Success })
}

async fn live(
    session: &Session,
    platform: &Platform,
    chosen: Chosen,
    request: &ImportRequest,
) -> Result<Imported, Failure> {
    let session = session.with_backend_target(platform.backend);
    let parts = session.parts(false)?;
    let selector = chosen.labels();
    let query = ImportQuery { namespace: parts.namespace.clone(), selector, services: chosen.services };
    let backend = parts.target.backend.as_ref();
    if backend.name() != platform.backend {
        let what = format!("the target {} is of {}", parts.target.name, backend.name());
        let remedy = format!("--target with a target of {}, or FILE", platform.title);
        return Err(Failure::usage(what, remedy));
    }
    parts.finish(rhumb_action::import_live(backend, &query, request).await)
}

fn from_files(
    session: &Session,
    platform: &Platform,
    (inputs, folders): (&[ImportInput], Folders),
    request: &ImportRequest,
) -> Result<Imported, Failure> {
    let watchdog = session.watchdog()?;
    let backends = crate::registry::unopened()?;
    let backend = backends.iter().find(|backend| backend.name() == platform.backend);
    let backend = backend
        .ok_or_else(|| Failure::general(format!("this program was built without {}", platform.title)))?;
    let imported = rhumb_action::import_files(backend.as_ref(), inputs, folders, request)?;
    watchdog.rendered();
    Ok(imported)
}

fn text(session: &Session, platform: &Platform, imported: &Imported) -> String {
    let mut text = format!("Made {} of {} object(s).\n", imported.path.display(), imported.objects.len());
    let documents: Vec<String> =
        imported.documents.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let _ = writeln!(text, "  in it: {}", documents.join(", "));
    let _ = writeln!(text, "  {}", imported.sum());
    text.push_str(&lost(imported));
    for found in imported.notes.iter().chain(&imported.problems) {
        let _ = write!(text, "\n{}", diagnostic_text(found, session.paint()));
    }
    let is_there = |name: &str| imported.files.iter().any(|file| file == name);
    let mut given = String::new();
    if is_there("secrets.values.yaml") {
        given.push_str(" -f secrets.values.yaml");
    }
    for path in &imported.required {
        let _ = write!(given, " --set {path}=…");
    }
    let _ = writeln!(
        text,
        "\nEverything is in {}. Then try\n  cd {}\n  rhumb lint .\n  rhumb template {} .{given} --target {}",
        imported.path.join("IMPORT.md").display(),
        imported.path.display(),
        imported.name,
        platform.backend
    );
    text
}

/// What is lost, the same of several objects once.
fn lost(imported: &Imported) -> String {
    let mut found: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for object in &imported.objects {
        for rest in object.rest.iter().filter(|rest| rest.fate == Fate::Lost) {
            let path = if rest.path.is_empty() { "all of it" } else { &rest.path };
            found.entry((path, &rest.why)).or_default().push(object.id.as_str());
        }
    }
    let mut text = String::new();
    for ((path, why), objects) in found {
        let of = match objects.as_slice() {
            [one] => (*one).to_owned(),
            several => format!("{} objects", several.len()),
        };
        let _ = writeln!(text, "  lost: {path} of {of}: {why}");
    }
    text
}
