//! What can be a label.

use super::Workload;

impl Workload {
    /// Adds a label that others wrote. One that not every platform takes as a label becomes an annotation.
    pub fn label(&mut self, key: String, value: String) {
        let into = if is_label(&key, &value) { &mut self.labels } else { &mut self.annotations };
        into.insert(key, value);
    }
}

/// Whether a key and value are a label on every platform: the strictest takes 63 letters, digits, `-`, `_` and `.`, with a letter or
/// digit at both ends, and a prefix before a slash.
fn is_label(key: &str, value: &str) -> bool {
    let name = key.split_once('/').map_or(key, |(_, name)| name);
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_name = |text: &str| {
        let ends = [text.bytes().next(), text.bytes().next_back()];
        text.len() <= 63 && text.bytes().all(is_inner) && ends.iter().flatten().all(u8::is_ascii_alphanumeric)
    };
    !name.is_empty() && key.matches('/').count() <= 1 && is_name(name) && is_name(value)
}
