//! What a plan and a start have in common: everything that can be known before anything is changed.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use rhumb_backend::{Loss, VolumeUse, bound_to};
use rhumb_spec::{App, Diagnostic, Feature, Requirement};

use super::arrival::{Arrival, Posture};
use super::carried::Carried;
use super::departure::Departure;
use super::externals::Outside;
use super::foreign::{self, Foreign, to_adopt};
use super::passages::{Pairs, pair};
use super::sides::{Sides, migration};
use super::state::{Stage, State};
use crate::deploy::{Goal, Order, deploy, prepare};
use crate::known::Known;
use crate::wanted::Wanted;
use crate::{ActionError, ActionResult, DeployOptions, IfNoNamespace, ValueInputs, Wait};

use super::posture;

/// What differs at the destination, and what may be lost on the way.
#[derive(Clone, Debug, Default)]
pub struct Baggage {
    /// Values for the destination, over those of the source.
    pub values: ValueInputs,
    /// The chart, where the source has not recorded it or another one is to be deployed.
    pub chart: Option<std::path::PathBuf>,
    /// Features that may be lost.
    pub accept_loss: Vec<Feature>,
    /// Configs and secrets that are not the release's and stay as they are at the destination: `secret/db`.
    pub keep_external: Vec<String>,
    /// What is adopted first, where the source is no release yet.
    pub foreign: Option<Foreign>,
    /// What becomes of the destination's namespace when it is not there.
    pub no_namespace: IfNoNamespace,
}

impl Baggage {
    fn chart(&self) -> Option<&Path> {
        self.chart.as_deref()
    }
}

/// Everything that is known before anything is changed.
pub(super) struct Itinerary {
    pub(super) departure: Departure,
    /// What the release is at the destination, awake.
    pub(super) wanted: Wanted,
    pub(super) pairs: Pairs,
    /// What the source does not lose.
    pub(super) losses: Vec<Loss>,
    /// Configs and secrets that are not the release's, as long as it matters.
    pub(super) outside: Outside,
}

/// Reads the source and goes the road for the destination. Nothing is changed.
///
/// # Errors
/// That the source cannot leave or the destination refuses it; `AlreadyExists` when there is such a release at the destination that this
/// migration did not make.
pub(super) async fn itinerary(
    sides: &Sides<'_>,
    baggage: &Baggage,
    state: Option<&State>,
) -> ActionResult<Itinerary> {
    let (source, destination) = (sides.source(), sides.destination());
    migration(&source.context)?;
    migration(&destination.context)?;
    let revision = state.map(|state| state.revision);
    let foreign = match state {
        None => to_adopt(&source, baggage.foreign.as_ref()).await?,
        Some(_) => None,
    };
    let departure = match foreign {
        Some(foreign) => Departure::of_foreign(&source, foreign).await?,
        None => Departure::read(&source, revision, baggage.chart()).await?,
    };
    if state.is_none() {
        nobody_there(sides).await?;
    }
    let arrival = arrival(&departure, baggage, Posture::Awake, None);
    let order =
        Order { release: sides.release, goal: Goal::Arrive(&arrival), options: &DeployOptions::default() };
    let wanted = prepare(&destination.context, order).await?.wanted;
    let volumes = match (state.filter(|state| !state.volumes.is_empty()), foreign) {
        // A source that rests does not show all of its volumes any more.
        (Some(state), _) => state.volumes.iter().map(|passage| passage.from.clone()).collect(),
        (None, Some(foreign)) => foreign::volumes(&source, foreign).await?,
        (None, None) => departure.volumes(&source).await?,
    };
    let pairs = pair(&volumes, &wanted_volumes(sides, &wanted))?;
    let mut losses = new_losses(&wanted.losses, &departure.record.losses);
    let platforms = [&source, &destination].map(|at| at.context.backend().name());
    losses.extend(left_behind(&departure.record.app, platforms));
    let outside = match state.map_or(Stage::Preparing, |state| state.stage) {
        Stage::Preparing => Outside::look(sides, &departure.record.app, &wanted.app).await?,
        _ => Outside::default(),
    };
    Ok(Itinerary { departure, wanted, pairs, losses, outside })
}

fn wanted_volumes(sides: &Sides<'_>, wanted: &Wanted) -> Vec<VolumeUse> {
    let destination = sides.destination();
    let volumes = destination.context.backend().volumes();
    volumes.map(|volumes| volumes.wanted(&destination.scope(), &wanted.objects)).unwrap_or_default()
}

/// What arrives, in a posture.
pub(super) fn arrival<'a>(
    departure: &'a Departure,
    baggage: &'a Baggage,
    posture: Posture,
    carried: Option<Arc<Carried>>,
) -> Arrival<'a> {
    Arrival {
        loaded: &departure.loaded,
        values: &departure.record.values,
        over: &baggage.values,
        salt: &departure.record.salt,
        accept: &baggage.accept_loss,
        jobs_done: departure.jobs_done.clone(),
        carried,
        posture,
    }
}

