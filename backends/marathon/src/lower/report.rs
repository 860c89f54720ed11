//! What lowering finds out on its way.

use std::collections::BTreeSet;

use rhumb_backend::{Choices, Loss, Lowered, Object};
use rhumb_spec::{Diagnostic, Duration, Feature};

/// What lowering finds out on its way.
#[derive(Default)]
pub(super) struct Report {
    diagnostics: Vec<Diagnostic>,
    losses: Vec<Loss>,
}

impl Report {
    pub(super) fn refuse(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    pub(super) fn refuse_all(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        self.diagnostics.extend(diagnostics);
    }

    pub(super) fn lose(&mut self, feature: Feature, path: impl Into<String>, text: impl Into<String>) {
        self.losses.push(Loss { feature, path: path.into(), text: text.into(), accepted: false });
    }

    /// Whole seconds, a part counted as a whole one, which is said. The API has 32 bits for them.
    pub(super) fn seconds(&mut self, feature: Feature, path: impl Into<String>, time: Duration) -> i64 {
        let seconds = time.as_secs_rounded_up();
        if time.as_secs() != seconds {
            self.lose(feature, path, format!("Marathon counts whole seconds: {time} become {seconds}s"));
        }
        i64::from(i32::try_from(seconds).unwrap_or(i32::MAX))
    }

    /// The outcome, in which nothing is said twice.
    pub(super) fn finish(self, objects: Vec<Object>, choices: &Choices) -> Result<Lowered, Vec<Diagnostic>> {
        if self.diagnostics.is_empty() {
            let mut seen = BTreeSet::new();
            let losses = self.losses.into_iter().filter(|loss| seen.insert(loss.clone())).collect();
            return Ok(Lowered { objects, losses, choices: choices.clone() });
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
