//! What YAML 1.1 reads otherwise than YAML 1.2, as many tools still do.

use super::{Node, NodeKind};
use crate::Diagnostic;

/// Warns of plain words and numbers in a document that older YAML reads otherwise: `yes`, `no`, `on` and `off`, which were
/// booleans, and numbers with a leading zero, which were octal.
pub(crate) fn warn_of_older(node: &Node, path: &str, file: &str, warnings: &mut Vec<Diagnostic>) {
    match &node.kind {
        NodeKind::Mapping(entries) => {
            for entry in entries {
                warn_of_older(&entry.value, &format!("{path}.{}", entry.key), file, warnings);
            }
        }
        NodeKind::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                warn_of_older(item, &format!("{path}[{index}]"), file, warnings);
            }
        }
        NodeKind::Scalar { text, plain: true } => {
            warnings.extend(read_otherwise(text, path).map(|warning| warning.at(file, node.line)));
        }
        NodeKind::Scalar { .. } => {}
    }
}

fn read_otherwise(text: &str, path: &str) -> Option<Diagnostic> {
    if is_boolean(text) {
        let warning = Diagnostic::warning(path, format!("`{text}` is text here, not a boolean"))
            .why("YAML 1.2 has the booleans `true` and `false` only")
            .remedy(format!("`true` or `false`, or \"{text}\" in quotes"));
        return Some(warning);
    }
    let number = octal(text)?;
    let digits = text.trim_start_matches('0');
    // No digit but zeros, or one that is the same in both.
    if digits.len() < 2 {
        return None;
    }
    let warning = Diagnostic::warning(path, format!("`{text}` is the number {digits} here, not octal"))
        .why("octal numbers of YAML 1.2 begin with `0o`")
        .remedy(format!("`0o{digits}`, which is {number}, or `{digits}`"));
    Some(warning)
}

fn is_boolean(text: &str) -> bool {
    ["yes", "no", "on", "off"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// The number that a plain scalar with a leading zero is in YAML 1.1 ("Integer"): `0440` is 288. None for any other.
pub fn octal(text: &str) -> Option<u64> {
    let digits = text.strip_prefix('0').filter(|digits| !digits.is_empty())?;
    if !digits.bytes().all(|digit| matches!(digit, b'0'..=b'7')) {
        return None;
    }
    u64::from_str_radix(digits, 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leading_zero_was_octal() {
        for (text, expected) in [("0440", Some(288)), ("007", Some(7)), ("00", Some(0))] {
            assert_eq!(octal(text), expected, "{text}");
        }
        for text in ["0", "08", "440", "0o440", "0x10", "0.5", "", "99999999999999999999999999"] {
            assert_eq!(octal(text), None, "{text}");
        }
    }

    #[test]
    fn only_what_is_another_number_is_warned_of() {
        let text = |text: &str| read_otherwise(text, "a").map(|warning| warning.what);
        assert_eq!(text("0400").as_deref(), Some("`0400` is the number 400 here, not octal"));
        assert_eq!(text("Yes").as_deref(), Some("`Yes` is text here, not a boolean"));
        for same in ["007", "0", "0o400", "400", "true", "08"] {
            assert_eq!(text(same), None, "{same}");
        }
    }
}
