//! Variables in text.
//!
//! Source: the Compose specification, "Interpolation".

use std::collections::BTreeSet;

use super::marks;

/// The most that one text may grow to, in bytes.
const MAX_BYTES: usize = 1 << 20;
/// How deep defaults may stand in defaults.
const MAX_DEPTH: usize = 32;

/// What interpolation finds out on its way.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The names of variables that are not set and have no default: they are empty.
    pub(super) missing: Vec<String>,
    /// The variables that must be set and are not, with what the text says of them. A word stands for each.
    pub(super) required: Vec<(String, String)>,
    /// The variables that must be set somewhere, so that one word stands for each wherever it is not.
    pub(super) demanded: BTreeSet<String>,
}

/// How variables are replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// By their values.
    Plain,
    /// By their values between marks.
    Marked,
}

/// Replaces the variables of a text.
///
/// # Errors
/// One sentence on what is wrong: no variable's form.
pub(super) fn text(
    text: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
    manner: Manner,
    found: &mut Found,
) -> Result<String, String> {
    let mut reader = Reader { lookup, manner, found };
    let (whole, rest) = reader.until(text, false, 0)?;
    debug_assert!(rest.is_empty(), "only a closing brace ends it");
    Ok(whole)
}

/// The names of the variables that a text says must be set: `${NAME:?why}`.
pub(super) fn demanded(text: &str) -> impl Iterator<Item = &str> {
    let opened = text.split("${").skip(1).filter_map(name_of);
    opened.filter(|(_, after)| after.starts_with(":?") || after.starts_with('?')).map(|(name, _)| name)
}

/// What must be set, in words.
pub(crate) fn must_be_set(name: &str, message: &str) -> String {
    match message {
        "" => format!("the variable `{name}` must be set"),
        message => format!("the variable `{name}` must be set: {message}"),
    }
}

struct Reader<'r> {
    lookup: &'r dyn Fn(&str) -> Option<String>,
    manner: Manner,
    found: &'r mut Found,
}

impl Reader<'_> {
    /// Reads to the end of the text, or to the brace that closes.
    fn until<'t>(&mut self, text: &'t str, closes: bool, depth: usize) -> Result<(String, &'t str), String> {
        if depth > MAX_DEPTH {
            return Err(format!("variables stand more than {MAX_DEPTH} levels deep in each other"));
        }
        let mut found = String::new();
        let mut rest = text;
        loop {
            let Some(at) = rest.find(['$', '}']) else {
                if closes {
                    return Err("`${` has no `}`".to_owned());
                }
                found.push_str(rest);
                return Ok((found, ""));
            };
            found.push_str(&rest[..at]);
            let tail = &rest[at + 1..];
            if rest[at..].starts_with('}') {
                if closes {
                    return Ok((found, tail));
                }
                found.push('}');
                rest = tail;
                continue;
            }
            let (value, after) = self.variable(tail, depth)?;
            found.push_str(&value);
            if found.len() > MAX_BYTES {
                return Err("the text grows beyond 1 MiB".to_owned());
            }
            rest = after;
        }
    }

    /// Reads what follows a `$`.
    fn variable<'t>(&mut self, tail: &'t str, depth: usize) -> Result<(String, &'t str), String> {
        if let Some(after) = tail.strip_prefix('$') {
            return Ok(("$".to_owned(), after));
        }
        if let Some(inner) = tail.strip_prefix('{') {
            let (name, after) = name_of(inner).ok_or_else(|| malformed(tail))?;
            return self.braced(name, after, depth);
        }
        let (name, after) = name_of(tail).ok_or_else(|| malformed(tail))?;
        let value = self.plain(name);
        Ok((self.shown(name, value, depth), after))
    }

    /// A value as it stands in the text: only what is in no other variable's default has marks.
    fn shown(&self, name: &str, value: String, depth: usize) -> String {
        let is_marked = self.manner == Manner::Marked && depth == 0;
        if is_marked { marks::marked(name, &value) } else { value }
    }

    fn plain(&mut self, name: &str) -> String {
        (self.lookup)(name).unwrap_or_else(|| {
            if self.found.demanded.contains(name) {
                return stand_in(name);
            }
            self.found.missing.push(name.to_owned());
            String::new()
        })
    }

    fn braced<'t>(&mut self, name: &str, rest: &'t str, depth: usize) -> Result<(String, &'t str), String> {
        if let Some(after) = rest.strip_prefix('}') {
            let value = self.plain(name);
            return Ok((self.shown(name, value, depth), after));
        }
        let (is_strict, operator) = match rest.strip_prefix(':') {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let value = (self.lookup)(name).filter(|value| !is_strict || !value.is_empty());
        let kind =
            operator.chars().next().filter(|kind| "-?+".contains(*kind)).ok_or_else(|| malformed(rest))?;
        let known = (self.found.missing.len(), self.found.required.len());
        let (word, after) = self.until(&operator[1..], true, depth + 1)?;
        let is_used = (kind == '+') == value.is_some();
        if !is_used {
            self.found.missing.truncate(known.0);
            self.found.required.truncate(known.1);
        }
        let chosen = match (kind, value) {
            ('+', Some(_)) => return Ok((word, after)),
            ('+', None) => return Ok((String::new(), after)),
            ('-' | '?', Some(value)) => value,
            ('-', None) => word,
            _ => {
                self.found.required.push((name.to_owned(), word));
                stand_in(name)
            }
        };
        Ok((self.shown(name, chosen, depth), after))
    }
}

