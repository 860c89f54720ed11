//! Charts that are made of what others wrote or run, on the real engines.

mod compose;
mod corpus;
mod stack;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    [compose::trials(), corpus::trials(), stack::trials()].into_iter().flatten().collect()
}
