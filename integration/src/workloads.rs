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
