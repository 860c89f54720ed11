//! From text to [`Node`]s.

use std::borrow::Cow;
use std::collections::BTreeMap;

use granit_parser::{Event, Marker, Parser, ScalarStyle, Span, StrInput, Tag};

use super::Error;
use super::node::{Entry, Node, NodeKind};
use super::scalar::Scalar;

/// The most that one text may hold, counted as in [`Cost`]. A file of 5 MiB cannot hold more by itself.
const MAX_COST: usize = 6_000_000;

/// The most that aliases and merge keys may repeat in one text, counted as in [`Cost`].
const MAX_REPEATED_COST: usize = 1_000_000;

/// The deepest nesting. Readers of JSON stop at the same depth, and what is read here is stored as JSON.
const MAX_DEPTH: usize = 120;

/// Bytes of text that weigh as much as one node.
const BYTES_PER_NODE: usize = 64;

/// Parses every document of a text; documents with nothing in them are left out.
///
/// # Errors
/// The first thing that is not YAML, or that is refused: a key twice in one mapping, a key that is not a scalar, a tag
/// outside the core schema, nesting deeper than 120, and aliases that repeat more than a million values.
pub fn parse(text: &str) -> Result<Vec<Node>, Error> {
    parse_tagged(text, &[])
}

/// Parses as [`parse`] does, and takes tags of an application's own, such as `!reset`.
///
/// A value with one of `tags` becomes a mapping of one entry, whose key is the tag.
///
/// # Errors
/// As [`parse`].
pub fn parse_tagged(text: &str, tags: &[&str]) -> Result<Vec<Node>, Error> {
    // A mark at the very beginning says nothing about the content.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = granit_parser::options! { emit_comments: false };
    let mut loader = Loader {
        parser: Parser::new_from_str_with_options(text, options),
        anchors: BTreeMap::new(),
        total: 0,
        repeated: 0,
        tags,
    };
    loader.stream()
}

struct Loader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    /// Finished nodes by the number of their anchor.
    anchors: BTreeMap<usize, Anchored>,
    total: usize,
    repeated: usize,
    /// The application's own tags.
    tags: &'a [&'a str],
}

#[derive(Clone)]
struct Anchored {
    node: Node,
    cost: Cost,
}

/// How much a node weighs with everything in it, and how deep it is.
#[derive(Clone, Copy, Default)]
struct Cost {
    nodes: usize,
    depth: usize,
}

impl Cost {
    fn of_text(text: &str) -> Self {
        Self { nodes: 1 + text.len() / BYTES_PER_NODE, depth: 0 }
    }

    fn add_child(&mut self, child: Self) {
        self.nodes = self.nodes.saturating_add(child.nodes);
        self.depth = self.depth.max(child.depth + 1);
    }
}

type Loaded = Result<(Node, Cost), Error>;

