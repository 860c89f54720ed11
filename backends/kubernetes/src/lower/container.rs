//! One container of a pod.

use rhumb_spec::model::{Protocol, PullPolicy, Resources};
use rhumb_spec::{Bytes, Diagnostic};
use serde_json::{Value, json};

use super::body::Body;
use super::expansion::literals;
use super::network::host_port;
use super::pod::Pod;
use super::{Context, Part, Report, environment, labels, mounts, probes, quantity, security, stop};

/// What a graphics processor is called where the app says nothing.
///
/// Source: Kubernetes documentation, "Schedule GPUs".
pub const GPU: &str = "nvidia.com/gpu";

/// A container.
///
/// Source: Kubernetes API reference, `Container`.
pub(super) fn container(context: &Context<'_>, part: &Part<'_>, pod: &mut Pod, report: &mut Report) -> Value {
    let container = part.container;
    let environment = environment::environment(context, part, pod, report);
    let mut body = Body::new();
    body.set("name", part.name)
        .set("image", container.image.clone())
        .set_some("imagePullPolicy", container.pull.map(pull_policy))
        .set_filled("command", literals(&container.command))
        .set_filled("args", literals(&container.args))
        .set_some("workingDir", container.working_dir.clone())
        .set_filled("ports", ports(part))
        .set_filled("envFrom", environment.whole)
        .set_filled("env", environment.env)
        .set_filled("resources", resources(part, report))
        .set_filled("volumeMounts", mounts::mounts(context, part, pod, report));
    probes::add(part, &mut body, report);
    body.set_filled("lifecycle", stop::lifecycle(part, report))
        .set_filled("securityContext", security::context(part, pod, report));
    body.into_value()
}

const fn pull_policy(policy: PullPolicy) -> &'static str {
    match policy {
        PullPolicy::Always => "Always",
        PullPolicy::IfMissing => "IfNotPresent",
        PullPolicy::Never => "Never",
    }
}

fn ports(part: &Part<'_>) -> Vec<Value> {
    let value = |(name, port): (&String, &rhumb_spec::model::Port)| {
        let mut body = Body::new();
        let host = part.site.workload.expose.get(name).and_then(host_port);
        body.set("name", name.clone()).set("containerPort", port.port).set_some("hostPort", host);
        body.set_some(
            "protocol",
            match port.protocol {
                Protocol::Tcp => None,
                Protocol::Udp => Some("UDP"),
                Protocol::Sctp => Some("SCTP"),
            },
        );
        body.into_value()
    };
    part.container.ports.iter().map(value).collect()
}

/// `requests` and `limits`. Graphics processors are a limit, which is the request too.
fn resources(part: &Part<'_>, report: &mut Report) -> Value {
    let Resources { cpu, memory, gpu, limits } = &part.container.resources;
    let amount = |bytes: Option<Bytes>| bytes.map(|bytes| bytes.to_string());
    let mut requests = Body::new();
    requests.set_some("cpu", cpu.map(quantity::cpu)).set_some("memory", amount(*memory));
    let mut most = Body::new();
    most.set_some("cpu", limits.cpu.map(quantity::cpu)).set_some("memory", amount(limits.memory));
    if let Some(gpu) = gpu {
        let name = gpu.resource.as_deref().unwrap_or(GPU);
        if !name.contains('/') || !labels::is_qualified(name) {
            report.refuse(
                Diagnostic::error(
                    part.at("resources.gpu.resource"),
                    format!("a device cannot be called `{name}`"),
                )
                .why("device plugins of Kubernetes name resources with a domain")
                .remedy(format!("such as `{GPU}`; or leave it out")),
            );
        }
        most.set(name, gpu.count.to_string());
    }
    let (requests, most) = (requests.into_value(), most.into_value());
    let mut body = Body::new();
    body.set_filled("requests", requests).set_filled("limits", most);
    json!(body.into_value())
}
