//! The folder of an export.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rhumb_backend::{ExportedFile, FileAccess};
use rhumb_spec::Diagnostic;

use crate::{ActionError, ActionResult, Existing};

/// What the folder is about.
const README: &str = "README.md";
/// Keeps the secrets out of version control.
const GIT_IGNORE: &str = ".gitignore";
/// The files of the export, one a line, so that the next one can take their place and nothing else's.
const LIST: &str = ".rhumb-export";

/// The files that the folder has in the end, for people.
pub(super) fn names(files: &[ExportedFile]) -> Vec<String> {
    let mut names = vec![README.to_owned()];
    names.extend(files.iter().map(|file| file.path.clone()));
    names
}

/// Writes everything into a folder beside, and moves it to its place once all of it is there.
///
/// # Errors
/// A folder that has something else in it, and what the file system says.
pub(super) fn write(
    out: &Path,
    mut files: Vec<ExportedFile>,
    readme: &str,
    existing: Existing,
) -> ActionResult<()> {
    let earlier = earlier(out, existing)?;
    files.push(ExportedFile::open(README, readme));
    files.extend(git_ignore(&files));
    let mut list: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    list.push(LIST);
    let list = ExportedFile::open(LIST, list.join("\n") + "\n");
    files.push(list);
    let beside = beside(out)?;
    let done = fill(&beside, &files).and_then(|()| settle(&beside, out, &files, &earlier));
    // What is left of it is of no use to anybody; the error that is told is the first one.
    let _ = fs::remove_dir_all(&beside);
    done
}

/// The files of the export that is there and gives way.
fn earlier(out: &Path, existing: Existing) -> ActionResult<Vec<String>> {
    let entries = match fs::read_dir(out) {
        Ok(mut entries) => entries.next(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(ActionError::file(out, &error)),
    };
    if entries.is_none() {
        return Ok(Vec::new());
    }
    let refused =
        |what: String, remedy: &str| Err(ActionError::of(Diagnostic::error("", what).remedy(remedy)));
    if existing == Existing::Keep {
        let what = format!("there is something in {} already", out.display());
        return refused(what, "another folder, or --force");
    }
    let Ok(list) = fs::read_to_string(out.join(LIST)) else {
        let what = format!("what is in {} is no export", out.display());
        return refused(what, "another folder: --force takes the place of exports only");
    };
    Ok(list.lines().filter(|path| is_below(path)).map(str::to_owned).collect())
}

/// Whether a path stays in the folder.
fn is_below(path: &str) -> bool {
    let is_plain = |part: std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
    !path.is_empty() && Path::new(path).components().all(is_plain)
}

fn git_ignore(files: &[ExportedFile]) -> Option<ExportedFile> {
    let secret = files.iter().filter(|file| file.access == FileAccess::Secret);
    let lines = secret.flat_map(|file| ["/", &file.path, "\n"]).collect::<String>();
    (!lines.is_empty()).then(|| ExportedFile::open(GIT_IGNORE, lines))
}

/// A new folder beside the one that is meant, on the same file system.
fn beside(out: &Path) -> ActionResult<PathBuf> {
    let parent = match out.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(|error| ActionError::file(parent, &error))?;
    let name = out.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let path = parent.join(format!(".{name}.{:016x}", rand::random::<u64>()));
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o755);
    builder.create(&path).map_err(|error| ActionError::file(&path, &error))?;
    Ok(path)
}

fn fill(folder: &Path, files: &[ExportedFile]) -> ActionResult<()> {
    files.iter().try_for_each(|file| {
        let path = folder.join(&file.path);
        put(&path, file).map_err(|error| ActionError::file(&path, &error))
    })
}

/// Writes a file, which nobody but those of its mode can read from the first byte on.
fn put(path: &Path, file: &ExportedFile) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mode = match file.access {
        FileAccess::Open => 0o644,
        FileAccess::Secret => 0o600,
        FileAccess::Program => 0o755,
    };
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path)?.write_all(&file.content)
}

/// Moves everything to its place.
fn settle(beside: &Path, out: &Path, files: &[ExportedFile], earlier: &[String]) -> ActionResult<()> {
    let fault = |error: std::io::Error| ActionError::file(out, &error);
    if earlier.is_empty() {
        if out.exists() {
            fs::remove_dir(out).map_err(fault)?;
        }
        return fs::rename(beside, out).map_err(fault);
    }
    let going = earlier.iter().filter(|path| files.iter().all(|file| file.path != **path));
    for path in going {
        match fs::remove_file(out.join(path)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fault(error)),
            _ => remove_empty(out, path),
        }
    }
    for file in files {
        let to = out.join(&file.path);
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(fault)?;
        }
        fs::rename(beside.join(&file.path), &to).map_err(|error| ActionError::file(&to, &error))?;
    }
    Ok(())
}

/// Removes the folders above a file that went, as far as nothing is in them.
fn remove_empty(out: &Path, path: &str) {
    let above = Path::new(path).ancestors().skip(1).filter(|above| *above != Path::new(""));
    for folder in above {
        // One that has something in it stays, which is no fault.
        if fs::remove_dir(out.join(folder)).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(secret: &str) -> Vec<ExportedFile> {
        vec![
            ExportedFile::open("a/web.yaml", "web"),
            ExportedFile::secret(secret, "canary", Vec::new()),
            ExportedFile::program("deploy.sh", "#!/bin/sh\n"),
        ]
    }

    #[test]
    fn files_get_their_modes_and_secrets_are_ignored() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("out");
        write(&out, files("secrets/db"), "# read\n", Existing::Keep).unwrap();
        assert_eq!(fs::read_to_string(out.join(".gitignore")).unwrap(), "/secrets/db\n");
        assert_eq!(fs::read_to_string(out.join("README.md")).unwrap(), "# read\n");
        #[cfg(unix)]
        for (name, mode) in [("secrets/db", 0o600), ("deploy.sh", 0o755)] {
            use std::os::unix::fs::PermissionsExt as _;
            let is = fs::metadata(out.join(name)).unwrap().permissions().mode() & 0o777;
            assert_eq!(is & 0o077 & !mode, 0, "{name} has {is:o}");
            assert_eq!(is & 0o700, mode & 0o700, "{name} has {is:o}");
        }
        let left: Vec<_> = fs::read_dir(place.path()).unwrap().flatten().collect();
        assert_eq!(left.len(), 1, "nothing is left beside it: {left:?}");
    }

    #[test]
    fn only_an_export_gives_way_and_nothing_of_others_goes() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("out");
        write(&out, files("secrets/db/old"), "", Existing::Keep).unwrap();
        assert!(write(&out, files("secrets/other"), "", Existing::Keep).is_err(), "it is there");
        fs::write(out.join("mine.txt"), "mine").unwrap();
        write(&out, files("secrets/other"), "", Existing::Replace).unwrap();
        assert!(out.join("mine.txt").exists() && out.join("secrets/other").exists());
        assert!(!out.join("secrets/db").exists(), "it was of the earlier export only");
        fs::remove_file(out.join(LIST)).unwrap();
        assert!(write(&out, files("secrets/db"), "", Existing::Replace).is_err(), "it is no export now");
        let empty = place.path().join("empty");
        fs::create_dir(&empty).unwrap();
        write(&empty, files("secrets/db"), "", Existing::Keep).unwrap();
    }

    #[test]
    fn a_list_leads_to_nothing_outside() {
        for path in ["../a", "/etc/passwd", "a/../../b", ""] {
            assert!(!is_below(path), "{path}");
        }
        assert!(is_below("a/b.yaml"));
    }
}