impl<'a> Loader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Error> {
        match self.parser.next() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(Error::at(*error.marker(), error.info())),
            None => Ok((Event::StreamEnd, Span::empty(Marker::new(0, 1, 0)))),
        }
    }

    fn stream(&mut self) -> Result<Vec<Node>, Error> {
        let mut documents = Vec::new();
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(documents),
                Event::StreamStart | Event::DocumentStart(..) => {}
                Event::DocumentEnd => self.anchors.clear(),
                event => {
                    let (node, _) = self.node(event, span, 0)?;
                    if !node.is_null() {
                        documents.push(node);
                    }
                }
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Loaded {
        if depth > MAX_DEPTH {
            return Err(too_deep(span.start));
        }
        let (event, own_tag) = self.own_tag(event);
        if let Some(tag) = own_tag {
            let (value, mut cost) = self.node(event, span, depth + 1)?;
            cost.add_child(Cost::of_text(tag));
            let (line, column) = position(span.start);
            let entry = Entry { key: tag.into(), line, column, value };
            return Ok((node_at(span.start, NodeKind::Mapping(vec![entry])), cost));
        }
        let anchor = event.anchor_id();
        let (node, cost) = match event {
            Event::Scalar(text, style, _, tag) => self.scalar(text, style, tag, span)?,
            Event::SequenceStart(_, _, tag) => {
                check_tag(tag.as_deref(), "seq", span)?;
                self.sequence(span, depth)?
            }
            Event::MappingStart(_, _, tag) => {
                check_tag(tag.as_deref(), "map", span)?;
                self.mapping(span, depth)?
            }
            Event::Alias(anchor) => return self.alias(anchor, span, depth),
            _ => return Err(Error::at(span.start, "a value was expected here".to_owned())),
        };
        if let Some(anchor) = anchor {
            // The copy that waits for aliases weighs as much as one alias does.
            self.repeat(cost, span)?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), cost });
        }
        Ok((node, cost))
    }

    /// Takes one of the application's own tags off an event.
    fn own_tag(&self, event: Event<'a>) -> (Event<'a>, Option<&'a str>) {
        let known = |tag: &Option<Cow<'a, Tag>>| {
            let tag = tag.as_deref()?.original();
            self.tags.iter().find(|known| **known == tag).copied()
        };
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let found = known(&tag);
                (Event::Scalar(text, style, anchor, tag.filter(|_| found.is_none())), found)
            }
            Event::SequenceStart(style, anchor, tag) => {
                let found = known(&tag);
                (Event::SequenceStart(style, anchor, tag.filter(|_| found.is_none())), found)
            }
            Event::MappingStart(style, anchor, tag) => {
                let found = known(&tag);
                (Event::MappingStart(style, anchor, tag.filter(|_| found.is_none())), found)
            }
            other => (other, None),
        }
    }

    fn scalar(
        &mut self,
        text: Cow<'a, str>,
        style: ScalarStyle,
        tag: Option<Cow<'a, Tag>>,
        span: Span,
    ) -> Loaded {
        let cost = Cost::of_text(&text);
        self.spend(cost.nodes, span)?;
        let plain = match tag {
            None => style == ScalarStyle::Plain,
            Some(tag) => is_plain_by_tag(&tag, &text).ok_or_else(|| bad_tag(&tag, span))?,
        };
        Ok((node_at(span.start, NodeKind::Scalar { text: text.into(), plain }), cost))
    }

    fn sequence(&mut self, start: Span, depth: usize) -> Loaded {
        let mut cost = Cost::of_text("");
        self.spend(cost.nodes, start)?;
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok((node_at(start.start, NodeKind::Sequence(items)), cost));
            }
            let (item, item_cost) = self.node(event, span, depth + 1)?;
            cost.add_child(item_cost);
            items.push(item);
        }
    }

    fn mapping(&mut self, start: Span, depth: usize) -> Loaded {
        let mut cost = Cost::of_text("");
        self.spend(cost.nodes, start)?;
        let mut builder = MappingBuilder::default();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                let (entries, merged) = builder.finish();
                self.repeat(merged, start)?;
                cost.nodes += merged.nodes;
                return Ok((node_at(start.start, NodeKind::Mapping(entries)), cost));
            }
            let is_plain = matches!(event, Event::Scalar(_, ScalarStyle::Plain, ..));
            let (key, key_cost) = self.node(event, span, depth + 1)?;
            let (event, value_span) = self.next()?;
            let (value, value_cost) = self.node(event, value_span, depth + 1)?;
            cost.add_child(key_cost);
            cost.add_child(value_cost);
            let NodeKind::Scalar { text: key, .. } = key.kind else {
                return Err(Error::at(
                    span.start,
                    "a key must be a scalar, not a list or a mapping".to_owned(),
                ));
            };
            if is_plain && &*key == "<<" {
                builder.merge(value)?;
            } else {
                let (line, column) = position(span.start);
                builder.insert(Entry { key, line, column, value })?;
            }
        }
    }

    fn alias(&mut self, anchor: usize, span: Span, depth: usize) -> Loaded {
        let Some(anchored) = self.anchors.get(&anchor) else {
            return Err(Error::at(span.start, "this alias stands inside of what it repeats".to_owned()));
        };
        let cost = anchored.cost;
        if depth + cost.depth > MAX_DEPTH {
            return Err(too_deep(span.start));
        }
        self.repeat(cost, span)?;
        let mut node = self.anchors[&anchor].node.clone();
        (node.line, node.column) = position(span.start);
        Ok((node, cost))
    }

    fn repeat(&mut self, cost: Cost, span: Span) -> Result<(), Error> {
        self.repeated = self.repeated.saturating_add(cost.nodes);
        if self.repeated > MAX_REPEATED_COST {
            return Err(Error::at(
                span.start,
                "aliases repeat too much here: write the values out".to_owned(),
            ));
        }
        Ok(())
    }

    fn spend(&mut self, nodes: usize, span: Span) -> Result<(), Error> {
        self.total = self.total.saturating_add(nodes);
        if self.total > MAX_COST {
            return Err(Error::at(
                span.start,
                "this text holds more values than can be read at once".to_owned(),
            ));
        }
        Ok(())
    }
}

