//! Paths within a volume.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A path within a volume, in the bytes that the file system has: never absolute, and without `.`, `..` and empty parts.
/// The root is the empty path.
///
/// Paths are ordered part by part, so that what a folder holds follows it at once.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<u8>", into = "Vec<u8>")]
pub struct TreePath(Vec<u8>);

/// Bytes that are no path within a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a path that is absolute, leaves the volume, or is too long")]
pub struct InvalidPath;

impl TreePath {
    /// The longest path. Linux takes 4096 bytes in one call, but deeper trees can be made and are walked part by part.
    pub const LIMIT: usize = 16 * 1024;
    /// The longest name in a folder.
    const NAME_LIMIT: usize = 255;

    /// The path of these bytes.
    ///
    /// # Errors
    /// For whatever is no path within a volume.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, InvalidPath> {
        let bytes = bytes.into();
        let is_valid = bytes.len() <= Self::LIMIT && (bytes.is_empty() || parts(&bytes).all(is_name));
        if is_valid { Ok(Self(bytes)) } else { Err(InvalidPath) }
    }

    /// The volume itself.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// Whether it is the volume itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Its parts, from the root on.
    pub fn parts(&self) -> impl Iterator<Item = &[u8]> {
        parts(&self.0).filter(|part| !part.is_empty())
    }

    /// The folder that holds it and its name there; none for the root.
    pub fn split(&self) -> Option<(Self, &[u8])> {
        if self.is_root() {
            return None;
        }
        let at = self.0.iter().rposition(|byte| *byte == b'/');
        let parent = Self(at.map_or_else(Vec::new, |at| self.0[..at].to_vec()));
        Some((parent, &self.0[at.map_or(0, |at| at + 1)..]))
    }

    /// The folder that holds it; none for the root.
    pub fn parent(&self) -> Option<Self> {
        self.split().map(|(parent, _)| parent)
    }

    /// What has this name in it.
    ///
    /// # Errors
    /// For a name that no folder can hold.
    pub fn join(&self, name: &[u8]) -> Result<Self, InvalidPath> {
        let mut bytes = self.0.clone();
        if !bytes.is_empty() {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(name);
        Self::new(bytes)
    }
}

fn parts(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'/')
}

fn is_name(part: &[u8]) -> bool {
    !part.is_empty()
        && part.len() <= TreePath::NAME_LIMIT
        && part != b"."
        && part != b".."
        && !part.contains(&0)
}

impl TryFrom<Vec<u8>> for TreePath {
    type Error = InvalidPath;

    fn try_from(bytes: Vec<u8>) -> Result<Self, InvalidPath> {
        Self::new(bytes)
    }
}

impl From<TreePath> for Vec<u8> {
    fn from(path: TreePath) -> Self {
        path.0
    }
}

impl Ord for TreePath {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(other.parts())
    }
}

impl PartialOrd for TreePath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// As people read it: what is no text or would move a terminal's cursor is escaped.
impl fmt::Display for TreePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return formatter.write_str(".");
        }
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                if character.is_control() {
                    write!(formatter, "{}", character.escape_default())?;
                } else {
                    write!(formatter, "{character}")?;
                }
            }
            for byte in chunk.invalid() {
                write!(formatter, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::new(text).unwrap()
    }

    #[test]
    fn paths_stay_in_the_volume() {
        for bad in ["/etc", "a//b", "a/", "..", "a/../b", ".", "a/./b", "a\0b"] {
            assert_eq!(TreePath::new(bad), Err(InvalidPath), "{bad}");
        }
        assert!(TreePath::new(vec![b'x'; 256]).is_err());
        assert!(TreePath::new(b"x/".repeat(9000)).is_err());
        let encoded = postcard::to_stdvec(&b"../x".to_vec()).unwrap();
        assert!(postcard::from_bytes::<TreePath>(&encoded).is_err());
    }

    #[test]
    fn what_a_folder_holds_follows_it_at_once() {
        let mut paths =
            [path("a b"), path("a/c"), path("a"), path("b"), path(""), path("a/b/c"), path("a/b")];
        paths.sort();
        let told: Vec<_> = paths.iter().map(ToString::to_string).collect();
        assert_eq!(told, [".", "a", "a/b", "a/b/c", "a/c", "a b", "b"]);
    }

    #[test]
    fn parts_and_parents() {
        assert_eq!(path("a/b").split(), Some((path("a"), &b"b"[..])));
        assert_eq!(path("a").parent(), Some(TreePath::root()));
        assert_eq!(TreePath::root().parent(), None);
        assert_eq!(TreePath::root().join(b"a").unwrap().join(b"b").unwrap(), path("a/b"));
        assert!(path("a").join(b"..").is_err());
    }

    #[test]
    fn odd_bytes_are_shown_harmlessly() {
        let odd = TreePath::new(b"caf\xc3\xa9/\x1b[31m\xff".to_vec()).unwrap();
        assert_eq!(odd.to_string(), "caf\u{e9}/\\u{1b}[31m\\xff");
    }
}
