//! Keys as the APIs write them: `CloudFormation` and some tools begin those of ECS with a capital.

use serde_json::{Map, Value};

use crate::kind::Kind;

/// Mappings whose keys are the user's own.
const FREE: [&str; 6] = ["dockerLabels", "options", "driverOpts", "labels", "sigv4", "$ref"];

/// Keys whose first capitals are more than one, and those that `CloudFormation` calls otherwise.
const NAMES: [(&str, &str); 9] = [
    ("EFSVolumeConfiguration", "efsVolumeConfiguration"),
    ("FSxWindowsFileServerVolumeConfiguration", "fsxWindowsFileServerVolumeConfiguration"),
    ("FilesystemId", "fileSystemId"),
    ("IAM", "iam"),
    ("IPCMode", "ipcMode"),
    ("PIDMode", "pidMode"),
    ("PlacementStrategies", "placementStrategy"),
    ("ManagedEBSVolume", "managedEBSVolume"),
    ("EBSVolume", "ebsVolume"),
];

/// Whether the API of a kind begins its keys with a small letter.
fn is_small(kind: Kind) -> bool {
    matches!(kind, Kind::TaskDefinition | Kind::Service | Kind::Task | Kind::LogGroup)
}

/// The document with its keys as the API of its kind writes them.
pub(super) fn cased(kind: Kind, body: Value) -> Value {
    if is_small(kind) { small(body) } else { body }
}

fn small(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut found = Map::new();
            for (key, value) in map {
                let key = small_key(&key);
                let is_free = FREE.contains(&key.as_str()) && value.is_object();
                // A key that is there in both spellings is read in the one that was written first.
                found.entry(key).or_insert_with(|| if is_free { value } else { small(value) });
            }
            Value::Object(found)
        }
        Value::Array(items) => Value::Array(items.into_iter().map(small).collect()),
        other => other,
    }
}

/// A key that begins with a small letter.
pub(super) fn small_key(key: &str) -> String {
    if let Some((_, name)) = NAMES.iter().find(|(written, _)| *written == key) {
        return (*name).to_owned();
    }
    // Names of variables in capitals are nobody's keys.
    let mut letters = key.chars();
    match letters.next() {
        Some(first) if first.is_ascii_uppercase() => {
            std::iter::once(first.to_ascii_lowercase()).chain(letters).collect()
        }
        _ => key.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_those_of_the_api_and_free_ones_stay() {
        let body = json!({
            "ContainerDefinitions": [{ "Name": "a", "DockerLabels": { "Some.Key": "B" } }],
            "Volumes": [{ "EFSVolumeConfiguration": { "FilesystemId": "fs-1", "AuthorizationConfig": { "IAM": "ENABLED" } } }],
        });
        assert_eq!(
            cased(Kind::TaskDefinition, body),
            json!({
                "containerDefinitions": [{ "name": "a", "dockerLabels": { "Some.Key": "B" } }],
                "volumes": [{ "efsVolumeConfiguration": { "fileSystemId": "fs-1", "authorizationConfig": { "iam": "ENABLED" } } }],
            })
        );
        assert_eq!(cased(Kind::TargetGroup, json!({ "Name": "A" })), json!({ "Name": "A" }));
    }
}
