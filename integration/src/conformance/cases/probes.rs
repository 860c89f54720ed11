//! How health is asked for.

use rhumb_spec::Feature;

use super::super::case::{Case, Shows, container};

const HEALTHY: &str = r#""healthy""#;

pub(super) const CASES: &[Case] = &[
    Case::new(
        Feature::ProbeExec,
        "
kind: Workload
name: web
containers:
  web:
    image: rhumb-demo:1
    probes: { ready: { exec: [/demo, get, 'http://127.0.0.1:8080/healthz'], period: 1s } }
",
    )
    .reads(&[container("web", "/State/Health/Status", HEALTHY)]),
    Case::new(
        Feature::ProbeHttp,
        "
kind: Workload
name: web
containers:
  web:
    image: rhumb-demo:1
    ports: { http: 8080 }
    probes: { ready: { http: /healthz, port: http, period: 1s } }
",
    )
    .reads(&[container("web", "/State/Health/Status", HEALTHY)]),
    Case::new(
        Feature::ProbeTcp,
        "
kind: Workload
name: web
containers:
  web:
    image: rhumb-demo:1
    ports: { http: 8080 }
    probes: { ready: { tcp: true, port: http, period: 1s } }
",
    )
    .reads(&[container("web", "/State/Health/Status", HEALTHY)]),
    Case::new(
        Feature::ProbeGrpc,
        "
kind: Workload
name: web
containers:
  web:
    image: rhumb-demo:1
    ports: { grpc: 8080 }
    probes: { ready: { grpc: '', port: grpc, delay: 1h } }
",
    )
    .shows(Shows::Unready("no gRPC server is at hand")),
    Case::new(
        Feature::ReadinessProbe,
        "
kind: Workload
name: web
containers:
  web:
    image: rhumb-demo:1
    env: { START_DELAY: 2 }
    probes: { ready: { exec: [/demo, get, 'http://127.0.0.1:8080/healthz'], period: 1s, failures: 20 } }
",
    )
    .reads(&[container("web", "/State/Health/Status", HEALTHY)]),
    Case::new(
        Feature::LivenessProbe,
        "
kind: Workload
name: web
containers:
  web:
    image: rhumb-demo:1
    probes: { live: { exec: [/demo, get, 'http://127.0.0.1:8080/healthz'], period: 1s } }
",
    )
    .reads(&[container("web", "/State/Health/Status", HEALTHY)]),
    Case::new(
        Feature::ReadinessApart,
        "
kind: Workload
name: web
containers:
  web:
    image: rhumb-demo:1
    probes:
      ready: { exec: [/demo, get, 'http://127.0.0.1:8080/healthz'], period: 1s }
      live: { exec: [/demo, get, 'http://127.0.0.1:8080/version'], period: 2s }
",
    )
    .reads(&[container("web", "/State/Health/Status", HEALTHY)]),
    Case::new(
        Feature::StartupProbe,
        "
kind: Workload
name: web
containers:
  web:
    image: rhumb-demo:1
    env: { START_DELAY: 2 }
    probes:
      startup: { exec: [/demo, get, 'http://127.0.0.1:8080/healthz'], period: 1s, failures: 20 }
      live: { exec: [/demo, get, 'http://127.0.0.1:8080/healthz'], period: 1s }
",
    )
    .reads(&[container("web", "/State/Health/Status", HEALTHY)]),
];
