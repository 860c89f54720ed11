//! What only a cluster can show.

mod faults;
mod large;
mod rights;
mod shows;
mod simulated;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    [shows::trials(), faults::trials(), rights::trials(), large::trials(), simulated::trials()]
        .into_iter()
        .flatten()
        .collect()
}
