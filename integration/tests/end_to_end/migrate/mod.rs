//! A release with a writer, a volume and a generated secret moves between a real swarm and a real cluster.

mod foreign;
mod killed;
mod ledger;
mod modes;
mod nodes;
mod round_trip;

use libtest_mimic::{Failed, Trial};
use rhumb_integration::trial;

pub(crate) use nodes::volumes_of_several_nodes;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        needs_both("migrate::a_writer_moves_there_and_back", round_trip::there_and_back),
        needs_both("migrate::a_stack_that_is_no_release_moves", foreign::moves),
        needs_both("migrate::all_modes_rest_and_wake", modes::rest_and_wake),
        needs_both("migrate::killed_at_any_stage_it_goes_on", killed::goes_on),
        needs_both("migrate::killed_at_any_stage_it_is_given_up", killed::is_given_up),
    ]
}

fn needs_both(name: &str, test: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    let can = trial::can_have_cluster();
    trial::needs_swarm(name, test).with_ignored_flag(!can)
}