/// Deploys what arrives.
pub(super) async fn settle_in(
    sides: &Sides<'_>,
    arrival: &Arrival<'_>,
    no_namespace: IfNoNamespace,
) -> ActionResult<()> {
    let at = sides.destination();
    let from = &sides.from.target.name;
    let (wait, text) = match arrival.posture {
        Posture::Resting => (Wait::Applied, format!("{}: on its way from {from}", posture::AT_REST)),
        Posture::Awake => (Wait::Ready, format!("Migrated from {from}")),
    };
    let options = DeployOptions { no_namespace, ..posture::options(&at, wait, text) };
    let order = Order { release: sides.release, goal: Goal::Arrive(arrival), options: &options };
    deploy(&at.context, order).await.map(drop)
}

/// A release of that name at the destination is somebody's own.
async fn nobody_there(sides: &Sides<'_>) -> ActionResult<()> {
    let at = sides.destination();
    let known = Known::read(&at.context, &at.scope()).await?;
    match known.latest().filter(|_| known.is_there()) {
        None => Ok(()),
        Some(head) => Err(ActionError::AlreadyExists {
            release: sides.release.to_owned(),
            revision: head.revision,
            status: head.status,
        }),
    }
}

/// What is for the source's platform only, and has no effect at the destination.
fn left_behind(app: &App, [from, to]: [&str; 2]) -> Vec<Loss> {
    if from == to {
        return Vec::new();
    }
    let loss = |Requirement { feature, path }| {
        let text = format!("it is for {from} only, and nothing of it goes along");
        Loss { feature, path, text, accepted: false }
    };
    bound_to(app, from).into_iter().map(loss).collect()
}

/// What is lost on the way, and was not lost at the source already.
fn new_losses(there: &[Loss], here: &[Loss]) -> Vec<Loss> {
    let known: BTreeSet<Feature> = here.iter().map(|loss| loss.feature).collect();
    there.iter().filter(|loss| !known.contains(&loss.feature)).cloned().collect()
}

/// That nothing is lost which the user does not accept.
///
/// # Errors
/// Every loss that is not accepted.
pub(super) fn accepted(losses: &[Loss], accept: &[Feature], target: &str) -> ActionResult<()> {
    let refused = losses.iter().filter(|loss| !loss.accepted && !accept.contains(&loss.feature));
    let refused: Vec<Diagnostic> = refused
        .map(|loss| {
            Diagnostic::error(loss.path.clone(), format!("{target} does not keep all of it: {}", loss.text))
                .why(format!("the source has {} without this loss", loss.feature))
                .remedy(format!("--accept-loss {} to go all the same", loss.feature))
        })
        .collect();
    if refused.is_empty() { Ok(()) } else { Err(ActionError::Diagnostics(refused)) }
}

#[cfg(test)]
mod tests {
    use rhumb_spec::{Source, parse};

    use super::*;

    fn loss(feature: Feature, accepted: bool) -> Loss {
        Loss { feature, path: "workload/web".to_owned(), text: "less".to_owned(), accepted }
    }

    #[test]
    fn what_the_source_lost_already_is_no_news() {
        let here = [loss(Feature::Env, false)];
        let there = [loss(Feature::Env, false), loss(Feature::ProbeExec, false)];
        assert_eq!(new_losses(&there, &here), [there[1].clone()]);
    }

    #[test]
    fn what_is_for_one_platform_only_stays_behind() {
        let text = "kind: Workload\nname: web\ncontainers: { web: { image: a } }\non: { swarm: { Service: { a: 1 } }, kubernetes: { Deployment: { a: 1 } } }\n---\n\
                    kind: Native\nname: policy\nplatform: kubernetes\nmanifest: { kind: NetworkPolicy }\n";
        let source = Source { file: "app.yaml".to_owned(), text: text.to_owned() };
        let app = parse(&[source]).unwrap().app;
        let paths = |platforms| -> Vec<String> {
            left_behind(&app, platforms).into_iter().map(|loss| loss.path).collect()
        };
        assert_eq!(paths(["kubernetes", "swarm"]), ["workload/web.on.kubernetes", "native/policy"]);
        assert_eq!(paths(["swarm", "kubernetes"]), ["workload/web.on.swarm"]);
        assert!(paths(["swarm", "swarm"]).is_empty());
    }

    #[test]
    fn a_loss_needs_a_word() {
        let losses = [loss(Feature::Env, false), loss(Feature::ProbeExec, true)];
        let error = accepted(&losses, &[], "swarm").unwrap_err().to_string();
        assert!(
            error.contains("swarm does not keep") && !error.contains(Feature::ProbeExec.as_str()),
            "{error}"
        );
        assert!(accepted(&losses, &[Feature::Env], "swarm").is_ok());
    }
}
