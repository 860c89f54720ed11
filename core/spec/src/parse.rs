//! From the text of documents to an [`App`].

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::model::{App, Kind};
use crate::suggestion::suggest;
use crate::yaml::{self, Node, Origins, Reader};
use crate::{Diagnostic, Place};

/// The `apiVersion` that a document may name; without one it is meant, too.
pub const API_VERSION: &str = "rhumb.dev/v1";

/// The keys of a document that are not its kind's own.
const OUTER_KEYS: [&str; 3] = ["apiVersion", "kind", "name"];

/// A text with any number of documents. `Debug` does not show the text, which may hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    /// The file, as it is named in diagnostics.
    pub file: String,
    /// The YAML text.
    pub text: String,
}

impl fmt::Debug for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Source").field("file", &self.file).finish_non_exhaustive()
    }
}

/// One document, and the file that it stands in.
#[derive(Clone, Debug)]
pub struct Document {
    /// The file, as it is named in diagnostics.
    pub file: Arc<str>,
    /// The document.
    pub node: Node,
}

/// An app, and where each part of it was written.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The app.
    pub app: App,
    /// The places of its parts.
    pub origins: Origins,
    /// What is probably not meant as it is written; no errors.
    pub warnings: Vec<Diagnostic>,
}

impl Parsed {
    /// Everything that is wrong with the app by itself, each with its place, in the order of the files' lines.
    pub fn verify(&self) -> Vec<Diagnostic> {
        let found = crate::verify::verify(&self.app);
        let mut located: Vec<Diagnostic> =
            found.into_iter().map(|found| self.origins.locate(found)).collect();
        located.sort_by(|one, other| one.place.cmp(&other.place));
        located
    }
}

/// Reads the documents of some texts into an app.
///
/// # Errors
/// Everything that keeps the texts from being read, with file and line: text that is not YAML, unknown kinds and keys,
/// values of the wrong type, two documents of one kind and name.
pub fn parse(sources: &[Source]) -> Result<Parsed, Vec<Diagnostic>> {
    let (documents, mut errors) = documents(sources);
    match parse_documents(documents) {
        Ok(parsed) if errors.is_empty() => Ok(parsed),
        Ok(_) => Err(errors),
        Err(more) => {
            errors.extend(more);
            Err(errors)
        }
    }
}

/// Splits texts into documents; what is not YAML is told, and the other texts are split nevertheless.
pub fn documents(sources: &[Source]) -> (Vec<Document>, Vec<Diagnostic>) {
    let (mut documents, mut errors) = (Vec::new(), Vec::new());
    for source in sources {
        match yaml::parse(&source.text) {
            Ok(nodes) => {
                let file: Arc<str> = source.file.as_str().into();
                documents.extend(nodes.into_iter().map(|node| Document { file: file.clone(), node }));
            }
            Err(error) => errors.push(error.into_diagnostic(&source.file)),
        }
    }
    (documents, errors)
}

/// Reads documents into an app.
///
/// # Errors
/// As [`parse`], but for text that is not YAML.
pub fn parse_documents(documents: Vec<Document>) -> Result<Parsed, Vec<Diagnostic>> {
    let mut builder = Builder::default();
    for document in documents {
        builder.add(document);
    }
    builder.finish()
}

#[derive(Default)]
struct Builder {
    app: App,
    origins: Origins,
    /// The place of every document by its path, of the broken ones too.
    places: BTreeMap<String, Place>,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

/// What a document says of itself before it is read by its kind.
struct Head {
    kind: Kind,
    name: String,
}

impl Builder {
    fn add(&mut self, document: Document) {
        let head = match head(&document) {
            Ok(head) => head,
            Err(errors) => return self.errors.extend(errors),
        };
        let path = head.kind.path(&head.name);
        let place = place_of(&document);
        if let Some(first) = self.places.get(&path) {
            self.errors.push(twice(&head, &path, first).at_place(place));
            return;
        }
        self.places.insert(path.clone(), place);
        self.warn_of_older(&head, &path, &document);
        self.read(head, &path, &document);
        self.origins.insert(path, document.file, document.node);
    }

