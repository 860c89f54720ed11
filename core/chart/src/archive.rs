//! Charts as archives: one folder, named like the chart, in a gzipped tar.

use std::fmt;
use std::io::{self, Read};

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use tar::{Archive, Builder, EntryType, Header};

use crate::files::{FileError, Files, MAX_ENTRIES, MAX_FILE_BYTES, MAX_TOTAL_BYTES};

/// Why an archive is no chart.
#[derive(Debug)]
pub enum ArchiveError {
    /// It is no gzipped tar, or it is cut short.
    Broken(String),
    /// It unpacks to more than a chart may hold.
    Bomb(String),
    /// An entry that no chart may hold.
    Entry {
        /// The entry's path as the archive has it.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl fmt::Display for ArchiveError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(reason) => write!(formatter, "the archive cannot be read: {reason}"),
            Self::Bomb(reason) => write!(formatter, "the archive is refused: {reason}"),
            Self::Entry { path, reason } => {
                write!(formatter, "the archive is refused: `{}`: {reason}", path.escape_default())
            }
        }
    }
}

impl std::error::Error for ArchiveError {}

/// Reads a chart's files from a gzipped tar.
///
/// Nothing is written anywhere. The files of all entries lie in one folder, whose name is dropped.
///
/// # Errors
/// Paths that are absolute or lead out, links, devices and pipes, two entries of one path, a file over
/// [`MAX_FILE_BYTES`], more than [`MAX_TOTAL_BYTES`] or [`MAX_ENTRIES`] in all, and what is no archive.
pub fn unpack(archive: &[u8]) -> Result<Files, ArchiveError> {
    // Headers and padding come on top of the files themselves.
    let limit = MAX_TOTAL_BYTES + 2048 * MAX_ENTRIES as u64;
    let mut archive = Archive::new(Bounded { inner: GzDecoder::new(archive), left: limit });
    let mut files = Files::new();
    let mut top: Option<String> = None;
    for (count, entry) in archive.entries().map_err(|error| broken(&error))?.enumerate() {
        if count >= MAX_ENTRIES {
            return Err(ArchiveError::Bomb(format!("it has more than {MAX_ENTRIES} entries")));
        }
        let mut entry = entry.map_err(|error| broken(&error))?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => {}
            EntryType::Directory => {
                inside(&path, &mut top)?;
                continue;
            }
            EntryType::XGlobalHeader => continue,
            kind => return Err(refuse(&path, describe(kind))),
        }
        let Some(name) = inside(&path, &mut top)? else {
            return Err(refuse(&path, "it lies outside the chart's folder"));
        };
        if entry.size() > MAX_FILE_BYTES {
            return Err(refuse(&path, &FileError::TooLarge.to_string()));
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(|error| broken(&error))?;
        files.insert(&name, content).map_err(|error| refuse(&path, &error.to_string()))?;
    }
    Ok(files)
}

/// Makes the archive of a chart: the same bytes for the same files, whenever and wherever it is made.
pub fn pack(folder: &str, files: &Files) -> io::Result<Vec<u8>> {
    let gzip = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    let mut archive = Builder::new(gzip);
    for (path, content) in files.iter() {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, format!("{folder}/{path}"), content)?;
    }
    archive.into_inner()?.finish()
}

/// The path below the archive's one folder; `None` for that folder itself or a file beside it.
fn inside(path: &str, top: &mut Option<String>) -> Result<Option<String>, ArchiveError> {
    let path = path.strip_prefix("./").unwrap_or(path).trim_end_matches('/');
    if matches!(path, "" | ".") {
        return Ok(None);
    }
    if !crate::files::is_portable(path) {
        return Err(refuse(path, &FileError::Path.to_string()));
    }
    let (folder, rest) = path.split_once('/').map_or((path, None), |(folder, rest)| (folder, Some(rest)));
    match top {
        Some(top) if top != folder => {
            Err(refuse(path, &format!("it lies outside the chart's folder `{top}`")))
        }
        Some(_) => Ok(rest.map(str::to_owned)),
        None => {
            *top = Some(folder.to_owned());
            Ok(rest.map(str::to_owned))
        }
    }
}

fn describe(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Link | EntryType::Symlink => "a chart's archive holds no links",
        EntryType::Char | EntryType::Block => "a chart's archive holds no devices",
        EntryType::Fifo => "a chart's archive holds no pipes",
        _ => "a chart's archive holds plain files and folders only",
    }
}

fn refuse(path: &str, reason: &str) -> ArchiveError {
    ArchiveError::Entry { path: path.to_owned(), reason: reason.to_owned() }
}

fn broken(error: &io::Error) -> ArchiveError {
    // The tar reader wraps errors of the archive under it, and keeps their text only.
    if error.to_string().contains(TOO_MUCH) {
        return ArchiveError::Bomb(format!("it unpacks to more than {} MiB", MAX_TOTAL_BYTES >> 20));
    }
    ArchiveError::Broken(error.to_string())
}

const TOO_MUCH: &str = "more than a chart may hold";

