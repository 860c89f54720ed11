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

/// The words as one line.
pub(crate) fn line<'a>(words: impl IntoIterator<Item = &'a String>) -> String {
    words.into_iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")
}

/// The words of a line that [`line`] wrote; none where it is more than words.
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
            other if is_syntax(other) => return None,
            other => word.get_or_insert_default().push(other),
        }
    }
    found.extend(word);
    Some(found)
}

/// Whether a shell reads more than itself in a character.
fn is_syntax(character: char) -> bool {
    ";|&<>$`\"()*?~#[]{}!\n\t".contains(character)
}

/// The script of a command that is a shell's: `[sh, -c, SCRIPT]`.
pub(crate) fn script(command: &[String]) -> Option<&String> {
    match command {
        [shell, flag, script] if matches!(shell.as_str(), "sh" | "/bin/sh") && flag == "-c" => Some(script),
        _ => None,
    }
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
        for more in ["a; b", "'open", "echo $HOME", "a [b]"] {
            assert_eq!(words(more), None, "{more}");
        }
    }

    #[test]
    fn a_shells_own_script_is_found() {
        let words = |text: &[&str]| text.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(script(&words(&["/bin/sh", "-c", "a | b"])), Some(&"a | b".to_owned()));
        assert_eq!(script(&words(&["bash", "-c", "a | b"])), None);
        assert_eq!(script(&words(&["sh", "-c", "a", "b"])), None);
    }
}