    fn read(&mut self, head: Head, path: &str, document: &Document) {
        let Head { kind, name } = head;
        let (app, errors) = (&mut self.app, &mut self.errors);
        match kind {
            Kind::Workload => keep(read(kind, path, document, errors), name, &mut app.workloads),
            Kind::Config => keep(read(kind, path, document, errors), name, &mut app.configs),
            Kind::Secret => keep(read(kind, path, document, errors), name, &mut app.secrets),
            Kind::Volume => keep(read(kind, path, document, errors), name, &mut app.volumes),
            Kind::Network => keep(read(kind, path, document, errors), name, &mut app.networks),
            Kind::Route => keep(read(kind, path, document, errors), name, &mut app.routes),
            Kind::Native => keep(read(kind, path, document, errors), name, &mut app.natives),
        }
    }

    /// Warns of what older YAML reads otherwise, where a platform's own shape is passed through.
    fn warn_of_older(&mut self, head: &Head, path: &str, document: &Document) {
        let key = match head.kind {
            Kind::Workload => "on",
            Kind::Native => "manifest",
            _ => return,
        };
        if let Some(node) = document.node.get(key) {
            yaml::warn_of_older(node, &format!("{path}.{key}"), &document.file, &mut self.warnings);
        }
    }

    fn finish(self) -> Result<Parsed, Vec<Diagnostic>> {
        if self.errors.is_empty() {
            Ok(Parsed { app: self.app, origins: self.origins, warnings: self.warnings })
        } else {
            Err(self.errors)
        }
    }
}

fn keep<T>(value: Option<T>, name: String, into: &mut BTreeMap<String, T>) {
    if let Some(value) = value {
        into.insert(name, value);
    }
}

fn read<T: DeserializeOwned>(
    kind: Kind,
    path: &str,
    document: &Document,
    errors: &mut Vec<Diagnostic>,
) -> Option<T> {
    let reader = Reader::new(path, &document.file).outer_keys(&OUTER_KEYS);
    let reader = if kind == Kind::Secret { reader.without_values() } else { reader };
    let (value, found) = reader.read(&document.node);
    errors.extend(found);
    value
}

fn head(document: &Document) -> Result<Head, Vec<Diagnostic>> {
    let file = &*document.file;
    let node = &document.node;
    if node.as_mapping().is_none() {
        let what = format!("expected a document with `kind` and `name`, found {}", node.describe());
        return Err(vec![Diagnostic::error("", what).at(file, node.line)]);
    }
    let mut errors = Vec::new();
    if let Some(entry) = node.entry("apiVersion")
        && entry.value.as_str() != Some(API_VERSION)
    {
        errors.push(foreign_version(entry.value.as_str()).at(file, entry.line));
    }
    let kind = kind_of(node, file, &mut errors);
    let name = name_of(node, kind.map_or("", Kind::prefix), file, &mut errors);
    match (kind, name) {
        (Some(kind), Some(name)) if errors.is_empty() => Ok(Head { kind, name }),
        _ => Err(errors),
    }
}

fn foreign_version(version: Option<&str>) -> Diagnostic {
    let what = format!("`apiVersion` is `{}`, not `{API_VERSION}`", version.unwrap_or_default());
    Diagnostic::error("apiVersion", what)
        .why("only the neutral documents are read here")
        .remedy("a document of kind `Native` with this one as its `manifest`, or a neutral kind")
}

fn kind_of(node: &Node, file: &str, errors: &mut Vec<Diagnostic>) -> Option<Kind> {
    let words = || Kind::ALL.into_iter().map(Kind::as_str);
    let all = || words().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    let Some(entry) = node.entry("kind") else {
        let remedy = near_key(node, "kind").map_or_else(
            || format!("`kind: KIND` with one of {}", all()),
            |key| format!("`kind`, not `{key}`"),
        );
        errors.push(Diagnostic::error("", "`kind` is missing").remedy(remedy).at(file, node.line));
        return None;
    };
    let word = entry.value.as_str().unwrap_or_default();
    let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == word);
    if kind.is_none() {
        let remedy =
            suggest(word, words()).map_or_else(|| format!("one of {}", all()), |meant| format!("`{meant}`"));
        let diagnostic = Diagnostic::error("kind", format!("unknown kind `{word}`"));
        errors.push(diagnostic.remedy(remedy).at(file, entry.line));
    }
    kind
}

