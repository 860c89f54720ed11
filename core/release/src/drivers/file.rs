//! Releases in a directory.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use rhumb_backend::{Error, ErrorKind, Result, Retry};
use serde::{Deserialize, Serialize};

use crate::{Entry, EntryKind, Filter, Key, Meta, Storage};

/// The most bytes of an entry's first line, which holds its key, meta and version.
const MAX_HEADER: u64 = 1 << 20;
/// The most bytes of one value.
const VALUE_LIMIT: usize = 8 << 20;

/// Releases in a directory, for several processes of one machine.
///
/// An entry is one file, `<kind>/<namespace>/<release>/<name>.entry`: a line of JSON, then the value. Writers take
/// turns by a lock on `.lock`; they write a whole file beside the others, flush it to the disk and rename it, so
/// readers need no lock and a crash leaves either the old entry or the new one.
#[derive(Clone, Debug)]
pub struct FileStorage {
    root: PathBuf,
    value_limit: usize,
}

#[derive(Serialize, Deserialize)]
struct Header {
    key: Key,
    meta: Meta,
    version: String,
}

impl FileStorage {
    /// Releases in this directory, which is made with the first entry.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), value_limit: VALUE_LIMIT }
    }

    fn path(&self, key: &Key) -> PathBuf {
        let folder =
            self.root.join(key.kind.as_str()).join(encode(&key.namespace)).join(encode(&key.release));
        folder.join(format!("{}.entry", encode(&key.name)))
    }

    /// Waits until no other process writes. The lock ends with the returned file.
    fn lock(&self) -> io::Result<File> {
        make_folder(&self.root)?;
        let lock = private().write(true).create(true).truncate(false).open(self.root.join(".lock"))?;
        lock.lock()?;
        Ok(lock)
    }

    fn write(&self, entry: &Entry) -> io::Result<()> {
        let path = self.path(&entry.key);
        let folder = path.parent().unwrap_or(&self.root);
        make_folder(folder)?;
        let new = self.root.join(".new");
        let mut file = private().write(true).create(true).truncate(true).open(&new)?;
        let header =
            Header { key: entry.key.clone(), meta: entry.meta.clone(), version: entry.version.clone() };
        file.write_all(&serde_json::to_vec(&header)?)?;
        file.write_all(b"\n")?;
        file.write_all(&entry.value)?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        sync_folder(folder)
    }

    fn create_now(&self, entry: &Entry) -> Result<()> {
        let failed = |error| self.failed("create an entry", &entry.key, &error);
        let _lock = self.lock().map_err(failed)?;
        if fs::exists(self.path(&entry.key)).map_err(failed)? {
            return Err(super::exists(&entry.key));
        }
        self.write(entry).map_err(failed)
    }

    fn read_now(&self, key: &Key) -> Result<Option<Entry>> {
        let found = open(&self.path(key)).and_then(|found| {
            let Some((header, mut rest)) = found else { return Ok(None) };
            let mut value = Vec::new();
            rest.read_to_end(&mut value)?;
            Ok(Some(Entry { key: header.key, meta: header.meta, value, version: header.version }))
        });
        found.map_err(|error| self.failed("read an entry", key, &error))
    }

    fn update_now(&self, key: &Key, meta: Meta, version: &str) -> Result<String> {
        let failed = |error| self.failed("update an entry", key, &error);
        let _lock = self.lock().map_err(failed)?;
        let mut entry = self.read_now(key)?.ok_or_else(|| super::gone(key))?;
        if entry.version != version {
            return Err(super::changed(key));
        }
        entry.meta = meta;
        entry.version = new_version();
        self.write(&entry).map_err(failed)?;
        Ok(entry.version)
    }

    fn delete_now(&self, key: &Key) -> Result<()> {
        let path = self.path(key);
        let delete = || {
            let _lock = self.lock()?;
            fs::remove_file(&path)?;
            let folder = path.parent().unwrap_or(&self.root);
            sync_folder(folder)?;
            // Folders that hold something else stay: removing them fails.
            for folder in folder.ancestors().take(3).take_while(|folder| **folder != *self.root) {
                if fs::remove_dir(folder).is_err() {
                    break;
                }
            }
            Ok(())
        };
        absent(delete()).map(drop).map_err(|error| self.failed("delete an entry", key, &error))
    }

    fn list_now(&self, kind: EntryKind, filter: &Filter) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for namespace in children(&self.root.join(kind.as_str()), filter.namespace.as_deref())? {
            for release in children(&namespace, filter.release.as_deref())? {
                for file in children(&release, None)? {
                    let Some((header, _)) = open(&file)? else { continue };
                    let Header { key, meta, version } = header;
                    if filter.takes_meta(&meta) {
                        entries.push(Entry { key, meta, value: Vec::new(), version });
                    }
                }
            }
        }
        entries.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(entries)
    }

    fn failed(&self, operation: &str, key: &Key, error: &io::Error) -> Error {
        self.io_error(operation, error).with("key", key.to_string())
    }

    fn io_error(&self, operation: &str, error: &io::Error) -> Error {
        let (kind, remedy) = match error.kind() {
            io::ErrorKind::PermissionDenied => {
                (ErrorKind::Forbidden, "use a directory that you may write to")
            }
            io::ErrorKind::InvalidData => {
                (ErrorKind::Corrupt, "restore the file from a backup, or remove it")
            }
            io::ErrorKind::StorageFull => (ErrorKind::LimitExceeded, "make room on the disk"),
            _ => (ErrorKind::Platform, "see whether the disk is there and works"),
        };
        Error::new(kind, operation, error.to_string())
            .with("directory", self.root.display().to_string())
            .remedy(remedy)
            .retry(Retry::Never)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let this = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&this)).await;
        done.unwrap_or_else(|error| Err(Error::new(ErrorKind::Cancelled, "use the disk", error.to_string())))
    }
}