/// What stands for the value that must be given: a word that an image, a path and a host can have in them.
fn stand_in(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-").trim_matches('-').to_owned()
}

fn malformed(tail: &str) -> String {
    let shown: String = tail.chars().take(20).collect();
    format!("`${}` is no variable", shown.escape_debug())
}

/// The name at the beginning of a text, and what follows.
fn name_of(text: &str) -> Option<(&str, &str)> {
    let is_first = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
    text.as_bytes().first().filter(|byte| is_first(byte))?;
    let end =
        text.bytes().position(|byte| !byte.is_ascii_alphanumeric() && byte != b'_').unwrap_or(text.len());
    Some(text.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expected: Result<&str, &str>) {
        let lookup = |name: &str| match name {
            "A" => Some("a".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let mut told = Found::default();
        let found = text(input, &lookup, Manner::Plain, &mut told);
        let found = match told.required.first() {
            Some((name, message)) => Err(must_be_set(name, message)),
            None => found,
        };
        assert_eq!(found.as_deref().map_err(String::as_str), expected, "{input}");
    }

    #[test]
    fn every_form_is_read() {
        check("$A-${A}$$A}", Ok("a-a$A}"));
        check("${X:-d}${X-d}${EMPTY:-d}[${EMPTY-d}]", Ok("ddd[]"));
        check("${A:+y}${EMPTY:+y}[${EMPTY+y}]${X+y}", Ok("y[y]"));
        check("${X:-${Y:-${A}}}", Ok("a"));
        check("${A:?no}${EMPTY?no}", Ok("a"));
        check("${X:?give it}", Err("the variable `X` must be set: give it"));
        check("${EMPTY:?}", Err("the variable `EMPTY` must be set"));
        check("[$X]", Ok("[]"));
    }

    #[test]
    fn values_are_marked() {
        let lookup = |name: &str| (name == "A").then(|| "a".to_owned());
        let found = text("$A:${X:-${A}}${A:+y}$$", &lookup, Manner::Marked, &mut Found::default());
        assert_eq!(found, Ok(format!("{}:{}y$", marks::marked("A", "a"), marks::marked("X", "a"))));
    }

    #[test]
    fn other_forms_are_refused() {
        check("${A", Err("`$` is no variable"));
        check("${A:-b", Err("`${` has no `}`"));
        check("$1", Err("`$1` is no variable"));
        let deep = format!("{}{}", "${X:-".repeat(40), "}".repeat(40));
        check(&deep, Err("variables stand more than 32 levels deep in each other"));
    }
}
