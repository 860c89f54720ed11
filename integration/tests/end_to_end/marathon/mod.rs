//! What holds on Marathon, against a double of it.

mod charts;
mod faults;
mod locks;
mod silence;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    [charts::trials(), faults::trials(), locks::trials(), silence::trials()].into_iter().flatten().collect()
}
