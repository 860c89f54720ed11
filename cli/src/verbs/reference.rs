//! `rhumb reference`: the generated pages of the manual.

use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory};

use super::Ended;
use crate::arguments::Cli;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::reference;

/// Arguments of `rhumb reference`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The folder for the pages of the book
    #[arg(long, value_name = "FOLDER")]
    book: Option<PathBuf>,
    /// The folder for the man pages
    #[arg(long, value_name = "FOLDER")]
    man: Option<PathBuf>,
}

/// Writes the pages.
pub(crate) fn run(arguments: &Arguments) -> Ended {
    if let Some(folder) = &arguments.book {
        for (name, text) in reference::pages()? {
            write(&folder.join(&name), text.as_bytes())?;
        }
    }
    if let Some(folder) = &arguments.man {
        make_folder(folder)?;
        clap_mangen::generate_to(Cli::command(), folder)
            .map_err(|error| Failure::io("write the man pages", folder, &error))?;
    }
    Ok(Exit::Success)
}

fn write(path: &Path, content: &[u8]) -> Result<(), Failure> {
    make_folder(path.parent().unwrap_or_else(|| Path::new(".")))?;
    std::fs::write(path, content).map_err(|error| Failure::io("write the page", path, &error))
}

fn make_folder(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| Failure::io("make the folder", folder, &error))
}
