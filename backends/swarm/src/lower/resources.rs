//! What a task is promised and what it may take, and what it may do to the system around it.

use rhumb_spec::model::Security;
use rhumb_spec::{Bytes, Diagnostic, MilliCpu};
use serde_json::{Value, json};

use super::body::{Body, text_map};
use super::{Report, Site};

/// The engine refuses to run a container with less.
///
/// Source: moby, `daemon/daemon_unix.go`, `linuxMinMemory`; swarmkit, `manager/controlapi/service.go`,
/// `validateResources`.
const LEAST_MEMORY: Bytes = Bytes(4 << 20);

/// The resource by which Docker's documentation calls graphics processors.
///
/// Source: docs.docker.com, `dockerd --node-generic-resource`.
pub(crate) const GPU: &str = "NVIDIA-GPU";

/// `TaskTemplate.Resources`.
pub(super) fn resources(site: &Site<'_>, report: &mut Report) -> Value {
    let resources = &site.container.resources;
    let mut limits =
        amounts(site, resources.limits.cpu, resources.limits.memory, ("resources.limits", report));
    let mut reservations = amounts(site, resources.cpu, resources.memory, ("resources", report));
    if let Some(gpu) = &resources.gpu {
        let kind = gpu.resource.as_deref().unwrap_or(GPU);
        let resource = json!({ "DiscreteResourceSpec": { "Kind": kind, "Value": gpu.count } });
        reservations.set("GenericResources", vec![resource]);
    }
    let mut body = Body::new();
    body.set_filled("Limits", std::mem::take(&mut limits).into_value());
    body.set_filled("Reservations", reservations.into_value());
    body.into_value()
}

fn amounts(
    site: &Site<'_>,
    cpu: Option<MilliCpu>,
    memory: Option<Bytes>,
    (field, report): (&str, &mut Report),
) -> Body {
    if let Some(memory) = memory.filter(|memory| *memory < LEAST_MEMORY) {
        let path = site.in_container(&format!("{field}.memory"));
        report.refuse(
            Diagnostic::error(path, format!("{memory} is less than Swarm takes"))
                .why("the engine refuses containers with less than 4 MiB")
                .remedy("`4Mi` or more"),
        );
    }
    if cpu == Some(MilliCpu(0)) {
        let path = site.in_container(&format!("{field}.cpu"));
        report.refuse(
            Diagnostic::error(path, "no processor time at all cannot be promised or allowed")
                .why("the engine takes 0 for no limit")
                .remedy("`1m` or more, or nothing"),
        );
    }
    let mut body = Body::new();
    body.set_some("NanoCPUs", cpu.map(MilliCpu::as_nanos));
    body.set_some("MemoryBytes", memory.map(Bytes::get));
    body
}

/// `ContainerSpec.User`: `user`, `user:group`.
pub(super) fn user(site: &Site<'_>, report: &mut Report) -> Option<String> {
    let security = &site.container.security;
    match (&security.user, &security.group) {
        (Some(user), None) => Some(user.clone()),
        (Some(user), Some(group)) => Some(format!("{user}:{group}")),
        (None, None) => None,
        (None, Some(_)) => {
            report.refuse(
                Diagnostic::error(site.in_container("security.group"), "a group goes with a user only")
                    .why("the engine takes them in one field, and a user left out of it is root")
                    .remedy("`security.user` beside it"),
            );
            None
        }
    }
}

/// Adds sysctls, capabilities and ulimits, as `ContainerSpec` has them.
pub(super) fn add_security(body: &mut Body, security: &Security) {
    body.set_filled("Sysctls", text_map(&security.sysctls));
    body.set_filled("CapabilityAdd", capabilities(&security.capabilities.add));
    body.set_filled("CapabilityDrop", capabilities(&security.capabilities.drop));
    let ulimits = security
        .ulimits
        .iter()
        .map(|(name, limit)| json!({ "Name": name, "Soft": limit.soft, "Hard": limit.hard }));
    body.set_filled("Ulimits", ulimits.collect::<Vec<_>>());
}

/// Capabilities as the docker CLI sends them: `CAP_NET_ADMIN`, and `ALL`.
fn capabilities(names: &[String]) -> Vec<String> {
    let full = |name: &String| {
        let name = name.to_ascii_uppercase();
        if name == "ALL" || name.starts_with("CAP_") { name } else { format!("CAP_{name}") }
    };
    names.iter().map(full).collect()
}

/// `ContainerSpec.Privileges`, for the seccomp profile.
///
/// Source: Engine API 1.46, `Privileges.Seccomp`.
pub(super) fn privileges(site: &Site<'_>, report: &mut Report) -> Option<Value> {
    let mode = site.container.security.seccomp.as_deref()?;
    if matches!(mode, "default" | "unconfined") {
        return Some(json!({ "Seccomp": { "Mode": mode } }));
    }
    report.refuse(
        Diagnostic::error(site.in_container("security.seccomp"), "Swarm takes no profile from a node's disk")
            .why("the profile itself is part of the service, and this path is on the node")
            .remedy(
                "`default` or `unconfined`; or a patch of `TaskTemplate.ContainerSpec.Privileges.Seccomp` under \
                 `on.swarm`",
            ),
    );
    None
}
