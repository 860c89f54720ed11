//! What containers may do to the system around them.

use rhumb_spec::Diagnostic;
use rhumb_spec::model::{Capabilities, Security};
use serde_json::{Value, json};

use super::body::Body;
use super::{Context, Part, Report};

/// The capabilities that Docker gives a container.
///
/// Source: Docker documentation, "Runtime privilege and Linux capabilities".
pub const DEFAULTS: [&str; 14] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// The one capability that can be added on Fargate. Source: Amazon ECS API reference, `KernelCapabilities`.
const ON_FARGATE: &str = "SYS_PTRACE";

/// Sets a container's user, root file system and rights.
///
/// Source: Amazon ECS API reference, `ContainerDefinition`.
pub(super) fn set(part: &Part<'_>, body: &mut Body, report: &mut Report) {
    let security = &part.container.security;
    body.set_some("user", user(part, security, report))
        .set_true("privileged", security.privileged)
        .set_true("readonlyRootFilesystem", security.read_only_root);
}

fn user(part: &Part<'_>, security: &Security, report: &mut Report) -> Option<String> {
    match (&security.user, &security.group) {
        (Some(user), Some(group)) => Some(format!("{user}:{group}")),
        (Some(user), None) => Some(user.clone()),
        (None, None) => None,
        (None, Some(_)) => {
            report.refuse(
                Diagnostic::error(part.at("security.group"), "a group needs a user")
                    .why("ECS takes both in one field, the user first")
                    .remedy("`user` beside it: the one of the image"),
            );
            None
        }
    }
}

/// `linuxParameters.capabilities`.
///
/// Fargate adds nothing but `SYS_PTRACE`. What Docker gives anyway need not be added; where all are dropped and some of
/// those added again, the others are dropped one by one, which comes to the same.
///
/// Source: Amazon ECS API reference, `KernelCapabilities`.
pub(super) fn capabilities(context: &Context<'_>, part: &Part<'_>, report: &mut Report) -> Value {
    let Capabilities { add, drop } = &part.container.security.capabilities;
    let mut body = Body::new();
    if !context.facts.is_fargate() {
        body.set_filled("add", add.clone()).set_filled("drop", drop.clone());
        return body.into_value();
    }
    let beyond: Vec<&String> = add.iter().filter(|name| !DEFAULTS.contains(&name.as_str())).collect();
    for name in beyond.iter().filter(|name| name.as_str() != ON_FARGATE) {
        report.refuse(
            Diagnostic::error(
                part.at("security.capabilities.add"),
                format!("Fargate does not give the capability `{name}`"),
            )
            .why(format!("beyond what Docker gives every container it adds {ON_FARGATE} only"))
            .remedy("none, or a target whose launch type is EC2"),
        );
    }
    let drops_all = drop.iter().any(|name| name == "ALL");
    let dropped: Vec<String> = if drops_all && !add.is_empty() {
        let is_kept = |name: &&str| add.iter().any(|kept| kept == name);
        DEFAULTS.iter().filter(|name| !is_kept(name)).map(|name| (*name).to_owned()).collect()
    } else {
        drop.clone()
    };
    body.set_filled("add", json!(beyond)).set_filled("drop", dropped);
    body.into_value()
}

/// `ulimits`. Fargate takes `nofile` only.
///
/// Source: Amazon ECS API reference, `Ulimit`; developer guide, "Task definition differences for Fargate".
pub(super) fn ulimits(context: &Context<'_>, part: &Part<'_>, report: &mut Report) -> Vec<Value> {
    let mut found = Vec::new();
    for (name, limit) in &part.container.security.ulimits {
        let path = part.at(&format!("security.ulimits.{name}"));
        if context.facts.is_fargate() && name != "nofile" {
            report.refuse(
                Diagnostic::error(path, format!("Fargate does not let a task set the limit `{name}`"))
                    .why("of the kernel's limits it lets tasks set `nofile`")
                    .remedy("none, or a target whose launch type is EC2"),
            );
        } else if !LIMITS.contains(&name.as_str()) {
            report.refuse(
                Diagnostic::error(path, format!("ECS does not know the limit `{name}`"))
                    .why(format!("it knows {}", LIMITS.join(", ")))
                    .remedy("one of them"),
            );
        } else {
            found.push(json!({ "name": name, "softLimit": limit.soft, "hardLimit": limit.hard }));
        }
    }
    found
}

/// Source: Amazon ECS API reference, `Ulimit.name`.
const LIMITS: [&str; 15] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

/// `systemControls`.
///
/// Source: Amazon ECS API reference, `SystemControl`.
pub(super) fn system_controls(part: &Part<'_>) -> Vec<Value> {
    let sysctls = &part.container.security.sysctls;
    sysctls.iter().map(|(name, value)| json!({ "namespace": name, "value": value })).collect()
}
