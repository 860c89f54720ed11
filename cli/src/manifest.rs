//! The platform's documents as one text, in a form that the platform's own tools read.

use std::fmt::Write as _;

use rhumb_backend::Object;
use rhumb_spec::yaml;

use crate::failure::Failure;

/// The documents in YAML, each below a line with its id.
///
/// A document with secret values, which nobody is shown, is a comment: handed to a platform's tool without its values
/// it would take them away from what is there.
pub(crate) fn manifest(objects: &[Object]) -> Result<String, Failure> {
    let mut text = String::new();
    for object in objects {
        let body = yaml::to_string(&object.body).map_err(|error| Failure::general(error.to_string()))?;
        if object.sensitive {
            let _ = writeln!(text, "---\n# {}: a comment, because its values are not shown", object.id);
            for line in body.lines() {
                let _ = writeln!(text, "# {line}");
            }
        } else {
            let _ = writeln!(text, "---\n# {}", object.id);
            text.push_str(&body);
        }
    }
    Ok(text)
}
