//! What can be wrong with a request, found before anything is installed.

use rhumb_backend::{Error, ErrorKind, Scope};
use rhumb_chart::{ReleaseInfo, Sealing};
use rhumb_spec::model::{Mode, Workload};
use rhumb_spec::{App, Diagnostic};

use super::{EvaluateRequest, Phase, Subject};
use crate::road::{Loaded, Rendering, write};
use crate::salt::Salt;
use crate::user_values::read_values;
use crate::{ActionError, ActionResult, ChartInputs, Context};

impl EvaluateRequest {
    /// What the rolling update upgrades to; none where it is no upgrade.
    pub(super) fn updated(&self) -> Option<ChartInputs> {
        if self.update.0.is_empty() {
            return None;
        }
        let mut inputs = self.inputs.clone();
        inputs.values.0.extend(self.update.0.iter().cloned());
        Some(inputs)
    }

    /// The workload that is loaded, scaled and broken.
    ///
    /// # Errors
    /// `NotFound` for one that the app does not have, and where it has none that is replicated.
    pub(super) fn subject(&self, app: &App) -> ActionResult<Subject> {
        Ok(Subject::of(app, self.workload.as_deref(), self.replicas)?)
    }

    /// Whether the chart can be rendered for a target, with the values of the update too; whether it has the workload that
    /// was asked for, and whether the phases can be done with that.
    ///
    /// # Errors
    /// `Diagnostics`; `NotFound` for a workload that the chart does not have.
    pub(super) fn verify(&self, context: &Context<'_>, loaded: &Loaded, release: &str) -> ActionResult<()> {
        self.require_used()?;
        let scope = context.scope(release);
        let render = Render { context, loaded, sealing: Salt::random().sealing() };
        let install = ReleaseInfo::install(&scope.release, &scope.namespace);
        let app = render.app(&self.inputs, install)?;
        self.verify_workload(&app)?;
        let Some(updated) = self.updated() else { return Ok(()) };
        let upgrade = |scope: &Scope| ReleaseInfo::upgrade(&scope.release, &scope.namespace, 2);
        let [before, after] =
            [render.app(&self.inputs, upgrade(&scope))?, render.app(&updated, upgrade(&scope))?];
        if before == after { Err(ActionError::of(without_effect())) } else { Ok(()) }
    }

    /// What belongs to a phase that is not measured is a slip.
    fn require_used(&self) -> ActionResult<()> {
        let unused = |option: &str, phase: &str| {
            let what = format!("{option} is for a phase that is not measured");
            Err(ActionError::of(
                Diagnostic::error("", what).remedy(format!("--phases with `{phase}` among them")),
            ))
        };
        if !self.update.0.is_empty() && !self.phases.contains(&Phase::Update) {
            return unused("--update-set", "update");
        }
        if self.replicas.is_some() && !self.phases.contains(&Phase::ScaleUp) {
            return unused("--replicas", "scale");
        }
        Ok(())
    }

    fn verify_workload(&self, app: &App) -> ActionResult<()> {
        let has_load = self.phases.iter().copied().any(Phase::has_load);
        if self.workload.is_none() && !has_load {
            return Ok(());
        }
        let subject = self.subject(app)?;
        let Some(workload) = app.workloads.get(&subject.workload) else { return Ok(()) };
        for phase in &self.phases {
            if let Some(why) = hindrance(*phase, workload) {
                return Err(unfit(app, &subject, *phase, why).into());
            }
        }
        if self.phases.contains(&Phase::ScaleUp) && subject.scaled_to <= subject.replicas {
            return Err(ActionError::of(no_more(&subject)));
        }
        Ok(())
    }
}

/// A chart on its way to an app, for one target.
struct Render<'a> {
    context: &'a Context<'a>,
    loaded: &'a Loaded,
    sealing: Sealing,
}

impl Render<'_> {
    fn app(&self, inputs: &ChartInputs, release: ReleaseInfo) -> ActionResult<App> {
        let given = read_values(&inputs.values)?;
        let values = self.loaded.chart.values(given).map_err(ActionError::Diagnostics)?;
        let backend = self.context.backend();
        let facts = backend.default_facts();
        let rendering = Rendering { release, backend, facts: &facts, sealing: self.sealing.clone() };
        Ok(write(&self.loaded.chart, &values, &rendering)?.parsed.app)
    }
}

/// Why a phase cannot be done with a workload on any platform.
fn hindrance(phase: Phase, workload: &Workload) -> Option<&'static str> {
    let is_scaled = matches!(phase, Phase::ScaleUp | Phase::ScaleDown);
    match workload.mode {
        Mode::Job | Mode::Cron if phase.has_load() => Some("it runs to its end, and is no service"),
        Mode::Global if is_scaled => Some("it runs once on every node, and has no number of replicas"),
        _ => None,
    }
}

/// The workloads with which a phase can be done are named.
fn unfit(app: &App, subject: &Subject, phase: Phase, why: &str) -> Error {
    let fit = app.workloads.iter().filter(|(_, workload)| hindrance(phase, workload).is_none());
    let fit: Vec<&str> = fit.map(|(name, _)| name.as_str()).collect();
    let other = if fit.is_empty() {
        String::new()
    } else {
        format!("--workload with one of {}, or ", fit.join(", "))
    };
    Error::new(ErrorKind::Invalid, format!("measure the {phase} of {}", subject.workload), why)
        .remedy(format!("{other}--phases without it"))
}

fn no_more(subject: &Subject) -> Diagnostic {
    let Subject { workload, replicas, scaled_to, .. } = subject;
    Diagnostic::error("", format!("`{workload}` cannot be scaled up to {scaled_to}"))
        .why(format!("it has {replicas} of its own"))
        .remedy(format!("--replicas with more than {replicas}"))
}

fn without_effect() -> Diagnostic {
    Diagnostic::error("", "the values of the rolling update change nothing")
        .why("the chart makes the same of them as without")
        .remedy("--update-set with a value that its templates use, or none, so that replicas are replaced by equal ones")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rhumb_spec::{Source, parse};

    const APP: &str = "
kind: Workload
name: agent
mode: global
containers: { agent: { image: x } }
---
kind: Workload
name: batch
mode: job
containers: { batch: { image: x } }
---
kind: Workload
name: web
containers: { web: { image: x } }
";

    fn check(name: &str, phase: Phase) -> Option<String> {
        let app = parse(&[Source { file: "app.yaml".to_owned(), text: APP.to_owned() }]).unwrap().app;
        let subject = Subject::of(&app, Some(name), None).unwrap();
        let why = hindrance(phase, &app.workloads[name])?;
        unfit(&app, &subject, phase, why).remedy
    }

    #[test]
    fn what_a_workload_is_decides_what_can_be_measured() {
        assert_eq!(check("web", Phase::ScaleUp), None);
        assert_eq!(check("agent", Phase::Recovery), None);
        assert_eq!(check("batch", Phase::NoOp), None);
        let only_web = "--workload with one of web, or --phases without it";
        assert_eq!(check("agent", Phase::ScaleDown).as_deref(), Some(only_web));
        let lasting = "--workload with one of agent, web, or --phases without it";
        assert_eq!(check("batch", Phase::Update).as_deref(), Some(lasting));
    }
}
