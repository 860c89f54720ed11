//! Files with variables: `.env` and what `env_file` names.
//!
//! Source: the Compose specification, "`Env_file` format".

use indexmap::IndexMap;

use super::interpolate;

/// How a file with variables is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Quotes and variables mean something.
    Compose,
    /// Everything behind the equals sign is the value.
    Raw,
}

/// Reads variables. One without a value is passed on from the environment.
///
/// # Errors
/// The line, from 1, and one sentence on what is wrong with it.
pub(crate) fn parse(
    text: &str,
    format: Format,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<IndexMap<String, String>, (u32, String)> {
    let mut found: IndexMap<String, String> = IndexMap::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut rest = text;
    let mut number = 0;
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        number += 1;
        let line = line.trim_end_matches('\r');
        let trimmed = line.trim_start();
        rest = after;
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let trimmed = trimmed.strip_prefix("export ").unwrap_or(trimmed).trim_start();
        let Some((name, value)) = trimmed.split_once('=') else {
            let name = trimmed.trim();
            if let Some(value) = lookup(name) {
                found.insert(name.to_owned(), value);
            }
            continue;
        };
        let name = name.trim().to_owned();
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err((number, "a variable's name is missing or has white space in it".to_owned()));
        }
        let value = match format {
            Format::Raw => value.to_owned(),
            Format::Compose => {
                let begin = text.len() - rest.len();
                let (value, lines) = quoted(value.trim_start(), &text[begin..], &mut rest);
                let value = value.ok_or((number, "a quote does not end".to_owned()))?;
                number += lines;
                value.resolve(lookup, &found).map_err(|what| (number, what))?
            }
        };
        found.insert(name, value);
    }
    Ok(found)
}

enum Read {
    Literal(String),
    Open(String),
}

impl Read {
    fn resolve(
        self,
        lookup: &dyn Fn(&str) -> Option<String>,
        found: &IndexMap<String, String>,
    ) -> Result<String, String> {
        match self {
            Self::Literal(text) => Ok(text),
            Self::Open(text) => {
                let known = |name: &str| lookup(name).or_else(|| found.get(name).cloned());
                let mut told = interpolate::Found::default();
                let value = interpolate::text(&text, &known, interpolate::Manner::Plain, &mut told)?;
                match told.required.first() {
                    Some((name, message)) => Err(interpolate::must_be_set(name, message)),
                    None => Ok(value),
                }
            }
        }
    }
}

/// Reads a value, which may go on in the lines below where it is quoted; and how many lines more it took.
fn quoted<'t>(value: &str, below: &'t str, rest: &mut &'t str) -> (Option<Read>, u32) {
    let Some(quote) = value.chars().next().filter(|quote| matches!(quote, '"' | '\'')) else {
        let end = value.find(" #").unwrap_or(value.len());
        return (Some(Read::Open(value[..end].trim().to_owned())), 0);
    };
    let mut text = value[1..].to_owned();
    let mut lines = 0;
    let mut left = below;
    loop {
        if let Some(end) = closing(&text, quote) {
            *rest = left;
            let inner = &text[..end];
            let read =
                if quote == '\'' { Read::Literal(inner.to_owned()) } else { Read::Open(unescaped(inner)) };
            return (Some(read), lines);
        }
        if left.is_empty() {
            return (None, lines);
        }
        let (line, after) = left.split_once('\n').unwrap_or((left, ""));
        text.push('\n');
        text.push_str(line.trim_end_matches('\r'));
        left = after;
        lines += 1;
    }
}

fn closing(text: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    for (at, character) in text.char_indices() {
        if character == quote && !is_escaped {
            return Some(at);
        }
        is_escaped = character == '\\' && !is_escaped && quote == '"';
    }
    None
}

fn unescaped(text: &str) -> String {
    let mut found = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            found.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => found.push('\n'),
            Some('r') => found.push('\r'),
            Some('t') => found.push('\t'),
            Some('$') => found.push_str("$$"),
            Some(other @ ('"' | '\\')) => found.push(other),
            Some(other) => found.extend(['\\', other]),
            None => found.push('\\'),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_lines_are_read() {
        let text = "# c\nA=1 # one\nexport B = 'x $A'\nC=\"${A}\\n\"\nD\nE=a#b\nF=\"two\nlines\"\nG=";
        let lookup = |name: &str| (name == "D").then(|| "given".to_owned());
        let found = parse(text, Format::Compose, &lookup).unwrap();
        let found: Vec<(&str, &str)> =
            found.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let expected = [
            ("A", "1"),
            ("B", "x $A"),
            ("C", "1\n"),
            ("D", "given"),
            ("E", "a#b"),
            ("F", "two\nlines"),
            ("G", ""),
        ];
        assert_eq!(found, expected);
        let raw = parse("A='1' # $B", Format::Raw, &lookup).unwrap();
        assert_eq!(raw["A"], "'1' # $B");
        assert_eq!(parse("A=1\nB=\"x", Format::Compose, &lookup).unwrap_err().0, 2);
    }
}
