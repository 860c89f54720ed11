//! What lowering finds out on its way.

use std::collections::BTreeSet;

use rhumb_backend::{Choices, Loss, Lowered, Object};
use rhumb_spec::{Diagnostic, Duration, Feature};

/// What lowering finds out on its way.
#[derive(Default)]
pub(super) struct Report {
    diagnostics: Vec<Diagnostic>,
    losses: Vec<Loss>,
    /// What was chosen, old and new.
    pub(super) choices: Choices,
}

/// The least and the most whole seconds that a field takes.
#[derive(Clone, Copy)]
pub(super) struct Range(pub(super) u64, pub(super) u64);

impl Report {
    pub(super) fn of(choices: &Choices) -> Self {
        Self { choices: choices.clone(), ..Self::default() }
    }

    pub(super) fn refuse(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    pub(super) fn refuse_all(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        self.diagnostics.extend(diagnostics);
    }

    pub(super) fn lose(&mut self, feature: Feature, path: impl Into<String>, text: impl Into<String>) {
        self.losses.push(Loss { feature, path: path.into(), text: text.into(), accepted: false });
    }

    /// Whole seconds within a range. A part of a second counts as a whole one, which is told; what lies outside is
    /// refused, and the nearest end of the range stands for it from there on.
    pub(super) fn seconds(&mut self, feature: Feature, path: &str, time: Duration, range: Range) -> u64 {
        let seconds = time.as_secs_rounded_up();
        let Range(least, most) = range;
        if !(least..=most).contains(&seconds) {
            self.refuse(
                Diagnostic::error(path, format!("{time} is outside of {least} s to {most} s"))
                    .why("AWS takes whole seconds in this range")
                    .remedy(format!("`{}s`", seconds.clamp(least, most))),
            );
        } else if time.as_secs() != seconds {
            self.lose(feature, path, format!("AWS counts whole seconds: {time} become {seconds}s"));
        }
        seconds.clamp(least, most)
    }

    /// The outcome, in which nothing is said twice.
    pub(super) fn finish(self, objects: Vec<Object>) -> Result<Lowered, Vec<Diagnostic>> {
        if self.diagnostics.is_empty() {
            let mut seen = BTreeSet::new();
            let losses = self.losses.into_iter().filter(|loss| seen.insert(loss.clone())).collect();
            return Ok(Lowered { objects, losses, choices: self.choices });
        }
        let mut diagnostics = Vec::new();
        for diagnostic in self.diagnostics {
            if !diagnostics.contains(&diagnostic) {
                diagnostics.push(diagnostic);
            }
        }
        Err(diagnostics)
    }
}
