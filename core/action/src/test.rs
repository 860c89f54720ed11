//! `rhumb test`: the jobs in a chart's `templates/tests`, run against its release.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use rhumb_backend::Object;
use rhumb_chart::{Chart, ReleaseInfo, UserValues, Vault};
use rhumb_release::Record;
use rhumb_spec::model::{Kind, Mode};
use rhumb_spec::{App, Diagnostic, Parsed};
use serde::Serialize;

use crate::hold::Hold;
use crate::jobs::Jobs;
use crate::known::find_record;
use crate::road::{Rendering, Written, write};
use crate::salt::Salt;
use crate::{ActionError, ActionResult, AfterJob, Context, JobResult};

/// What to test.
#[derive(Clone, Debug)]
pub struct TestRequest {
    /// The release.
    pub name: String,
    /// Only these tests; empty means all.
    pub only: Vec<String>,
    /// How long each may take.
    pub timeout: Duration,
    /// What becomes of the jobs afterwards.
    pub after: AfterJob,
}

/// What the tests showed.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tested {
    /// The release.
    pub name: String,
    /// Each test; none when the chart has none.
    pub tests: Vec<JobResult>,
}

impl Tested {
    /// Whether every test succeeded.
    pub fn succeeded(&self) -> bool {
        self.tests.iter().all(|test| test.succeeded)
    }
}

/// Runs the tests of the release's chart, one after another, and tells what they print.
///
/// The chart is the one in the record, so that what is tested is what is deployed.
///
/// # Errors
/// `NotFound`; a test that the chart does not have; a chart that is not in the record; `Busy`; what the platform cannot have or
/// answers. That a test failed is in the outcome.
pub async fn test(context: &Context<'_>, request: &TestRequest) -> ActionResult<Tested> {
    let record = find_record(context, &request.name, None).await?;
    let suite = Suite::of(context, &record, request)?;
    if suite.names.is_empty() {
        return Ok(Tested { name: request.name.clone(), tests: Vec::new() });
    }
    let hold = Hold::take(context, &record.scope()).await?;
    let jobs = Jobs { context, hold: &hold, record: &record, timeout: request.timeout, after: request.after };
    let result = suite.run(&jobs).await;
    hold.give_back().await;
    Ok(Tested { name: request.name.clone(), tests: result? })
}

/// The tests of a release.
struct Suite {
    /// The release's app with the tests in it.
    app: App,
    names: Vec<String>,
    vault: Vault,
    written: Written,
}

impl Suite {
    fn of(context: &Context<'_>, record: &Record, request: &TestRequest) -> ActionResult<Self> {
        let written = render(context, record)?;
        let tests = written.rendered.parse_tests().map_err(ActionError::Diagnostics)?;
        let names = chosen(&tests.app, request)?;
        let mut app = record.app.clone();
        let problems = merge(&mut app, tests.app);
        let parsed = Parsed { app: app.clone(), origins: tests.origins, warnings: Vec::new() };
        let found = parsed.verify().into_iter().filter(Diagnostic::is_error);
        let problems: Vec<Diagnostic> = problems.into_iter().chain(found).collect();
        let written = Written { parsed, ..written };
        if problems.is_empty() {
            return Ok(Self { app, names, vault: written.rendered.vault.clone(), written });
        }
        Err(written.located(problems))
    }

    async fn run(&self, jobs: &Jobs<'_>) -> ActionResult<Vec<JobResult>> {
        let objects = jobs.objects(&self.app).map_err(|found| self.written.located(found))?;
        let mut results = Vec::new();
        for name in &self.names {
            let is_part = |object: &&Object| object.workload.as_ref().is_none_or(|workload| workload == name);
            let part: Vec<Object> = objects.iter().filter(is_part).cloned().collect();
            results.push(jobs.run(name, &part, &self.vault).await?);
        }
        Ok(results)
    }
}

/// Renders the recorded chart with the recorded values.
fn render(context: &Context<'_>, record: &Record) -> ActionResult<Written> {
    let source = record.source.as_ref().ok_or_else(|| ActionError::of(no_chart(&record.release)))?;
    let files = rhumb_chart::unpack(&source.0).map_err(|error| {
        ActionError::of(Diagnostic::error("", format!("the recorded chart cannot be read: {error}")))
    })?;
    let chart = Chart::from_files(files).map_err(ActionError::Diagnostics)?;
    let user = UserValues::from_stored(record.values.as_object().cloned().unwrap_or_default());
    let values = chart.values(user).map_err(ActionError::Diagnostics)?;
    let revision = u32::try_from(record.revision).unwrap_or(u32::MAX);
    let rendering = Rendering {
        release: ReleaseInfo::upgrade(&record.release, &record.namespace, revision),
        backend: context.backend(),
        facts: &record.facts,
        sealing: Salt::read(&record.salt).unwrap_or_else(Salt::random).sealing(),
    };
    write(&chart, &values, &rendering)
}

fn no_chart(release: &str) -> Diagnostic {
    Diagnostic::error("", format!("the record of `{release}` does not hold its chart"))
        .why("the chart brings secret values of its own, and no record holds such")
        .remedy("leave the defaults of secret values empty in the chart, and upgrade")
}

/// The tests that are to be run, in the order of their names.
fn chosen(tests: &App, request: &TestRequest) -> ActionResult<Vec<String>> {
    let all: Vec<String> = tests.workloads.keys().cloned().collect();
    let mut problems = Vec::new();
    for name in request.only.iter().filter(|name| !all.contains(name)) {
        let found = Diagnostic::error("", format!("there is no test `{name}`"));
        problems.push(found.remedy(match all.as_slice() {
            [] => "a job of that name in templates/tests/ of the chart".to_owned(),
            all => format!("one of {}", all.join(", ")),
        }));
    }
    for (name, _) in tests.workloads.iter().filter(|(_, workload)| workload.mode != Mode::Job) {
        let found = Diagnostic::error(Kind::Workload.path(name), "a test must run to its end");
        problems.push(found.remedy("mode: job"));
    }
    if !problems.is_empty() {
        return Err(ActionError::Diagnostics(problems));
    }
    let is_chosen = |name: &String| request.only.is_empty() || request.only.contains(name);
    Ok(all.into_iter().filter(is_chosen).collect())
}

/// Adds the tests' documents to the release's, and tells of names that both have.
fn merge(app: &mut App, tests: App) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    add(&mut app.workloads, tests.workloads, Kind::Workload, &mut problems);
    add(&mut app.configs, tests.configs, Kind::Config, &mut problems);
    add(&mut app.secrets, tests.secrets, Kind::Secret, &mut problems);
    add(&mut app.volumes, tests.volumes, Kind::Volume, &mut problems);
    add(&mut app.networks, tests.networks, Kind::Network, &mut problems);
    add(&mut app.routes, tests.routes, Kind::Route, &mut problems);
    add(&mut app.natives, tests.natives, Kind::Native, &mut problems);
    problems
}

fn add<T>(
    to: &mut BTreeMap<String, T>,
    from: BTreeMap<String, T>,
    kind: Kind,
    problems: &mut Vec<Diagnostic>,
) {
    for (name, document) in from {
        match to.entry(name) {
            Entry::Vacant(place) => drop(place.insert(document)),
            Entry::Occupied(there) => {
                let name = there.key();
                let found =
                    Diagnostic::error(kind.path(name), format!("the release has a {kind} `{name}` too"));
                problems.push(found.remedy("another name for the one in templates/tests"));
            }
        }
    }
}
