//! The names that releases may have.

use rhumb_spec::Diagnostic;

use crate::{ActionError, ActionResult};

/// The most characters that a release's name may have, as in Helm: 63 of a DNS label, less ten for what follows it.
pub(crate) const MAX_NAME: usize = 53;

/// Whether a release, or a namespace, may have this name.
///
/// # Errors
/// One diagnostic that says what the name is wrong in, and a name that would do.
pub(crate) fn check_name(what: &str, name: &str) -> ActionResult<()> {
    let wrong = if name.is_empty() {
        "it is empty".to_owned()
    } else if name.chars().count() > MAX_NAME {
        format!("it has {} characters, and {MAX_NAME} is the most", name.chars().count())
    } else if let Some(wrong) = name.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-')) {
        format!("it holds `{}`; it may hold a-z, 0-9 and -", wrong.escape_default())
    } else if name.starts_with('-') || name.ends_with('-') {
        "it begins or ends with -".to_owned()
    } else {
        return Ok(());
    };
    let found =
        Diagnostic::error("", format!("`{}` is no name for a {what}", name.escape_debug())).why(wrong);
    Err(ActionError::of(match fitting(name) {
        Some(better) => found.remedy(format!("`{better}`, for example")),
        None => found.remedy("at most 53 characters of a-z, 0-9 and -"),
    }))
}

/// The nearest name that would do, if anything is left of it.
fn fitting(name: &str) -> Option<String> {
    let mapped = name.chars().map(|c| match c.to_ascii_lowercase() {
        c @ ('a'..='z' | '0'..='9') => c,
        _ => '-',
    });
    let mapped: String = mapped.take(MAX_NAME).collect();
    let trimmed = mapped.trim_matches('-');
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: Option<&str>) {
        let found = check_name("release", name).err().map(|found| found.to_string());
        match expected {
            None => assert_eq!(found, None, "{name}"),
            Some(expected) => {
                assert!(found.as_deref().is_some_and(|text| text.contains(expected)), "{found:?}");
            }
        }
    }

    #[test]
    fn names_are_those_of_helm() {
        check("shop", None);
        check("0-shop-1", None);
        check(&"a".repeat(53), None);
        check(&"a".repeat(54), Some("54 characters"));
        check("", Some("empty"));
        check("-a", Some("begins or ends"));
        check("a-", Some("use: `a`"));
        check("My_Shop", Some("use: `my-shop`"));
        check("a.b", Some("holds `.`"));
        check("ä", Some("at most 53"));
    }
}