#[async_trait]
impl Storage for FileStorage {
    fn value_limit(&self) -> usize {
        self.value_limit
    }

    async fn create(&self, key: &Key, meta: &Meta, value: &[u8]) -> Result<String> {
        super::check_size(key, value, self.value_limit)?;
        let version = new_version();
        let entry =
            Entry { key: key.clone(), meta: meta.clone(), value: value.to_vec(), version: version.clone() };
        self.blocking(move |this| this.create_now(&entry)).await?;
        Ok(version)
    }

    async fn read(&self, key: &Key) -> Result<Option<Entry>> {
        let key = key.clone();
        self.blocking(move |this| this.read_now(&key)).await
    }

    async fn list(&self, kind: EntryKind, filter: &Filter) -> Result<Vec<Entry>> {
        let filter = filter.clone();
        let list = move |this: &Self| {
            this.list_now(kind, &filter).map_err(|error| this.io_error("list entries", &error))
        };
        self.blocking(list).await
    }

    async fn update(&self, key: &Key, meta: &Meta, version: &str) -> Result<String> {
        let (key, meta, version) = (key.clone(), meta.clone(), version.to_owned());
        self.blocking(move |this| this.update_now(&key, meta, &version)).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        let key = key.clone();
        self.blocking(move |this| this.delete_now(&key)).await
    }
}

fn new_version() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// A name as a file name: what is no ASCII letter, digit, `-`, `_` or inner dot is escaped.
fn encode(name: &str) -> String {
    if name.is_empty() {
        return "%".to_owned();
    }
    let plain = |at: usize, byte: u8| {
        byte.is_ascii_alphanumeric() || b"-_".contains(&byte) || (byte == b'.' && at > 0)
    };
    let escape = |(at, byte): (usize, u8)| {
        if plain(at, byte) { char::from(byte).to_string() } else { format!("%{byte:02x}") }
    };
    name.bytes().enumerate().map(escape).collect()
}

