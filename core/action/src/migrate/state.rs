//! Where a migration stands: one file, which survives the command that writes it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rhumb_backend::{External, VolumeUse};
use rhumb_spec::{Diagnostic, Feature};
use serde::{Deserialize, Serialize};

use crate::{ActionError, ActionResult};

/// The version of the file's form.
const VERSION: u32 = 1;

/// How far a migration is. A stage is written down before what it names is begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// The destination is being made, and data are copied while the source runs.
    #[default]
    Preparing,
    /// The source is being stopped, and what changed is copied.
    Stopping,
    /// The source rests, and both sides hold the same data.
    Copied,
    /// The destination is being woken. From here on it may write.
    Waking,
    /// The destination runs and the source rests.
    Started,
    /// Traffic is being led to the destination.
    CuttingOver,
    /// Traffic goes to the destination.
    CutOver,
    /// The source is being removed.
    Finishing,
    /// The source is gone.
    Finished,
    /// The source is being brought back.
    Aborting,
    /// The source is as it was, and the destination is gone.
    Aborted,
}

impl Stage {
    /// As it is written: `cutOver`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Stopping => "stopping",
            Self::Copied => "copied",
            Self::Waking => "waking",
            Self::Started => "started",
            Self::CuttingOver => "cuttingOver",
            Self::CutOver => "cutOver",
            Self::Finishing => "finishing",
            Self::Finished => "finished",
            Self::Aborting => "aborting",
            Self::Aborted => "aborted",
        }
    }

    /// Whether nothing is left to be done.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::Aborted)
    }
}

/// One side of a migration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    /// The target, as the user calls it.
    pub target: String,
    /// The platform.
    pub platform: String,
    /// The namespace.
    pub namespace: String,
}

/// A volume on its way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Passage {
    /// Where it comes from.
    pub from: VolumeUse,
    /// Where it goes.
    pub to: VolumeUse,
    /// Whether the destination was not there or held nothing, so that everything in it came with this migration.
    #[serde(default)]
    pub is_new: bool,
    /// The copy while the source ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Copied>,
    /// The copy after the stop, with its comparison.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Copied>,
    /// The copy back, of a migration that is given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<Copied>,
}

impl Passage {
    /// Whether nobody has looked yet what the destination holds.
    pub(super) fn is_unknown(&self) -> bool {
        !self.is_new && self.first.is_none() && self.last.is_none()
    }
}

/// What a copy did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Copied {
    /// Things in the volume.
    pub entries: u64,
    /// Bytes that were sent.
    pub bytes: u64,
    /// How long it took.
    pub seconds: f64,
    /// Bytes that the source held after a copy while it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<u64>,
    /// After a comparison in which both sides were equal: one SHA-256 over everything that the volume holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// What cannot be copied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// What a check of the user's found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckOutcome {
    /// The command.
    pub command: String,
    /// How it ended; none when it could not be run or was ended by a signal.
    pub exit_code: Option<i32>,
}

/// Where a migration stands. It holds no secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// The version of this form.
    pub version: u32,
    /// The release.
    pub release: String,
    /// Where it comes from.
    pub from: Side,
    /// Where it goes.
    pub to: Side,
    /// How far it is.
    pub stage: Stage,
    /// When it began, in RFC 3339.
    pub began: String,
    /// When this was written.
    pub updated: String,
    /// The helper's image.
    pub helper_image: String,
    /// Features that may be lost.
    #[serde(default)]
    pub accept_loss: Vec<Feature>,
    /// Configs and secrets that are not the release's and stay as they are at the destination.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keep_external: Vec<String>,
    /// What those that the migration makes are marked with.
    #[serde(default)]
    pub mark: String,
    /// Those that it makes at the destination. Each is written down before it is made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub externals: Vec<External>,
    /// The revision of the source that is moved, and comes back when it is given up.
    pub revision: u64,
    /// How many replicas workloads of the source had when it was stopped.
    #[serde(default)]
    pub replicas: BTreeMap<String, u32>,
    /// The volumes.
    #[serde(default)]
    pub volumes: Vec<Passage>,
    /// Seconds that the comparison after the stop takes, by the speed of the first copies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_seconds: Option<f64>,
    /// When the source began to be stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// When the destination was ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<String>,
    /// Seconds from one to the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downtime_seconds: Option<f64>,
    /// When both sides were last found in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<String>,
    /// What the user's own checks found then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckOutcome>,
    /// How far it was when it was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_up: Option<Stage>,
    /// Whether the destination's data have begun to be copied back over the source's.
    #[serde(default)]
    pub copying_back: bool,
}

