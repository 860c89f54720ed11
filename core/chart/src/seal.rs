//! Takes secret material out of rendered documents, and finds secret values where none may be.

use rhumb_spec::Diagnostic;
use rhumb_spec::model::Sealed as SealedText;
use rhumb_spec::yaml::{self, Entry, Node, NodeKind};
use zeroize::Zeroizing;

use crate::sealed::{Piece, SealedContent, Sealing, Tokens, Vault};

const REMEDY: &str = "put it into the `data` of a Secret, and refer to that: `{ secret: NAME, key: KEY }`";

/// Seals the documents of one rendering.
pub(crate) struct Sealer<'t> {
    tokens: &'t Tokens,
    sealing: &'t Sealing,
    vault: Vault,
    plain: Vec<PlainEntry>,
}

/// What an entry of a secret's data holds beside tokens.
pub(crate) struct PlainEntry {
    pub(crate) file: String,
    /// The line in the text before it was sealed.
    pub(crate) line: u32,
    /// The secret's name.
    pub(crate) secret: String,
    pub(crate) key: String,
    /// The text, with a NUL in the place of each token.
    pub(crate) text: Zeroizing<String>,
}

impl<'t> Sealer<'t> {
    pub(crate) fn new(tokens: &'t Tokens, sealing: &'t Sealing) -> Self {
        Self { tokens, sealing, vault: Vault::new(), plain: Vec::new() }
    }

    /// The material that was sealed, and the text in it that came from no secret value.
    pub(crate) fn finish(self) -> (Vault, Vec<PlainEntry>) {
        (self.vault, self.plain)
    }

    /// Finds every secret value in a text that may have none.
    pub(crate) fn refuse_secrets(&self, file: &str, text: &str) -> Vec<Diagnostic> {
        let traces = self.tokens.traces(text);
        traces.into_iter().map(|(offset, path)| misplaced(path).at(file, line_at(text, offset))).collect()
    }

    /// Seals the data of the secrets in a text of documents.
    ///
    /// Returns the text, for each of its lines the line in the text that was given (none where both are the same),
    /// and what is wrong, at the lines of the text that was given.
    pub(crate) fn seal(&mut self, file: &str, text: String) -> (String, Option<Vec<u32>>, Vec<Diagnostic>) {
        if !text.contains("Secret") {
            let problems = self.refuse_secrets(file, &text);
            return (text, None, problems);
        }
        let mut sealed = Emitted::default();
        let mut problems = Vec::new();
        let mut first_line = 1;
        for chunk in documents(&text) {
            let found = self.document(file, chunk, first_line, &mut sealed);
            problems.extend(found);
            first_line += lines_in(chunk);
        }
        (sealed.text, Some(sealed.lines), problems)
    }

    /// Seals one document, which begins at a line of its text.
    fn document(
        &mut self,
        file: &str,
        chunk: &str,
        first_line: u32,
        sealed: &mut Emitted,
    ) -> Vec<Diagnostic> {
        let offset = first_line - 1;
        if !chunk.contains("Secret") {
            sealed.push_as_is(chunk, first_line);
            return moved(self.refuse_secrets(file, chunk), offset);
        }
        let node = match yaml::single_from_str(chunk) {
            Ok(node) => node,
            Err(error) => return moved(vec![error.into_diagnostic(file)], offset),
        };
        let Some(mut node) = node.filter(is_secret) else {
            sealed.push_as_is(chunk, first_line);
            return moved(self.refuse_secrets(file, chunk), offset);
        };
        let seen = self.plain.len();
        let problems = self.secret(file, &mut node);
        self.plain.iter_mut().skip(seen).for_each(|entry| entry.line += offset);
        if chunk.starts_with("---") {
            sealed.line("---", first_line);
        }
        sealed.node(&node, 0, offset);
        moved(problems, offset)
    }

