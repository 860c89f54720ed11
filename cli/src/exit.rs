//! Exit codes that scripts can rely on.

use std::fmt::Write as _;

/// What the process ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It worked.
    Success = 0,
    /// A platform, a file or something else failed.
    Failure = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The chart, its values or the app is wrong. Nothing was changed.
    Invalid = 3,
    /// The release, revision or workload is not there.
    NotFound = 4,
    /// Somebody else is at work on the release, or owns what it wants.
    Busy = 5,
    /// What was deployed did not become ready.
    NotReady = 6,
    /// The platform cannot be reached, or does not let us in.
    Unreachable = 7,
    /// `diff --exit-code` found differences.
    Different = 8,
    /// It was interrupted.
    Interrupted = 130,
}

impl Exit {
    /// Every code with what it means, for the documentation.
    pub(crate) const TABLE: &'static [(Self, &'static str)] = &[
        (Self::Success, "it worked"),
        (Self::Failure, "a platform, a file or something else failed"),
        (Self::Usage, "the command line is wrong"),
        (Self::Invalid, "the chart, its values or the app is wrong; nothing was changed"),
        (Self::NotFound, "the release, revision or workload is not there"),
        (Self::Busy, "somebody else is at work on the release, or owns what it wants"),
        (Self::NotReady, "what was deployed did not become ready"),
        (Self::Unreachable, "the platform cannot be reached, or does not let us in"),
        (Self::Different, "`diff --exit-code` found differences"),
        (Self::Interrupted, "it was interrupted"),
    ];

    /// The number.
    pub(crate) const fn code(self) -> u8 {
        self as u8
    }
}

/// The end of `rhumb --help`: where to begin, and every exit code.
pub(crate) fn help() -> String {
    let mut text =
        "Begin with `rhumb create mychart`, then `rhumb install NAME ./mychart --target memory`.\n\n\
                    Exit codes:\n"
            .to_owned();
    for (exit, meaning) in Exit::TABLE {
        let _ = writeln!(text, "  {:>3}  {meaning}", exit.code());
    }
    text
}
