//! Secret values: what stands for them while a chart is rendered, and where their material waits.

use std::collections::BTreeMap;
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// What every token begins with. No platform, no person and no template writes this for any other reason.
const MARK: &str = "rhumb-sealed-";
/// Hexadecimal digits of a token or an id: 128 bits.
const ID_DIGITS: usize = 32;
/// Digits of a token by which a piece of it is recognised.
const FRAGMENT: usize = 10;

/// How the ids of sealed material are made.
#[derive(Clone)]
pub enum Sealing {
    /// From the material and a salt of the release: within one release, equal ids mean equal material.
    Keyed(Zeroizing<[u8; 32]>),
    /// From the place alone, so that the id reveals nothing and needs no release.
    Placeholder,
}

impl Sealing {
    /// Ids for a release with this salt.
    pub fn keyed(salt: [u8; 32]) -> Self {
        Self::Keyed(Zeroizing::new(salt))
    }

    /// The id of material that belongs to `place`: 32 hexadecimal digits.
    pub fn id(&self, place: &str, material: &[u8]) -> String {
        match self {
            Self::Keyed(salt) => keyed_digest(salt, material),
            Self::Placeholder => digest("rhumb placeholder", place),
        }
    }
}

impl fmt::Debug for Sealing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Keyed(_) => "Keyed",
            Self::Placeholder => "Placeholder",
        })
    }
}

fn keyed_digest(salt: &[u8; 32], material: &[u8]) -> String {
    // The salt has the length of a digest, which every HMAC takes.
    Hmac::<Sha256>::new_from_slice(salt).map_or_else(
        |_| String::new(),
        |mut hmac| {
            hmac.update(material);
            id_of(&hmac.finalize().into_bytes())
        },
    )
}

fn digest(purpose: &str, text: &str) -> String {
    id_of(&Sha256::new().chain_update(purpose).chain_update([0]).chain_update(text).finalize())
}

/// Bytes in lowercase hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn id_of(digest: &[u8]) -> String {
    hex(&digest[..ID_DIGITS / 2])
}

/// Secret material by its id. It is wiped from memory when the vault goes, and `Debug` shows the ids alone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Vault {
    material: BTreeMap<String, Zeroizing<Vec<u8>>>,
}

impl Vault {
    /// A vault with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps material under its id.
    pub fn insert(&mut self, id: impl Into<String>, material: impl Into<Vec<u8>>) {
        self.material.insert(id.into(), Zeroizing::new(material.into()));
    }

    /// The material of an id. `None` means that it is not known here, and the object that exists must be kept.
    pub fn get(&self, id: &str) -> Option<&[u8]> {
        self.material.get(id).map(|material| material.as_slice())
    }

    /// The ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.material.keys().map(String::as_str)
    }

    /// How many ids there are.
    pub fn len(&self) -> usize {
        self.material.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.material.is_empty()
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.material.keys()).finish()
    }
}

/// What a token stands for.
#[derive(Clone)]
pub(crate) struct Sealed {
    /// The path of the value, for messages.
    pub(crate) path: String,
    pub(crate) content: SealedContent,
}

/// What is known of a sealed value.
#[derive(Clone)]
pub(crate) enum SealedContent {
    Material(Zeroizing<String>),
    /// Sealed by an earlier revision; only its id is known.
    Id(String),
}

/// The tokens of one rendering.
#[derive(Clone, Default)]
pub(crate) struct Tokens {
    sealed: BTreeMap<String, Sealed>,
}

