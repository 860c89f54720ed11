//! What a chart says of itself.

use std::fmt::Write as _;

use super::Draft;
use super::value::Extracted;

/// The file with the secret values of an import, beside the chart's own.
pub(super) const SECRETS: &str = "secrets.values.yaml";

/// `Chart.yaml`.
pub(super) fn metadata(draft: &Draft<'_>) -> String {
    let description = serde_json::Value::from(draft.description).to_string();
    format!("name: {}\nversion: 0.1.0\ndescription: {description}\n", draft.name)
}

/// `.rhumbignore`: secret values are no part of the chart, and neither is the report.
pub(super) fn ignored() -> String {
    format!(
        "# What is no part of the chart: one pattern on each line, as in .gitignore.\n{SECRETS}\n.git/\n.gitignore\n*.tgz\n"
    )
}

/// `README.md`.
pub(super) fn readme(draft: &Draft<'_>, values: &Extracted) -> String {
    let name = draft.name;
    let mut text = format!("# {name}\n\n{}\n\n", draft.description);
    let given = if values.has_secrets() { format!(" -f {SECRETS}") } else { String::new() };
    let _ = write!(text, "```console\n$ rhumb lint .\n$ rhumb install {name} .{given}\n```\n");
    if values.has_secrets() {
        let _ = write!(
            text,
            "\nSecret values are in `{SECRETS}`, which only you can read. Keep it out of version control. Without it, the \
             secrets must exist already.\n"
        );
    }
    text
}
