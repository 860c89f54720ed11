//! Variables in text.
//!
//! Source: the Compose specification, "Interpolation".

/// The most that one text may grow to, in bytes.
const MAX_BYTES: usize = 1 << 20;
/// How deep defaults may stand in defaults.
const MAX_DEPTH: usize = 32;

/// Replaces the variables of a text.
///
/// `missing` takes the names of variables that are not set and have no default: they are empty.
///
/// # Errors
/// One sentence on what is wrong: no variable's form, or one that must be set and is not.
pub(super) fn text(
    text: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
    missing: &mut Vec<String>,
) -> Result<String, String> {
    let mut reader = Reader { lookup, missing };
    let (found, rest) = reader.until(text, false, 0)?;
    debug_assert!(rest.is_empty(), "only a closing brace ends it");
    Ok(found)
}

struct Reader<'r> {
    lookup: &'r dyn Fn(&str) -> Option<String>,
    missing: &'r mut Vec<String>,
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
        Ok((self.plain(name), after))
    }

    fn plain(&mut self, name: &str) -> String {
        (self.lookup)(name).unwrap_or_else(|| {
            self.missing.push(name.to_owned());
            String::new()
        })
    }

    fn braced<'t>(&mut self, name: &str, rest: &'t str, depth: usize) -> Result<(String, &'t str), String> {
        if let Some(after) = rest.strip_prefix('}') {
            return Ok((self.plain(name), after));
        }
        let (is_strict, operator) = match rest.strip_prefix(':') {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let value = (self.lookup)(name).filter(|value| !is_strict || !value.is_empty());
        let kind =
            operator.chars().next().filter(|kind| "-?+".contains(*kind)).ok_or_else(|| malformed(rest))?;
        let known = self.missing.len();
        let (word, after) = self.until(&operator[1..], true, depth + 1)?;
        let is_used = (kind == '+') == value.is_some();
        if !is_used {
            self.missing.truncate(known);
        }
        match (kind, value) {
            ('-' | '?', Some(value)) => Ok((value, after)),
            ('+', Some(_)) | ('-', None) => Ok((word, after)),
            ('+', None) => Ok((String::new(), after)),
            _ if word.is_empty() => Err(format!("the variable `{name}` must be set")),
            _ => Err(format!("the variable `{name}` must be set: {word}")),
        }
    }
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
        let found = text(input, &lookup, &mut Vec::new());
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
    fn other_forms_are_refused() {
        check("${A", Err("`$` is no variable"));
        check("${A:-b", Err("`${` has no `}`"));
        check("$1", Err("`$1` is no variable"));
        let deep = format!("{}{}", "${X:-".repeat(40), "}".repeat(40));
        check(&deep, Err("variables stand more than 32 levels deep in each other"));
    }
}
