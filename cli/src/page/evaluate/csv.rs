//! What was measured, for spreadsheets.

use rhumb_action::{COLUMNS, Evaluation, raw_lines};

/// A heading and a line for each phase of each round, as RFC 4180 has them.
pub(crate) fn csv(evaluation: &Evaluation) -> String {
    let headings = COLUMNS.map(str::to_owned);
    let lines = [headings].into_iter().chain(raw_lines(evaluation));
    lines.map(|fields| fields.map(|field| quoted(&field)).join(",") + "\r\n").collect()
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_with_commas_and_quotes_are_quoted() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("a, \"b\"\nc"), "\"a, \"\"b\"\"\nc\"");
    }
}
