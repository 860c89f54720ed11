//! What a container may do to the system around it.

use rhumb_spec::model::{Capabilities, Security};
use rhumb_spec::{Diagnostic, Feature};
use serde_json::{Value, json};

use super::body::Body;
use super::pod::Pod;
use super::{Part, Report};

/// The kernel parameters that the kubelet takes without being told to.
///
/// Source: Kubernetes documentation, "Using sysctls in a Kubernetes Cluster", "Safe and Unsafe Sysctls".
const SAFE: [&str; 12] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
];

/// Where the kubelet looks for seccomp profiles.
///
/// Source: Kubernetes documentation, "Restrict a Container's Syscalls with seccomp".
pub const PROFILES: &str = "/var/lib/kubelet/seccomp/";

/// `securityContext` of a container.
///
/// Source: Kubernetes API reference, `SecurityContext`.
pub(super) fn context(part: &Part<'_>, pod: &mut Pod, report: &mut Report) -> Value {
    let security = &part.container.security;
    let user = number(part, ("user", &security.user), report);
    let group = number(part, ("group", &security.group), report);
    for (name, value) in &security.sysctls {
        let path = part.at(&format!("security.sysctls.{name}"));
        if !SAFE.contains(&name.as_str()) {
            let text = "pods start on nodes only whose kubelet allows it (`--allowed-unsafe-sysctls`)";
            report.lose(Feature::Sysctls, &path, text);
        }
        pod.set_sysctl((name, value), &path, report);
    }
    let is_other_user = user.is_some_and(|user| user != 0);
    let mut body = Body::new();
    body.set_some("runAsUser", user)
        .set_some("runAsGroup", group)
        .set_true("runAsNonRoot", is_other_user)
        .set_true("readOnlyRootFilesystem", security.read_only_root)
        .set_true("privileged", security.privileged);
    if is_other_user && has_no_privilege(security) {
        body.set("allowPrivilegeEscalation", false);
    }
    body.set_filled("capabilities", capabilities(&security.capabilities))
        .set_some("seccompProfile", seccomp(part, report));
    body.into_value()
}

/// Whether nothing could be gained by a program with more rights than its caller: none can be held.
fn has_no_privilege(security: &Security) -> bool {
    let Capabilities { add, drop } = &security.capabilities;
    add.is_empty() && drop.iter().any(|name| name.eq_ignore_ascii_case("all")) && !security.privileged
}

/// The number of a user or group. Names are in the image, which the API server does not see.
fn number(part: &Part<'_>, (field, name): (&str, &Option<String>), report: &mut Report) -> Option<i32> {
    let name = name.as_deref()?;
    if name == "root" {
        return Some(0);
    }
    let number = name.parse().ok().filter(|number| *number >= 0);
    if number.is_none() {
        report.refuse(
            Diagnostic::error(
                part.at(&format!("security.{field}")),
                format!("Kubernetes takes a {field} by its number, and `{name}` is a name"),
            )
            .why("names are in the image, and only its node has it")
            .remedy(format!("the number that the image's /etc/{} has for it", file(field))),
        );
    }
    number
}

fn file(field: &str) -> &'static str {
    if field == "user" { "passwd" } else { "group" }
}

fn capabilities(capabilities: &Capabilities) -> Value {
    let upper = |names: &[String]| names.iter().map(|name| name.to_uppercase()).collect::<Vec<_>>();
    let mut body = Body::new();
    body.set_filled("add", upper(&capabilities.add)).set_filled("drop", upper(&capabilities.drop));
    body.into_value()
}

fn seccomp(part: &Part<'_>, report: &mut Report) -> Option<Value> {
    let profile = part.container.security.seccomp.as_deref()?;
    Some(match profile {
        "default" => json!({ "type": "RuntimeDefault" }),
        "unconfined" => json!({ "type": "Unconfined" }),
        path => {
            let below = path.strip_prefix(PROFILES).unwrap_or(path);
            if below.starts_with('/') || below.split('/').any(|part| part == "..") {
                report.refuse(
                    Diagnostic::error(
                        part.at("security.seccomp"),
                        format!("the kubelet does not read `{path}`"),
                    )
                    .why(format!("it takes profiles from {PROFILES} only"))
                    .remedy("the profile in that folder, by its name there"),
                );
            }
            json!({ "type": "Localhost", "localhostProfile": below })
        }
    })
}
