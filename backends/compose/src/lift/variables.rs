//! Variables that a person gives at install: those in images, commands and the environment.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_spec::model::{Container, EnvValue};
use rhumb_spec::yaml::{Node, NodeKind};
use rhumb_spec::{Diagnostic, Piece, Variable, VariableText, Variables};

use super::service::words;
use super::{World, document_name, environment, scalar, value};
use crate::read::{marked, marked_names, marked_pieces};

/// A text and the values that its variables have in it.
struct Found {
    text: VariableText,
    values: Vec<(String, String)>,
}

/// The variables in the texts of the app.
///
/// A variable is one value, so one that is not the same everywhere stays what it is in each text.
pub(super) fn lift(world: &mut World<'_>) -> Variables {
    let found = texts(world);
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in found.iter().flat_map(|found| &found.values) {
        values.entry(name).or_default().insert(value);
    }
    let is_one = |name: &str| values.get(name).is_some_and(|values| values.len() == 1);
    let single = found.iter().filter(|found| found.values.iter().all(|(name, _)| is_one(name)));
    let mut variables = Variables::default();
    for found in single {
        variables.texts.push(found.text.clone());
        for (name, value) in &found.values {
            let required = world.project.required.get(name).map(|missing| missing.message.clone());
            variables.values.insert(name.clone(), Variable { value: value.clone(), required });
        }
    }
    require(&variables, world);
    variables
}

fn texts(world: &World<'_>) -> Vec<Found> {
    let services = world.project.marked.get("services");
    let mut found = Vec::new();
    for service in &world.chosen {
        let Some(node) = services.and_then(|services| services.get(service)) else { continue };
        let Some(document) = world.known("services", service) else { continue };
        let container =
            world.app.workloads.get(&document).and_then(|workload| workload.containers.get(&document));
        if let Some(container) = container {
            let mut add = |field: &str, actual: &str, marked: &str| {
                let pointer = format!("/containers/{document}/{field}");
                found.extend(text((&document, pointer), actual, marked));
            };
            of_container(node, container, &mut add);
        }
    }
    found
}

/// Looks at the texts of a container, each beside the marked one that it was read from.
fn of_container(node: &Node, container: &Container, add: &mut dyn FnMut(&str, &str, &str)) {
    let field = |name: &str| node.get(name).map(value);
    if let Some(image) = field("image").as_ref().and_then(scalar) {
        add("image", &container.image, &image);
    }
    for (name, actual, marked) in
        [("command", &container.command, "entrypoint"), ("args", &container.args, "command")]
    {
        let marked = field(marked).as_ref().and_then(words).unwrap_or_default();
        if marked.len() == actual.len() {
            for (index, (actual, marked)) in actual.iter().zip(&marked).enumerate() {
                add(&format!("{name}/{index}"), actual, marked);
            }
        }
    }
    let variables = field("environment").as_ref().and_then(environment::variables).unwrap_or_default();
    for (name, marked) in variables {
        if let (Some(EnvValue::Text(actual)), Some(marked)) = (container.env.get(&name), marked) {
            let key = name.replace('~', "~0").replace('/', "~1");
            let marked = alone(&marked, actual).unwrap_or(marked);
            add(&format!("env/{key}"), actual, &marked);
        }
    }
}

/// What is nothing but one variable has that variable's value, even where a service in it has another name now.
fn alone(text: &str, actual: &str) -> Option<String> {
    match marked_pieces(text)?.as_slice() {
        [(Piece::Variable(name), value)] if document_name(value) == actual => Some(marked(name, actual)),
        _ => None,
    }
}

fn text((workload, pointer): (&str, String), actual: &str, marked: &str) -> Option<Found> {
    let parts = marked_pieces(marked)?;
    let whole: String = parts.iter().map(|(_, value)| value.as_str()).collect();
    let values: Vec<(String, String)> = parts
        .iter()
        .filter_map(|(piece, value)| match piece {
            Piece::Variable(name) => Some((name.clone(), value.clone())),
            Piece::Text(_) => None,
        })
        .collect();
    let pieces = parts.into_iter().map(|(piece, _)| piece).collect();
    let text = VariableText { workload: workload.to_owned(), pointer, pieces };
    (whole == actual && !values.is_empty()).then_some(Found { text, values })
}

/// A variable that must be set and is not must be a value wherever it stands.
fn require(variables: &Variables, world: &mut World<'_>) {
    let mut everywhere: BTreeMap<String, usize> = BTreeMap::new();
    for entry in world.project.marked.as_mapping().unwrap_or_default() {
        for below in entry.value.as_mapping().unwrap_or_default() {
            let is_left_out = &*entry.key == "services" && !world.chosen.contains(&*below.key);
            if !is_left_out {
                count(&below.value, &mut everywhere);
            }
        }
    }
    let pieces = variables.texts.iter().flat_map(|text| &text.pieces);
    for (name, missing) in &world.project.required {
        let is_it = |piece: &&Piece| matches!(piece, Piece::Variable(other) if other == name);
        let carried = pieces.clone().filter(is_it).count();
        if carried == 0 || everywhere.get(name) != Some(&carried) {
            let what = missing.what(name);
            let found = Diagnostic::error("", what).remedy(format!("set it and import again: {name}=…"));
            world.notes.push(found.at(missing.file.clone(), missing.line));
        }
    }
}

fn count(node: &Node, found: &mut BTreeMap<String, usize>) {
    match &node.kind {
        NodeKind::Scalar { text, .. } => {
            for name in marked_names(text) {
                *found.entry(name.to_owned()).or_default() += 1;
            }
        }
        NodeKind::Sequence(items) => items.iter().for_each(|item| count(item, found)),
        NodeKind::Mapping(entries) => entries.iter().for_each(|entry| count(&entry.value, found)),
    }
}
