//! The way to an account: settings, credentials, clients.

mod account;
mod settings;

pub(crate) use account::Account;
pub use settings::{Environment, LaunchType, NetworkMode, Settings};