/// The file with a migration's state, held against other commands until it is dropped.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    _lock: File,
}

impl Store {
    /// Takes the file of this path for this command alone. It need not be there.
    ///
    /// # Errors
    /// When another command has it, or its folder cannot be made.
    pub fn take(path: &Path) -> ActionResult<Self> {
        let failed = |error: std::io::Error| ActionError::file(path, &error);
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let lock = File::options().create(true).truncate(false).write(true).open(path.with_extension("lock"));
        let lock = lock.map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_path_buf(), _lock: lock }),
            Err(fs::TryLockError::WouldBlock) => Err(ActionError::of(
                Diagnostic::error("", "another command is at work on this migration")
                    .why(format!("{} is locked", path.display()))
                    .remedy("wait until it ends"),
            )),
            Err(fs::TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Reads the state without holding it; none where there is no migration.
    ///
    /// # Errors
    /// When the file cannot be read or is of another version.
    pub fn read(path: &Path) -> ActionResult<Option<State>> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| ActionError::file(path, &error))?,
        };
        let wrong = |why: String| ActionError::File { path: path.display().to_string(), why };
        let state: State = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        if state.version != VERSION {
            return Err(wrong(format!("it is of version {}, and {VERSION} is read", state.version)));
        }
        Ok(Some(state))
    }

    /// The state; none where there is no migration.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn load(&self) -> ActionResult<Option<State>> {
        Self::read(&self.path)
    }

    /// Writes the state so that a crash at any moment leaves the old or the new one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, state: &mut State, now: String) -> ActionResult<()> {
        state.version = VERSION;
        state.updated = now;
        self.write(state).map_err(|error| ActionError::file(&self.path, &error))
    }

    fn write(&self, state: &State) -> std::io::Result<()> {
        let beside = self.path.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(&serde_json::to_vec_pretty(state)?)?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/shop.json");
        let store = Store::take(&path).unwrap();
        assert_eq!(store.load().unwrap(), None);
        let mut state = State { release: "shop".to_owned(), stage: Stage::CutOver, ..State::default() };
        store.save(&mut state, "now".to_owned()).unwrap();
        assert_eq!(Store::read(&path).unwrap(), Some(state));
    }

    #[test]
    fn one_command_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.json");
        let store = Store::take(&path).unwrap();
        assert!(Store::take(&path).unwrap_err().to_string().contains("another command"));
        drop(store);
        assert!(Store::take(&path).is_ok());
    }

    #[test]
    fn a_state_of_another_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.json");
        let store = Store::take(&path).unwrap();
        store.write(&State { version: 9, ..State::default() }).unwrap();
        assert!(store.load().unwrap_err().to_string().contains("version 9"));
    }

    #[test]
    fn what_a_volume_driver_is_told_is_not_written() {
        let volume = VolumeUse {
            workload: "db".to_owned(),
            volume: "data".to_owned(),
            ordinal: None,
            native: "shop_data".to_owned(),
            node: None,
            placement: serde_json::Value::Null,
            size: None,
            document: serde_json::json!({ "o": "password=canary" }),
        };
        assert!(!serde_json::to_string(&volume).unwrap().contains("canary"));
    }

    #[test]
    fn stages_follow_one_another() {
        assert!(Stage::Preparing < Stage::Stopping && Stage::Started < Stage::CuttingOver);
        assert!(Stage::Aborted.is_over() && !Stage::Aborting.is_over());
        let word = serde_json::to_value(Stage::CuttingOver).unwrap();
        assert_eq!(word, Stage::CuttingOver.as_str());
    }
}
