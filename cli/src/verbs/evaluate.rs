//! `rhumb evaluate`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use rhumb_action::{
    EvaluateRequest, Evaluated, Evaluation, LoadRequest, Machine, Order, Phase, ValueInput, ValueInputs,
    WarmUp,
};

use super::Ended;
use super::deploy::no_namespace;
use crate::arguments::{ChartArguments, Format, duration};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{print, serialised};
use crate::page::evaluate as page;
use crate::session::{Parts, Session};

/// Arguments of `rhumb evaluate`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The chart: a folder or a .tgz file
    #[arg(value_name = "CHART")]
    chart: PathBuf,
    #[command(flatten)]
    inputs: ChartArguments,
    /// Live targets, or groups of them [default: those of --target]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    targets: Vec<String>,
    /// How many rounds count
    #[arg(long, value_name = "NUMBER", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// One more round before them, which is reported and does not count: images are there afterwards
    #[arg(long)]
    warm_up: bool,
    /// What is measured between the install and the uninstall
    #[arg(
        long,
        value_enum,
        value_name = "PHASE",
        value_delimiter = ',',
        default_value = "no-op,update,scale,recovery"
    )]
    phases: Vec<Part>,
    /// The release's name; there must be none of it [default: the chart's, with -evaluation behind it]
    #[arg(long, value_name = "NAME")]
    release: Option<String>,
    /// Make the namespace where it is not there
    #[arg(long)]
    create_namespace: bool,
    /// How long each phase may take
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    timeout: Duration,
    /// All targets at once, instead of one after the other, round by round
    #[arg(long)]
    parallel: bool,
    /// Write report.html, raw.json and raw.csv into this folder
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Write every measurement as a line of this file
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    #[command(flatten, next_help_heading = "Workload")]
    subject: SubjectArguments,
    #[command(flatten, next_help_heading = "Load")]
    load: LoadArguments,
}

/// What is done with which workload.
#[derive(Clone, Debug, Args)]
struct SubjectArguments {
    /// The workload that is loaded, updated, scaled and broken [default: the first that is replicated, one that is reached
    /// from outside before others]
    #[arg(long, value_name = "NAME")]
    workload: Option<String>,
    /// How many replicas it is scaled up to [default: twice its own]
    #[arg(long, value_name = "NUMBER")]
    replicas: Option<u32>,
    /// A value that the rolling update changes, by an upgrade; may be repeated [default: every replica is replaced by an
    /// equal one, as `rhumb restart` does]
    #[arg(long, value_name = "KEY=VALUE")]
    update_set: Vec<String>,
}

/// How the load is made.
#[derive(Clone, Debug, Args)]
struct LoadArguments {
    /// Where requests go, for one target or for all; {target}, {release} and {namespace} stand for these; may be repeated
    /// [default: the workload's port from outside, else a tunnel where the platform has one]
    #[arg(long, value_name = "[TARGET=]URL", value_parser = url)]
    url: Vec<(Option<String>, String)>,
    /// The path that is asked for at an address that was found
    #[arg(long, value_name = "PATH", default_value = "/", value_parser = path)]
    path: String,
    /// Requests a second; 0 for none
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u32).range(..=10_000))]
    rate: u32,
    /// After which time without an answer a request is lost
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration)]
    request_timeout: Duration,
}

/// What can be measured between the install and the uninstall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Part {
    /// An upgrade that changes nothing.
    NoOp,
    /// A rolling update under load.
    Update,
    /// More replicas, and its own number again.
    Scale,
    /// A replica that ends, until it has been replaced.
    Recovery,
}

impl Part {
    const fn phases(self) -> &'static [Phase] {
        match self {
            Self::NoOp => &[Phase::NoOp],
            Self::Update => &[Phase::Update],
            Self::Scale => &[Phase::ScaleUp, Phase::ScaleDown],
            Self::Recovery => &[Phase::Recovery],
        }
    }
}

fn url(text: &str) -> Result<(Option<String>, String), String> {
    let (target, url) = match text.split_once('=') {
        Some((target, url)) if !target.contains('/') => (Some(target.to_owned()), url),
        _ => (None, text),
    };
    if url.starts_with("http://") || url.starts_with("https://") {
        return Ok((target, url.to_owned()));
    }
    Err("write it as http://HOST:PORT/PATH, or TARGET=http://…".to_owned())
}

