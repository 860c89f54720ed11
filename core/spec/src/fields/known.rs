//! Every field of every document, from the JSON Schema.

use serde_json::{Map, Value};

use crate::json_schema;
use crate::model::Kind;

/// Fields are not looked for deeper than this.
const DEEPEST: usize = 12;

/// A field of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// From the kind to the field.
    pub(super) steps: Vec<Step>,
    pub(super) description: String,
}

/// One word of a field's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) name: String,
    /// Below it are entries under names or numbers of their own.
    pub(super) has_entries: bool,
}

impl Known {
    /// The path as it is shown, with `*` for entries.
    pub(super) fn path(&self) -> String {
        let mut text = String::new();
        for (index, step) in self.steps.iter().enumerate() {
            if index > 0 {
                text.push('.');
            }
            text.push_str(&step.name);
            if step.has_entries && index + 1 < self.steps.len() {
                text.push_str(".*");
            }
        }
        text
    }

    /// The field's own name; a kind has none.
    pub(super) fn name(&self) -> Option<&str> {
        self.steps.get(1..)?.last().map(|step| step.name.as_str())
    }

    /// Whether these words lead to it from its kind, or from within a workload.
    pub(super) fn is_at(&self, words: &[String]) -> bool {
        leads(&self.steps, words) || (self.steps[0].name == "Workload" && leads(&self.steps[1..], words))
    }

    /// Whether these words are the end of the way to it.
    pub(super) fn ends_with(&self, words: &[String]) -> bool {
        (1..self.steps.len()).any(|begin| leads(&self.steps[begin..], words))
    }
}

/// Whether words lead along steps to the last one; an entry's own name may stand between two steps and at the end.
pub(super) fn leads(steps: &[Step], words: &[String]) -> bool {
    let (Some((step, below)), Some((word, rest))) = (steps.split_first(), words.split_first()) else {
        return false;
    };
    if step.name != *word {
        return false;
    }
    if below.is_empty() {
        return rest.is_empty() || (step.has_entries && rest.len() == 1);
    }
    leads(below, rest) || (step.has_entries && !rest.is_empty() && leads(below, &rest[1..]))
}

/// The kind by the word that begins paths: `workload/web`.
pub(super) fn kind_of_prefix(prefix: &str) -> Option<&'static str> {
    Kind::ALL.into_iter().find(|kind| kind.prefix() == prefix).map(Kind::as_str)
}

/// Every kind and every field, outer ones before inner ones.
pub(super) fn all() -> Vec<Known> {
    let schema = json_schema();
    let none = Map::new();
    let definitions = schema["$defs"].as_object().unwrap_or(&none);
    let mut found = Vec::new();
    for kind in Kind::ALL {
        let Some(definition) = definitions.get(kind.as_str()) else { continue };
        let step = Step { name: kind.as_str().to_owned(), has_entries: false };
        found.push(Known { steps: vec![step.clone()], description: description(definition) });
        below(definition, &[step], definitions, &mut found);
    }
    found
}

fn description(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().to_owned()
}

/// The shapes that a value may have, references and alternatives taken apart.
fn shapes<'a>(schema: &'a Value, definitions: &'a Map<String, Value>, found: &mut Vec<&'a Value>) {
    if found.len() > DEEPEST {
        return;
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|text| text.strip_prefix("#/$defs/"))
        && let Some(definition) = definitions.get(name)
    {
        shapes(definition, definitions, found);
    }
    for word in ["anyOf", "oneOf", "allOf"] {
        schema[word].as_array().into_iter().flatten().for_each(|one| shapes(one, definitions, found));
    }
    found.push(schema);
}

fn below(schema: &Value, at: &[Step], definitions: &Map<String, Value>, found: &mut Vec<Known>) {
    if at.len() > DEEPEST {
        return;
    }
    let mut all = Vec::new();
    shapes(schema, definitions, &mut all);
    for shape in &all {
        for (name, property) in shape["properties"].as_object().into_iter().flatten() {
            let mut entries = entries(property, definitions);
            let step = Step { name: name.clone(), has_entries: !entries.is_empty() };
            let steps = [at, &[step]].concat();
            if found.iter().any(|known| known.steps == steps) {
                continue;
            }
            found.push(Known { steps: steps.clone(), description: description(property) });
            entries.push(property);
            for inner in entries {
                below(inner, &steps, definitions, found);
            }
        }
    }
}

/// The schemas of a map's values or a list's items.
fn entries<'a>(property: &'a Value, definitions: &'a Map<String, Value>) -> Vec<&'a Value> {
    let mut all = Vec::new();
    shapes(property, definitions, &mut all);
    let of =
        |shape: &'a Value| ["additionalProperties", "items"].into_iter().filter_map(|word| shape.get(word));
    all.into_iter().flat_map(of).filter(|inner| inner.is_object()).collect()
}
