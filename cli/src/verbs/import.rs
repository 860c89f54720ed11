//! `rhumb import`.

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
    /// Make a chart of manifests, or of what runs in a namespace
    #[command(visible_alias = "k8s")]
    Kubernetes(KubernetesArguments),
}

#[derive(Debug, Args)]
struct KubernetesArguments {
    /// A file or folder with manifests, or - for standard input; may be repeated. Without it, the namespace that
    /// --namespace names is read
    #[arg(short = 'f', long = "filename", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Look into the folders below, too
    #[arg(short = 'R', long, requires = "files")]
    recursive: bool,
    /// Only what bears these labels, as kubectl takes them: app=web,tier!=db
    #[arg(short = 'l', long, value_name = "SELECTOR", conflicts_with = "files")]
    selector: Option<String>,
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

/// Makes a chart of what is there already.
pub(crate) async fn run(session: &Session, arguments: Arguments) -> Ended {
    let What::Kubernetes(arguments) = arguments.what;
    let request = ImportRequest {
        name: arguments.name.clone(),
        out: arguments.out.clone(),
        existing: if arguments.force { Existing::Replace } else { Existing::Keep },
    };
    let imported = if arguments.files.is_empty() {
        live(session, &arguments, &request).await?
    } else {
        from_files(session, &arguments, &request)?
    };
    emit(session.format(), &imported, || text(session, &imported))?;
    let is_bad = imported.problems.iter().any(Diagnostic::is_error);
    Ok(if is_bad { Exit::Invalid } else { Exit::Success })
}

async fn live(
    session: &Session,
    arguments: &KubernetesArguments,
    request: &ImportRequest,
) -> Result<Imported, Failure> {
    let session = session.with_backend_target("kubernetes");
    let parts = session.parts(false)?;
    let query = ImportQuery { namespace: parts.namespace.clone(), selector: arguments.selector.clone() };
    let backend = parts.target.backend.as_ref();
    if backend.name() != "kubernetes" {
        let what = format!("the target {} is of {}", parts.target.name, backend.name());
        return Err(Failure::usage(what, "--target with a target of Kubernetes, or -f FILE"));
    }
    parts.finish(rhumb_action::import_live(backend, &query, request).await)
}

fn from_files(
    session: &Session,
    arguments: &KubernetesArguments,
    request: &ImportRequest,
) -> Result<Imported, Failure> {
    let inputs = arguments.files.iter().map(|path| input(path)).collect::<Result<Vec<_>, _>>()?;
    let folders = if arguments.recursive { Folders::Recursive } else { Folders::Flat };
    let watchdog = session.watchdog()?;
    let backends = crate::registry::unopened()?;
    let backend = backends.iter().find(|backend| backend.name() == "kubernetes");
    let backend = backend.ok_or_else(|| Failure::general("this program was built without Kubernetes"))?;
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

fn text(session: &Session, imported: &Imported) -> String {
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
    let given = if is_there("secrets.values.yaml") { " -f secrets.values.yaml" } else { "" };
    let _ = writeln!(
        text,
        "\nEverything is in {}. Then try\n  cd {}\n  rhumb lint .\n  rhumb template {} .{given} --target kubernetes",
        imported.path.join("IMPORT.md").display(),
        imported.path.display(),
        imported.name
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