/// The entries of a mapping while it is read.
#[derive(Default)]
struct MappingBuilder {
    entries: Vec<Entry>,
    /// The index of each key, kept once there are many.
    index: BTreeMap<Box<str>, usize>,
    merged: Vec<Entry>,
}

/// Up to so many keys are compared one by one.
const FEW_KEYS: usize = 16;

impl MappingBuilder {
    fn find(&self, key: &str) -> Option<&Entry> {
        if self.entries.len() <= FEW_KEYS {
            return self.entries.iter().find(|entry| &*entry.key == key);
        }
        self.index.get(key).map(|at| &self.entries[*at])
    }

    fn insert(&mut self, entry: Entry) -> Result<(), Error> {
        if let Some(first) = self.find(&entry.key) {
            return Err(Error {
                message: format!(
                    "the key `{}` stands twice in this mapping, first in line {} and again in line {}",
                    entry.key, first.line, entry.line
                ),
                line: entry.line,
                column: entry.column,
            });
        }
        self.push(entry);
        Ok(())
    }

    fn push(&mut self, entry: Entry) {
        if self.entries.len() == FEW_KEYS {
            self.index = self.entries.iter().enumerate().map(|(at, entry)| (entry.key.clone(), at)).collect();
        }
        if self.entries.len() >= FEW_KEYS {
            self.index.insert(entry.key.clone(), self.entries.len());
        }
        self.entries.push(entry);
    }

    fn merge(&mut self, value: Node) -> Result<(), Error> {
        let refuse = |node: &Node| Error {
            message: "`<<` takes a mapping, or a list of mappings".to_owned(),
            line: node.line,
            column: node.column,
        };
        match value.kind {
            NodeKind::Mapping(entries) => self.merged.extend(entries),
            NodeKind::Sequence(items) => {
                for item in items {
                    match item.kind {
                        NodeKind::Mapping(entries) => self.merged.extend(entries),
                        _ => return Err(refuse(&item)),
                    }
                }
            }
            NodeKind::Scalar { .. } => return Err(refuse(&value)),
        }
        Ok(())
    }

    /// The entries with what was merged: what stands in the mapping itself wins, then what was merged first.
    fn finish(mut self) -> (Vec<Entry>, Cost) {
        let mut cost = Cost::default();
        for entry in std::mem::take(&mut self.merged) {
            cost.nodes += 1;
            if self.find(&entry.key).is_none() {
                self.push(entry);
            }
        }
        (self.entries, cost)
    }
}

fn check_tag(tag: Option<&Tag>, expected: &str, span: Span) -> Result<(), Error> {
    match tag {
        Some(tag) if !is_non_specific(tag) && !tag.is_yaml_core_schema_tag(expected) => {
            Err(bad_tag(tag, span))
        }
        _ => Ok(()),
    }
}

/// Whether a tagged scalar is read as if it were plain; none if the tag does not fit.
fn is_plain_by_tag(tag: &Tag, text: &str) -> Option<bool> {
    if is_non_specific(tag) {
        return Some(false);
    }
    let scalar = Scalar::of_plain(text);
    let fits = match tag.core_suffix()? {
        "str" => return Some(false),
        "null" => scalar == Scalar::Null,
        "bool" => matches!(scalar, Scalar::Bool(_)),
        "int" => matches!(scalar, Scalar::Unsigned(_) | Scalar::Signed(_)),
        "float" => matches!(scalar, Scalar::Unsigned(_) | Scalar::Signed(_) | Scalar::Float(_)),
        _ => false,
    };
    fits.then_some(true)
}

/// The tag `!`, which says that a scalar is text.
fn is_non_specific(tag: &Tag) -> bool {
    tag.parts() == ("", "!")
}

fn bad_tag(tag: &Tag, span: Span) -> Error {
    let message = if tag.is_yaml_core_schema() {
        format!("the value does not fit its tag `{}`", tag.original())
    } else {
        format!("the tag `{}` is not supported: leave it out", tag.original())
    };
    Error::at(span.tag_start.unwrap_or(span.start), message)
}

fn too_deep(marker: Marker) -> Error {
    Error::at(marker, format!("nested more than {MAX_DEPTH} levels deep"))
}

fn node_at(marker: Marker, kind: NodeKind) -> Node {
    let (line, column) = position(marker);
    Node { line, column, kind }
}

/// Line and column of a marker, both from 1.
pub(super) fn position(marker: Marker) -> (u32, u32) {
    let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    (narrow(marker.line()).max(1), narrow(marker.col().saturating_add(1)))
}
