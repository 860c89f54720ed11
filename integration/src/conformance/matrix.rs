//! The table of what each backend does and how that was proven.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rhumb_action::Proofs;
use rhumb_spec::Feature;

/// How a cell was proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// Containers ran and showed it.
    Ran,
    /// The platform took it, and it was read back.
    Accepted,
    /// A double of the platform took it, ran it by the platform's rules, and it was read back.
    Double,
    /// It is not declared, and the check refused it.
    Refused,
    /// Something was not as it must be.
    Failed,
}

impl Proof {
    /// The word in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ran => "ran",
            Self::Accepted => "accepted",
            Self::Double => "double",
            Self::Refused => "refused",
            Self::Failed => "FAILED",
        }
    }

    /// What the program is told of it; nothing of what failed.
    const fn told(self) -> Option<rhumb_action::Proof> {
        match self {
            Self::Ran => Some(rhumb_action::Proof::Ran),
            Self::Accepted => Some(rhumb_action::Proof::Accepted),
            Self::Double => Some(rhumb_action::Proof::Double),
            Self::Refused => Some(rhumb_action::Proof::Refused),
            Self::Failed => None,
        }
    }
}

/// Proofs by feature and backend.
#[derive(Clone, Debug, Default)]
pub struct Matrix(BTreeMap<(Feature, &'static str), Proof>);

impl Matrix {
    /// Notes how a cell was proven.
    pub fn note(&mut self, feature: Feature, backend: &'static str, proof: Proof) {
        self.0.insert((feature, backend), proof);
    }

    /// The proofs, for the program to tell.
    pub fn proofs(&self) -> Proofs {
        let mut proofs = Proofs::default();
        for ((feature, backend), proof) in &self.0 {
            if let Some(told) = proof.told() {
                proofs.note(backend, *feature, told);
            }
        }
        proofs
    }

    /// The table, in Markdown, with a line of sums.
    pub fn to_markdown(&self, backends: &[&'static str]) -> String {
        let mut text = format!("| {:24} |", "feature");
        for backend in backends {
            let _ = write!(text, " {backend:10} |");
        }
        text.push_str(&format!("\n|{:-<26}|", "").to_string());
        text.push_str(&format!("{:-<12}|", "").repeat(backends.len()));
        for feature in Feature::ALL {
            let _ = write!(text, "\n| {:24} |", feature.as_str());
            for backend in backends {
                let word = self.0.get(&(*feature, backend)).map_or("skipped", |proof| proof.as_str());
                let _ = write!(text, " {word:10} |");
            }
        }
        text.push('\n');
        for backend in backends {
            let _ = write!(text, "\n{backend}:");
            for proof in [Proof::Ran, Proof::Accepted, Proof::Double, Proof::Refused, Proof::Failed] {
                let is_it = |((_, of), found): &(&(Feature, &str), &Proof)| of == backend && **found == proof;
                let count = self.0.iter().filter(is_it).count();
                let _ = write!(text, " {count} {}", proof.as_str());
            }
        }
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_has_a_line() {
        let mut matrix = Matrix::default();
        matrix.note(Feature::Env, "memory", Proof::Ran);
        let text = matrix.to_markdown(&["memory", "swarm"]);
        assert!(text.contains("| env                      | ran        | skipped    |"), "{text}");
        assert!(text.contains("memory: 1 ran 0 accepted 0 double 0 refused 0 FAILED"), "{text}");
        assert_eq!(text.lines().filter(|line| line.starts_with("| ")).count(), Feature::ALL.len() + 1);
    }
}
