//! `rhumb evaluate`: the same script on live targets, measured.
//!
//! Each round installs a chart, upgrades it to the same, replaces its replicas under load, scales it, ends a replica,
//! and removes everything again. What fails is a result, and is cleaned up.

mod before;
mod door;
mod load;
mod measurement;
mod recovery;
mod round;
mod site;
mod statistics;
mod subject;
mod summary;
mod table;

use std::time::Duration;

use futures_util::future::join_all;
use rhumb_release::ChartInfo;
use rhumb_spec::Diagnostic;
use serde::Serialize;

use crate::known::Known;
use crate::names::{MAX_NAME, check_name};
use crate::{ActionError, ActionResult, ChartInputs, Context, IfNoNamespace, ValueInputs, road};

pub use door::Way;
pub use load::LoadCount;
pub use measurement::{Measurement, Outcome, Phase, Round, RoundKind};
pub use statistics::Spread;
pub use subject::Subject;
pub use summary::{LoadSummary, PhaseSummary};
pub use table::{COLUMNS, raw_lines};

use site::Site;

/// What to evaluate, and how.
#[derive(Clone, Debug)]
pub struct EvaluateRequest {
    /// The release's name; none means [`evaluation_name`] of the chart's.
    pub name: Option<String>,
    /// The chart and what goes into it.
    pub inputs: ChartInputs,
    /// How many rounds count.
    pub rounds: u32,
    /// Whether a round goes before them.
    pub warm_up: WarmUp,
    /// What is measured between the install and the uninstall.
    pub phases: Vec<Phase>,
    /// The workload that is loaded, scaled and broken; none means the first that is replicated, one that others reach
    /// before one that nobody does.
    pub workload: Option<String>,
    /// The number that it is scaled up to; none means twice its own.
    pub replicas: Option<u32>,
    /// The values of the rolling update; none means that every replica is replaced by an equal one.
    pub update: ValueInputs,
    /// The load.
    pub load: LoadRequest,
    /// Whether targets wait for each other.
    pub order: Order,
    /// How long each phase may take.
    pub timeout: Duration,
    /// What becomes of a namespace that is not there.
    pub no_namespace: IfNoNamespace,
    /// The machine that measures.
    pub machine: Machine,
}

/// Whether a round that does not count goes before the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WarmUp {
    /// Every round counts, the first one too, in which nodes may have to pull images.
    #[default]
    None,
    /// One is reported and not counted (`--warm-up`).
    OneRound,
}

/// Whether targets wait for each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Order {
    /// One target at a time, round by round, so that none disturbs another.
    #[default]
    InTurn,
    /// All at once (`--parallel`).
    AtOnce,
}

/// How the load is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadRequest {
    /// Where requests go: a target's name, or none for every target, and a URL, in which `{target}`, `{release}` and
    /// `{namespace}` stand for these. Without any, the exposed ports of the workload are tried.
    pub urls: Vec<(Option<String>, String)>,
    /// The path that is asked for at an address that was found.
    pub path: String,
    /// Requests a second; 0 means none.
    pub rate: u32,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// The machine that measures, as the caller tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// Its processors.
    pub cores: usize,
    /// Its system and architecture: `linux/x86_64`.
    pub system: String,
    /// The version of the program.
    pub version: String,
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evaluation {
    /// The chart.
    pub chart: ChartInfo,
    /// The release's name on every target.
    pub release: String,
    /// When it began, in RFC 3339.
    pub started: String,
    /// When it ended.
    pub ended: String,
    /// How many rounds count.
    pub rounds: u32,
    /// Whether targets waited for each other.
    pub order: Order,
    /// Requests a second that were asked for.
    pub rate: u32,
    /// Seconds after which an answer counted as lost.
    pub request_timeout: f64,
    /// The machine that measured.
    pub machine: Machine,
    /// The targets, in the order in which they were named.
    pub targets: Vec<EvaluatedTarget>,
}

/// What was measured on a target.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EvaluatedTarget {
    /// The name that the user knows it by.
    pub name: String,
    /// The platform's name.
    pub platform: String,
    /// The release's namespace there.
    pub namespace: String,
    /// What the platform says of itself: its version and size.
    pub about: Vec<(String, String)>,
    /// The workload that was loaded, scaled and broken; none where nothing was installed.
    pub subject: Option<Subject>,
    /// The phases, over all rounds that count.
    pub phases: Vec<PhaseSummary>,
    /// Everything that was measured, round by round.
    pub rounds: Vec<Round>,
}

