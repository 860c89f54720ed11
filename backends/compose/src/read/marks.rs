//! Marks around what variables became, so that it is known where they stood.

use rhumb_spec::Piece;

const BEGIN: char = '\u{e000}';
const MIDDLE: char = '\u{e001}';
const END: char = '\u{e002}';

/// The value of a variable, with its name.
pub(crate) fn marked(name: &str, value: &str) -> String {
    format!("{BEGIN}{name}{MIDDLE}{value}{END}")
}

/// The parts of a text in which variables are marked, with their values; none where the marks do not fit.
pub(crate) fn pieces(text: &str) -> Option<Vec<(Piece, String)>> {
    let is_mark = |c: char| matches!(c, BEGIN | MIDDLE | END);
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let (name, after) = after.split_once(MIDDLE)?;
        let (value, after) = after.split_once(END)?;
        if [before, name, value].iter().any(|part| part.contains(is_mark)) {
            return None;
        }
        if !before.is_empty() {
            found.push((Piece::Text(before.to_owned()), before.to_owned()));
        }
        found.push((Piece::Variable(name.to_owned()), value.to_owned()));
        rest = after;
    }
    if rest.contains(is_mark) {
        return None;
    }
    if !rest.is_empty() {
        found.push((Piece::Text(rest.to_owned()), rest.to_owned()));
    }
    Some(found)
}

/// A text without marks.
pub(super) fn stripped(text: &str) -> String {
    match pieces(text) {
        Some(pieces) => pieces.into_iter().map(|(_, value)| value).collect(),
        None => text.to_owned(),
    }
}

/// The names of the variables that are marked in a text, one for each time.
pub(crate) fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(BEGIN).skip(1).filter_map(|rest| rest.split_once(MIDDLE)).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read() {
        let text = format!("a{}b{}", marked("X", "1"), marked("Y", ""));
        let found: Vec<String> = pieces(&text).unwrap().into_iter().map(|(_, value)| value).collect();
        assert_eq!(found, ["a", "1", "b", ""]);
        assert_eq!(names(&text).collect::<Vec<_>>(), ["X", "Y"]);
        assert_eq!(pieces("a\u{e000}b"), None);
        assert_eq!(pieces(&marked("X", &marked("Y", "1"))), None);
    }
}
