//! Words of a POSIX shell.

use std::borrow::Cow;

/// The text as one word of a shell, quoted where it must be.
pub(crate) fn quote(text: &str) -> Cow<'_, str> {
    let is_plain = |character: char| {
        character.is_ascii_alphanumeric()
            || matches!(character, '-' | '_' | '.' | '/' | ':' | ',' | '=' | '@' | '%' | '+')
    };
    if !text.is_empty() && text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

/// The words of a line that [`quote`] wrote; none where it is more than words.
pub(crate) fn words(line: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' => found.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next()? {
                        '\'' => break,
                        quoted => word.push(quoted),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(characters.next()?),
            ';' | '|' | '&' | '<' | '>' | '$' | '`' | '"' | '(' | ')' | '*' | '?' | '~' | '#' => return None,
            other => word.get_or_insert_default().push(other),
        }
    }
    found.extend(word);
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_was_quoted() {
        for text in ["plain", "", "two words", "it's", "$(rm)", "a\"b", "http://127.0.0.1:80/a?b=c&d"] {
            assert_eq!(words(&quote(text)), Some(vec![text.to_owned()]));
        }
        assert_eq!(words("a 'b c'  d").unwrap(), ["a", "b c", "d"]);
        assert_eq!(words("a; b"), None);
        assert_eq!(words("'open"), None);
    }
}