#[derive(Debug)]
struct TooMuch;

impl fmt::Display for TooMuch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(TOO_MUCH)
    }
}

impl std::error::Error for TooMuch {}

/// Fails, instead of reading on, once too much came out.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| io::Error::other(TooMuch))?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn gzip(tar: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(tar).unwrap();
        encoder.finish().unwrap()
    }

    /// An archive with one entry whose path is written as it is, however hostile.
    fn raw(kind: EntryType, path: &str, link: &str, content: &[u8]) -> Vec<u8> {
        let mut header = Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
        header.as_gnu_mut().unwrap().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        let mut builder = Builder::new(Vec::new());
        builder.append(&header, content).unwrap();
        gzip(&builder.into_inner().unwrap())
    }

    fn check_refused(archive: &[u8], reason: &str) {
        let error = unpack(archive).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }

    #[test]
    fn what_is_packed_unpacks_to_the_same() {
        let mut files = Files::new();
        files.insert("Chart.yaml", "name: a").unwrap();
        files.insert(&format!("templates/{}.yaml", "long/".repeat(30) + "x"), vec![0, 159, 146]).unwrap();
        let archive = pack("a", &files).unwrap();
        assert_eq!(archive, pack("a", &files).unwrap());
        assert_eq!(unpack(&archive).unwrap(), files);
    }

    #[test]
    fn paths_that_lead_out_are_refused() {
        for path in ["../evil", "a/../../evil", "/etc/passwd", "a/b\\..\\c", "C:/x"] {
            check_refused(&raw(EntryType::Regular, path, "", b"x"), "leaves the chart");
        }
        check_refused(&raw(EntryType::Regular, "beside", "", b"x"), "outside the chart's folder");
    }

    #[test]
    fn links_and_devices_are_refused() {
        check_refused(&raw(EntryType::Symlink, "a/link", "/etc/passwd", b""), "no links");
        check_refused(&raw(EntryType::Symlink, "a/link", "values.yaml", b""), "no links");
        check_refused(&raw(EntryType::Link, "a/link", "../../x", b""), "no links");
        check_refused(&raw(EntryType::Char, "a/null", "", b""), "no devices");
        check_refused(&raw(EntryType::Block, "a/sda", "", b""), "no devices");
        check_refused(&raw(EntryType::Fifo, "a/pipe", "", b""), "no pipes");
        check_refused(&raw(EntryType::new(b'V'), "a/volume", "", b""), "plain files");
    }

    #[test]
    fn bombs_are_refused() {
        let large = vec![0; usize::try_from(MAX_FILE_BYTES).unwrap() + 1];
        check_refused(&raw(EntryType::Regular, "a/large", "", &large), "larger than 10 MiB");

        let mut builder = Builder::new(Vec::new());
        for index in 0..11 {
            let mut header = Header::new_gnu();
            header.set_size(MAX_FILE_BYTES);
            header.set_mode(0o644);
            builder.append_data(&mut header, format!("a/{index}"), &large[1..]).unwrap();
        }
        check_refused(&gzip(&builder.into_inner().unwrap()), "larger than 100 MiB");

        let mut builder = Builder::new(Vec::new());
        for index in 0..=MAX_ENTRIES {
            let mut header = Header::new_gnu();
            header.set_size(0);
            header.set_entry_type(EntryType::Directory);
            builder.append_data(&mut header, format!("a/{index}"), io::empty()).unwrap();
        }
        check_refused(&gzip(&builder.into_inner().unwrap()), "more than 10000 entries");
    }

    #[test]
    fn a_bomb_in_a_long_name_is_refused() {
        let mut header = Header::new_gnu();
        let size = MAX_TOTAL_BYTES + 64 * 1024 * 1024;
        header.set_path("././@LongLink").unwrap();
        header.set_entry_type(EntryType::GNULongName);
        header.set_size(size);
        header.set_cksum();
        let mut builder = Builder::new(Vec::new());
        builder.append(&header, io::repeat(b'a').take(size)).unwrap();
        check_refused(&gzip(&builder.into_inner().unwrap()), "more than 100 MiB");
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        check_refused(b"not an archive", "cannot be read");
        let whole = raw(EntryType::Regular, "a/x", "", &[1; 4096]);
        check_refused(&whole[..whole.len() / 2], "cannot be read");
        let mut builder = Builder::new(Vec::new());
        for _ in 0..2 {
            let mut header = Header::new_gnu();
            header.set_size(0);
            builder.append_data(&mut header, "a/twice", io::empty()).unwrap();
        }
        check_refused(&gzip(&builder.into_inner().unwrap()), "two files");
    }

    proptest! {
        #[test]
        fn damaged_archives_make_no_panic(at in 0_usize..200, byte: u8) {
            let mut files = Files::new();
            files.insert("Chart.yaml", "name: a").unwrap();
            let mut tar = Vec::new();
            GzDecoder::new(pack("a", &files).unwrap().as_slice()).read_to_end(&mut tar).unwrap();
            tar[at] = byte;
            let _ = unpack(&gzip(&tar));
        }
    }
}
