//! Documents that are passed through.

use rhumb_spec::model::{Kind as Neutral, Native};
use serde_json::{Map, Value};

use super::World;
use super::document::Document;

/// Why a document without an image is passed through.
pub(super) const NO_IMAGE: &str =
    "it runs a command on the agent without an image, for which the app has no word";

/// Adds a document to the app as it is, but for what the server wrote. Its id stays: others may speak of it.
pub(super) fn pass(document: Document, kind: &str, why: &str, world: &mut World) {
    let wanted = world.workloads.get(document.native()).cloned().unwrap_or_default();
    let name = world.natives.add(document.native(), &wanted);
    let mut manifest = Map::from_iter([("kind".to_owned(), Value::from(kind))]);
    manifest.extend(document.finish_native(Neutral::Native.path(&name), why, world));
    let manifest = Value::Object(manifest);
    world.app.natives.insert(name, Native { platform: "marathon".to_owned(), manifest });
}
