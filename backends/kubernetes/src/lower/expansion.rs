//! The references `$(NAME)` that Kubernetes expands in variables, commands, arguments and probes.
//!
//! Source: Kubernetes API reference, `EnvVar.value` and `Container.command`; the kubelet expands the commands of exec
//! probes in the same way, and those of lifecycle hooks not at all.

use std::borrow::Cow;

/// Text that Kubernetes leaves as it is: a `$` that would begin a reference, or that stands before another, is
/// doubled. References are to names of variables, so a shell's `$(ls /)` is none and stays as people know it.
pub(super) fn literal(text: &str) -> Cow<'_, str> {
    if !text.contains("$$") && !text.contains("$(") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 4);
    for (at, character) in text.char_indices() {
        out.push(character);
        let rest = &text[at + character.len_utf8()..];
        if character == '$' && (rest.starts_with('$') || is_reference(rest)) {
            out.push('$');
        }
    }
    Cow::Owned(out)
}

/// The text that was made [`literal`]; none when it holds a reference to a variable.
pub fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, tail) = rest.split_at(at + 1);
        out.push_str(before);
        if is_reference(tail) {
            return None;
        }
        rest = tail.strip_prefix('$').unwrap_or(tail);
    }
    out.push_str(rest);
    Some(out)
}

/// Whether `(NAME)` begins what follows a `$`.
fn is_reference(rest: &str) -> bool {
    let Some((name, _)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) else { return false };
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

/// Each text of a command, as Kubernetes leaves it.
pub(super) fn literals(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| literal(text).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Kubernetes makes of a text where no variable is defined.
    fn expanded(text: &str) -> String {
        text.replace("$$", "$")
    }

    #[test]
    fn literal_text_survives() {
        for text in
            ["plain", "$HOME", "$(NAME)", "$$", "$$$", "$$(NAME)", "$$$(A)", "a$", "$(ls /)", "$(open", "é$$"]
        {
            assert_eq!(expanded(&literal(text)), text, "{text}");
            assert_eq!(unescape(&literal(text)).as_deref(), Some(text), "{text}");
        }
        assert_eq!(literal("$(NAME) $(ls /) $5"), "$$(NAME) $(ls /) $5");
    }

    #[test]
    fn references_are_not_taken_for_text() {
        assert_eq!(unescape("http://$(HOST)/"), None);
        assert_eq!(unescape("$$$(HOST)"), None);
    }
}
