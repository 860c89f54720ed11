//! What the user hands to verbs that deploy a chart.

use std::path::PathBuf;
use std::time::Duration;

use rhumb_backend::ResolveImage;
use rhumb_spec::Feature;
use serde::Serialize;

/// How long a verb waits for rollouts when the user says nothing.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_mins(5);

/// How many revisions are kept when the user says nothing.
pub const DEFAULT_HISTORY: u32 = 10;

/// The user's values, in rising precedence. `Debug` shows no content: any of them may be a secret.
#[derive(Clone, Default)]
pub struct ValueInputs(pub Vec<ValueInput>);

/// One of the user's inputs to the values.
#[derive(Clone)]
pub enum ValueInput {
    /// A YAML file (`-f`).
    File(PathBuf),
    /// YAML that was read from elsewhere, such as standard input, under a name for messages.
    Text {
        /// The name.
        name: String,
        /// The YAML.
        text: String,
    },
    /// `--set`.
    Set(String),
    /// `--set-string`.
    SetString(String),
    /// `--set-file`.
    SetFile(String),
    /// `--set-json`.
    SetJson(String),
}

impl std::fmt::Debug for ValueInput {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(formatter, "File({})", path.display()),
            Self::Text { name, .. } => write!(formatter, "Text({name})"),
            Self::Set(_) => formatter.write_str("Set(…)"),
            Self::SetString(_) => formatter.write_str("SetString(…)"),
            Self::SetFile(_) => formatter.write_str("SetFile(…)"),
            Self::SetJson(_) => formatter.write_str("SetJson(…)"),
        }
    }
}

impl std::fmt::Debug for ValueInputs {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(&self.0).finish()
    }
}

/// The chart and what goes into it.
#[derive(Clone, Debug, Default)]
pub struct ChartInputs {
    /// The chart: a folder or a `.tgz`.
    pub chart: PathBuf,
    /// The user's values.
    pub values: ValueInputs,
    /// Features that may be left out where the platform cannot have them (`--accept-loss`).
    pub accept_loss: Vec<Feature>,
    /// Which image tags are resolved to digests.
    pub resolve_image: ResolveImage,
}

/// Whether a verb does what it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Execution {
    /// It does.
    #[default]
    Apply,
    /// It shows what it would do and writes nothing (`--dry-run`).
    DryRun,
}

/// Whether a verb waits until what it applied is ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wait {
    /// It ends when everything is applied. Workloads still wait for those that they depend on.
    #[default]
    Applied,
    /// It ends when everything is ready (`--wait`).
    Ready,
}

/// What becomes of a deployment that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// It stays as it is, so that it can be looked at.
    #[default]
    Leave,
    /// The last deployed revision comes back; where there is none, everything is removed (`--atomic`).
    TakeBack,
}

/// Whether objects that bear a wanted name and nobody's marks are taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Foreign {
    /// They are refused.
    #[default]
    Refuse,
    /// They become the release's (`--take-ownership`).
    TakeOver,
}

/// Whether what others hold of the release's objects is taken from them: fields that another writer set, a lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conflicts {
    /// It ends the work, and the error names who holds what.
    #[default]
    Refuse,
    /// It is taken (`--force-conflicts`).
    Force,
}

/// Whether a namespace that is not there is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfNoNamespace {
    /// It is an error, where the platform has namespaces of its own.
    #[default]
    Fail,
    /// It is made (`--create-namespace`).
    Create,
}

/// How something is deployed. `OnFailure::TakeBack` waits whatever `wait` says.
#[derive(Clone, Debug)]
pub struct DeployOptions {
    /// Whether it is done or only shown.
    pub execution: Execution,
    /// Whether rollouts are waited for.
    pub wait: Wait,
    /// What becomes of a failure.
    pub on_failure: OnFailure,
    /// How long everything may take.
    pub timeout: Duration,
    /// How many revisions are kept; 0 keeps all.
    pub history_max: u32,
    /// Objects that may be removed and made anew (`--replace service/web`); a workload's name means all of its own.
    pub replace: Vec<String>,
    /// What becomes of objects that are nobody's.
    pub foreign: Foreign,
    /// What becomes of what others hold of the release's objects.
    pub conflicts: Conflicts,
    /// What becomes of a namespace that is not there.
    pub no_namespace: IfNoNamespace,
    /// What the record says of this revision, in place of a text of ours.
    pub description: Option<String>,
}

impl Default for DeployOptions {
    fn default() -> Self {
        Self {
            execution: Execution::Apply,
            wait: Wait::Applied,
            on_failure: OnFailure::Leave,
            timeout: DEFAULT_TIMEOUT,
            history_max: DEFAULT_HISTORY,
            replace: Vec::new(),
            foreign: Foreign::Refuse,
            conflicts: Conflicts::Refuse,
            no_namespace: IfNoNamespace::Fail,
            description: None,
        }
    }
}
