//! Charts and stacks of many workloads, for measurements.

use std::fmt::Write as _;

use crate::ChartFolder;

/// A chart of `count` workloads with variables, a port, resources and a mounted config each, all from one template.
///
/// Values: `changed`, the number of the workload that differs from the others.
pub fn chart_of(count: u32) -> ChartFolder {
    ChartFolder::of(TEMPLATE)
        .with("values.yaml", &format!("count: {count}\nimage: rhumb-demo:1\nchanged: -1\n"))
}

const TEMPLATE: &str = "
{%- for number in range(end=values.count) %}
---
kind: Workload
name: web-{{ number }}
labels: { part: web }
containers:
  web:
    image: {{ values.image }}
    env:
      NUMBER: \"{{ number }}\"
      COLOUR: {% if number == values.changed %}red{% else %}blue{% endif %}
    ports: { http: 8080 }
    resources: { cpu: 1m, memory: 4Mi, limits: { memory: 64Mi } }
    mounts: { /etc/web: { config: web-{{ number }} } }
expose:
  http: { port: 8080 }
update: { maxSurge: 1, maxUnavailable: 0 }
---
kind: Config
name: web-{{ number }}
data: { web.conf: \"number = {{ number }}\" }
{%- endfor %}
";

/// The same as a Compose file for `docker stack deploy`, with the configs beside it as `web-<number>.conf`.
pub fn compose_of(count: u32, changed: Option<u32>) -> String {
    let mut services = String::new();
    let mut configs = String::new();
    for number in 0..count {
        let colour = if changed == Some(number) { "red" } else { "blue" };
        let _ = write!(
            services,
            "
  web-{number}:
    image: rhumb-demo:1
    environment: {{ NUMBER: '{number}', COLOUR: {colour} }}
    configs: [{{ source: web-{number}, target: /etc/web/web.conf }}]
    deploy:
      labels: {{ part: web }}
      resources:
        reservations: {{ cpus: '0.001', memory: 4M }}
        limits: {{ memory: 64M }}
      update_config: {{ order: start-first }}"
        );
        let _ = write!(configs, "\n  web-{number}: {{ file: ./web-{number}.conf }}");
    }
    format!("version: '3.8'\nservices:{services}\nconfigs:{configs}\n")
}

/// A Compose file as people write them, of so many services: each with variables, a port, a volume, a health check and one
/// that it waits for.
pub fn services_of(count: u32) -> String {
    let mut text =
        "x-common: &common\n  restart: unless-stopped\n  environment: { LEVEL: '${LEVEL:-info}' }\nservices:"
            .to_owned();
    let mut volumes = String::new();
    for number in 0..count {
        let _ = write!(
            text,
            "
  web-{number}:
    <<: *common
    image: 'example/web-{number}:${{TAG:-1.0}}'
    command: ['serve', '--level=${{LEVEL:-info}}']
    ports: ['{}:8080']
    volumes: ['data-{number}:/data', '/etc/localtime:/etc/localtime:ro']
    healthcheck: {{ test: [CMD, wget, -q, 'http://localhost:8080/'], interval: 10s }}
    deploy: {{ replicas: 2, resources: {{ limits: {{ cpus: '0.5', memory: 128M }} }} }}
    labels: {{ part: web, 'traefik.http.routers.web-{number}.rule': 'Host(`{number}.example`)' }}",
            10_000 + number
        );
        if number > 0 {
            let _ = write!(text, "\n    depends_on: [web-{}]", number - 1);
        }
        let _ = write!(volumes, "\n  data-{number}: {{}}");
    }
    format!("{text}\nvolumes:{volumes}\n")
}