fn name_of(node: &Node, prefix: &str, file: &str, errors: &mut Vec<Diagnostic>) -> Option<String> {
    let Some(entry) = node.entry("name") else {
        let remedy = near_key(node, "name")
            .map_or_else(|| "`name: NAME`".to_owned(), |key| format!("`name`, not `{key}`"));
        errors.push(Diagnostic::error(prefix, "`name` is missing").remedy(remedy).at(file, node.line));
        return None;
    };
    let name = entry.value.as_str().filter(|name| !name.is_empty());
    if name.is_none() {
        let what = format!("expected a name, found {}", entry.value.describe());
        errors.push(Diagnostic::error(format!("{prefix}.name"), what).at(file, entry.line));
    }
    name.map(str::to_owned)
}

fn near_key<'a>(node: &'a Node, wanted: &str) -> Option<&'a str> {
    let mut keys = node.as_mapping()?.iter().map(|entry| &*entry.key);
    keys.find(|key| suggest(key, [wanted]).is_some())
}

fn twice(head: &Head, path: &str, first: &Place) -> Diagnostic {
    let Head { kind, name } = head;
    Diagnostic::error(path, format!("a second {kind} is named `{name}`"))
        .why(format!("the first one stands in {first}"))
        .remedy("another name, or one document for both")
}

