//! A serde deserializer over [`Node`]s.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, Expected, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};

use super::node::{Entry, Node, NodeKind};
use super::scalar::Scalar;
use crate::AS_WRITTEN;

/// Reads one node, leaving out what is hidden.
#[derive(Clone, Copy)]
pub(super) struct NodeDeserializer<'a> {
    pub(super) node: &'a Node,
    pub(super) hidden: &'a Hidden,
}

/// Values that are read as if they were not there, known by where they lie in memory.
#[derive(Default)]
pub(super) struct Hidden(BTreeSet<usize>);

impl Hidden {
    pub(super) fn hide(&mut self, node: &Node) {
        self.0.insert(std::ptr::from_ref(node).addr());
    }

    fn has(&self, node: &Node) -> bool {
        !self.0.is_empty() && self.0.contains(&std::ptr::from_ref(node).addr())
    }
}

/// What went wrong, and where: the indices of the entries and items that lead there, innermost first.
#[derive(Debug)]
pub(super) struct Failure(Box<FailureParts>);

#[derive(Debug)]
struct FailureParts {
    problem: Problem,
    steps: Vec<usize>,
}

/// What went wrong.
#[derive(Debug)]
pub(super) enum Problem {
    /// A key that the type does not have.
    UnknownKey { key: String, known: &'static [&'static str] },
    /// A key that the type must have.
    MissingKey(&'static str),
    /// A word that is none of an enumeration's.
    UnknownWord { word: String, known: &'static [&'static str] },
    /// A value of another kind than wanted, with its text where it has one.
    Unfit { expected: String, kind: &'static str, text: Option<String> },
    /// What the type itself says.
    Refused(String),
}

impl Failure {
    fn new(problem: Problem) -> Self {
        Self(Box::new(FailureParts { problem, steps: Vec::new() }))
    }

    fn under(mut self, step: usize) -> Self {
        self.0.steps.push(step);
        self
    }

    /// The problem, and the indices that lead to it from the root.
    pub(super) fn into_parts(self) -> (Problem, Vec<usize>) {
        let FailureParts { problem, mut steps } = *self.0;
        steps.reverse();
        (problem, steps)
    }

    fn unfit(found: &Unexpected<'_>, expected: &dyn Expected) -> Self {
        let (kind, text) = match found {
            Unexpected::Bool(value) => ("the boolean", Some(value.to_string())),
            Unexpected::Unsigned(number) => ("the number", Some(number.to_string())),
            Unexpected::Signed(number) => ("the number", Some(number.to_string())),
            Unexpected::Float(number) => ("the number", Some(number.to_string())),
            Unexpected::Char(char) => ("the text", Some(char.to_string())),
            Unexpected::Str(text) => ("the text", Some((*text).to_owned())),
            Unexpected::Unit | Unexpected::Option => ("nothing", None),
            Unexpected::Seq => ("a list", None),
            Unexpected::Map | Unexpected::StructVariant => ("a mapping", None),
            _ => ("something else", None),
        };
        Self::new(Problem::Unfit { expected: expected_in_words(&expected.to_string()), kind, text })
    }
}

/// What serde calls by the name of a Rust type, in words that everybody knows.
fn expected_in_words(expected: &str) -> String {
    match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number from 0",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "`true` or `false`",
        "a string" | "str" | "string" => "text",
        "a map" => "a mapping",
        "a sequence" => "a list",
        other if other.starts_with("struct ") => "a mapping",
        other if other.starts_with("enum ") || other == "variant identifier" => "a word",
        other => other,
    }
    .to_owned()
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.0.problem)
    }
}

impl std::error::Error for Failure {}

impl serde::de::Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Problem::Refused(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::unfit(&found, expected)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::unfit(&found, expected)
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        Self::new(Problem::UnknownWord { word: word.to_owned(), known })
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        Self::new(Problem::UnknownKey { key: key.to_owned(), known })
    }

    fn missing_field(key: &'static str) -> Self {
        Self::new(Problem::MissingKey(key))
    }
}

impl<'a> NodeDeserializer<'a> {
    fn child(self, node: &'a Node) -> Self {
        Self { node, hidden: self.hidden }
    }

