//! The backend as a release uses it: check, lower, observe, diff, apply.

mod apps;
mod deploy;
mod lifting;
mod scenarios;
mod storage;
