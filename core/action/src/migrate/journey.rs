//! A migration under way: both sides, and the state that is written down as it goes.

use jiff::Timestamp;

use super::begin::Itinerary;
use super::passages::recall;
use super::sides::Sides;
use super::start::StartRequest;
use super::state::{Stage, State, Store};
use crate::ActionResult;

/// A migration under way.
pub(super) struct Journey<'a> {
    pub(super) sides: &'a Sides<'a>,
    pub(super) store: &'a Store,
    pub(super) state: State,
}

impl Journey<'_> {
    /// Writes down what is begun, before it is.
    pub(super) fn begin(&mut self, request: &StartRequest, way: &Itinerary) -> ActionResult<()> {
        let now = self.now();
        let state = &mut self.state;
        if state.began.is_empty() {
            state.began = now;
            state.release = self.sides.release.to_owned();
            state.from = self.sides.source().side();
            state.to = self.sides.destination().side();
            state.revision = way.departure.record.revision;
            state.mark = format!("{:032x}", rand::random::<u128>());
        }
        state.helper_image.clone_from(&request.helper_image);
        state.accept_loss.clone_from(&request.baggage.accept_loss);
        state.accept_loss.sort_unstable();
        state.accept_loss.dedup();
        state.keep_external.clone_from(&request.baggage.keep_external);
        state.keep_external.sort_unstable();
        state.keep_external.dedup();
        state.volumes = recall(way.pairs.passages.clone(), &state.volumes);
        self.save()
    }

    /// Writes down that a stage is reached.
    pub(super) fn reach(&mut self, stage: Stage) -> ActionResult<()> {
        self.state.stage = stage;
        self.save()
    }

    pub(super) fn save(&mut self) -> ActionResult<()> {
        let now = self.now();
        self.store.save(&mut self.state, now)
    }

    pub(super) fn clock(&self) -> Timestamp {
        (self.sides.from.clock)()
    }

    /// The time of day, with milliseconds.
    pub(super) fn now(&self) -> String {
        self.clock().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }
}