    fn items(self, items: &'a [Node]) -> Items<'a> {
        Items { items: items.iter().enumerate(), hidden: self.hidden }
    }

    fn entries(self, entries: &'a [Entry]) -> Entries<'a> {
        Entries { rest: entries.iter().enumerate(), current: None, hidden: self.hidden }
    }

    fn plain<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, Failure> {
        match Scalar::of_plain(text) {
            Scalar::Null => visitor.visit_unit(),
            Scalar::Bool(value) => visitor.visit_bool(value),
            Scalar::Unsigned(number) => visitor.visit_u64(number),
            Scalar::Signed(number) => visitor.visit_i64(number),
            Scalar::Float(number) if number.is_finite() => visitor.visit_f64(number),
            Scalar::Float(_) | Scalar::Text(_) => visitor.visit_str(text),
        }
    }
}

impl<'de> Deserializer<'de> for NodeDeserializer<'_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match &self.node.kind {
            NodeKind::Scalar { text, plain: true } => Self::plain(text, visitor),
            NodeKind::Scalar { text, plain: false } => visitor.visit_str(text),
            NodeKind::Sequence(items) => visitor.visit_seq(self.items(items)),
            NodeKind::Mapping(entries) => visitor.visit_map(self.entries(entries)),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.node.as_str() {
            Some(text) => visitor.visit_str(text),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        if name == AS_WRITTEN { self.deserialize_str(visitor) } else { visitor.visit_newtype_struct(self) }
    }

    /// A list of which nothing is written, not even brackets, is an empty one.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if self.node.is_null() { visitor.visit_seq(self.items(&[])) } else { self.deserialize_any(visitor) }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_any(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_any(visitor)
    }

    /// A mapping of which nothing is written, not even braces, is an empty one.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if self.node.is_null() { visitor.visit_map(self.entries(&[])) } else { self.deserialize_any(visitor) }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        if self.node.as_sequence().is_some() {
            // serde would take the items for the fields, in the order of the Rust type.
            return Err(Failure::unfit(&Unexpected::Seq, &"a mapping"));
        }
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        match &self.node.kind {
            NodeKind::Scalar { text, .. } if !self.node.is_null() => {
                visitor.visit_enum(IntoDeserializer::<Failure>::into_deserializer(&**text))
            }
            NodeKind::Mapping(entries) => match entries.as_slice() {
                [entry] => visitor.visit_enum(Tagged { entry, deserializer: self.child(&entry.value) }),
                _ => Err(Failure::custom("expected a mapping with one key")),
            },
            NodeKind::Scalar { .. } => Err(Failure::unfit(&Unexpected::Unit, &"variant identifier")),
            NodeKind::Sequence(_) => Err(Failure::unfit(&Unexpected::Seq, &"variant identifier")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 bytes byte_buf unit unit_struct
    }
}

struct Items<'a> {
    items: std::iter::Enumerate<std::slice::Iter<'a, Node>>,
    hidden: &'a Hidden,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Failure> {
        let hidden = self.hidden;
        let Some((step, node)) = self.items.find(|(_, node)| !hidden.has(node)) else { return Ok(None) };
        seed.deserialize(NodeDeserializer { node, hidden }).map(Some).map_err(|failure| failure.under(step))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Entries<'a> {
    rest: std::iter::Enumerate<std::slice::Iter<'a, Entry>>,
    current: Option<(usize, &'a Node)>,
    hidden: &'a Hidden,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Failure> {
        let hidden = self.hidden;
        let next = self.rest.find(|(_, entry)| !hidden.has(&entry.value));
        let Some((step, entry)) = next else { return Ok(None) };
        self.current = Some((step, &entry.value));
        seed.deserialize(Key(&entry.key)).map(Some).map_err(|failure| failure.under(step))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        let Some((step, node)) = self.current.take() else {
            return Err(Failure::custom("a value was asked for before its key"));
        };
        let deserializer = NodeDeserializer { node, hidden: self.hidden };
        seed.deserialize(deserializer).map_err(|failure| failure.under(step))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// The key of a mapping: text, unless the type asks for a number.
struct Key<'a>(&'a str);

macro_rules! key_as_number {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
            NodeDeserializer::plain(self.0, visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Key<'_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_enum(StrDeserializer::new(self.0))
    }

    key_as_number! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    serde::forward_to_deserialize_any! {
        i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

/// An enumeration's word with a value, written as a mapping with one key.
struct Tagged<'a> {
    entry: &'a Entry,
    deserializer: NodeDeserializer<'a>,
}

impl<'a, 'de> EnumAccess<'de> for Tagged<'a> {
    type Error = Failure;
    type Variant = TaggedValue<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, TaggedValue<'a>), Failure> {
        let word = seed.deserialize(Key(&self.entry.key)).map_err(|failure| failure.under(0))?;
        Ok((word, TaggedValue(self.deserializer)))
    }
}

struct TaggedValue<'a>(NodeDeserializer<'a>);

impl<'de> VariantAccess<'de> for TaggedValue<'_> {
    type Error = Failure;

    fn unit_variant(self) -> Result<(), Failure> {
        if self.0.node.is_null() {
            return Ok(());
        }
        Err(Failure::custom("this word takes no value").under(0))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Failure> {
        seed.deserialize(self.0).map_err(|failure| failure.under(0))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Failure> {
        self.0.deserialize_any(visitor).map_err(|failure| failure.under(0))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.0.deserialize_struct("", fields, visitor).map_err(|failure| failure.under(0))
    }
}
