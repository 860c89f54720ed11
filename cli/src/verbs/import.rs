//! `rhumb import`.

#[cfg(feature = "compose")]
mod compose;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use rhumb_action::{Existing, Folders, ImportInput, ImportRequest, Imported};
use rhumb_backend::{Fate, ImportQuery};
use rhumb_spec::Diagnostic;

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
struct EcsArguments {
    /// A file or folder with task definitions and services, as the AWS CLI takes or answers them, or with templates of
    /// CloudFormation; - for standard input; may be repeated. Without it, the target's cluster is read
    #[arg(short = 'f', long = "filename", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Only what bears these tags: team=web,stage!=test
    #[arg(short = 'l', long, value_name = "SELECTOR", conflicts_with = "files")]
    selector: Option<String>,
    /// Only this service of the cluster; may be repeated
    #[arg(long = "service", value_name = "NAME", conflicts_with = "files")]
    services: Vec<String>,
    /// Look into the folders below, too
    #[arg(short = 'R', long, requires = "files")]
    recursive: bool,
    #[command(flatten)]
    into: Destination,
}

#[derive(Debug, Args)]
struct KubernetesArguments {
    /// A file or folder with manifests, or - for standard input; may be repeated. Without it, the namespace that
    /// --namespace names is read
    #[arg(short = 'f', long = "filename", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Only what bears these labels, as kubectl takes them: app=web,tier!=db
    #[arg(short = 'l', long, value_name = "SELECTOR", conflicts_with = "files")]
    selector: Option<String>,
    /// Look into the folders below, too
    #[arg(short = 'R', long, requires = "files")]
    recursive: bool,
    #[command(flatten)]
    into: Destination,
}

#[derive(Debug, Args)]
struct MarathonArguments {
    /// A file or folder with apps, groups, pods and jobs as their APIs take or answer them, or - for standard input; may
    /// be repeated. Without it, the group that --namespace names is read
    #[arg(short = 'f', long = "filename", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Only what bears these labels, as Marathon takes them: team==web
    #[arg(short = 'l', long, value_name = "SELECTOR", conflicts_with = "files")]
    selector: Option<String>,
    /// Look into the folders below, too
    #[arg(short = 'R', long, requires = "files")]
    recursive: bool,
    #[command(flatten)]
    into: Destination,
}

#[derive(Debug, Args)]
struct SwarmArguments {
    /// A file or folder with what docker service, network, config and secret inspect answer, or - for standard input; may
    /// be repeated. Without it, the target's swarm is read
    #[arg(short = 'f', long = "filename", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Only this stack
    #[arg(long, value_name = "NAME", conflicts_with = "files")]
    stack: Option<String>,
    /// Only services that bear these labels, as docker's filters take them: team=web,tier
    #[arg(short = 'l', long, value_name = "SELECTOR", conflicts_with = "files")]
    selector: Option<String>,
    /// Look into the folders below, too
    #[arg(short = 'R', long, requires = "files")]
    recursive: bool,
    #[command(flatten)]
    into: Destination,
}

impl SwarmArguments {
    /// A stack is what bears its label.
    fn labels(&self) -> Option<String> {
        let stack = self.stack.as_ref().map(|stack| format!("com.docker.stack.namespace={stack}"));
        let parts: Vec<String> = stack.into_iter().chain(self.selector.clone()).collect();
        (!parts.is_empty()).then(|| parts.join(","))
    }
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
struct Chosen {
    selector: Option<String>,
    services: Vec<String>,
}

impl Chosen {
    fn by(selector: Option<String>) -> Self {
        Self { selector, services: Vec::new() }
    }
}

/// Makes a chart of what is there already.
pub(crate) async fn run(session: &Session, arguments: Arguments) -> Ended {
    let (platform, files, chosen, recursive, into) = match arguments.what {
        #[cfg(feature = "compose")]
        What::Compose(of) => return compose::run(session, of),
        What::Ecs(of) => {
            let chosen = Chosen { selector: of.selector, services: of.services };
            (Platform { backend: "ecs", title: "Amazon ECS" }, of.files, chosen, of.recursive, of.into)
        }
        What::Kubernetes(of) => (
            Platform { backend: "kubernetes", title: "Kubernetes" },
            of.files,
            Chosen::by(of.selector),
            of.recursive,
            of.into,
        ),
        What::Marathon(of) => (
            Platform { backend: "marathon", title: "Marathon" },
            of.files,
            Chosen::by(of.selector),
            of.recursive,
            of.into,
        ),
        What::Swarm(of) => {
            let labels = Chosen::by(of.labels());
            (Platform { backend: "swarm", title: "Docker Swarm" }, of.files, labels, of.recursive, of.into)
        }
    };
    let request = request(into);
    let imported = if files.is_empty() {
        live(session, &platform, chosen, &request).await?
    } else {
        let folders = if recursive { Folders::Recursive } else { Folders::Flat };
        from_files(session, &platform, (&files, folders), &request)?
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
    let Chosen { selector, services } = chosen;
    let query = ImportQuery { namespace: parts.namespace.clone(), selector, services };
    let backend = parts.target.backend.as_ref();
    if backend.name() != platform.backend {
        let what = format!("the target {} is of {}", parts.target.name, backend.name());
        let remedy = format!("--target with a target of {}, or -f FILE", platform.title);
        return Err(Failure::usage(what, remedy));
    }
    parts.finish(rhumb_action::import_live(backend, &query, request).await)
}

fn from_files(
    session: &Session,
    platform: &Platform,
    (files, folders): (&[PathBuf], Folders),
    request: &ImportRequest,
) -> Result<Imported, Failure> {
    let inputs = files.iter().map(|path| input(path)).collect::<Result<Vec<_>, _>>()?;
    let watchdog = session.watchdog()?;
    let backends = crate::registry::unopened()?;
    let backend = backends.iter().find(|backend| backend.name() == platform.backend);
    let backend = backend
        .ok_or_else(|| Failure::general(format!("this program was built without {}", platform.title)))?;
    let imported = rhumb_action::import_files(backend.as_ref(), &inputs, folders, request)?;
    watchdog.rendered();
    Ok(imported)
}

fn input(path: &Path) -> Result<ImportInput, Failure> {
    if path != Path::new("-") {
        return Ok(ImportInput::Path(path.to_path_buf()));
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::general(format!("cannot read standard input: {error}")))?;
    Ok(ImportInput::Text { name: "standard input".to_owned(), text })
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
