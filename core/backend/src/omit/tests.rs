use super::*;
use rhumb_spec::{Source, parse};

/// An app that uses every feature that can be left out.
const EVERYTHING: &str = "
kind: Workload
name: web
replicas: 3
dependsOn: [cron]
expose: { http: { port: 80, as: node, internalPort: 8080 }, local: { port: 81, as: node, traffic: local }, lb: { port: 82, as: loadbalancer } }
discovery: dns
shortNames: true
networks: { back: { aliases: [www] } }
restart: { policy: onFailure, delay: 1s, maxAttempts: 3, window: 1m }
update: { maxSurge: 1, maxUnavailable: 0, delay: 1s, order: startFirst, onFailure: rollback, monitor: 5s, rollback: { parallelism: 1 } }
autoscale: { min: 2, max: 5, cpu: 50, custom: [{ name: queue, average: '3' }] }
disruption: { minAvailable: 1 }
placement:
  nodes: [{ key: disk, values: [ssd] }]
  spread: [{ over: zone }]
  maxPerNode: 2
  near: [{ workload: cron }]
  away: [{ workload: web }]
  tolerations: [{ key: a }]
  os: linux
  arch: arm64
identity: { name: web }
pullSecret: registry
dns: { servers: [1.1.1.1] }
extraHosts: { a: 10.0.0.1 }
hostname: web
labels: { a: b }
annotations: { a: b }
on: { double: { Service: {} } }
containers:
  web:
    image: web
    pull: always
    ports: { http: 80, local: 81, lb: 82 }
    probes:
      ready: { http: /, port: http }
      live: { grpc: '', port: http }
      startup: { tcp: true, port: http }
    resources: { cpu: 100m, memory: 1Mi, gpu: { count: 1 }, limits: { cpu: 1, memory: 2Mi } }
    mounts:
      /run: { tmpfs: true }
      /srv: { host: /srv }
      /etc/web: { config: web, mode: '0440', user: 1, group: 1 }
    security:
      user: web
      readOnlyRoot: true
      privileged: true
      capabilities: { add: [NET_ADMIN] }
      sysctls: { a: b }
      ulimits: { nofile: { soft: 1, hard: 2 } }
      seccomp: unconfined
    stop: { signal: SIGINT, grace: 5s }
    lifecycle: { preStop: [sleep, '5'] }
    logging: { driver: json-file }
---
kind: Workload
name: cron
mode: cron
cron: { schedule: '* * * * *', timeZone: Europe/Berlin, concurrency: forbid }
job: { retries: 1, deadline: 1m, parallelism: 2, completions: 2 }
update: { strategy: recreate, onFailure: pause }
containers: { cron: { image: cron, probes: { live: { exec: ['true'] } } } }
---
kind: Workload
name: blue
update: { strategy: blueGreen }
containers: { blue: { image: blue } }
---
kind: Workload
name: canary
update: { strategy: canary, steps: [10, 50] }
containers: { canary: { image: canary } }
---
kind: Config
name: web
stableName: true
data: { a: b }
---
kind: Volume
name: data
class: fast
size: 1Gi
keep: true
---
kind: Network
name: back
encrypted: true
internal: true
---
kind: Route
name: web
paths: { /: { workload: web, port: http } }
tls: { resolver: le }
---
kind: Native
name: mine
platform: double
manifest: {}
";

fn everything() -> App {
    parse(&[Source { file: "app.yaml".to_owned(), text: EVERYTHING.to_owned() }]).unwrap().app
}

fn uses(app: &App, feature: Feature) -> bool {
    app.requirements().iter().any(|requirement| requirement.feature == feature)
}

#[test]
fn what_is_left_out_is_asked_for_no_more() {
    for feature in Feature::ALL.iter().copied().filter(|feature| can_omit(*feature)) {
        let mut app = everything();
        assert!(uses(&app, feature), "the app of this test does not use {feature}");
        assert!(omit(&mut app, feature));
        assert!(!uses(&app, feature), "{feature} is still there");
    }
}

#[test]
fn what_cannot_be_left_out_changes_nothing() {
    for feature in Feature::ALL.iter().copied().filter(|feature| !can_omit(*feature)) {
        let mut app = everything();
        assert!(!omit(&mut app, feature));
        assert_eq!(app, everything(), "{feature}");
    }
}

#[test]
fn features_fall_back_to_what_asks_for_less() {
    let mut app = everything();
    omit(&mut app, Feature::ExposeNode);
    omit(&mut app, Feature::ExposeLoadBalancer);
    omit(&mut app, Feature::Autoscale);
    omit(&mut app, Feature::ReadinessApart);
    omit(&mut app, Feature::Canary);
    let web = &app.workloads["web"];
    assert_eq!((web.expose["http"].kind, web.expose["http"].port), (ExposeAs::Internal, 8080));
    assert_eq!((web.expose["lb"].kind, web.expose["lb"].port), (ExposeAs::Internal, 82));
    assert_eq!(web.expose["local"].kind, ExposeAs::Node, "each leads to its own replicas only");
    assert_eq!(web.replicas, Some(3), "the chart says how many");
    assert!(web.containers["web"].probes.live.is_some());
    assert_eq!(app.workloads["canary"].update.as_ref().unwrap().strategy, Strategy::Rolling);
}

#[test]
fn keeping_is_left_out_by_not_keeping() {
    let mut app = everything();
    omit(&mut app, Feature::KeepVolume);
    assert!(!app.volumes["data"].is_kept());
}
