//! Environment variables.

use rhumb_spec::Feature;

use super::super::case::Case;

pub(super) const CASES: &[Case] = &[
    Case::new(
        Feature::Env,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', env: { COLOUR: blue } } }
",
    )
    .prints("web", &["/demo", "get", "http://127.0.0.1:8080/env"], "COLOUR=blue"),
    Case::new(
        Feature::EnvSecret,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', env: { PASSWORD: { secret: db, key: password } } } }
---
kind: Secret
name: db
data: { password: 'sealed:material-of-password' }
",
    )
    // Where the platform has no such variables, the value is in a file that `…_FILE` names.
    .prints("web", &["sh", "-c", "tr '\\0' '\\n' </proc/1/environ | sed -n 's/^PASSWORD_FILE=//p' | xargs cat; tr '\\0' '\\n' </proc/1/environ"], "material-of-password"),
    Case::new(
        Feature::EnvConfig,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', env: { COLOUR: { config: look, key: colour } } } }
---
kind: Config
name: look
data: { colour: blue }
",
    )
    .prints("web", &["/demo", "get", "http://127.0.0.1:8080/env"], "COLOUR=blue"),
    Case::new(
        Feature::EnvAddress,
        "
kind: Workload
name: api
discovery: dns
containers: { api: { image: 'rhumb-demo:1', ports: { http: 8080 } } }
expose: { http: { port: 8080 } }
---
kind: Workload
name: web
containers:
  web:
    image: rhumb-demo:1
    env: { API: { address: api, port: http, format: 'http://{host}:{port}/version' } }
",
    )
    .prints("web", &["sh", "-c", "/demo get $API"], "1"),
    Case::new(
        Feature::EnvOrdinal,
        "
kind: Workload
name: db
mode: stateful
replicas: 2
containers: { db: { image: 'rhumb-demo:1', env: { NUMBER: { self: ordinal } } } }
",
    )
    .prints("db-1", &["/demo", "get", "http://127.0.0.1:8080/env"], "NUMBER=1"),
    Case::new(
        Feature::EnvFromConfig,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', envFrom: [{ config: look, prefix: APP_ }] } }
---
kind: Config
name: look
data: { COLOUR: blue }
",
    )
    .prints("web", &["/demo", "get", "http://127.0.0.1:8080/env"], "APP_COLOUR=blue"),
    Case::new(
        Feature::EnvFromSecret,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', envFrom: [{ secret: db }] } }
---
kind: Secret
name: db
data: { PASSWORD: 'sealed:material-of-password' }
",
    )
    .prints("web", &["sh", "-c", "tr '\\0' '\\n' </proc/1/environ | sed -n 's/^PASSWORD_FILE=//p' | xargs cat; tr '\\0' '\\n' </proc/1/environ"], "material-of-password"),
];
