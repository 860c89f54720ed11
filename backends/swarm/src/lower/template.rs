//! The Go templates that Swarm expands in variables, host names and mounts.
//!
//! Source: docs.docker.com, "Create services using templates"; swarmkit, `template/expand.go`.

use std::borrow::Cow;

/// A template that gives the number of a service's task, from 0.
///
/// Slots are text and count from 1, and templates have no arithmetic. So the slot's last three digits become widths
/// of padding, one space for each unit, of which one is cut off and the rest counted. Good for 999 replicas.
pub(crate) const ORDINAL: &str = concat!(
    r#"{{$d := slice (print "000" .Task.Slot) (len .Task.Slot)}}"#,
    r#"{{$x := "%[1]s%[1]s%[1]s%[1]s%[1]s%[1]s%[1]s%[1]s%[1]s%[1]s"}}"#,
    r#"{{$h := slice (printf "%*s" (index $d 0) "") 48}}"#,
    r#"{{$t := slice (printf "%*s" (index $d 1) "") 48}}"#,
    r#"{{$u := slice (printf "%*s" (index $d 2) "") 48}}"#,
    r#"{{len (slice (print (printf $x (print (printf $x $h) $t)) $u) 1)}}"#,
);

/// The most replicas that [`ORDINAL`] can count.
pub(super) const ORDINAL_LIMIT: u32 = 999;

const ESCAPED: &str = r#"{{"{{"}}"#;

/// Text that Swarm leaves as it is.
pub(crate) fn literal(text: &str) -> Cow<'_, str> {
    if text.contains("{{") { Cow::Owned(text.replace("{{", ESCAPED)) } else { Cow::Borrowed(text) }
}

/// The text that was made [`literal`]; none when it holds a template.
pub(crate) fn unescape(text: &str) -> Option<String> {
    let plain: Vec<&str> = text.split(ESCAPED).collect();
    plain.iter().all(|part| !part.contains("{{")).then(|| plain.join("{{"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_text_survives() {
        for text in ["plain", "{{.Node.ID}}", "{{{{", "{{{", "a}}b{{c", ""] {
            assert_eq!(unescape(&literal(text)).as_deref(), Some(text));
        }
        assert_eq!(literal("{{.Node.ID}}"), r#"{{"{{"}}.Node.ID}}"#);
    }

    #[test]
    fn templates_are_not_taken_for_text() {
        assert_eq!(unescape(ORDINAL), None);
        assert_eq!(unescape("{{.Task.Slot}}"), None);
    }
}
