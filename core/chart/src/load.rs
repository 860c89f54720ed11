//! Reading a chart from disk: the one place of this crate that does IO.

use std::fs::{self, FileType};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use rhumb_spec::Diagnostic;

use crate::archive;
use crate::chart::Chart;
use crate::files::{FileError, Files, MAX_FILE_BYTES, MAX_TOTAL_BYTES};
use crate::ignore::{IGNORE_FILE, IgnoreRules};

/// Deepest nesting of folders in a chart.
const MAX_DEPTH: usize = 32;

/// Reads a chart from a folder or from an archive that [`crate::package`] made.
///
/// # Errors
/// What [`load_files`] and [`Chart::from_files`] find.
pub fn load(path: &Path) -> Result<Chart, Vec<Diagnostic>> {
    Chart::from_files(load_files(path)?)
}

/// Reads the files of a chart from a folder, without those that its `.rhumbignore` names, or from an archive.
///
/// A symbolic link inside a folder is followed as long as it stays inside.
///
/// # Errors
/// What cannot be read, is larger than a chart may be, links out, or is neither file nor folder.
pub fn load_files(path: &Path) -> Result<Files, Vec<Diagnostic>> {
    let metadata = fs::metadata(path).map_err(|error| vec![unreadable(path, &error)])?;
    if metadata.is_dir() {
        return folder(path);
    }
    let archive = read_bounded(path, MAX_TOTAL_BYTES)?;
    archive::unpack(&archive).map_err(|error| {
        vec![
            Diagnostic::error(path.display().to_string(), error.to_string())
                .remedy("a chart's folder, or an archive made by `rhumb package`"),
        ]
    })
}

fn folder(path: &Path) -> Result<Files, Vec<Diagnostic>> {
    let root = path.canonicalize().map_err(|error| vec![unreadable(path, &error)])?;
    let rules = ignore_rules(&root)?;
    let mut walk = Walk { root, rules, files: Files::new(), problems: Vec::new() };
    let root = walk.root.clone();
    walk.folder(&root, "", 0);
    if walk.problems.is_empty() { Ok(walk.files) } else { Err(walk.problems) }
}

fn ignore_rules(root: &Path) -> Result<IgnoreRules, Vec<Diagnostic>> {
    let path = root.join(IGNORE_FILE);
    if !path.is_file() {
        return Ok(IgnoreRules::default());
    }
    let text = String::from_utf8_lossy(&read_bounded(&path, MAX_FILE_BYTES)?).into_owned();
    IgnoreRules::parse(&text).map_err(|errors| {
        let describe = |(line, reason): (usize, String)| {
            Diagnostic::error("", format!("the pattern cannot be read: {reason}"))
                .at(IGNORE_FILE, u32::try_from(line).unwrap_or(u32::MAX))
        };
        errors.into_iter().map(describe).collect()
    })
}

struct Walk {
    root: PathBuf,
    rules: IgnoreRules,
    files: Files,
    problems: Vec<Diagnostic>,
}

