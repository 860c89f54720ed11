//! How the engine is found and talked to, as the docker CLI does it.

mod call;
mod context;
mod docker_config;
mod endpoint;
mod engine;
mod settings;
mod ssh;

pub(crate) use call::Call;
pub(crate) use docker_config::{Auth, DockerConfig};
pub use endpoint::{Address, Endpoint, TlsFiles};
pub(crate) use engine::Engine;
pub use settings::{Environment, Settings, TlsSettings};
