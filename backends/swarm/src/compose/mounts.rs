//! What appears in a container's file system, and the volumes behind it.

use rhumb_backend::fields::{self, Fields, text_map};
use serde_json::{Map, Value, json};

use super::{Work, legal, shared};
use crate::lower::Body;
use crate::names;

impl Work {
    /// The mounts of a container, in the long syntax.
    ///
    /// Source: docker/cli, `cli/compose/convert/volume.go`.
    pub(super) fn mounts(&mut self, read: &mut Fields<'_>) -> Vec<Value> {
        let Some(Value::Array(items)) = read.take_whole("Mounts") else { return Vec::new() };
        let mut found = Vec::new();
        for (at, item) in items.into_iter().enumerate() {
            let path = format!("{}.{at}", read.at("Mounts"));
            let Value::Object(mut map) = item else { continue };
            let mut mount = Fields::new(&mut map, path.clone(), read.ledger());
            found.push(self.mount(&mut mount));
            shared::tell_rest(map, &path, read);
        }
        found
    }

    fn mount(&mut self, mount: &mut Fields<'_>) -> Value {
        let kind = mount.text("Type").unwrap_or_default();
        let mut body = Body::new();
        body.set("type", kind.clone());
        let source = mount.text("Source");
        let source = match source {
            Some(source) if kind == "volume" => Some(self.volume(&source, mount)),
            other => other,
        };
        body.set_some("source", source)
            .set_some("target", mount.text("Target"))
            .set_some("read_only", mount.flag("ReadOnly"))
            .set_some("consistency", mount.text("Consistency"));
        if let Some(mut options) = mount.below("VolumeOptions") {
            let mut volume = Body::new();
            volume.set_some("nocopy", options.flag("NoCopy")).set_some("subpath", options.text("Subpath"));
            body.set_filled("volume", volume.into_value());
        }
        if let Some(mut options) = mount.below("BindOptions") {
            body.set_some("bind", options.text("Propagation").map(|how| json!({ "propagation": how })));
        }
        if let Some(mut options) = mount.below("TmpfsOptions") {
            body.set_some(
                "tmpfs",
                options.take("SizeBytes", Value::as_u64).map(|size| json!({ "size": size })),
            );
        }
        body.into_value()
    }

    /// The key of a named volume, which is declared with what the mount says of it. One that bears no mark of the
    /// release is somebody else's.
    fn volume(&mut self, native: &str, mount: &mut Fields<'_>) -> String {
        let key = native.strip_prefix(&format!("{}_", self.stack)).map(legal);
        let is_plain = key.as_ref().is_some_and(|key| native == format!("{}_{key}", self.stack));
        let key = key.unwrap_or_else(|| legal(native));
        let mut body = Body::new();
        let mut is_ours = false;
        if let Some(mut options) = mount.below("VolumeOptions") {
            let labels = options.take("Labels", text_map).unwrap_or_default();
            is_ours = labels.keys().any(|label| label.starts_with(names::MARK));
            let own = labels.into_iter().filter(|(label, _)| !names::is_mark(label));
            let own: Vec<String> = own.map(|(label, value)| format!("{label}={value}")).collect();
            if let Some(mut driver) = options.below("DriverConfig") {
                body.set_some("driver", driver.text("Name"));
                body.set_filled("driver_opts", options_of(&mut driver));
            }
            body.set_filled("labels", own);
        }
        if !is_ours {
            body.set("external", true);
        }
        if !is_ours || !is_plain {
            body.set("name", native);
        }
        self.volumes.entry(key.clone()).or_insert_with(|| body.into_value());
        key
    }
}

fn options_of(driver: &mut Fields<'_>) -> Map<String, Value> {
    let options = driver.take("Options", fields::text_map).unwrap_or_default();
    options.into_iter().map(|(key, value)| (key, value.into())).collect()
}
