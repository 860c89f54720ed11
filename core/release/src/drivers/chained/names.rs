//! Keys as names that any store takes.

use std::fmt::Write as _;

use crate::{EntryKind, Filter, Key};

/// The name of the text that an entry begins with.
const ENTRY: &str = "entry";
/// Begins an escape: `z` and two hexadecimal digits. It is the rarest letter in names.
const ESCAPE: u8 = b'z';

/// What a name is in an entry's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The entry itself.
    Entry,
    /// A later meta of it.
    Link {
        /// Of which entry.
        nonce: String,
        /// The how manieth.
        number: u64,
    },
}

/// A word that was never there before, and sorts after those before.
pub(super) fn nonce() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

/// The folder of an entry.
pub(super) fn folder(key: &Key) -> String {
    let segments = [&key.namespace, &key.release, &key.name].map(|segment| encode(segment));
    format!("{}/{}", key.kind.as_str(), segments.join("/"))
}

/// The name of the text that an entry begins with.
pub(super) fn entry(key: &Key) -> String {
    format!("{}/{ENTRY}", folder(key))
}

/// The name of a link. Its number has leading zeros, so that a store that lists by name tells a later one after an
/// earlier one.
pub(super) fn link(key: &Key, nonce: &str, number: u64) -> String {
    format!("{}/{nonce}.{number:010}", folder(key))
}

/// The folder in which everything is that a filter takes, and more where it names only a release.
pub(super) fn path(kind: EntryKind, filter: &Filter) -> String {
    let mut path = kind.as_str().to_owned();
    if let Some(namespace) = &filter.namespace {
        let _ = write!(path, "/{}", encode(namespace));
        if let Some(release) = &filter.release {
            let _ = write!(path, "/{}", encode(release));
        }
    }
    path
}

/// The nonce and the number in a version; none for what is no version of ours.
pub(super) fn version(text: &str) -> Option<(String, u64)> {
    let (nonce, number) = text.split_once('.')?;
    Some((nonce.to_owned(), number.parse().ok()?))
}

/// What a name stands for; none for what we did not name.
pub(super) fn read(name: &str) -> Option<(Key, Place)> {
    let segments: Vec<&str> = name.split('/').collect();
    let &[kind, namespace, release, name, last] = segments.as_slice() else { return None };
    let kinds = [EntryKind::Head, EntryKind::Chunk, EntryKind::Lease];
    let key = Key {
        kind: kinds.into_iter().find(|known| known.as_str() == kind)?,
        namespace: decode(namespace)?,
        release: decode(release)?,
        name: decode(name)?,
    };
    if last == ENTRY {
        return Some((key, Place::Entry));
    }
    let (nonce, number) = version(last)?;
    Some((key, Place::Link { nonce, number }))
}

/// A segment of lowercase letters, digits and inner dashes; an empty one is `z`.
fn encode(segment: &str) -> String {
    if segment.is_empty() {
        return char::from(ESCAPE).to_string();
    }
    let last = segment.len() - 1;
    let mut encoded = String::with_capacity(segment.len());
    for (at, byte) in segment.bytes().enumerate() {
        let is_inner_dash = byte == b'-' && at > 0 && at < last;
        if byte != ESCAPE && (byte.is_ascii_lowercase() || byte.is_ascii_digit() || is_inner_dash) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "{}{byte:02x}", char::from(ESCAPE));
        }
    }
    encoded
}

/// The segment that was encoded; none for what no segment becomes.
fn decode(text: &str) -> Option<String> {
    if text.as_bytes() == [ESCAPE] {
        return Some(String::new());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        rest = tail;
        if *byte == ESCAPE {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(*byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_what_people_recognise() {
        let key = Key {
            kind: EntryKind::Head,
            namespace: "default".to_owned(),
            release: "my-shop".to_owned(),
            name: "12".to_owned(),
        };
        assert_eq!(entry(&key), "head/default/my-shop/12/entry");
        assert_eq!(link(&key, "ab", 3), "head/default/my-shop/12/ab.0000000003");
        assert_eq!(read(&link(&key, "ab", 3)).unwrap().1, Place::Link { nonce: "ab".to_owned(), number: 3 });
        assert_eq!(read("head/default/my-shop/12/entry/more"), None);
        assert_eq!(read("head/default/zz/12/entry"), None);
    }

    proptest! {
        #[test]
        fn any_segment_is_told_from_any_other(segment in "\\PC{0,12}") {
            let encoded = encode(&segment);
            prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'));
            prop_assert!(!encoded.is_empty() && !encoded.starts_with('-') && !encoded.ends_with('-'));
            prop_assert_eq!(decode(&encoded), Some(segment));
        }
    }
}