impl Walk {
    fn folder(&mut self, folder: &Path, below: &str, depth: usize) {
        if depth > MAX_DEPTH {
            self.report(below, "folders are nested too deeply");
            return;
        }
        let entries = match fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
            Ok(entries) => entries,
            Err(error) => {
                self.problems.push(unreadable(folder, &error));
                return;
            }
        };
        for entry in entries {
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                self.report(&format!("{below}{}", name.to_string_lossy()), "its name is not in UTF-8");
                continue;
            };
            match entry.file_type() {
                Ok(kind) => self.entry(&entry.path(), &format!("{below}{name}"), kind, depth),
                Err(error) => self.problems.push(unreadable(&entry.path(), &error)),
            }
        }
    }

    fn entry(&mut self, path: &Path, below: &str, kind: FileType, depth: usize) {
        if self.rules.ignores(below, kind.is_dir()) {
            return;
        }
        if kind.is_symlink() {
            self.link(path, below, depth);
        } else if kind.is_dir() {
            self.folder(path, &format!("{below}/"), depth + 1);
        } else if kind.is_file() {
            self.file(path, below);
        } else {
            self.report(below, "it is neither a file nor a folder");
        }
    }

    fn link(&mut self, path: &Path, below: &str, depth: usize) {
        let target = match path.canonicalize() {
            Ok(target) => target,
            Err(error) => {
                self.problems.push(unreadable(path, &error));
                return;
            }
        };
        if !target.starts_with(&self.root) {
            self.report(below, "it is a link that leaves the chart");
            return;
        }
        match target.metadata() {
            Ok(metadata) if self.rules.ignores(below, metadata.is_dir()) => {}
            Ok(metadata) => self.entry(&target, below, metadata.file_type(), depth),
            Err(error) => self.problems.push(unreadable(path, &error)),
        }
    }

    fn file(&mut self, path: &Path, below: &str) {
        match read_bounded(path, MAX_FILE_BYTES) {
            Ok(content) => {
                if let Err(error) = self.files.insert(below, content) {
                    self.report(below, &error.to_string());
                }
            }
            Err(problems) => self.problems.extend(problems),
        }
    }

    fn report(&mut self, below: &str, reason: &str) {
        self.problems.push(
            Diagnostic::error(below, format!("this cannot be part of a chart: {reason}"))
                .remedy(format!("remove it, or name it in {IGNORE_FILE}")),
        );
    }
}

fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, Vec<Diagnostic>> {
    let mut content = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut content));
    match read {
        Err(error) => Err(vec![unreadable(path, &error)]),
        Ok(count) if count as u64 > limit => Err(vec![Diagnostic::error(
            path.display().to_string(),
            FileError::TooLarge.to_string().replace("10", &(limit >> 20).to_string()),
        )]),
        Ok(_) => Ok(content),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Diagnostic {
    Diagnostic::error("", format!("{} cannot be read: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, files: &[(&str, &str)]) {
        for (path, content) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }

    fn chart_in(folder: &Path) {
        write(folder, &[("Chart.yaml", "name: a\nversion: 1.0.0\n"), ("values.yaml", "x: 1\n")]);
    }

    #[test]
    fn a_folder_and_its_archive_are_the_same_chart() {
        let folder = tempfile::tempdir().unwrap();
        chart_in(folder.path());
        write(
            folder.path(),
            &[(".rhumbignore", "*.tmp\n.git/\n"), ("x.tmp", "no"), (".git/config", "no"), ("files/a", "yes")],
        );
        let files = load_files(folder.path()).unwrap();
        let paths: Vec<&str> = files.iter().map(|(path, _)| path).collect();
        assert_eq!(paths, [".rhumbignore", "Chart.yaml", "files/a", "values.yaml"]);
        let archive = folder.path().join("a.tgz");
        fs::write(&archive, archive::pack("a", &files).unwrap()).unwrap();
        assert_eq!(load_files(&archive).unwrap(), files);
        assert_eq!(load(&archive).unwrap().metadata().name, "a");
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_inside() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        chart_in(folder.path());
        write(folder.path(), &[("files/a", "content")]);
        symlink("a", folder.path().join("files/b")).unwrap();
        assert_eq!(load_files(folder.path()).unwrap().text("files/b"), Some("content"));
        symlink("..", folder.path().join("files/up")).unwrap();
        assert!(load_files(folder.path()).unwrap_err()[0].what.contains("nested too deeply"));
        fs::remove_file(folder.path().join("files/up")).unwrap();
        symlink("/etc/hostname", folder.path().join("files/out")).unwrap();
        let problems = load_files(folder.path()).unwrap_err();
        assert_eq!(problems.len(), 1);
        assert!(problems[0].what.contains("leaves the chart"), "{problems:?}");
    }

    #[test]
    fn what_is_not_there_is_named() {
        let problems = load(Path::new("/does/not/exist")).unwrap_err();
        assert!(problems[0].what.contains("/does/not/exist"), "{problems:?}");
        let folder = tempfile::tempdir().unwrap();
        assert!(load(folder.path()).unwrap_err()[0].what.contains("no Chart.yaml"));
    }
}