    fn secret(&mut self, file: &str, node: &mut Node) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        let name = node.get("name").and_then(Node::as_str).unwrap_or_default().to_owned();
        let NodeKind::Mapping(entries) = &mut node.kind else { return problems };
        for Entry { key, value, .. } in entries {
            match &mut value.kind {
                NodeKind::Mapping(data) if &**key == "data" => {
                    for entry in data {
                        problems.extend(
                            self.refuse_secrets(file, &entry.key).into_iter().map(|p| p.at(file, entry.line)),
                        );
                        problems.extend(self.entry(file, &name, entry));
                    }
                }
                _ => self.refuse_in(file, value, &mut problems),
            }
        }
        problems
    }

    /// Seals one entry of a secret's data.
    fn entry(&mut self, file: &str, name: &str, entry: &mut Entry) -> Option<Diagnostic> {
        let place = format!("{name}/{}", entry.key);
        let at = |problem: Diagnostic| Some(problem.at(file, entry.value.line));
        let NodeKind::Scalar { text, .. } = &entry.value.kind else { return None };
        if entry.value.is_null() {
            return None;
        }
        let pieces = self.tokens.pieces(text);
        let mut material = Zeroizing::new(String::new());
        for piece in &pieces {
            match piece {
                Piece::Plain(plain) => {
                    if let Some((_, path)) = self.tokens.traces(plain).first() {
                        return at(bent(path));
                    }
                    material.push_str(plain);
                }
                Piece::Token(sealed) => match &sealed.content {
                    SealedContent::Material(value) => material.push_str(value),
                    SealedContent::Id(_) if pieces.len() > 1 => return at(unknown(&sealed.path)),
                    SealedContent::Id(id) => {
                        let id = match self.sealing {
                            Sealing::Keyed(_) => id.clone(),
                            Sealing::Placeholder => self.sealing.id(&place, &[]),
                        };
                        entry.value.kind = sealed_scalar(&id);
                        return None;
                    }
                },
            }
        }
        self.plain.push(PlainEntry {
            file: file.to_owned(),
            line: entry.line,
            secret: name.to_owned(),
            key: entry.key.to_string(),
            text: plain_text(&pieces),
        });
        let id = self.sealing.id(&place, material.as_bytes());
        self.vault.insert(id.clone(), material.as_bytes());
        entry.value.kind = sealed_scalar(&id);
        None
    }

    fn refuse_in(&self, file: &str, node: &Node, problems: &mut Vec<Diagnostic>) {
        match &node.kind {
            NodeKind::Scalar { text, .. } => {
                let found =
                    self.tokens.traces(text).into_iter().map(|(_, path)| misplaced(path).at(file, node.line));
                problems.extend(found);
            }
            NodeKind::Sequence(items) => items.iter().for_each(|item| self.refuse_in(file, item, problems)),
            NodeKind::Mapping(entries) => {
                for entry in entries {
                    let found = self.tokens.traces(&entry.key).into_iter();
                    problems.extend(found.map(|(_, path)| misplaced(path).at(file, entry.line)));
                    self.refuse_in(file, &entry.value, problems);
                }
            }
        }
    }
}

fn plain_text(pieces: &[Piece<'_>]) -> Zeroizing<String> {
    let texts = pieces.iter().map(|piece| match piece {
        Piece::Plain(text) => *text,
        Piece::Token(_) => "\0",
    });
    Zeroizing::new(texts.collect())
}

fn sealed_scalar(id: &str) -> NodeKind {
    NodeKind::Scalar { text: SealedText::new(id).to_string().into(), plain: true }
}

fn is_secret(node: &Node) -> bool {
    node.get("kind").and_then(Node::as_str) == Some("Secret")
}

fn misplaced(path: &str) -> Diagnostic {
    Diagnostic::error(path, format!("the secret value `{path}` is used outside of a Secret's data"))
        .why("the schema marks it as `writeOnly`; anywhere else it could be read by those who may not")
        .remedy(REMEDY)
}

fn bent(path: &str) -> Diagnostic {
    Diagnostic::error(path, format!("the secret value `{path}` was changed on its way into the Secret"))
        .why("templates see a token in its place, and cannot cut, encode or compare the value itself")
        .remedy("the value as it is; the data of a Secret is text and needs no base64")
}

fn unknown(path: &str) -> Diagnostic {
    Diagnostic::error(path, format!("the secret value `{path}` is not known any more"))
        .why("an earlier revision sealed it, and here it is put together with other text")
        .remedy(format!("give `{path}` again, in a values file or with --set"))
}

fn moved(problems: Vec<Diagnostic>, offset: u32) -> Vec<Diagnostic> {
    let down = |mut problem: Diagnostic| {
        if let Some(place) = &mut problem.place {
            place.line += offset;
        }
        problem
    };
    problems.into_iter().map(down).collect()
}

fn lines_in(text: &str) -> u32 {
    u32::try_from(text.matches('\n').count()).unwrap_or(u32::MAX)
}

fn line_at(text: &str, offset: usize) -> u32 {
    1 + lines_in(&text[..offset])
}

/// Splits a text before each line that begins a document. YAML allows such a line nowhere inside one.
fn documents(text: &str) -> Vec<&str> {
    let mut chunks = Vec::new();
    let mut start = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let separates = line
            .strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        if separates && at > start {
            chunks.push(&text[start..at]);
            start = at;
        }
        at += line.len();
    }
    chunks.push(&text[start..]);
    chunks
}