fn path(text: &str) -> Result<String, String> {
    if text.starts_with('/') { Ok(text.to_owned()) } else { Err("a path begins with /".to_owned()) }
}

/// Evaluates.
pub(crate) async fn run(session: &Session, arguments: Arguments) -> Ended {
    let request = request(&arguments)?;
    let session = &session.with_targets(arguments.targets);
    let parts = session.several_parts()?;
    require_known(&request, &parts)?;
    let contexts = Parts::contexts(&parts);
    let result = rhumb_action::evaluate(&contexts, &request).await;
    for one in &parts {
        one.progress.finish();
    }
    let Evaluated { evaluation, failures } = result?;
    for (file, text) in files(&evaluation, arguments.out.as_deref(), arguments.csv.as_deref())? {
        write(&file, &text)?;
        session.say(&format!("Wrote {}", file.display()));
    }
    print(&text(session, &evaluation)?)?;
    Ok(failures.into_iter().next().map_or(Exit::Success, |error| Failure::from(error).exit))
}

fn request(arguments: &Arguments) -> Result<EvaluateRequest, Failure> {
    let mut parts = arguments.phases.clone();
    parts.sort_unstable();
    parts.dedup();
    let load = &arguments.load;
    let update = arguments.subject.update_set.iter().cloned().map(ValueInput::Set);
    Ok(EvaluateRequest {
        name: arguments.release.clone(),
        inputs: Session::chart(&arguments.chart, &arguments.inputs)?,
        rounds: arguments.rounds,
        warm_up: if arguments.warm_up { WarmUp::OneRound } else { WarmUp::None },
        phases: parts.iter().flat_map(|part| part.phases()).copied().collect(),
        workload: arguments.subject.workload.clone(),
        replicas: arguments.subject.replicas,
        update: ValueInputs(update.collect()),
        load: LoadRequest {
            urls: load.url.clone(),
            path: load.path.clone(),
            rate: load.rate,
            timeout: load.request_timeout,
        },
        order: if arguments.parallel { Order::AtOnce } else { Order::InTurn },
        timeout: arguments.timeout,
        no_namespace: no_namespace(arguments.create_namespace),
        machine: Machine {
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            system: format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
    })
}

/// A URL for a target that is not evaluated is a slip.
fn require_known(request: &EvaluateRequest, parts: &[Parts]) -> Result<(), Failure> {
    let evaluated: Vec<&str> = parts.iter().map(|one| one.target.name.as_str()).collect();
    let named = request.load.urls.iter().filter_map(|(target, _)| target.as_deref());
    match named.into_iter().find(|name| !evaluated.contains(name)) {
        None => Ok(()),
        Some(name) => Err(Failure::usage(
            format!("--url names the target `{name}`, which is not evaluated"),
            format!("one of: {}", evaluated.join(", ")),
        )),
    }
}

fn text(session: &Session, evaluation: &Evaluation) -> Result<String, Failure> {
    match session.format() {
        Format::Table => Ok(page::table(evaluation, session.paint())),
        Format::Markdown => Ok(page::markdown(evaluation)),
        Format::Html => page::html(evaluation),
        format @ (Format::Json | Format::Yaml) => serialised(format, evaluation),
    }
}

/// The files that were asked for, with their texts.
fn files(
    evaluation: &Evaluation,
    folder: Option<&Path>,
    csv: Option<&Path>,
) -> Result<Vec<(PathBuf, String)>, Failure> {
    let mut files: Vec<(PathBuf, String)> = Vec::new();
    if let Some(folder) = folder {
        files.push((folder.join("report.html"), page::html(evaluation)?));
        files.push((folder.join("raw.json"), serialised(Format::Json, evaluation)?));
        files.push((folder.join("raw.csv"), page::csv(evaluation)));
    }
    files.extend(csv.map(|file| (file.to_path_buf(), page::csv(evaluation))));
    Ok(files)
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::io("write what was measured", file, &error);
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(file, text).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read() {
        let check = |text: &str, target: Option<&str>, found: &str| {
            assert_eq!(url(text), Ok((target.map(str::to_owned), found.to_owned())));
        };
        check("http://x:80/a?b=c", None, "http://x:80/a?b=c");
        check("edge=https://{release}.example/", Some("edge"), "https://{release}.example/");
        assert!(url("x:80").is_err() && url("edge=x").is_err());
    }
}
