//! Labels, and what Traefik reads of them.

use rhumb_backend::fields::Fields;
use rhumb_spec::model::Workload;

use super::text_pairs;

/// Labels that begin so are a release's own.
const RESERVED: &str = "rhumb.dev/";

/// Reads labels. Those that not every platform takes as labels are annotations.
pub(super) fn lift(fields: &mut Fields<'_>, workload: &mut Workload) {
    for (key, value) in fields.take("labels", text_pairs).unwrap_or_default() {
        if key.is_empty() || key.starts_with(RESERVED) {
            fields.lost(&format!("labels.{key}"), 1, "labels of this name mark what a release owns");
        } else if is_label(&key, &value) {
            workload.labels.insert(key, value);
        } else {
            workload.annotations.insert(key, value);
        }
    }
    workload.annotations.extend(fields.take("annotations", text_pairs).unwrap_or_default());
}

/// Whether a key and value are labels on every platform.
fn is_label(key: &str, value: &str) -> bool {
    let name = key.split_once('/').map_or(key, |(_, name)| name);
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_name = |text: &str| {
        let ends = [text.bytes().next(), text.bytes().next_back()];
        text.len() <= 63 && text.bytes().all(is_inner) && ends.iter().flatten().all(u8::is_ascii_alphanumeric)
    };
    !name.is_empty() && key.matches('/').count() <= 1 && is_name(name) && is_name(value)
}
