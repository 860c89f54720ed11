//! Services that begin as others.
//!
//! Source: the Compose specification, "Extend".

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rhumb_spec::Diagnostic;
use rhumb_spec::yaml::{Node, NodeKind};

use super::load::{Loader, shown, texts};
use super::{entries_mut, joined, merge};

/// How many services may begin as each other, one after another.
const MAX_CHAIN: usize = 32;

type Found<T> = Result<T, Vec<Diagnostic>>;

/// Gives every service of a document what it extends.
pub(super) fn resolve(
    document: &mut Node,
    file: &Path,
    around: (&Path, &BTreeMap<String, String>),
    loader: &mut Loader<'_, '_>,
) -> Found<()> {
    let Some(services) = document.get("services") else { return Ok(()) };
    let all = services.clone();
    let names: Vec<String> = extending(&all);
    for name in names {
        let mut chain = Chain { around, open: Vec::new(), loader };
        let whole = chain.service(&all, &name, (file, 0))?;
        let Some(services) = entries_mut(document)
            .and_then(|root| root.iter_mut().find(|entry| &*entry.key == "services"))
            .and_then(|entry| entries_mut(&mut entry.value))
        else {
            continue;
        };
        if let Some(service) = services.iter_mut().find(|entry| *entry.key == *name) {
            service.value = whole;
        }
    }
    Ok(())
}

fn extending(services: &Node) -> Vec<String> {
    let all = services.as_mapping().unwrap_or_default().iter();
    all.filter(|entry| entry.value.get("extends").is_some()).map(|entry| entry.key.to_string()).collect()
}

struct Chain<'c, 'r, 'a> {
    around: (&'c Path, &'c BTreeMap<String, String>),
    open: Vec<(PathBuf, String)>,
    loader: &'c mut Loader<'r, 'a>,
}

impl Chain<'_, '_, '_> {
    /// A service with all that it extends.
    fn service(&mut self, services: &Node, name: &str, (file, line): (&Path, u32)) -> Found<Node> {
        let fault = |what: String| Err(vec![Diagnostic::error("", what).at(shown(file), line.max(1))]);
        let Some(own) = services.get(name) else {
            return fault(format!("there is no service `{name}` to extend in {}", file.display()));
        };
        let at = (file.to_path_buf(), name.to_owned());
        if self.open.contains(&at) {
            return fault(format!("services extend each other in a circle, at `{name}`"));
        }
        if self.open.len() > MAX_CHAIN {
            return fault(format!("more than {MAX_CHAIN} services extend each other"));
        }
        let Some(extends) = own.get("extends").cloned() else { return Ok(own.clone()) };
        self.open.push(at);
        let base_name = texts(extends.get("service").unwrap_or(&extends)).pop();
        let Some(base_name) = base_name.as_deref() else {
            let what = "`extends` names no service".to_owned();
            return Err(vec![Diagnostic::error("", what).at(shown(file), extends.line)]);
        };
        let other = extends.get("file").and_then(|file| texts(file).pop());
        let mut base = match other {
            Some(other) => self.elsewhere(&other, base_name, (file, extends.line))?,
            None => self.service(services, base_name, (file, extends.line))?,
        };
        self.open.pop();
        // What waits for others is the service's own matter.
        if let Some(entries) = entries_mut(&mut base) {
            entries.retain(|entry| !matches!(&*entry.key, "depends_on" | "extends"));
        }
        let mut path = vec!["services".to_owned(), name.to_owned()];
        merge::merge(&mut base, own.clone(), &mut path);
        Ok(base)
    }

    fn elsewhere(&mut self, other: &str, name: &str, (file, line): (&Path, u32)) -> Found<Node> {
        let folder = self.around.0;
        let path = joined(file.parent().unwrap_or(folder), other);
        let documents = self.loader.documents(&path, self.around.1, Some((file, line)))?;
        let found = documents.iter().filter_map(|document| document.get("services"));
        let services = found.into_iter().find(|services| services.get(name).is_some());
        let Some(services) = services else {
            let what = format!("there is no service `{name}` in {}", path.display());
            return Err(vec![Diagnostic::error("", what).at(shown(file), line)]);
        };
        let mut base = self.service(services, name, (&path, line))?;
        rebase_service(&mut base, path.parent().unwrap_or(folder), folder);
        Ok(base)
    }
}

/// Makes relative paths of a project's part relative to another folder.
pub(super) fn rebase(part: &mut Node, from: &Path, to: &Path) {
    if from == to {
        return;
    }
    for section in ["configs", "secrets"] {
        each(part, section, |value| rebase_field(value, "file", from, to));
    }
    each(part, "services", |service| rebase_service(service, from, to));
}

fn each(part: &mut Node, section: &str, mut change: impl FnMut(&mut Node)) {
    let section = entries_mut(part).and_then(|root| root.iter_mut().find(|entry| &*entry.key == section));
    for entry in section.and_then(|section| entries_mut(&mut section.value)).into_iter().flatten() {
        change(&mut entry.value);
    }
}

fn rebase_service(service: &mut Node, from: &Path, to: &Path) {
    if from == to {
        return;
    }
    for entry in entries_mut(service).into_iter().flatten() {
        match &*entry.key {
            "env_file" | "label_file" => rebase_all(&mut entry.value, |_| true, from, to),
            "volumes" => rebase_all(&mut entry.value, |text| text.starts_with('.'), from, to),
            _ => {}
        }
    }
}

fn rebase_field(node: &mut Node, key: &str, from: &Path, to: &Path) {
    let found = entries_mut(node).and_then(|entries| entries.iter_mut().find(|entry| &*entry.key == key));
    if let Some(entry) = found {
        rebase_all(&mut entry.value, |_| true, from, to);
    }
}

fn rebase_all(node: &mut Node, is_path: fn(&str) -> bool, from: &Path, to: &Path) {
    match &mut node.kind {
        NodeKind::Sequence(items) => items.iter_mut().for_each(|item| rebase_all(item, is_path, from, to)),
        NodeKind::Mapping(_) => {
            let is_bind = node.get("type").is_none_or(|kind| kind.as_str() == Some("bind"));
            if is_bind {
                rebase_field(node, "source", from, to);
                rebase_field(node, "path", from, to);
            }
        }
        NodeKind::Scalar { text, .. } if is_path(text) && !text.is_empty() => {
            let (path, rest) = if is_path("x") {
                (&**text, "")
            } else {
                text.split_at(text.find(':').unwrap_or(text.len()))
            };
            *text = format!("{}{rest}", between(&joined(from, path), to)).into();
        }
        NodeKind::Scalar { .. } => {}
    }
}

/// A path as it is written relative to a folder.
fn between(path: &Path, to: &Path) -> String {
    match path.strip_prefix(to) {
        Ok(below) if !path.has_root() || to.has_root() => format!("./{}", below.display()),
        _ if path.has_root() => path.display().to_string(),
        _ => {
            let up = to.components().count();
            format!("./{}{}", "../".repeat(up), path.display())
        }
    }
}
