//! The app that uses every feature, and where it does.

use std::collections::BTreeSet;

use serde_json::Value;

use super::known::{Known, Step, leads};
use crate::model::Kind;
use crate::{Feature, Requirement, Source, parse, yaml};

const TEXT: &str = include_str!("every_feature.yaml");

/// Fields that say more of what another field asks for: the requirement is at that other one.
const ELSEWHERE: &[(&str, &[Feature])] = &[
    ("Workload.cron.schedule", &[Feature::Cron]),
    ("Workload.update.steps", &[Feature::Canary]),
    ("Workload.containers.*.ports.*.protocol", &[Feature::ExposeUdp]),
    ("Volume.access", &[Feature::PersistentVolume, Feature::SharedVolume]),
];

/// The app that uses every feature.
pub(super) struct Example {
    /// Each document: its path, its kind, and its content.
    documents: Vec<(String, &'static str, Value)>,
    requirements: Vec<Requirement>,
}

impl Example {
    pub(super) fn read() -> Self {
        let source = Source { file: "every_feature.yaml".to_owned(), text: TEXT.to_owned() };
        let requirements = parse(&[source]).map(|parsed| parsed.app.requirements()).unwrap_or_default();
        let nodes = yaml::parse(TEXT).unwrap_or_default();
        let document = |value: Value| {
            let kind = Kind::ALL.into_iter().find(|kind| value["kind"] == kind.as_str())?;
            let name = value["name"].as_str()?;
            Some((kind.path(name), kind.as_str(), value))
        };
        Self { documents: nodes.iter().filter_map(|node| document(node.to_value())).collect(), requirements }
    }

    /// What a field asks for, wherever it is written; what the field above it asks for, where it is not.
    pub(super) fn features(&self, known: &Known) -> BTreeSet<Feature> {
        let path = known.path();
        if let Some((_, features)) = ELSEWHERE.iter().find(|(field, _)| *field == path) {
            return features.iter().copied().collect();
        }
        let mut steps = known.steps.clone();
        // What a container asks for it asks for in either place.
        if steps.len() > 2 && steps[1].name == "initContainers" {
            "containers".clone_into(&mut steps[1].name);
        }
        let places = self.places(&steps);
        if !places.is_empty() {
            return places.iter().flat_map(|place| self.asked_at(place)).collect();
        }
        while steps.len() > 2 {
            steps.pop();
            let asked = self.asked_by(&steps);
            if !asked.is_empty() {
                return asked;
            }
        }
        if steps.len() == 1 { self.requirements_of_kind(&known.steps[0].name) } else { BTreeSet::new() }
    }

    /// What a field asks for by itself, and not by what stands below it.
    fn asked_by(&self, steps: &[Step]) -> BTreeSet<Feature> {
        let is_of_containers = |place: &String| place.ends_with("ontainers");
        let places = self.places(steps).into_iter().filter(|place| !is_of_containers(place));
        places.flat_map(|place| self.at(&place).collect::<Vec<_>>()).collect()
    }

    fn requirements_of_kind(&self, kind: &str) -> BTreeSet<Feature> {
        let documents = self.documents.iter().filter(|(_, of, _)| *of == kind);
        documents.flat_map(|(path, _, _)| self.below(path)).collect()
    }

    /// Every place where the field is written.
    fn places(&self, steps: &[Step]) -> Vec<String> {
        let mut found = Vec::new();
        for (path, kind, value) in &self.documents {
            if *kind == steps[0].name {
                let mut walk = Walk { steps: &steps[1..], words: Vec::new(), base: path, found: &mut found };
                walk.below(value);
            }
        }
        found
    }

    /// The features asked for at a place and below it; else those of the nearest place around it.
    fn asked_at(&self, place: &str) -> BTreeSet<Feature> {
        let below = self.below(place);
        if !below.is_empty() {
            return below;
        }
        let mut around = place;
        while let Some((outer, _)) = around.rsplit_once('.') {
            around = outer;
            // What is asked for there is asked for by the number of containers, and by no field of one.
            if around.ends_with(".containers") || around.ends_with(".initContainers") {
                break;
            }
            let at: BTreeSet<Feature> = self.at(around).collect();
            if !at.is_empty() {
                return at;
            }
        }
        BTreeSet::new()
    }

    fn at(&self, place: &str) -> impl Iterator<Item = Feature> {
        self.requirements.iter().filter(move |one| one.path == place).map(|one| one.feature)
    }

    fn below(&self, place: &str) -> BTreeSet<Feature> {
        let is_below = |path: &str| {
            path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.requirements.iter().filter(|one| is_below(&one.path)).map(|one| one.feature).collect()
    }
}

/// A walk through a document that notes where a field is written.
struct Walk<'a> {
    steps: &'a [Step],
    words: Vec<String>,
    base: &'a str,
    found: &'a mut Vec<String>,
}

impl Walk<'_> {
    fn below(&mut self, value: &Value) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, inner)| self.step(key, inner)),
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, inner)| self.step(&index.to_string(), inner));
            }
            _ => {}
        }
    }

    fn step(&mut self, word: &str, inner: &Value) {
        self.words.push(word.to_owned());
        // An entry of the field is not the field.
        let is_entry = leads(self.steps, &self.words[..self.words.len() - 1]);
        if leads(self.steps, &self.words) && !is_entry {
            self.found.push(format!("{}.{}", self.base, self.words.join(".")));
        } else {
            self.below(inner);
        }
        self.words.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify;

    #[test]
    fn the_app_is_right_and_uses_every_feature() {
        let source = Source { file: "every_feature.yaml".to_owned(), text: TEXT.to_owned() };
        let app = parse(&[source]).unwrap().app;
        assert_eq!(verify(&app).into_iter().filter(crate::Diagnostic::is_error).collect::<Vec<_>>(), []);
        let used: BTreeSet<Feature> = app.requirements().into_iter().map(|one| one.feature).collect();
        let missing: Vec<&Feature> = Feature::ALL.iter().filter(|feature| !used.contains(feature)).collect();
        assert_eq!(missing, Vec::<&Feature>::new());
    }
}
