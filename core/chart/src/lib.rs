//! Charts: load them, merge their values, render their templates.
//!
//! A [`Chart`] is made of [`Files`], which come from a folder or an archive ([`load`]) or from memory. It merges
//! [`UserValues`] with its defaults into [`Values`], and renders with them to [`Rendered`] documents:
//! ```
//! use rhumb_chart::{Chart, Files, Limits, ReleaseInfo, Sealing, Surroundings, UserValues};
//!
//! let mut files = Files::new();
//! files.insert("Chart.yaml", "name: hello\nversion: 1.0.0\n").unwrap();
//! files.insert("values.yaml", "greeting: hi\n").unwrap();
//! files.insert("templates/a.yaml", "kind: Config\nname: a\ndata: { text: {{ values.greeting }} }\n").unwrap();
//! let chart = Chart::from_files(files).unwrap();
//!
//! let mut user = UserValues::new();
//! user.file("values-prod.yaml", "greeting: good day\n").unwrap();
//! let values = chart.values(user).unwrap();
//! let around = Surroundings {
//!     release: ReleaseInfo::install("hello", "default"),
//!     platform: serde_json::json!({}),
//!     sealing: Sealing::Placeholder,
//!     limits: Limits::default(),
//! };
//! let app = chart.render(&values, &around).unwrap().parse().unwrap().app;
//! assert_eq!(app.configs["a"].data["text"], "good day");
//! ```
//!
//! Only `load` reads from disk. Everything else is pure: the same input gives the same output, and nothing outside the
//! chart is read.
//!
//! Secret values never reach a template. Those that a schema marks `writeOnly` are replaced by tokens before templates
//! see them; a token is legal in the data of a `Secret` alone, and becomes the id of material that waits in a
//! [`Vault`].
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod archive;
mod chart;
mod create;
mod dependencies;
mod engine;
mod fault;
mod files;
mod functions;
mod ignore;
mod lint;
mod load;
mod merge;
mod metadata;
mod package;
mod render;
mod schema;
mod seal;
mod sealed;
mod set;
mod source;
mod strict;
mod trace;
mod unsealed;
mod values;
mod version;
mod write;

pub use archive::{ArchiveError, pack, unpack};
pub use chart::{Chart, NOTES_FILE, VALUES_FILE};
pub use create::create;
pub use files::{FileError, Files, MAX_ENTRIES, MAX_FILE_BYTES, MAX_TOTAL_BYTES};
pub use functions::functions_page;
pub use ignore::{IGNORE_FILE, IgnoreRules};
pub use lint::{is_sound, lint};
pub use load::{load, load_files};
pub use metadata::{API_VERSION, ChartKind, Dependency, METADATA_FILE, Maintainer, Metadata, is_chart_name};
pub use package::{Package, PackageVersions, package};
pub use render::{Limits, ReleaseInfo, Rendered, RenderedFile, Surroundings};
pub use schema::{SCHEMA_FILE, Schema, ValuePath};
pub use sealed::{Sealing, Vault};
pub use set::{ReadFile, SetError, SetMode, set};
pub use values::{UserValues, Values};
pub use version::{RangeError, VersionRange};
pub use write::{Draft, DraftError, Written, write};
