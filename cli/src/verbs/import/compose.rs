//! `rhumb import compose`.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use rhumb_action::ImportedApp;
use rhumb_compose::{FILE_NAMES, Files, OVERRIDE_NAMES, Request};

use super::{Destination, Platform};
use crate::failure::Failure;
use crate::session::Session;
use crate::verbs::Ended;

/// The largest file that is read, in bytes (5 MiB).
const MAX_BYTES: u64 = 5 << 20;

#[derive(Debug, Args)]
pub(super) struct ComposeArguments {
    /// Compose files, each changing those before it, or a folder with a compose.yaml and perhaps a
    /// compose.override.yaml; - for standard input [default: the folder here]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The same as FILE, as docker compose takes it; may be repeated
    #[arg(short = 'f', long = "file", value_name = "FILE", conflicts_with = "files")]
    named: Vec<PathBuf>,
    /// Take the services of this profile, too; may be repeated, and * means all [default: those that `COMPOSE_PROFILES` names]
    #[arg(long = "profile", value_name = "NAME")]
    profiles: Vec<String>,
    #[command(flatten)]
    into: Destination,
}

/// Reads the files and writes the chart.
pub(super) fn run(session: &Session, arguments: ComposeArguments) -> Ended {
    let (files, texts) =
        inputs(if arguments.named.is_empty() { &arguments.files } else { &arguments.named })?;
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let request = super::request(arguments.into);
    let name = rhumb_action::import_name(&request)?;
    let watchdog = session.watchdog()?;
    let wanted = Request {
        files: &files,
        texts: &texts,
        environment: &environment,
        profiles: &arguments.profiles,
        reader: &Disk,
    };
    let project = rhumb_compose::read(&wanted).map_err(Failure::diagnostics)?;
    let composed = rhumb_compose::lift(&project, &name);
    let made = ImportedApp {
        title: "Compose files",
        lifted: composed.lifted,
        origins: composed.origins,
        material: composed.material,
        variables: composed.variables,
    };
    let imported = rhumb_action::import_app(made, &request)?;
    watchdog.rendered();
    super::finish(session, &Platform { backend: "swarm", title: "Compose" }, &imported)
}

type Inputs = (Vec<PathBuf>, BTreeMap<PathBuf, String>);

/// The files that are meant, and the text of standard input.
fn inputs(given: &[PathBuf]) -> Result<Inputs, Failure> {
    let here = [PathBuf::from(".")];
    let given = if given.is_empty() { &here } else { given };
    let mut files = Vec::new();
    let mut texts = BTreeMap::new();
    for path in given {
        if path == Path::new("-") {
            let mut text = String::new();
            std::io::stdin()
                .take(MAX_BYTES)
                .read_to_string(&mut text)
                .map_err(|error| Failure::general(format!("cannot read standard input: {error}")))?;
            let name = PathBuf::from("standard input");
            texts.insert(name.clone(), text);
            files.push(name);
        } else if path.is_dir() {
            files.extend(of_folder(path)?);
        } else {
            files.push(path.clone());
        }
    }
    // What lies beside the files is named from the root on, since nodes know no folder that one works in.
    let whole = |path: PathBuf| {
        if texts.contains_key(&path) { path } else { std::path::absolute(&path).unwrap_or(path) }
    };
    Ok((files.into_iter().map(whole).collect(), texts))
}

/// The file of a folder, and the one that changes it.
fn of_folder(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let first = |names: &[&str]| names.iter().map(|name| folder.join(name)).find(|path| path.is_file());
    let Some(own) = first(&FILE_NAMES) else {
        let what = format!("there is no {} in {}", FILE_NAMES.join(", "), folder.display());
        return Err(Failure::usage(what, "a folder with a Compose file, or the file"));
    };
    Ok(std::iter::once(own).chain(first(&OVERRIDE_NAMES)).collect())
}

/// Files of this machine. Only regular ones are read: a device would never end.
struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        let about = fs::metadata(path).map_err(|error| error.to_string())?;
        if !about.is_file() {
            return Err("it is no regular file".to_owned());
        }
        if about.len() > MAX_BYTES {
            return Err("it is larger than 5 MiB".to_owned());
        }
        fs::read(path).map_err(|error| error.to_string())
    }

    fn is_file(&self, path: &Path) -> bool {
        path.is_file()
    }
}
