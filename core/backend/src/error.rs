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
