//! Labels, and what Traefik reads of them.

use std::collections::BTreeMap;

use rhumb_backend::fields::Fields;
use rhumb_spec::model::Workload;

use super::{World, list, route, text_pairs};
use crate::read::{Format, joined, parse_environment};

/// Labels that begin so are a release's own.
const RESERVED: &str = "rhumb.dev/";

/// Reads labels. Those that not every platform takes as labels are annotations, and Traefik's are routes later.
pub(super) fn lift(fields: &mut Fields<'_>, workload: &mut Workload, traefik: &mut route::Labels) {
    for (key, value) in fields.take("labels", text_pairs).unwrap_or_default() {
        if key.is_empty() || key.starts_with(RESERVED) {
            fields.lost(&format!("labels.{key}"), 1, "labels of this name mark what a release owns");
        } else if key.to_ascii_lowercase().starts_with(route::PREFIX) {
            let path = fields.at(&format!("labels.{key}"));
            traefik.add(key, path, value);
        } else {
            workload.label(key, value);
        }
    }
    workload.annotations.extend(fields.take("annotations", text_pairs).unwrap_or_default());
}

/// Reads the labels in files that `label_file` names.
pub(super) fn files(
    fields: &mut Fields<'_>,
    (service, workload): (&str, &mut Workload),
    world: &mut World<'_>,
) {
    for (index, path) in fields.take("label_file", list).unwrap_or_default().iter().enumerate() {
        let text = world.project.reader.read(&joined(&world.project.folder, path));
        let text = text.ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let found = text.and_then(|text| parse_environment(&text, Format::Compose, &|_| None).ok());
        let Some(found) = found else {
            fields.lost(&format!("label_file.{index}"), 1, "the file cannot be read as labels");
            continue;
        };
        let (routed, labels): (BTreeMap<_, _>, BTreeMap<_, _>) = found
            .into_iter()
            .partition(|(key, _)| key.starts_with(route::PREFIX) || key.starts_with(RESERVED));
        for key in routed.keys() {
            let what = format!("the label {key} in {path} is left out");
            world.warn(format!("service/{service}.label_file"), what, "it among `labels`, or a Route");
        }
        for (key, value) in labels {
            workload.label(key, value);
        }
    }
}
