//! The files of a chart, and what may be among them.

use std::collections::BTreeMap;
use std::fmt;

/// Largest size of one file of a chart, in bytes (10 MiB).
pub const MAX_FILE_BYTES: u64 = 10 * 1024 * 1024;
/// Largest size of all files of a chart together, in bytes (100 MiB).
pub const MAX_TOTAL_BYTES: u64 = 100 * 1024 * 1024;
/// Largest number of files and folders of a chart.
pub const MAX_ENTRIES: usize = 10_000;

/// The files of a chart by their path below its root, with `/` between folders.
///
/// Every path is relative and stays below the root; the sizes are within [`MAX_FILE_BYTES`], [`MAX_TOTAL_BYTES`]
/// and [`MAX_ENTRIES`].
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Files {
    entries: BTreeMap<String, Vec<u8>>,
    bytes: u64,
}

/// Why a file cannot be part of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileError {
    /// The path is empty, absolute, leaves the root, or holds a character that no portable path has.
    Path,
    /// There is a file of that path already.
    Twice,
    /// The file is larger than [`MAX_FILE_BYTES`].
    TooLarge,
    /// All files together are larger than [`MAX_TOTAL_BYTES`].
    TotalTooLarge,
    /// There are more files than [`MAX_ENTRIES`].
    TooMany,
}

impl fmt::Display for FileError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path => formatter.write_str("its path leaves the chart or is not portable"),
            Self::Twice => formatter.write_str("there are two files of this path"),
            Self::TooLarge => write!(formatter, "it is larger than {} MiB", MAX_FILE_BYTES >> 20),
            Self::TotalTooLarge => {
                write!(formatter, "the files together are larger than {} MiB", MAX_TOTAL_BYTES >> 20)
            }
            Self::TooMany => write!(formatter, "there are more than {MAX_ENTRIES} files"),
        }
    }
}

impl std::error::Error for FileError {}

impl Files {
    /// No files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file.
    pub fn insert(&mut self, path: &str, content: impl Into<Vec<u8>>) -> Result<(), FileError> {
        let content = content.into();
        let size = content.len() as u64;
        if !is_portable(path) {
            return Err(FileError::Path);
        }
        if size > MAX_FILE_BYTES {
            return Err(FileError::TooLarge);
        }
        if self.bytes + size > MAX_TOTAL_BYTES {
            return Err(FileError::TotalTooLarge);
        }
        if self.entries.len() >= MAX_ENTRIES {
            return Err(FileError::TooMany);
        }
        if self.entries.contains_key(path) {
            return Err(FileError::Twice);
        }
        self.bytes += size;
        self.entries.insert(path.to_owned(), content);
        Ok(())
    }

    /// The content of a file.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.entries.get(path).map(Vec::as_slice)
    }

    /// The content of a file as text. `None` where there is no such file or it is not UTF-8.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.get(path).and_then(|content| std::str::from_utf8(content).ok())
    }

    /// Whether there is a file of this path.
    pub fn contains(&self, path: &str) -> bool {
        self.entries.contains_key(path)
    }

    /// The files, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.entries.iter().map(|(path, content)| (path.as_str(), content.as_slice()))
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Splits off the folder `name`: its files, by their path below it.
    pub(crate) fn split_folder(&mut self, name: &str) -> Self {
        let prefix = format!("{name}/");
        let inside: Vec<String> =
            self.entries.keys().filter(|path| path.starts_with(&prefix)).cloned().collect();
        let mut folder = Self::new();
        for path in inside {
            if let Some(content) = self.entries.remove(&path) {
                self.bytes -= content.len() as u64;
                folder.bytes += content.len() as u64;
                folder.entries.insert(path[prefix.len()..].to_owned(), content);
            }
        }
        folder
    }

    /// Removes a file and returns its content.
    pub(crate) fn take(&mut self, path: &str) -> Option<Vec<u8>> {
        let content = self.entries.remove(path)?;
        self.bytes -= content.len() as u64;
        Some(content)
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.entries.keys()).finish()
    }
}

/// Whether the path is relative, stays below its root, and means the same file on every system.
pub(crate) fn is_portable(path: &str) -> bool {
    let parts_are_names = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    parts_are_names && !path.contains(['\\', ':', '\0', '\n', '\r']) && path.len() <= 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside_the_chart() {
        for path in ["", "/etc/passwd", "../x", "a/../b", "a//b", "./a", "a/", "C:/x", "a\\b", "a\0"] {
            assert_eq!(Files::new().insert(path, "x"), Err(FileError::Path), "{path:?}");
        }
        assert_eq!(Files::new().insert("a/b..c/.d", "x"), Ok(()));
    }

    #[test]
    fn sizes_are_bounded() {
        let mut files = Files::new();
        let large = vec![0; usize::try_from(MAX_FILE_BYTES).unwrap()];
        assert_eq!(files.insert("large", [large.as_slice(), b"x"].concat()), Err(FileError::TooLarge));
        for index in 0..10 {
            assert_eq!(files.insert(&index.to_string(), large.clone()), Ok(()));
        }
        assert_eq!(files.insert("one-more", "x"), Err(FileError::TotalTooLarge));
    }

    #[test]
    fn a_folder_is_split_off() {
        let mut files = Files::new();
        files.insert("charts/a/x", "1").unwrap();
        files.insert("charts/ab/x", "2").unwrap();
        let folder = files.split_folder("charts/a");
        assert_eq!(folder.iter().collect::<Vec<_>>(), [("x", b"1".as_slice())]);
        assert_eq!(files.len(), 1);
    }
}
