//! Options of mounts that an app does not have.

use rhumb_backend::fields::leaves;
use serde_json::Value;

/// An option that an app does not have.
pub(super) struct Unread {
    pub(super) path: String,
    pub(super) fields: usize,
    pub(super) why: &'static str,
}

const NO_COPY: &str = "whether an empty volume takes over what the image has there, is the platform's choice";

/// What of an option of a long form is not read: its path, and how many fields it has.
pub(super) fn others(key: &str, value: &Value) -> Vec<Unread> {
    let known: &[&str] = match key {
        "type" | "source" | "target" | "read_only" => return Vec::new(),
        "bind" => &["create_host_path"],
        "volume" => &["subpath"],
        "tmpfs" => &["size", "mode"],
        _ => &[],
    };
    match value.as_object() {
        Some(inner) => {
            let left = inner.iter().filter(|(name, _)| !known.contains(&name.as_str()));
            left.map(|(name, value)| option(format!("{key}.{name}"), value)).collect()
        }
        None => vec![option(key.to_owned(), value)],
    }
}

fn option(path: String, value: &Value) -> Unread {
    let why = match path.as_str() {
        "bind.selinux" => "SELinux labels are the node's matter",
        "consistency" => "how files are kept in step is the platform's choice",
        "volume.nocopy" => NO_COPY,
        _ => "no mount of an app has this option",
    };
    Unread { path, fields: leaves(value), why }
}

/// An option of a short form that an app does not have. A short form is one field.
pub(super) fn unread(option: &str) -> Unread {
    let why = match option {
        "z" | "Z" => "SELinux labels are the node's matter",
        "cached" | "delegated" | "consistent" => "how files are kept in step is the platform's choice",
        "nocopy" => NO_COPY,
        _ => "no mount of an app has this option",
    };
    Unread { path: option.to_owned(), fields: 0, why }
}
