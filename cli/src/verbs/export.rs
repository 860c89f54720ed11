//! `rhumb export`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use rhumb_action::{Existing, ExportRequest, ExportedChart, FactsFrom, SecretFiles};

use super::Ended;
use crate::arguments::ChartArguments;
use crate::exit::Exit;
use crate::failure::{Failure, diagnostic_text};
use crate::output::emit;
use crate::session::Session;

/// Arguments of `rhumb export`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Write a Compose file for `docker stack deploy`, with the files of its configs and secrets
    Compose(PlatformArguments),
    /// Write the requests that the AWS CLI sends, and a script that sends them in order
    Ecs(PlatformArguments),
    /// Write manifests and a Kustomization for `kubectl apply`
    #[command(visible_alias = "k8s")]
    Kubernetes(PlatformArguments),
    /// Write apps, pods and jobs as their APIs take them
    Marathon(PlatformArguments),
}

#[derive(Debug, Args)]
struct PlatformArguments {
    /// The chart: a folder or a .tgz file
    #[arg(value_name = "CHART")]
    chart: PathBuf,
    /// The folder that the files go to
    #[arg(value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    inputs: ChartArguments,
    /// The release's name, from which names on the platform follow [default: the chart's]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Leave the material of secrets out, and say where a person has to fill it in
    #[arg(long)]
    no_secrets: bool,
    /// Ask the target what it is like, instead of assuming the usual
    #[arg(long)]
    live: bool,
    /// Take the place of an export that is there
    #[arg(long)]
    force: bool,
}

/// Whose files are written.
struct Platform {
    /// The backend's name.
    backend: &'static str,
    /// What the files are for, as people write it.
    title: &'static str,
}

/// Writes a chart as the platform's own files.
pub(crate) async fn run(session: &Session, arguments: Arguments) -> Ended {
    let (platform, arguments) = match arguments.what {
        What::Compose(of) => (Platform { backend: "swarm", title: "docker stack deploy" }, of),
        What::Ecs(of) => (Platform { backend: "ecs", title: "the AWS CLI" }, of),
        What::Kubernetes(of) => (Platform { backend: "kubernetes", title: "kubectl" }, of),
        What::Marathon(of) => (Platform { backend: "marathon", title: "Marathon" }, of),
    };
    let session = session.for_backend(platform.backend)?;
    let parts = session.parts(!arguments.live)?;
    let backend = parts.target.backend.as_ref();
    if backend.name() != platform.backend {
        let what = format!("the target {} is of {}", parts.target.name, backend.name());
        return Err(Failure::usage(what, format!("--target with a target of {}", platform.backend)));
    }
    let request = request(&arguments, &parts.namespace)?;
    let watchdog = session.watchdog()?;
    let exported = rhumb_action::export(backend, &request, jiff::Timestamp::now()).await?;
    watchdog.rendered();
    parts.progress.finish();
    tell(&session, &exported);
    emit(session.format(), &exported, || text(&platform, &exported))?;
    Ok(Exit::Success)
}

fn request(arguments: &PlatformArguments, namespace: &str) -> Result<ExportRequest, Failure> {
    Ok(ExportRequest {
        name: arguments.name.clone(),
        namespace: namespace.to_owned(),
        inputs: Session::chart(&arguments.chart, &arguments.inputs)?,
        facts: if arguments.live { FactsFrom::Target } else { FactsFrom::Defaults },
        out: arguments.out.clone(),
        existing: if arguments.force { Existing::Replace } else { Existing::Keep },
        secrets: if arguments.no_secrets { SecretFiles::LeftOut } else { SecretFiles::Written },
    })
}

/// What is not as in the chart, to standard error.
fn tell(session: &Session, exported: &ExportedChart) {
    for warning in &exported.warnings {
        eprint!("{}", diagnostic_text(warning, session.paint()));
    }
    for loss in &exported.losses {
        session.say(&format!("loss: {}: {} ({})", loss.path, loss.text, loss.feature));
    }
    for note in &exported.notes {
        session.say(&format!("note: {}: {}", note.path, note.what));
    }
}

fn text(platform: &Platform, exported: &ExportedChart) -> String {
    let path = exported.path.display();
    let mut text =
        format!("Wrote {} as {} file(s) for {}:\n", exported.name, exported.files.len(), platform.title);
    for file in &exported.files {
        let _ = writeln!(text, "  {}", exported.path.join(file).display());
    }
    if !exported.secret_files.is_empty() {
        let _ =
            writeln!(text, "\n{} of them hold secrets: keep those to yourself.", exported.secret_files.len());
    }
    if !exported.generated.is_empty() {
        let _ = writeln!(text, "Made for this export: {}", exported.generated.join(", "));
    }
    for file in &exported.fill_in {
        let _ = writeln!(text, "Fill in {}: {}", file.path, file.missing.join("; "));
    }
    let _ = writeln!(text, "\nHow they are deployed is in {path}/README.md.");
    text
}
