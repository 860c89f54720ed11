//! The pure half of the backend behind the contract, for tests that need no server.

use std::collections::BTreeSet;

use async_trait::async_trait;
use rhumb_backend::legalize::Pass;
use rhumb_backend::{
    Backend, Change, Checked, CheckedApp, Choices, Facts, Health, Lifted, Live, Lowered, Materials, Object,
    ObjectId, Observed, Receipt, Result, Scope, Step, Support, Survey,
};
use rhumb_marathon::facts::MarathonFacts;
use rhumb_marathon::{change, lift, lower, support};
use rhumb_spec::{App, Diagnostic, Feature, Source};

/// A Marathon that is never asked.
#[derive(Debug)]
pub(crate) struct Offline;

#[async_trait]
impl Backend for Offline {
    fn name(&self) -> &'static str {
        "marathon"
    }

    fn default_facts(&self) -> Facts {
        facts(&MarathonFacts::default())
    }

    fn support(&self, feature: Feature, facts: &Facts) -> Support {
        support::support(feature, &facts.read().unwrap())
    }

    fn passes(&self) -> &'static [Pass] {
        &[Pass::StatefulOrdinals, Pass::InitContainersAsJobs]
    }

    fn lower(
        &self,
        app: &CheckedApp,
        scope: &Scope,
        facts: &Facts,
        choices: &Choices,
    ) -> std::result::Result<Lowered, Vec<Diagnostic>> {
        lower::lower(app, scope, &facts.read().unwrap(), choices)
    }

    fn lift(&self, objects: &[Object]) -> Lifted {
        lift::lift(objects)
    }

    fn change(&self, last: Option<&Object>, live: &Live, want: &Object) -> Change {
        change::change(last, live, want)
    }

    async fn survey(&self, _: &Scope, _: &App, _: &Survey<'_>) -> Result<Facts> {
        unreachable!("nothing is asked here")
    }

    async fn observe(&self, _: &Scope, _: &[ObjectId]) -> Result<Observed> {
        unreachable!("nothing is asked here")
    }

    async fn apply(&self, _: &Scope, _: &Step, _: &dyn Materials) -> Result<Receipt> {
        unreachable!("nothing is asked here")
    }

    async fn health(&self, _: &Scope, _: &[Receipt]) -> Result<Health> {
        unreachable!("nothing is asked here")
    }
}

/// Facts of the backend's own shape as the contract has them.
pub(crate) fn facts(facts: &MarathonFacts) -> Facts {
    Facts::from_data("marathon", false, facts).unwrap()
}

/// Reads an app; what is wrong with it is a mistake of the test.
pub(crate) fn parse(text: &str) -> App {
    let parsed = rhumb_spec::parse(&[Source { file: "app.yaml".to_owned(), text: text.to_owned() }])
        .unwrap_or_else(|errors| panic!("{}", texts(&errors)));
    let errors: Vec<Diagnostic> = parsed.verify().into_iter().filter(Diagnostic::is_error).collect();
    assert!(errors.is_empty(), "{}", texts(&errors));
    parsed.app
}

/// Checks an app for a Marathon with these facts.
pub(crate) fn check(app: &App, cluster: &MarathonFacts) -> std::result::Result<Checked, Vec<Diagnostic>> {
    rhumb_backend::check(app, &Offline, &facts(cluster), &BTreeSet::new())
}

/// Checks and lowers an app as the release `shop`, and returns what was lowered with all of its losses.
pub(crate) fn lowered(
    app: &App,
    cluster: &MarathonFacts,
    choices: &Choices,
) -> std::result::Result<Lowered, Vec<Diagnostic>> {
    let checked = check(app, cluster)?;
    let mut lowered = lower::lower(&checked.app, &Scope::new("default", "shop"), cluster, choices)?;
    lowered.losses.splice(0..0, checked.losses);
    Ok(lowered)
}

/// Diagnostics as people see them.
pub(crate) fn texts(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
