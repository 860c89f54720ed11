//! The way to the servers: settings, credentials, calls.

mod server;
mod settings;

pub(crate) use server::Server;
pub use settings::{Environment, Settings};
