//! The way to an account: settings, credentials, calls, clients.

mod account;
mod call;
mod credentials;
mod http;
mod profile;
mod query;
mod rest;
mod service;
mod settings;
mod xml;

#[cfg(test)]
mod tests;

pub(crate) use account::Account;
pub(crate) use call::Operation;
pub(crate) use service::Service;
pub use settings::{Environment, LaunchType, NetworkMode, Settings};
