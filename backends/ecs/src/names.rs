//! Names on AWS, and the tags that mark what is ours.

use rhumb_backend::Scope;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::facts::EcsFacts;

/// The tag with the release's namespace, on everything that is a release's.
pub const NAMESPACE: &str = "rhumb.dev/namespace";
/// The tag with the release's name.
pub const RELEASE: &str = "rhumb.dev/release";
/// The tag with the logical id.
pub const OBJECT: &str = "rhumb.dev/object";
/// The tag with the content's hash, on what is named by its content, and on what AWS does not give back whole.
pub const GENERATION: &str = "rhumb.dev/generation";
/// The tag with the name of the workload, on what runs.
pub const WORKLOAD: &str = "rhumb.dev/workload";
/// On what an uninstall leaves: `keep`.
pub const UNINSTALL: &str = "rhumb.dev/uninstall";

/// What the labels of containers begin with that hold the hash of a config or secret that keeps its name.
pub const CHECKSUM: &str = "rhumb.dev/checksum/";

/// The longest name of ECS services, clusters and families. Source: Amazon ECS API reference, `CreateService`.
pub const NAME_LIMIT: usize = 255;
/// The longest name of a target group. Source: Elastic Load Balancing API reference, `CreateTargetGroup`.
pub const TARGET_GROUP_LIMIT: usize = 32;
/// The longest name of a schedule. Source: EventBridge Scheduler API reference, `CreateSchedule`.
pub const SCHEDULE_LIMIT: usize = 64;
/// The longest label of a name in DNS: of Cloud Map services that are resolved, and of Service Connect's names.
pub const LABEL_LIMIT: usize = 63;
/// Hexadecimal digits of the hash in a name that was cut or that is named by its content.
pub const HASH: usize = 10;

/// What every name of a release begins with: `<namespace>-<release>`.
pub fn prefix(scope: &Scope) -> String {
    format!("{}-{}", scope.namespace, scope.release)
}

/// The name of what a document becomes: `<namespace>-<release>-<name>`, cut to the limit with a hash of the whole.
pub fn native(scope: &Scope, name: &str, limit: usize) -> String {
    fit(&format!("{}-{name}", prefix(scope)), limit)
}

/// The path under which the parameters and log groups of a release lie: `/rhumb/<namespace>/<release>`.
pub fn path(scope: &Scope) -> String {
    format!("/rhumb/{}/{}", scope.namespace, scope.release)
}

/// The name of the parameter that holds a key of a config: named by the hash of its content unless it keeps its name.
pub fn parameter(scope: &Scope, config: &str, key: &str, hash: Option<&str>) -> String {
    let stem = format!("{}/{config}/{key}", path(scope));
    match hash {
        Some(hash) => format!("{stem}-{}", hash.get(..HASH).unwrap_or(hash)),
        None => stem,
    }
}

/// The name of the parameter that holds a key of a config that exists already: `/<config>/<key>`.
pub fn external_parameter(config: &str, key: &str) -> String {
    format!("/{config}/{key}")
}

/// The name of a secret: by the hash of its content unless it keeps its name. It never ends in a dash and six
/// characters, which Secrets Manager would take for the random end of an ARN.
pub fn secret(scope: &Scope, name: &str, hash: Option<&str>) -> String {
    let stem = format!("{}{name}", secret_prefix(scope));
    match hash {
        Some(hash) => format!("{stem}-{}", hash.get(..HASH).unwrap_or(hash)),
        None => format!("{stem}/current"),
    }
}

/// What the name of every secret of a release begins with.
pub fn secret_prefix(scope: &Scope) -> String {
    format!("rhumb/{}/{}/", scope.namespace, scope.release)
}

/// The ARN of a parameter, whose name begins with a slash.
pub fn parameter_arn(facts: &EcsFacts, name: &str) -> String {
    format!("arn:{}:ssm:{}:{}:parameter{name}", partition(&facts.region), facts.region, facts.account)
}

/// The ARN of a secret, without the random end that Secrets Manager adds.
pub fn secret_arn(facts: &EcsFacts, name: &str) -> String {
    format!(
        "arn:{}:secretsmanager:{}:{}:secret:{name}",
        partition(&facts.region),
        facts.region,
        facts.account
    )
}

/// The ARN of the cluster that tasks run in.
pub fn cluster_arn(facts: &EcsFacts) -> String {
    if facts.cluster.starts_with("arn:") {
        return facts.cluster.clone();
    }
    format!(
        "arn:{}:ecs:{}:{}:cluster/{}",
        partition(&facts.region),
        facts.region,
        facts.account,
        facts.cluster
    )
}

/// The ARN of a role, given its name or its ARN.
pub fn role_arn(facts: &EcsFacts, role: &str) -> String {
    if role.starts_with("arn:") {
        return role.to_owned();
    }
    format!("arn:{}:iam::{}:role/{role}", partition(&facts.region), facts.account)
}

/// The part of AWS that a region is in.
fn partition(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// The hash by which content is told apart: hexadecimal digits of the SHA-256 of its JSON.
pub fn content_hash(content: &Value) -> String {
    hash(content.to_string().as_bytes())[..16].to_owned()
}

/// The name as it is where it is no longer than the limit, else cut and ending in a hash of the whole.
pub fn fit(name: &str, limit: usize) -> String {
    if name.len() <= limit {
        return name.to_owned();
    }
    let kept = name.get(..limit - 1 - HASH).unwrap_or(name).trim_end_matches(['-', '.', '_']);
    format!("{kept}-{}", &hash(name.as_bytes())[..HASH])
}

/// The SHA-256 of bytes, in lowercase hexadecimal digits.
pub fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
        text
    })
}
