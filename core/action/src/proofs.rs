//! How the mapping of each feature was proven on each platform.

use std::collections::BTreeMap;

use rhumb_spec::Feature;
use serde::{Deserialize, Serialize};

/// What the conformance suite found when it was last run as a whole.
const PROVEN: &str = include_str!("../data/proofs.json");

/// How the mapping of a feature was proven on a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// Containers ran and showed it.
    Ran,
    /// The platform took it, and it was read back.
    Accepted,
    /// A double of the platform took it, ran it by the platform's rules, and it was read back.
    Double,
    /// It is not declared, and the check refused it.
    Refused,
}

impl Proof {
    /// Every proof, the strongest first.
    pub const ALL: [Self; 4] = [Self::Ran, Self::Accepted, Self::Double, Self::Refused];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ran => "ran",
            Self::Accepted => "accepted",
            Self::Double => "double",
            Self::Refused => "refused",
        }
    }

    /// What the word means, in a sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Ran => "containers ran and showed it",
            Self::Accepted => {
                "the platform took it and gave it back; nothing on the test machine could show more"
            }
            Self::Double => {
                "a double of the platform, held to its published schema, took it, ran it and gave it back"
            }
            Self::Refused => "not declared, and the check says so",
        }
    }
}

/// Proofs by platform (see [`rhumb_backend::Backend::variant`]) and feature.
///
/// The conformance suite writes them and is held to them; nobody types them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Proofs(BTreeMap<String, BTreeMap<Feature, Proof>>);

impl Proofs {
    /// Those that this program was built with.
    pub fn built_in() -> Self {
        serde_json::from_str(PROVEN).unwrap_or_default()
    }

    /// How a feature was proven on a platform; none where it never was.
    pub fn get(&self, variant: &str, feature: Feature) -> Option<Proof> {
        self.0.get(variant)?.get(&feature).copied()
    }

    /// Notes how a feature was proven on a platform.
    pub fn note(&mut self, variant: &str, feature: Feature, proof: Proof) {
        self.0.entry(variant.to_owned()).or_default().insert(feature, proof);
    }

    /// Every cell.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Feature, Proof)> {
        self.0.iter().flat_map(|(variant, cells)| {
            cells.iter().map(move |(feature, proof)| (variant.as_str(), *feature, *proof))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_has_a_proof_of_every_feature() {
        let proofs: Proofs = serde_json::from_str(PROVEN).unwrap();
        for variant in ["memory", "swarm", "kubernetes", "ecs", "ecs-ec2", "marathon"] {
            for feature in Feature::ALL {
                assert!(proofs.get(variant, *feature).is_some(), "{variant} has no proof of {feature}");
            }
        }
    }

    #[test]
    fn what_is_noted_is_told() {
        let mut proofs = Proofs::default();
        proofs.note("memory", Feature::Env, Proof::Ran);
        assert_eq!(proofs.get("memory", Feature::Env), Some(Proof::Ran));
        assert_eq!(proofs.get("swarm", Feature::Env), None);
        assert_eq!(serde_json::to_string(&proofs).unwrap(), r#"{"memory":{"env":"ran"}}"#);
    }
}
