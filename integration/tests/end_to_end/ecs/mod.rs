//! What holds on ECS, against a double of it and moto.

mod charts;
mod faults;
mod rollouts;
mod routes;
mod silence;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    [charts::trials(), faults::trials(), rollouts::trials(), routes::trials(), silence::trials()]
        .into_iter()
        .flatten()
        .collect()
}
