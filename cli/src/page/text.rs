//! Pieces of text that pages share.

/// Text that stands in a table of Markdown as it is: nothing in it is markup or ends the cell.
pub(crate) fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' => escaped.push(' '),
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '~' => escaped.extend(['\\', character]),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The first of these, and how many more there are.
pub(crate) fn first_of<T: AsRef<str>>(items: &[T], most: usize) -> String {
    let shown: Vec<&str> = items.iter().take(most).map(AsRef::as_ref).collect();
    match items.len().saturating_sub(most) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A number of things, with the word for one or for several.
pub(crate) fn count(number: usize, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_has_no_markup_of_others() {
        assert_eq!(markdown("a|b<c>\n`d` [e](f) & g"), "a\\|b&lt;c> \\`d\\` \\[e\\](f) &amp; g");
    }

    #[test]
    fn only_the_first_are_named() {
        assert_eq!(first_of(&["a", "b"], 2), "a, b");
        assert_eq!(first_of(&["a", "b", "c", "d"], 2), "a, b and 2 more");
    }
}
