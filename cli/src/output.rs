//! Results on standard output: tables, JSON, YAML; colours on terminals.

use std::io::Write as _;

use comfy_table::{ContentArrangement, Table, presets};
use rhumb_spec::{Severity, yaml};
use serde::Serialize;

use crate::arguments::Format;
use crate::environment::Environment;
use crate::failure::Failure;

/// Whether and how colours are printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    is_on: bool,
}

impl Paint {
    /// Colours on terminals, unless they are not wanted.
    pub(crate) fn new(no_color: bool, environment: &Environment) -> Self {
        let is_dumb = environment.get("TERM") == Some("dumb");
        let is_on =
            environment.stderr_is_terminal && !no_color && environment.get("NO_COLOR").is_none() && !is_dumb;
        Self { is_on }
    }

    /// No colours.
    pub(crate) const fn plain() -> Self {
        Self { is_on: false }
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.is_on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// The word for a severity.
    pub(crate) fn severity(self, severity: Severity) -> String {
        let code = match severity {
            Severity::Error => "1;31",
            Severity::Warning => "1;33",
            Severity::Note => "1;36",
        };
        self.with(code, severity.as_str())
    }

    /// Text of less weight.
    pub(crate) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    /// Text that tells of success.
    pub(crate) fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    /// Text that tells of something that goes.
    pub(crate) fn bad(self, text: &str) -> String {
        self.with("31", text)
    }

    /// Text that tells of a change.
    pub(crate) fn changed(self, text: &str) -> String {
        self.with("33", text)
    }
}

/// Prints a result: for people by `table`, else as it serialises.
pub(crate) fn emit<T: Serialize>(
    format: Format,
    result: &T,
    table: impl FnOnce() -> String,
) -> Result<(), Failure> {
    let text = match format {
        Format::Table => table(),
        other => serialised(other, result)?,
    };
    print(&text)
}

/// A result as programs read it.
///
/// # Errors
/// When it cannot be written in this form.
pub(crate) fn serialised<T: Serialize>(format: Format, result: &T) -> Result<String, Failure> {
    match format {
        Format::Json => {
            let json =
                serde_json::to_string_pretty(result).map_err(|error| Failure::general(error.to_string()))?;
            Ok(json + "\n")
        }
        Format::Yaml => yaml::to_string(result).map_err(|error| Failure::general(error.to_string())),
        Format::Table | Format::Markdown | Format::Html => Err(no_page()),
    }
}

/// What is said to who asks for a page where there is none.
pub(crate) fn no_page() -> Failure {
    Failure::usage(
        "this verb prints no pages",
        "-o table, json or yaml; `rhumb compare` and `rhumb evaluate` print pages",
    )
}

/// Prints text. A reader that went away, such as `head`, is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::general(format!("cannot print: {error}")))
        }
        _ => Ok(()),
    }
}

/// Rows under headings, without borders, ending in a line's end.
pub(crate) fn table<const N: usize>(
    headings: [&str; N],
    lines: impl IntoIterator<Item = [String; N]>,
) -> String {
    rows(headings.map(str::to_owned).to_vec(), lines.into_iter().map(Vec::from))
}

/// [`table`] for as many columns as there are headings.
pub(crate) fn rows(headings: Vec<String>, lines: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(headings);
    for line in lines {
        table.add_row(line);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n") + "\n"
}

/// The age of a time, in the largest unit: `3m`, `2d`.
pub(crate) fn age(since: jiff::Timestamp, now: jiff::Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(since.as_second()).max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86400),
    }
}

/// A time to the second, in UTC: `2026-11-21 03:04:05`. Text that is no time stays as it is.
pub(crate) fn time(at: &str) -> String {
    match at.parse::<jiff::Timestamp>() {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => at.to_owned(),
    }
}
