//! The copier's side.

mod compare;
mod copy;
mod crew;
mod end;
mod holding;
mod options;
mod plan;
mod secrets;
mod session;
mod settle;
mod sync;
mod tree;

pub use compare::{Comparison, Difference, compare};
pub use end::{Connection, Dial, End};
pub use holding::{Holding, holding};
pub use options::{LeftOut, Options, Progress, Report, Stage, Trust, Watch};
pub use secrets::read_secrets;
pub use settle::{Settled, settle};
pub use sync::sync;