/// What is in a folder, hidden files aside; with `only`, what has that name.
fn children(folder: &Path, only: Option<&str>) -> io::Result<Vec<PathBuf>> {
    if let Some(only) = only {
        return Ok(vec![folder.join(encode(only))]);
    }
    let Some(found) = absent(fs::read_dir(folder))? else { return Ok(Vec::new()) };
    let paths: Vec<PathBuf> =
        found.map(|child| child.map(|child| child.path())).collect::<io::Result<_>>()?;
    Ok(paths.into_iter().filter(|path| !is_hidden(path)).collect())
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn open(path: &Path) -> io::Result<Option<(Header, BufReader<File>)>> {
    let Some(file) = absent(File::open(path))? else { return Ok(None) };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    reader.by_ref().take(MAX_HEADER).read_until(b'\n', &mut line)?;
    let header = serde_json::from_slice(&line).map_err(|error| {
        io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", path.display()))
    })?;
    Ok(Some((header, reader)))
}

fn absent<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Makes a folder that only its owner can read, and those above it that are missing.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    for above in folder.ancestors().skip(1).take(3).filter(|above| !above.as_os_str().is_empty()) {
        // One that we may not read was not made by us just now.
        unless_closed(sync_folder(above))?;
    }
    Ok(())
}

fn unless_closed(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| if error.kind() == io::ErrorKind::PermissionDenied { Ok(()) } else { Err(error) })
}

/// Options for a file that only its owner can read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Flushes a folder's own entries, so that a rename in it survives a power cut.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drivers::conformance;

    fn storage() -> (tempfile::TempDir, FileStorage) {
        let folder = tempfile::tempdir().unwrap();
        let storage = FileStorage { root: folder.path().join("releases"), value_limit: 1000 };
        (folder, storage)
    }

    #[tokio::test]
    async fn it_keeps_the_contract() {
        let (_folder, storage) = storage();
        conformance::check(&storage).await;
    }

    #[tokio::test]
    async fn two_processes_see_one_directory() {
        let (_folder, one) = storage();
        let other = one.clone();
        let key = conformance::key(EntryKind::Head, "default", "shop", "1");
        let version = one.create(&key, &Meta::new(), b"value").await.unwrap();
        assert_eq!(other.read(&key).await.unwrap().unwrap().version, version);
        assert_eq!(other.create(&key, &Meta::new(), b"").await.unwrap_err().kind, ErrorKind::AlreadyExists);
    }

    #[tokio::test]
    async fn what_a_crash_left_is_no_entry() {
        let (_folder, storage) = storage();
        let key = conformance::key(EntryKind::Head, "default", "shop", "1");
        storage.create(&key, &Meta::new(), b"value").await.unwrap();
        fs::write(storage.root.join(".new"), b"half an ent").unwrap();
        assert_eq!(storage.list(EntryKind::Head, &Filter::default()).await.unwrap().len(), 1);
        let next = Key { name: "2".to_owned(), ..key };
        storage.create(&next, &Meta::new(), b"x").await.unwrap();
        assert_eq!(storage.read(&next).await.unwrap().unwrap().value, b"x");
    }

    #[tokio::test]
    async fn damaged_files_are_named() {
        let (_folder, storage) = storage();
        let key = conformance::key(EntryKind::Head, "default", "shop", "1");
        storage.create(&key, &Meta::new(), b"value").await.unwrap();
        fs::write(storage.path(&key), b"not ours").unwrap();
        let error = storage.read(&key).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Corrupt);
        assert!(error.message.contains("1.entry"), "{error}");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn only_the_owner_can_read() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, storage) = storage();
        let key = conformance::key(EntryKind::Head, "default", "shop", "1");
        storage.create(&key, &Meta::new(), b"value").await.unwrap();
        assert_eq!(fs::metadata(storage.path(&key)).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&storage.root).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn names_stay_inside_the_directory() {
        assert_eq!(encode(".."), "%2e.");
        assert_eq!(encode("a/b"), "a%2fb");
        assert_eq!(encode("web-1.2_x"), "web-1.2_x");
        assert_ne!(encode("%2e"), encode("."));
    }
}
