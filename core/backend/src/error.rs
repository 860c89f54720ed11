//! What a platform did wrong, in one shape for every backend.

use std::fmt;

/// The result of a backend's call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed, in the words that decide what is done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The thing is not there.
    NotFound,
    /// The thing is there already.
    AlreadyExists,
    /// Somebody changed the thing since it was read.
    Conflict,
    /// The thing belongs to somebody else.
    NotOwned,
    /// Another holder has the release, or the platform has locked what the call is about.
    Locked,
    /// The platform does not know who calls.
    Unauthenticated,
    /// The platform knows who calls and says no.
    Forbidden,
    /// The platform cannot be reached.
    Unreachable,
    /// No answer came in time. Whether the call was carried out is unknown.
    Timeout,
    /// The platform asks for fewer calls.
    RateLimited,
    /// The platform takes the call for wrong.
    Invalid,
    /// The platform cannot do this here: too old, or not set up for it.
    Unsupported,
    /// Secret material is needed that nobody has.
    MaterialMissing,
    /// What was stored cannot be read.
    Corrupt,
    /// A bound of the platform or of the release would be passed.
    LimitExceeded,
    /// The work was given up because it was asked to.
    Cancelled,
    /// Anything else that the platform reports.
    Platform,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: [Self; 17] = [
        Self::NotFound,
        Self::AlreadyExists,
        Self::Conflict,
        Self::NotOwned,
        Self::Locked,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::Unreachable,
        Self::Timeout,
        Self::RateLimited,
        Self::Invalid,
        Self::Unsupported,
        Self::MaterialMissing,
        Self::Corrupt,
        Self::LimitExceeded,
        Self::Cancelled,
        Self::Platform,
    ];

    /// What it means and what to do about it, in two sentences for people.
    pub const fn explanation(self) -> (&'static str, &'static str) {
        match self {
            Self::NotFound => (
                "the thing that the call is about is not there: an object, a namespace, a workload of the release",
                "`rhumb status` and `rhumb ps` show what is there; `--create-namespace` makes a namespace",
            ),
            Self::AlreadyExists => (
                "something else has the name already",
                "another name, or `--take-ownership` where it should be the release's",
            ),
            Self::Conflict => (
                "somebody changed the thing since it was read, or another writer set a field that the chart sets too",
                "run the command again; where the error names a field's owner, agree with them or use `--force-conflicts`",
            ),
            Self::NotOwned => (
                "the thing belongs to another release, to another tool or to nobody",
                "another name in the chart, or `--take-ownership`",
            ),
            Self::Locked => (
                "another command is at work on the release",
                "wait for it; the error says who it is and since when. A dead one is taken over by itself",
            ),
            Self::Unauthenticated => (
                "the platform does not know who calls: a token or certificate is missing, wrong or expired",
                "log in anew with the platform's own tool, then `rhumb target check`",
            ),
            Self::Forbidden => (
                "the platform knows who calls and says no",
                "the right that the error names; `rhumb target check` shows what else is missing",
            ),
            Self::Unreachable => (
                "nobody answers at the address, or the connection breaks off; it was tried several times",
                "the address that the error names and where it came from; `rhumb target check`",
            ),
            Self::Timeout => (
                "no answer came in time, so whether the call was carried out is unknown",
                "run the command again: every step may be repeated, and what was done is found",
            ),
            Self::RateLimited => (
                "the platform asks for fewer calls, and went on asking for as long as we waited",
                "run the command again later",
            ),
            Self::Invalid => (
                "the platform takes a document or a setting for wrong, or an admission rule refuses it",
                "the field that the error names, in the chart, its values or the target's settings",
            ),
            Self::Unsupported => (
                "the platform cannot do this here: too old, or not set up for it",
                "what the error names instead",
            ),
            Self::MaterialMissing => (
                "a secret must be made and nobody has its value any more: values are never stored in clear",
                "give the value again with `--set` or `-f`, or have it generated anew with `rotation`",
            ),
            Self::Corrupt => (
                "a record or a chunk of it is not what was written",
                "an earlier revision with `rhumb rollback`; `rhumb history` shows which can be read",
            ),
            Self::LimitExceeded => (
                "a bound of the platform would be passed: the size of an object or a record, or a quota",
                "a smaller object, a larger quota, or `storage:` in the target for large records",
            ),
            Self::Cancelled => (
                "the command was asked to stop and did so at the next safe point",
                "run it again, or `rhumb rollback`; nothing is stuck",
            ),
            Self::Platform => (
                "anything else that the platform reports, in its own words",
                "what its words say; the platform's own logs know more",
            ),
        }
    }

    /// The word for machines: `not-found`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::AlreadyExists => "already-exists",
            Self::Conflict => "conflict",
            Self::NotOwned => "not-owned",
            Self::Locked => "locked",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::RateLimited => "rate-limited",
            Self::Invalid => "invalid",
            Self::Unsupported => "unsupported",
            Self::MaterialMissing => "material-missing",
            Self::Corrupt => "corrupt",
            Self::LimitExceeded => "limit-exceeded",
            Self::Cancelled => "cancelled",
            Self::Platform => "platform",
        }
    }
}

/// Whether the same call may succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It will fail again.
    Never,
    /// It may succeed as it is.
    Same,
    /// It may succeed after the thing was read again.
    AfterRead,
}

/// A failed call: what was tried, on what, what came back, and whether to try again.
///
/// The texts are shown to people. They never hold secret values.
#[derive(Clone, Debug)]
pub struct Error {
    /// Why it failed.
    pub kind: ErrorKind,
    /// What was tried: `update service`.
    pub operation: String,
    /// What it was tried on, as pairs: `("service", "shop_web")`.
    pub context: Vec<(&'static str, String)>,
    /// What the platform said, or what was found.
    pub message: String,
    /// What the user can do.
    pub remedy: Option<String>,
    /// Whether the same call may succeed later.
    pub retry: Retry,
}

impl Error {
    /// An error that will come again if the call is repeated.
    pub fn new(kind: ErrorKind, operation: impl Into<String>, message: impl Into<String>) -> Self {
        let retry = match kind {
            ErrorKind::Conflict => Retry::AfterRead,
            ErrorKind::Unreachable | ErrorKind::RateLimited => Retry::Same,
            _ => Retry::Never,
        };
        Self {
            kind,
            operation: operation.into(),
            context: Vec::new(),
            message: message.into(),
            remedy: None,
            retry,
        }
    }

    /// Adds what the call was about.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.context.push((key, value.into()));
        self
    }

    /// Adds what the user can do.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Whether the same call, made again, may be answered: the platform was busy, gone for a moment, or silent.
    pub fn may_pass(&self) -> bool {
        self.retry == Retry::Same || self.kind == ErrorKind::Timeout
    }

    /// Says whether the same call may succeed later.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "cannot {}", self.operation)?;
        for (key, value) in &self.context {
            write!(formatter, " ({key} {value})")?;
        }
        write!(formatter, ": {}", self.message)
    }
}

impl std::error::Error for Error {}