/// Text that is written line by line, with the line that each one comes from.
#[derive(Default)]
struct Emitted {
    text: String,
    lines: Vec<u32>,
}

impl Emitted {
    fn line(&mut self, text: &str, from: u32) {
        self.text.push_str(text);
        self.text.push('\n');
        self.lines.push(from);
    }

    fn push_as_is(&mut self, chunk: &str, first_line: u32) {
        for (line, text) in (first_line..).zip(chunk.lines()) {
            self.line(text, line);
        }
    }

    /// Writes a mapping or list in block style, scalars as they were written.
    fn node(&mut self, node: &Node, indent: usize, offset: u32) {
        let space = " ".repeat(indent);
        match &node.kind {
            NodeKind::Mapping(entries) => {
                for entry in entries {
                    self.value(
                        &format!("{space}{}:", key_text(&entry.key)),
                        entry.line,
                        &entry.value,
                        (indent, offset),
                    );
                }
            }
            NodeKind::Sequence(items) => {
                for item in items {
                    self.value(&format!("{space}-"), item.line, item, (indent, offset));
                }
            }
            NodeKind::Scalar { text, plain } => {
                self.line(&format!("{space}{}", scalar_text(text, *plain)), node.line + offset);
            }
        }
    }

    fn value(&mut self, head: &str, line: u32, value: &Node, (indent, offset): (usize, u32)) {
        match &value.kind {
            NodeKind::Scalar { text, plain } => {
                self.line(format!("{head} {}", scalar_text(text, *plain)).trim_end(), line + offset);
            }
            NodeKind::Mapping(entries) if entries.is_empty() => {
                self.line(&format!("{head} {{}}"), line + offset);
            }
            NodeKind::Sequence(items) if items.is_empty() => self.line(&format!("{head} []"), line + offset),
            _ => {
                self.line(head, line + offset);
                self.node(value, indent + 2, offset);
            }
        }
    }
}

fn key_text(key: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/');
    let looks_like_text = key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.chars().all(is_word)
        && !matches!(
            key.to_ascii_lowercase().as_str(),
            "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null"
        );
    if looks_like_text { key.to_owned() } else { quoted(key) }
}

fn scalar_text(text: &str, plain: bool) -> String {
    if plain && !text.contains('\n') { text.to_owned() } else { quoted(text) }
}

/// A double-quoted scalar, which YAML and JSON read alike.
fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check_documents(text: &str, expected: &[&str]) {
        assert_eq!(documents(text), expected);
    }

    #[test]
    fn texts_are_split_where_documents_begin() {
        check_documents(
            "a: 1\n---\nb: 2\n--- # c\nd: |\n  ---\n",
            &["a: 1\n", "---\nb: 2\n", "--- # c\nd: |\n  ---\n"],
        );
        check_documents("---\na: 1\n---", &["---\na: 1\n", "---"]);
        check_documents("----\n", &["----\n"]);
    }

    /// What is written means what was read.
    fn check_written(text: &str) {
        let node = yaml::single_from_str(text).unwrap().unwrap();
        let mut emitted = Emitted::default();
        emitted.node(&node, 0, 0);
        let again = yaml::single_from_str(&emitted.text).unwrap().unwrap();
        assert_eq!(again.to_value(), node.to_value(), "{}", emitted.text);
        assert_eq!(emitted.lines.len(), emitted.text.lines().count());
    }

    #[test]
    fn secrets_are_written_as_they_were_read() {
        check_written(
            "kind: Secret\nname: a\ndata: {a: b, 'no': yes, \"x y\": 1.10, e: '', n: ~, t: \"a\\tb\\n\"}\n",
        );
        check_written(
            "a:\n- b\n- - c\n  - {d: [e, {f: g}], h: {}, i: []}\n-\n  j: |\n    k\n\n    l\nm: n\n  o\n\n  p\n",
        );
    }

    proptest! {
        #[test]
        fn any_value_is_written_as_it_was_read(
            values in prop::collection::btree_map("[ -~äπ\n\t]{1,8}", "[ -~äπ\n\t]{0,12}", 1..5)
        ) {
            check_written(&serde_json::to_string(&values).unwrap());
        }
    }
}