/// A piece of text: plain, or a token.
pub(crate) enum Piece<'t> {
    Plain(&'t str),
    Token(&'t Sealed),
}

impl Tokens {
    /// Makes the token for the value at `path`.
    pub(crate) fn seal(&mut self, path: &str, content: SealedContent) -> String {
        let token = format!("{MARK}{}", digest("rhumb token", path));
        self.sealed.insert(token.clone(), Sealed { path: path.to_owned(), content });
        token
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sealed.is_empty()
    }

    /// Splits text at its tokens.
    pub(crate) fn pieces<'t>(&'t self, text: &'t str) -> Vec<Piece<'t>> {
        let mut pieces = Vec::new();
        let mut plain_from = 0;
        for (start, _) in text.match_indices(MARK) {
            let end = start + MARK.len() + ID_DIGITS;
            let Some(sealed) = text.get(start..end).and_then(|token| self.sealed.get(token)) else {
                continue;
            };
            pieces.push(Piece::Plain(&text[plain_from..start]));
            pieces.push(Piece::Token(sealed));
            plain_from = end;
        }
        pieces.push(Piece::Plain(&text[plain_from..]));
        pieces.retain(|piece| !matches!(piece, Piece::Plain("")));
        pieces
    }

    /// Every token, or piece of one, in a text: its byte offset and the path of its value.
    ///
    /// A token is recognised by any piece of ten digits, in upper and lower case and backwards.
    pub(crate) fn traces(&self, text: &str) -> Vec<(usize, &str)> {
        if self.is_empty() {
            return Vec::new();
        }
        let lower = text.to_ascii_lowercase();
        let mut traces = Vec::new();
        for (token, sealed) in &self.sealed {
            let digits = &token[MARK.len()..];
            let fragments = (0..=ID_DIGITS - FRAGMENT).step_by(FRAGMENT).map(|at| &digits[at..at + FRAGMENT]);
            let found = fragments.filter_map(|fragment| {
                let backwards: String = fragment.chars().rev().collect();
                lower.find(fragment).or_else(|| lower.find(&backwards))
            });
            traces.extend(found.min().map(|offset| (offset, sealed.path.as_str())));
        }
        if traces.is_empty() {
            traces.extend(lower.find(MARK).map(|offset| (offset, "a secret value")));
        }
        traces.sort_unstable();
        traces
    }
}

/// Whether a text holds a token, whole or cut after its mark.
pub(crate) fn has_token(text: &str) -> bool {
    text.contains(MARK)
}

/// A text for people, without tokens.
pub(crate) fn without_tokens(text: &str) -> String {
    let mut parts = text.split(MARK);
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shown.push_str("(secret)");
        shown.push_str(part.trim_start_matches(|c: char| c.is_ascii_hexdigit()));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> (Tokens, String) {
        let mut tokens = Tokens::default();
        let material = SealedContent::Material(Zeroizing::new("canary".to_owned()));
        let token = tokens.seal("db.password", material);
        (tokens, token)
    }

    #[test]
    fn ids_are_equal_for_equal_material_of_one_release() {
        let (one, other) = (Sealing::keyed([1; 32]), Sealing::keyed([2; 32]));
        assert_eq!(one.id("a", b"x"), one.id("b", b"x"));
        assert_ne!(one.id("a", b"x"), one.id("a", b"y"));
        assert_ne!(one.id("a", b"x"), other.id("a", b"x"));
        assert_eq!(one.id("a", b"x").len(), ID_DIGITS);
    }

    #[test]
    fn placeholders_depend_on_the_place_alone() {
        assert_eq!(Sealing::Placeholder.id("a", b"x"), Sealing::Placeholder.id("a", b"y"));
        assert_ne!(Sealing::Placeholder.id("a", b"x"), Sealing::Placeholder.id("b", b"x"));
    }

    #[test]
    fn text_is_split_at_its_tokens() {
        let (tokens, token) = tokens();
        let text = format!("a{token}{token}b{MARK}0");
        let pieces: Vec<String> = tokens
            .pieces(&text)
            .into_iter()
            .map(|piece| match piece {
                Piece::Plain(text) => text.to_owned(),
                Piece::Token(sealed) => format!("<{}>", sealed.path),
            })
            .collect();
        assert_eq!(pieces.concat(), format!("a<db.password><db.password>b{MARK}0"));
    }

    #[test]
    fn tokens_are_found_however_they_were_bent() {
        let (tokens, token) = tokens();
        let reversed: String = token.chars().rev().collect();
        for bent in [
            token.clone(),
            token.to_uppercase(),
            token[..30].to_owned(),
            token[20..].to_owned(),
            token.replace('-', "_"),
            reversed,
        ] {
            assert!(!tokens.traces(&format!("x: {bent}")).is_empty(), "{bent}");
        }
        assert!(tokens.traces("an ordinary text, sealed-").is_empty());
    }

    #[test]
    fn debug_shows_no_material() {
        let mut vault = Vault::new();
        vault.insert("id", "canary");
        let text = format!("{vault:?} {:?}", Sealing::keyed([7; 32]));
        assert!(!text.contains("canary") && !text.contains('7'), "{text}");
        assert_eq!(vault.get("id"), Some(b"canary".as_slice()));
    }
}
