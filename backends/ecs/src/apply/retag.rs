//! Keeping tags in step.

use std::collections::BTreeSet;

use rhumb_backend::FieldChange;
use serde_json::{Value, json};

use super::requests::Request;
use crate::kind::Kind;
use crate::marks::{Shape, Tags, field, shape};

/// The requests that bring the tags of a thing to those that are wanted; none where no tag differs. Tags of AWS's own are
/// left alone.
///
/// Source: the calls for tags in each service's API reference.
pub(super) fn requests(kind: Kind, native: &str, body: &Value, changes: &[FieldChange]) -> Vec<Request> {
    let want = Tags::of_body(kind, body);
    let paths = changes.iter().filter_map(|change| path_in(kind, &change.path));
    let touched: BTreeSet<&str> = paths.collect();
    let is_whole = touched.contains("");
    let set = want.0.iter().filter(|(key, _)| !key.starts_with("aws:"));
    let set = set.filter(|(key, _)| is_whole || touched.iter().any(|path| is_of(path, key)));
    let set = Tags(set.map(|(key, value)| (key.clone(), value.clone())).collect());
    let is_kept = |path: &str| want.0.keys().any(|key| is_of(path, key));
    let gone: BTreeSet<&str> =
        touched.iter().filter(|path| !path.is_empty() && !is_kept(path)).map(|path| key_of(path)).collect();
    let gone: Vec<&str> = gone.into_iter().filter(|key| !key.starts_with("aws:")).collect();
    let mut made = Vec::new();
    if !set.0.is_empty() {
        made.extend(call(kind, native, &Which::Set(&set)));
    }
    if !gone.is_empty() {
        made.extend(call(kind, native, &Which::Gone(&gone)));
    }
    made
}

enum Which<'a> {
    Set(&'a Tags),
    Gone(&'a [&'a str]),
}

/// What follows the tags in the path of a change: a key, with the part of the tag behind it; nothing for all of them.
fn path_in(kind: Kind, path: &str) -> Option<&str> {
    let of = if kind == Kind::SecurityGroup { "TagSpecifications.security-group.Tags" } else { field(kind) };
    let rest = path.strip_prefix(of)?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix('.') }
}

fn is_of(path: &str, key: &str) -> bool {
    path.strip_prefix(key).is_some_and(|rest| rest.is_empty() || PARTS.contains(&rest))
}

fn key_of(path: &str) -> &str {
    PARTS.iter().find_map(|part| path.strip_suffix(part)).unwrap_or(path)
}

const PARTS: [&str; 4] = [".key", ".value", ".Key", ".Value"];

fn call(kind: Kind, native: &str, which: &Which<'_>) -> Option<Request> {
    let (set, gone) = calls(kind)?;
    let mut body = match kind {
        Kind::TaskDefinition | Kind::Service | Kind::Task | Kind::LogGroup => {
            json!({ "resourceArn": native })
        }
        Kind::ListenerRule | Kind::Listener | Kind::TargetGroup => json!({ "ResourceArns": [native] }),
        Kind::Parameter => json!({ "ResourceType": "Parameter", "ResourceId": native }),
        Kind::Secret => json!({ "SecretId": native }),
        Kind::Discovery => json!({ "ResourceARN": native }),
        Kind::AccessPoint => json!({ "ResourceId": native }),
        Kind::SecurityGroup => json!({ "Resources": [native] }),
        Kind::ScalableTarget | Kind::ScalingPolicy | Kind::Schedule => return None,
    };
    let operation = match which {
        Which::Set(tags) => {
            body[field(kind)] = tags.to_value(shape(kind));
            set
        }
        Which::Gone(keys) => {
            if kind == Kind::SecurityGroup {
                body["Tags"] = keys.iter().map(|key| json!({ "Key": key })).collect();
            } else {
                let field = if shape(kind) == Shape::Upper { "TagKeys" } else { "tagKeys" };
                body[field] = json!(keys);
            }
            gone
        }
    };
    Some(Request::new(operation, body))
}

/// The calls that set tags and that take them away.
const fn calls(kind: Kind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        Kind::ListenerRule | Kind::Listener | Kind::TargetGroup => ("elbv2:AddTags", "elbv2:RemoveTags"),
        Kind::Parameter => ("ssm:AddTagsToResource", "ssm:RemoveTagsFromResource"),
        Kind::SecurityGroup => ("ec2:CreateTags", "ec2:DeleteTags"),
        Kind::TaskDefinition | Kind::Service | Kind::Task => ("ecs:TagResource", "ecs:UntagResource"),
        Kind::LogGroup => ("logs:TagResource", "logs:UntagResource"),
        Kind::Secret => ("secretsmanager:TagResource", "secretsmanager:UntagResource"),
        Kind::Discovery => ("servicediscovery:TagResource", "servicediscovery:UntagResource"),
        Kind::AccessPoint => ("efs:TagResource", "efs:UntagResource"),
        Kind::ScalableTarget | Kind::ScalingPolicy | Kind::Schedule => return None,
    })
}

#[cfg(test)]
mod tests {
    use rhumb_backend::Cause;

    use super::*;

    fn changes(paths: &[&str]) -> Vec<FieldChange> {
        let change = |path: &&str| FieldChange {
            path: (*path).to_owned(),
            from: None,
            to: None,
            cause: Cause::Wanted,
        };
        paths.iter().map(change).collect()
    }

    #[test]
    fn only_tags_that_differ_are_written() {
        let body = json!({ "tags": [{ "key": "a", "value": "1" }, { "key": "b", "value": "2" }] });
        let made = requests(
            Kind::Service,
            "arn:s",
            &body,
            &changes(&["tags.b.value", "tags.old.key", "tags.old.value"]),
        );
        let bodies: Vec<(&str, Value)> =
            made.into_iter().map(|request| (request.operation, request.body)).collect();
        assert_eq!(
            bodies,
            [
                (
                    "ecs:TagResource",
                    json!({ "resourceArn": "arn:s", "tags": [{ "key": "b", "value": "2" }] })
                ),
                ("ecs:UntagResource", json!({ "resourceArn": "arn:s", "tagKeys": ["old"] })),
            ]
        );
        assert_eq!(requests(Kind::Service, "arn:s", &body, &changes(&["desiredCount"])), []);
    }

    #[test]
    fn a_thing_without_tags_gets_all() {
        let body = json!({ "Tags": [{ "Key": "a", "Value": "1" }] });
        let made = requests(Kind::TargetGroup, "arn:t", &body, &changes(&["Tags"]));
        assert_eq!(made.len(), 1);
        assert_eq!(
            made[0].body,
            json!({ "ResourceArns": ["arn:t"], "Tags": [{ "Key": "a", "Value": "1" }] })
        );
    }
}
