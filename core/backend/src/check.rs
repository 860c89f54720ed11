//! The one gate between an app and a backend.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_spec::model::Expose;
use rhumb_spec::{App, Diagnostic, Feature, Requirement};

use crate::omit::{can_omit, omit};
use crate::{Backend, Facts, Loss, Sequence, Support};

/// An app that a backend said it can carry. Only [`check()`] makes one, and lowering takes nothing else.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedApp {
    source: App,
    app: App,
    sequences: BTreeMap<String, Sequence>,
}

impl CheckedApp {
    /// The app to lower: without what was left out, after the backend's passes.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// The app before the backend's passes, without what was left out and without what is for other platforms.
    pub fn source(&self) -> &App {
        &self.source
    }

    /// The place of a workload that a pass made out of a stateful one, none for every other.
    ///
    /// The set's name goes on standing for all of its members: a backend gives each of them the set's name as a
    /// further name on every network.
    pub fn ordinal(&self, workload: &str) -> Option<&Sequence> {
        self.sequences.get(workload)
    }

    /// The workloads of [`Self::app`] that a name in a reference stands for, in their order: the workload itself, or
    /// every ordinal of the set that it was before the passes.
    pub fn members(&self, workload: &str) -> Vec<&str> {
        if let Some((name, _)) = self.app.workloads.get_key_value(workload) {
            return vec![name];
        }
        let mut members: Vec<(u32, &str)> = self
            .sequences
            .iter()
            .filter(|(_, sequence)| sequence.set == workload)
            .map(|(name, sequence)| (sequence.index, name.as_str()))
            .collect();
        members.sort_unstable();
        members.into_iter().map(|(_, name)| name).collect()
    }

    /// The exposed port that an address such as `{ address: db, port: pg }` means. The name of a set and the names
    /// of its ordinals are both known.
    pub fn exposed(&self, workload: &str, port: &str) -> Option<&Expose> {
        let found = self.source.workloads.get(workload).or_else(|| self.app.workloads.get(workload))?;
        found.expose.get(port)
    }
}

/// What a check finds in an app that it lets through.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// The app, ready to lower.
    pub app: CheckedApp,
    /// What the app does not get as it asked, each once, in the order of the app.
    pub losses: Vec<Loss>,
}

/// Asks a backend for everything that an app uses.
///
/// What is emulated becomes a loss. What is unsupported is left out if the user accepted that, which is a loss too.
/// Documents and patches for other platforms are not there for this one; a patch for this platform is the loss
/// *unportable*.
///
/// # Errors
/// One diagnostic for each use of a feature that is neither supported nor left out, and for each thing that the
/// backend's passes cannot turn into what the platform has.
pub fn check(
    app: &App,
    backend: &dyn Backend,
    facts: &Facts,
    accept: &BTreeSet<Feature>,
) -> Result<Checked, Vec<Diagnostic>> {
    let mut source = of_platform(app, backend.name());
    let mut losses = leave_out(&mut source, backend, facts, accept);
    let mut diagnostics = Vec::new();
    for requirement in source.requirements() {
        match backend.support(requirement.feature, facts) {
            Support::Native if requirement.feature == Feature::PlatformPatch => {
                losses.push(unportable(requirement));
            }
            Support::Native => {}
            Support::Emulated { loss } => losses.push(emulated(requirement, loss)),
            Support::Unsupported { why, instead } => {
                diagnostics.push(refusal(&requirement, backend.name(), why, instead));
            }
        }
    }
    let mut checked = CheckedApp { app: source.clone(), source, sequences: BTreeMap::new() };
    if diagnostics.is_empty() {
        losses.extend(pass(&mut checked, backend)?);
        let mut seen = BTreeSet::new();
        losses.retain(|loss| seen.insert(loss.clone()));
        return Ok(Checked { app: checked, losses });
    }
    Err(diagnostics)
}

/// Something that an app asks for, and what a backend answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessed {
    /// What is asked for, and where.
    pub requirement: Requirement,
    /// What the backend makes of it.
    pub support: Support,
}

