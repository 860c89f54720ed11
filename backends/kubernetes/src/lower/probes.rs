//! Probes.

use rhumb_spec::Feature;
use rhumb_spec::model::{Probe, ProbeAction};
use serde_json::{Value, json};

use super::body::Body;
use super::expansion::literals;
use super::{Part, Report};

/// Adds the three probes to a container.
///
/// Source: Kubernetes API reference, `Probe`; times are whole seconds, and what is not given is the server's choice.
pub(super) fn add(part: &Part<'_>, body: &mut Body, report: &mut Report) {
    let probes = &part.container.probes;
    let questions = [
        ("livenessProbe", &probes.live, "live"),
        ("readinessProbe", &probes.ready, "ready"),
        ("startupProbe", &probes.startup, "startup"),
    ];
    for (field, probe, name) in questions {
        let path = part.at(&format!("probes.{name}"));
        body.set_some(field, probe.as_ref().map(|probe| value(part, probe, &path, report)));
    }
}

fn value(part: &Part<'_>, probe: &Probe, path: &str, report: &mut Report) -> Value {
    let feature = feature(&probe.action);
    let mut body = Body::new();
    let (field, handler) = handler(part, &probe.action);
    body.set(field, handler);
    let times = [
        ("initialDelaySeconds", probe.delay.filter(|delay| !delay.is_zero()), "delay"),
        ("timeoutSeconds", probe.timeout, "timeout"),
        ("periodSeconds", probe.period, "period"),
    ];
    for (field, time, name) in times {
        body.set_some(field, time.map(|time| report.seconds(feature, format!("{path}.{name}"), time)));
    }
    body.set_some("successThreshold", probe.successes).set_some("failureThreshold", probe.failures);
    body.into_value()
}

const fn feature(action: &ProbeAction) -> Feature {
    match action {
        ProbeAction::Exec(_) => Feature::ProbeExec,
        ProbeAction::Http { .. } => Feature::ProbeHttp,
        ProbeAction::Tcp { .. } => Feature::ProbeTcp,
        ProbeAction::Grpc { .. } => Feature::ProbeGrpc,
    }
}

fn handler(part: &Part<'_>, action: &ProbeAction) -> (&'static str, Value) {
    match action {
        ProbeAction::Exec(command) => ("exec", json!({ "command": literals(command) })),
        ProbeAction::Http { path, port, https, headers } => {
            let header = |(name, value): (&String, &String)| json!({ "name": name, "value": value });
            let mut body = Body::new();
            body.set("path", path.clone()).set("port", port.clone());
            body.set_some("scheme", https.then_some("HTTPS"));
            body.set_filled("httpHeaders", headers.iter().map(header).collect::<Vec<_>>());
            ("httpGet", body.into_value())
        }
        ProbeAction::Tcp { port } => ("tcpSocket", json!({ "port": port })),
        ProbeAction::Grpc { port, service } => {
            // The API takes no name of a port here.
            let number = part.container.ports.get(port).map(|port| port.port);
            let mut body = Body::new();
            body.set_some("port", number).set_filled("service", service.clone());
            ("grpc", body.into_value())
        }
    }
}
