//! Compose files, as the Compose specification has them, read into an app.
//!
//! [`read()`] turns files into one project: interpolated, with includes, extensions and overrides merged. [`lift()`] turns
//! the project into an app, with an account of every field. Neither touches a disk or the environment: files come through
//! [`Files`], variables through [`Request`].
//!
//! Source: the Compose specification, <https://github.com/compose-spec/compose-spec>.

mod lift;
mod read;

pub use lift::{Composed, lift};
pub use read::{FILE_NAMES, Files, OVERRIDE_NAMES, Project, Request, read};