fn place_of(document: &Document) -> Place {
    let line = document.node.entry("name").map_or(document.node.line, |entry| entry.line);
    Place { file: document.file.to_string(), line, column: None }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn source(file: &str, text: &str) -> Source {
        Source { file: file.to_owned(), text: text.to_owned() }
    }

    #[track_caller]
    fn check_errors(text: &str, expect: &[&str]) {
        let told: Vec<String> = parse(&[source("a.yaml", text)])
            .unwrap_err()
            .iter()
            .map(|told| told.to_string().replace("\n  ", " "))
            .collect();
        assert_eq!(told, expect);
    }

    #[test]
    fn documents_become_an_app() {
        let text = "
kind: Workload
name: web
containers:
  web:
    image: nginx:1.27
    env: { VERSION: 1.10, ON: yes, URL: { secret: db, key: url } }
---
apiVersion: rhumb.dev/v1
kind: Secret
name: db
data: { url: 'sealed:1' }
";
        let more = "kind: Volume\nname: data\nsize: 1Gi\n";
        let parsed = parse(&[source("a.yaml", text), source("b.yaml", more)]).unwrap();
        let web = &parsed.app.workloads["web"].containers["web"];
        assert_eq!(
            serde_json::to_value(&web.env).unwrap(),
            serde_json::json!({"VERSION": "1.10", "ON": "yes", "URL": {"secret": "db", "key": "url"}})
        );
        assert_eq!(parsed.app.secrets["db"].data["url"].id(), "1");
        assert_eq!(parsed.origins.place("volume/data.size").unwrap().to_string(), "b.yaml:3");
        assert_eq!(parsed.origins.place("workload/web.containers.web.env.ON").unwrap().line, 7);
    }

    #[test]
    fn errors_of_all_documents_are_told_at_once() {
        check_errors(
            "kind: Workload\nname: web\nreplica: 2\ncontainers: { web: { image: [a], resources: { cpu: much } } }\n---\n\
             kind: Wrokload\nname: x\n---\nknd: Volume\nname: x\n---\nkind: Volume\nnmae: x\n---\n- a\n---\n\
             apiVersion: apps/v1\nkind: Deployment\nname: x\n---\nkind: Config\nname: {}\n",
            &[
                "error: unknown key `replica` --> workload/web.replica (a.yaml:3) use: `replicas`",
                "error: expected text, found a list --> workload/web.containers.web.image (a.yaml:4)",
                "error: expected processor time such as `250m`, `0.5` or `2`, found `much` \
                 --> workload/web.containers.web.resources.cpu (a.yaml:4)",
                "error: unknown kind `Wrokload` --> kind (a.yaml:6) use: `Workload`",
                "error: `kind` is missing --> a.yaml:9 use: `kind`, not `knd`",
                "error: `name` is missing --> volume (a.yaml:12) use: `name`, not `nmae`",
                "error: expected a document with `kind` and `name`, found a list --> a.yaml:15",
                "error: `apiVersion` is `apps/v1`, not `rhumb.dev/v1` --> apiVersion (a.yaml:17) \
                 why: only the neutral documents are read here \
                 use: a document of kind `Native` with this one as its `manifest`, or a neutral kind",
                "error: unknown kind `Deployment` --> kind (a.yaml:18) use: one of `Workload`, `Config`, `Secret`, \
                 `Volume`, `Network`, `Route`, `Native`",
                "error: expected a name, found a mapping --> config.name (a.yaml:22)",
            ],
        );
    }

    #[test]
    fn two_of_one_name_are_told_with_both_places() {
        let errors = parse(&[
            source("a.yaml", "kind: Volume\nname: data\n---\nkind: Config\nname: data\n"),
            source("b.yaml", "\nkind: Volume\nname: data\n"),
        ])
        .unwrap_err();
        assert_eq!(
            errors[0].to_string(),
            "error: a second Volume is named `data`\n  --> volume/data (b.yaml:3)\n  \
             why: the first one stands in a.yaml:2\n  use: another name, or one document for both"
        );
    }

    #[test]
    fn what_is_no_yaml_does_not_hide_other_errors() {
        let errors = parse(&[source("a.yaml", "a: [1"), source("b.yaml", "kind: X\nname: x\n")]).unwrap_err();
        assert_eq!(errors.len(), 2);
        assert_eq!(errors[0].place.as_ref().unwrap().file, "a.yaml");
    }

    #[test]
    fn secrets_are_not_shown_in_errors() {
        let text =
            "kind: Secret\nname: db\ndata: hunter2\n---\nkind: Secret\nname: x\ndata: { a: hunter2 }\n";
        let errors = parse(&[source("a.yaml", text)]).unwrap_err();
        assert_eq!(errors.len(), 2);
        assert!(!format!("{errors:?}").contains("hunter2"), "{errors:?}");
        assert!(!format!("{:?}", source("a.yaml", text)).contains("hunter2"));
    }

    #[test]
    fn what_older_yaml_reads_otherwise_is_warned_of() {
        let text = "kind: Native\nname: x\nplatform: p\nmanifest: { spec: { enabled: yes, quoted: 'no', list: [off], mode: 0400 } }\n";
        let parsed = parse(&[source("a.yaml", text)]).unwrap();
        let paths: Vec<&str> = parsed.warnings.iter().map(|warning| warning.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "native/x.manifest.spec.enabled",
                "native/x.manifest.spec.list[0]",
                "native/x.manifest.spec.mode"
            ]
        );
    }

    #[test]
    fn verified_documents_have_places() {
        let text = "kind: Workload\nname: web\ndependsOn:\n- db\ncontainers: { web: { image: a } }\n";
        let found = parse(&[source("a.yaml", text)]).unwrap().verify();
        assert_eq!(found[0].place.as_ref().unwrap().to_string(), "a.yaml:4");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test bounds the time")]
    fn thousands_of_workloads_are_read_in_bounded_time() {
        let text = (0..5_000).fold(String::new(), |mut text, number| {
            let _infallible = writeln!(
                text,
                "---\nkind: Workload\nname: web-{number}\nreplicas: 2\ncontainers:\n  web:\n    image: nginx:1.27\n    \
                 env: {{ A: b, C: {{ address: web-0, port: http }} }}\n    ports: {{ http: 8080 }}\n    probes:\n      \
                 ready: {{ http: /healthz, port: http, period: 5s }}\n    resources: {{ cpu: 100m, memory: 64Mi }}\n\
                 expose:\n  http: {{ port: 80 }}"
            );
            text
        });
        let started = std::time::Instant::now();
        let parsed = parse(&[source("a.yaml", &text)]).unwrap();
        assert_eq!(parsed.app.workloads.len(), 5_000);
        assert_eq!(parsed.verify(), []);
        // An unoptimised build on a busy machine takes many times what users see.
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _outcome = parse(&[source("a", &text)]);
        }

        #[test]
        fn any_almost_document_is_read_or_refused(
            kind in "(Workload|Config|Secret|Volume|Network|Route|Native)",
            rest in "((\n|\n  |\n    )(name|containers|image|env|ports|probes|ready|data|on|paths|cron|update)?: ?|[a-z0-9{}\\[\\],:*&! -]){0,40}",
        ) {
            if let Ok(parsed) = parse(&[source("a", &format!("kind: {kind}\nname: x\n{rest}"))]) {
                let _found = parsed.verify();
            }
        }
    }
}
