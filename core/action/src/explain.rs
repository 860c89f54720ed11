//! `rhumb explain`: what a feature, or whatever a field asks for, becomes on each platform. Nothing is asked of any.

use rhumb_backend::{Mapping, Support, can_omit};
use rhumb_spec::{Feature, Field, find_fields, suggest};
use serde::Serialize;

use crate::{Candidate, Cell, Proofs, Verdict};

/// What a feature or a field becomes everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The fields that were meant; none where a feature was named.
    pub fields: Vec<ExplainedField>,
    /// The feature that was named, or those that the fields may ask for.
    pub features: Vec<ExplainedFeature>,
}

/// A field of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedField {
    /// Its place: `Workload.containers.*.probes.ready`.
    pub path: String,
    /// What it says.
    pub description: String,
    /// The features that it may ask for; none where every platform takes it.
    pub features: Vec<Feature>,
}

/// What a feature is, and what it becomes everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedFeature {
    /// The feature.
    pub feature: Feature,
    /// What is asked for.
    pub description: &'static str,
    /// Whether it can be left out with `--accept-loss` where it is refused.
    pub can_be_left_out: bool,
    /// What it becomes on each platform.
    pub platforms: Vec<ExplainedPlatform>,
}

/// What a feature becomes on a platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedPlatform {
    /// The name that the user knows the platform by.
    pub name: String,
    /// What the platform makes of it, on a usual target.
    #[serde(flatten)]
    pub cell: Cell,
    /// The platform's own words, and where they are documented.
    #[serde(flatten)]
    pub mapping: Mapping,
}

/// Explains a feature by its name, or a field by its path.
///
/// # Errors
/// What was probably meant, where nothing is called so and something is near.
pub fn explain(candidates: &[Candidate], asked: &str) -> Result<Explanation, Option<String>> {
    if let Some(feature) = Feature::ALL.iter().find(|feature| feature.as_str() == asked) {
        return Ok(Explanation { fields: Vec::new(), features: vec![of_feature(*feature, candidates)] });
    }
    let fields = find_fields(asked).map_err(|near| {
        suggest(asked, Feature::ALL.iter().map(|feature| feature.as_str())).map(str::to_owned).or(near)
    })?;
    let mut features: Vec<Feature> = fields.iter().flat_map(|field| field.features.clone()).collect();
    features.sort_unstable();
    features.dedup();
    Ok(Explanation {
        fields: fields.into_iter().map(of_field).collect(),
        features: features.into_iter().map(|feature| of_feature(feature, candidates)).collect(),
    })
}

fn of_field(Field { path, description, features }: Field) -> ExplainedField {
    ExplainedField { path, description, features }
}

fn of_feature(feature: Feature, candidates: &[Candidate]) -> ExplainedFeature {
    let proofs = Proofs::built_in();
    ExplainedFeature {
        feature,
        description: feature.description(),
        can_be_left_out: can_omit(feature),
        platforms: candidates.iter().map(|candidate| of_platform(feature, candidate, &proofs)).collect(),
    }
}

fn of_platform(feature: Feature, candidate: &Candidate, proofs: &Proofs) -> ExplainedPlatform {
    let backend = candidate.backend.as_ref();
    let facts = backend.default_facts();
    let proof = proofs.get(backend.variant(&facts), feature);
    let mapping = backend.mapping(feature);
    let support = backend.support(feature, &facts);
    let cell = Cell::of(support, proof);
    // What is refused there becomes nothing, whatever it is on other targets of the platform.
    let becomes = if cell.verdict == Verdict::Refused { "" } else { mapping.becomes };
    ExplainedPlatform { name: candidate.name.clone(), cell, mapping: Mapping { becomes, ..mapping } }
}

impl Cell {
    /// What a backend answers, as it stands in a table.
    pub(crate) fn of(support: Support, proof: Option<crate::Proof>) -> Self {
        let cell = Self { verdict: Verdict::Native, losses: Vec::new(), why: None, instead: None, proof };
        match support {
            Support::Native => cell,
            Support::Emulated { loss } => {
                Self { verdict: Verdict::Emulated, losses: vec![loss.to_owned()], ..cell }
            }
            Support::Unsupported { why, instead } => Self {
                verdict: Verdict::Refused,
                why: Some(why.to_owned()),
                instead: Some(instead.to_owned()),
                ..cell
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rhumb_memory::MemoryBackend;
    use std::sync::Arc;

    fn candidates() -> Vec<Candidate> {
        vec![Candidate { name: "here".to_owned(), backend: Arc::new(MemoryBackend::in_memory()) }]
    }

    #[test]
    fn every_feature_is_explained_by_its_name() {
        for feature in Feature::ALL {
            let explained = explain(&candidates(), feature.as_str()).unwrap();
            assert_eq!((explained.features.len(), explained.fields.len()), (1, 0));
            assert_eq!(explained.features[0].platforms[0].cell.verdict, Verdict::Native);
        }
    }

    #[test]
    fn a_field_is_explained_by_what_it_asks_for() {
        let explained = explain(&candidates(), "containers.web.stop").unwrap();
        let features: Vec<_> = explained.features.iter().map(|one| one.feature).collect();
        assert_eq!(features, [Feature::StopSignal, Feature::StopGrace]);
        assert_eq!(explained.fields[0].path, "Workload.containers.*.stop");
    }

    #[test]
    fn what_is_unknown_has_a_suggestion() {
        assert_eq!(explain(&candidates(), "stop-signl"), Err(Some("stop-signal".to_owned())));
        assert_eq!(explain(&candidates(), "qwertyuiop"), Err(None));
    }
}
