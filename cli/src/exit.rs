//! Exit codes that scripts can rely on.

use std::fmt::Write as _;

/// What the process ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It worked.
    Success,
    /// A platform, a file or something else failed.
    Failure,
    /// The command line is wrong.
    Usage,
    /// The chart, its values or the app is wrong, or wants what is somebody else's. Nothing was changed.
    Invalid,
    /// The release, revision or workload is not there.
    NotFound,
    /// Somebody else is at work on the release, or holds what it wants.
    Busy,
    /// What was deployed did not become ready.
    NotReady,
    /// The platform cannot be reached, or does not let us in.
    Unreachable,
    /// `diff --exit-code` found differences, or `check --baseline` something new.
    Different,
    /// It was interrupted.
    Interrupted,
    /// A command that was run ended with this code.
    Command(u8),
}

impl Exit {
    /// Every code with what it means, for the documentation.
    pub(crate) const TABLE: &'static [(Self, &'static str)] = &[
        (Self::Success, "it worked"),
        (Self::Failure, "a platform, a file or something else failed"),
        (Self::Usage, "the command line is wrong"),
        (
            Self::Invalid,
            "the chart, its values or the app is wrong, or wants what is somebody else's; nothing was changed",
        ),
        (Self::NotFound, "the release, revision or workload is not there"),
        (Self::Busy, "somebody else is at work on the release, or holds what it wants"),
        (Self::NotReady, "what was deployed did not become ready"),
        (Self::Unreachable, "the platform cannot be reached, or does not let us in"),
        (Self::Different, "`diff --exit-code` found differences, or `check --baseline` a new loss"),
        (Self::Interrupted, "it was interrupted"),
    ];

    /// The number.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::Invalid => 3,
            Self::NotFound => 4,
            Self::Busy => 5,
            Self::NotReady => 6,
            Self::Unreachable => 7,
            Self::Different => 8,
            Self::Interrupted => 130,
            Self::Command(code) => code,
        }
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
