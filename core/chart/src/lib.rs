//! Charts: load them, merge their values, render their templates.
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
mod values;
mod version;

pub use archive::{ArchiveError, pack, unpack};
pub use chart::{Chart, NOTES_FILE, VALUES_FILE};
pub use create::create;
pub use files::{FileError, Files, MAX_ENTRIES, MAX_FILE_BYTES, MAX_TOTAL_BYTES};
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
