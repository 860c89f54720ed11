//! What the target remembers, and where.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rhumb_backend::{Error, ErrorKind, Object, ObjectId, Result, Scope};
use rhumb_release::{Entry, Key};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Everything there is on the target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct State {
    /// Versions given so far; none is given twice.
    versions: u64,
    /// Objects by native name.
    pub(crate) objects: BTreeMap<String, Stored>,
    /// Entries of releases by their key as text.
    pub(crate) entries: BTreeMap<String, StoredEntry>,
}

/// An object on the target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stored {
    /// The release that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<Scope>,
    pub(crate) object: Object,
    pub(crate) version: u64,
    /// Counts the specs that it has had: the rollout that is under way.
    #[serde(default)]
    pub(crate) rollout: u64,
    /// How often the health of this rollout was asked for.
    #[serde(default)]
    pub(crate) asked: u64,
    /// The spec that the target itself would roll back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<Value>,
    /// The rollout that failed and was rolled back by the target itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rolled_back: Option<u64>,
    /// What is known of secret material, by key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) material: BTreeMap<String, Fingerprint>,
}

/// All that is kept of secret material.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Fingerprint {
    /// Of the bytes, in hexadecimal.
    pub(crate) sha256: String,
    /// In bytes.
    pub(crate) length: u64,
}

/// An entry of a release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredEntry {
    pub(crate) key: Key,
    pub(crate) meta: BTreeMap<String, String>,
    /// In base64.
    pub(crate) value: String,
    pub(crate) version: u64,
}

impl StoredEntry {
    /// The entry as lists return it.
    pub(crate) fn listed(&self) -> Entry {
        let version = self.version.to_string();
        Entry { key: self.key.clone(), meta: self.meta.clone(), value: Vec::new(), version }
    }
}

impl State {
    pub(crate) fn next_version(&mut self) -> u64 {
        self.versions += 1;
        self.versions
    }

    /// Puts something there that is no release's.
    pub(crate) fn provide(&mut self, native: &str, body: Value) {
        let version = self.next_version();
        let object = Object::new(ObjectId::from(native), body);
        let stored = Stored {
            owner: None,
            object,
            version,
            rollout: 1,
            asked: 0,
            previous: None,
            rolled_back: None,
            material: BTreeMap::new(),
        };
        self.objects.insert(native.to_owned(), stored);
    }

    /// Puts the spec before the present one back, where there is one, as the target does by itself.
    pub(crate) fn roll_back(&mut self, native: &str) {
        let version = self.next_version();
        let Some(stored) = self.objects.get_mut(native).filter(|stored| stored.object.once.is_none()) else {
            return;
        };
        if let Some(previous) = stored.previous.take() {
            stored.rolled_back = Some(stored.rollout);
            stored.object.body = previous;
            stored.rollout += 1;
            stored.asked = 0;
            stored.version = version;
        }
    }

    /// The objects of a release.
    pub(crate) fn owned<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = (&'a str, &'a Stored)> {
        let objects = self.objects.iter().map(|(native, stored)| (native.as_str(), stored));
        objects.filter(move |(_, stored)| stored.owner.as_ref() == Some(scope))
    }
}

/// Where the state is.
#[derive(Debug)]
pub(crate) struct Store {
    file: Option<PathBuf>,
    state: Mutex<State>,
}

impl Store {
    pub(crate) fn in_memory() -> Self {
        Self { file: None, state: Mutex::default() }
    }

    pub(crate) fn with_file(path: PathBuf) -> Self {
        Self { file: Some(path), state: Mutex::default() }
    }

    /// Looks at the state. Files are replaced as a whole, so this needs no lock between processes.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> Result<T> {
        let mut state = self.guard();
        if let Some(path) = &self.file {
            *state = load(path)?;
        }
        Ok(look(&state))
    }

    /// Changes the state. What a failed change did is undone.
    pub(crate) fn write<T>(&self, change: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        let mut state = self.guard();
        let _lock = match &self.file {
            Some(path) => {
                let lock = lock(path)?;
                *state = load(path)?;
                Some(lock)
            }
            None => None,
        };
        let mut next = state.clone();
        let result = change(&mut next)?;
        if let Some(path) = self.file.as_deref().filter(|_| next != *state) {
            save(path, &next)?;
        }
        *state = next;
        Ok(result)
    }

    fn guard(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn load(path: &Path) -> Result<State> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
            Error::new(ErrorKind::Corrupt, "read the state", error.to_string())
                .with("file", path.display().to_string())
                .remedy("remove the file to start anew, or name another")
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(State::default()),
        Err(error) => Err(io_error("read the state", path, &error)),
    }
}

/// The state goes into a file of its own, which then takes the place of the old one.
fn save(path: &Path, state: &State) -> Result<()> {
    let failed = |error: io::Error| io_error("write the state", path, &error);
    let beside = with_suffix(path, ".new");
    let json = serde_json::to_vec(state).map_err(|error| failed(error.into()))?;
    fs::write(&beside, json).map_err(failed)?;
    fs::rename(&beside, path).map_err(failed)
}

/// Waits until no other process writes. The lock ends when the file is closed.
fn lock(path: &Path) -> Result<File> {
    let failed = |error: io::Error| io_error("lock the state", path, &error);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let file = File::options().create(true).append(true).open(with_suffix(path, ".lock")).map_err(failed)?;
    file.lock().map_err(failed)?;
    Ok(file)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn io_error(operation: &str, path: &Path, error: &io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => ErrorKind::Forbidden,
        _ => ErrorKind::Unreachable,
    };
    Error::new(kind, operation, error.to_string())
        .with("file", path.display().to_string())
        .retry(rhumb_backend::Retry::Never)
}
