//! The files that a chart is made of, as a platform's import takes them.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use rhumb_action::{Folders, ImportInput};

use crate::failure::Failure;

/// Files and folders, as words or as kubectl takes them.
#[derive(Debug, Args)]
pub(super) struct Sources {
    /// Files or folders; - for standard input
    #[arg(value_name = "FILE")]
    words: Vec<PathBuf>,
    /// The same as FILE, for those who are used to it; may be repeated
    #[arg(short = 'f', long = "filename", value_name = "FILE")]
    named: Vec<PathBuf>,
    /// Look into the folders below, too
    #[arg(short = 'R', long)]
    recursive: bool,
}

impl Sources {
    /// The inputs; none where the target is to be asked.
    ///
    /// # Errors
    /// Fails where files are named beside an option that chooses from what runs, where folders are to be looked into and
    /// none is named, or when standard input cannot be read.
    pub(super) fn inputs(&self, choices: &[(&str, Option<&str>)]) -> Result<Vec<ImportInput>, Failure> {
        let files: Vec<&PathBuf> = self.words.iter().chain(&self.named).collect();
        let Some(first) = files.first() else {
            let remedy = "a folder beside it, as in `-R manifests/`, or no -R: a target is read without";
            return if self.recursive {
                Err(Failure::usage("-R needs a folder", remedy))
            } else {
                Ok(Vec::new())
            };
        };
        if let Some((option, value)) = choices.iter().find_map(|(option, value)| Some((option, (*value)?))) {
            let what = format!("{} and {option} {value} exclude one another", first.display());
            let remedy = format!(
                "one of the two: files are read whole, and {option} chooses from what runs in a target"
            );
            return Err(Failure::usage(what, remedy));
        }
        if files.iter().filter(|file| is_stdin(file)).count() > 1 {
            return Err(Failure::usage("standard input is named twice", "- once: it can be read once only"));
        }
        files.into_iter().map(|path| input(path)).collect()
    }

    /// How far folders are looked into.
    pub(super) fn folders(&self) -> Folders {
        if self.recursive { Folders::Recursive } else { Folders::Flat }
    }
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

fn input(path: &Path) -> Result<ImportInput, Failure> {
    if !is_stdin(path) {
        return Ok(ImportInput::Path(path.to_path_buf()));
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::general(format!("cannot read standard input: {error}")))?;
    Ok(ImportInput::Text { name: "standard input".to_owned(), text })
}