/// What was measured, and what failed.
#[derive(Debug)]
pub struct Evaluated {
    /// What was measured.
    pub evaluation: Evaluation,
    /// Every error, in the order in which it came.
    pub failures: Vec<ActionError>,
}

/// The name of a release for evaluations of a chart.
pub fn evaluation_name(chart: &str) -> String {
    const SUFFIX: &str = "-evaluation";
    let short: String = chart.chars().take(MAX_NAME - SUFFIX.len()).collect();
    let name = format!("{}{SUFFIX}", short.trim_end_matches('-'));
    if check_name("release", &name).is_ok() { name } else { "rhumb-evaluation".to_owned() }
}

/// Measures the same script on each of these targets.
///
/// What fails is a result, and the round is cleaned up; so it is when the evaluation is cancelled, and what was measured
/// until then is returned.
///
/// # Errors
/// Before anything is changed: `Diagnostics` for a chart or a name that is wrong, for options that do not fit each other or
/// the chart, and for a release that is there already; `NotFound` for a workload that the chart does not have; what a target
/// answers when it is asked for that.
pub async fn evaluate(contexts: &[Context<'_>], request: &EvaluateRequest) -> ActionResult<Evaluated> {
    let loaded = road::load(&request.inputs.chart)?;
    let chart = road::chart_info(&loaded.chart);
    let release = request.name.clone().unwrap_or_else(|| evaluation_name(&chart.name));
    check_name("release", &release)?;
    for context in contexts {
        request.verify_urls(context, &release)?;
        request.verify(context, &loaded, &release)?;
        require_absent(context, &release).await?;
    }
    let now = || contexts.first().map(Context::now).unwrap_or_default();
    let started = now();
    let mut sites: Vec<Site<'_>> =
        contexts.iter().map(|context| Site::new(context, request, &release)).collect();
    measure(&mut sites, request).await;
    let (targets, failures): (Vec<_>, Vec<_>) = sites.into_iter().map(Site::end).unzip();
    let evaluation = Evaluation {
        chart,
        release,
        started,
        ended: now(),
        rounds: request.rounds,
        order: request.order,
        rate: request.load.rate,
        request_timeout: request.load.timeout.as_secs_f64(),
        machine: request.machine.clone(),
        targets,
    };
    Ok(Evaluated { evaluation, failures: failures.into_iter().flatten().collect() })
}

/// Every round on every target.
async fn measure(sites: &mut [Site<'_>], request: &EvaluateRequest) {
    join_all(sites.iter_mut().map(Site::meet)).await;
    if request.order == Order::AtOnce {
        let all = sites.iter_mut().map(async |site| {
            for number in request.numbers() {
                site.round(number).await;
            }
        });
        join_all(all).await;
        return;
    }
    for number in request.numbers() {
        for site in sites.iter_mut() {
            site.round(number).await;
        }
    }
}

impl EvaluateRequest {
    /// The numbers of the rounds: 0 for one that does not count.
    fn numbers(&self) -> std::ops::RangeInclusive<u32> {
        match self.warm_up {
            WarmUp::None => 1..=self.rounds,
            WarmUp::OneRound => 0..=self.rounds,
        }
    }
}

/// A release of the name is never touched: what an evaluation that was killed has left is named, and how it goes.
async fn require_absent(context: &Context<'_>, release: &str) -> ActionResult<()> {
    check_name("namespace", context.namespace)?;
    let known = Known::read(context, &context.scope(release)).await?;
    let Some(head) = known.latest() else { return Ok(()) };
    let (target, namespace) = (&context.target.name, context.namespace);
    let what =
        format!("there is a release `{release}` in namespace `{namespace}` on target `{target}` already");
    let why = format!(
        "revision {} of it is {}, since {}; an evaluation removes what it installs, unless it is killed",
        head.revision, head.status, head.updated
    );
    let remedy = format!(
        "`rhumb uninstall {release} --namespace {namespace} --target {target} --wait` if an evaluation left it, else \
         another name with --release"
    );
    Err(ActionError::of(Diagnostic::error("", what).why(why).remedy(remedy)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evaluations_have_names_of_their_own() {
        assert_eq!(evaluation_name("shop"), "shop-evaluation");
        assert_eq!(evaluation_name("Shop_1"), "rhumb-evaluation");
        let long = evaluation_name(&"a-".repeat(40));
        assert!(check_name("release", &long).is_ok(), "{long}");
        assert!(long.ends_with("a-evaluation"), "{long}");
    }
}
