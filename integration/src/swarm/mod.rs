//! Real Docker swarms for tests.

mod docker;
mod engine;
mod managers;
mod script;

pub use docker::Docker;
pub use engine::Engine;
pub use managers::ThreeManagers;
pub use script::Unavailable;
