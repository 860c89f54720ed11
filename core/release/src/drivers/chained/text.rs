//! What the texts hold.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use crate::Meta;

/// Bytes of a text that are no value: the names of the fields, the nonce, and room for `meta: {}`.
const AROUND: usize = 96;
/// Ends what was cut.
const ELLIPSIS: &str = "…";

/// The text that an entry begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct First {
    pub(super) nonce: String,
    /// None when it is in link 0, as there was no room for it here.
    pub(super) meta: Option<Meta>,
    pub(super) value: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct FirstText {
    nonce: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    meta: Option<Meta>,
    value: String,
}

/// A later meta of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Link {
    /// Tells the attempt that made it from every other.
    id: String,
    pub(super) meta: Meta,
}

/// The most bytes of a value, in texts of this many bytes.
pub(super) fn value_limit(text_limit: usize) -> usize {
    text_limit.saturating_sub(AROUND) / 4 * 3
}

impl First {
    pub(super) fn text(&self) -> String {
        let text = FirstText {
            nonce: self.nonce.clone(),
            meta: self.meta.clone(),
            value: BASE64.encode(&self.value),
        };
        plain(&text)
    }

    /// None for what is no such text.
    pub(super) fn read(text: &str) -> Option<Self> {
        let FirstText { nonce, meta, value } = serde_json::from_str(text).ok()?;
        Some(Self { nonce, meta, value: BASE64.decode(value).ok()? })
    }
}

impl Link {
    pub(super) fn new(meta: &Meta) -> Self {
        Self { id: super::names::nonce(), meta: meta.clone() }
    }

    /// Its text, of at most `limit` bytes: the longest value is cut where it would be more.
    pub(super) fn fitted(mut self, limit: usize) -> String {
        loop {
            let text = plain(&self);
            let excess = text.len().saturating_sub(limit);
            let longest = self.meta.values_mut().max_by_key(|value| value.len());
            let Some(longest) = longest.filter(|value| excess > 0 && value.len() > ELLIPSIS.len()) else {
                return text;
            };
            // A byte is at most six in JSON, so this never cuts more than it must, and comes there in a few rounds.
            let kept = longest.len().saturating_sub(excess / 6 + ELLIPSIS.len() + 1);
            longest.truncate(longest.floor_char_boundary(kept));
            longest.push_str(ELLIPSIS);
        }
    }

    /// None for what is no such text.
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// JSON in which no `{{` is: two braces together can only be inside a string, where one can be escaped.
fn plain(text: &impl Serialize) -> String {
    serde_json::to_string(text).unwrap_or_default().replace("{{", "{\\u007b")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_of_templates_survive_without_being_there() {
        let meta = Meta::from([("description".to_owned(), "{{ssm:x}} {{{ü".to_owned())]);
        let text = Link::new(&meta).fitted(1024);
        assert!(!text.contains("{{"), "{text}");
        assert_eq!(Link::read(&text).unwrap().meta, meta);
    }

    #[test]
    fn too_much_meta_is_cut_where_it_is_longest() {
        let meta = Meta::from([
            ("status".to_owned(), "failed".to_owned()),
            ("description".to_owned(), "\"ü{{".repeat(2000)),
        ]);
        let text = Link::new(&meta).fitted(1024);
        assert!(text.len() <= 1024, "{}", text.len());
        let read = Link::read(&text).unwrap().meta;
        assert_eq!(read["status"], "failed");
        assert!(read["description"].ends_with(ELLIPSIS) && read["description"].starts_with("\"ü{{"));
    }

    #[test]
    fn the_largest_value_fits() {
        for limit in [1024, 4096, 8192] {
            let first = First {
                nonce: super::super::names::nonce(),
                meta: Some(Meta::new()),
                value: vec![255; value_limit(limit)],
            };
            let text = first.text();
            assert!(text.len() <= limit && text.len() + 64 > limit, "{} of {limit}", text.len());
            assert_eq!(First::read(&text), Some(first));
        }
    }
}
