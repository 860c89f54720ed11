//! The way to the servers: settings, credentials, calls.

mod call;
mod client;
mod dcos;
mod endpoint;
mod redirect;
mod server;
mod settings;

pub(crate) use call::{Call, Service};
pub(crate) use endpoint::{Credentials, Endpoint};
pub(crate) use server::{Answer, Info, Server};
pub use settings::{Environment, Settings};