/// Everything that an app asks a backend for, and the answers. Nothing is left out, and nothing stops it.
///
/// What is for other platforms is not asked for, as in [`check()`].
pub fn assess(app: &App, backend: &dyn Backend, facts: &Facts) -> Vec<Assessed> {
    let answer = |requirement: Requirement| Assessed {
        support: backend.support(requirement.feature, facts),
        requirement,
    };
    of_platform(app, backend.name()).requirements().into_iter().map(answer).collect()
}

fn of_platform(app: &App, platform: &str) -> App {
    let mut app = app.clone();
    app.natives.retain(|_, native| native.platform == platform);
    for workload in app.workloads.values_mut() {
        workload.on.retain(|name, _| name == platform);
    }
    app
}

/// What an app asks of one platform and no other has: its native documents and its patches for that platform.
pub fn bound_to(app: &App, platform: &str) -> Vec<Requirement> {
    let is_bound = |of: &Requirement| matches!(of.feature, Feature::Native | Feature::PlatformPatch);
    of_platform(app, platform).requirements().into_iter().filter(is_bound).collect()
}

/// Warns of an app of which a platform gets nothing, because it has native documents of other platforms only.
pub fn only_for_others(app: &App, platform: &str) -> Option<Diagnostic> {
    if app.natives.is_empty() || of_platform(app, platform) != App::default() {
        return None;
    }
    let others: BTreeSet<&str> = app.natives.values().map(|native| native.platform.as_str()).collect();
    let others: Vec<&str> = others.into_iter().collect();
    let warning = Diagnostic::warning("", format!("nothing of the chart is for {platform}"))
        .why(format!("it has native documents for {} only", others.join(" and ")))
        .remedy("a target of that platform, or workloads in the place of the native documents");
    Some(warning)
}

/// Leaves out what is unsupported and accepted, and returns a loss for each place that asked for it.
fn leave_out(app: &mut App, backend: &dyn Backend, facts: &Facts, accept: &BTreeSet<Feature>) -> Vec<Loss> {
    let is_left_out = |feature: Feature| {
        accept.contains(&feature) && matches!(backend.support(feature, facts), Support::Unsupported { .. })
    };
    let asked: Vec<Requirement> =
        app.requirements().into_iter().filter(|requirement| is_left_out(requirement.feature)).collect();
    let mut losses = Vec::new();
    for Requirement { feature, path } in asked {
        if omit(app, feature) {
            let text = "it is left out, as the user accepted".to_owned();
            losses.push(Loss { feature, path, text, accepted: true });
        }
    }
    losses
}

fn pass(checked: &mut CheckedApp, backend: &dyn Backend) -> Result<Vec<Loss>, Vec<Diagnostic>> {
    let mut losses = Vec::new();
    for pass in backend.passes() {
        let legalized = pass.apply(std::mem::take(&mut checked.app))?;
        checked.app = legalized.app;
        checked.sequences.extend(legalized.sequences);
        losses.extend(legalized.losses);
    }
    Ok(losses)
}

fn unportable(Requirement { feature, path }: Requirement) -> Loss {
    let text = "unportable: the patch has no effect on other platforms".to_owned();
    Loss { feature, path, text, accepted: false }
}

fn emulated(Requirement { feature, path }: Requirement, loss: &str) -> Loss {
    Loss { feature, path, text: loss.to_owned(), accepted: false }
}

fn refusal(requirement: &Requirement, platform: &str, why: &str, instead: &str) -> Diagnostic {
    let feature = requirement.feature;
    let what = format!("{platform} does not have: {}", lower_first(feature.description()));
    let remedy = if can_omit(feature) {
        format!("{instead}; or leave it out with --accept-loss {feature}")
    } else {
        instead.to_owned()
    };
    Diagnostic::error(&requirement.path, what).why(why).remedy(remedy)
}

/// The description as it stands inside a sentence: no capital at its start unless it is an acronym, no full stop.
fn lower_first(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            format!("{}{}", first.to_lowercase(), &text[first.len_utf8()..])
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
