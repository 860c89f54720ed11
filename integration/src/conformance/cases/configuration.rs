//! Configs and secrets as files.

use rhumb_spec::Feature;

use super::super::case::{Case, Need};

pub(super) const CASES: &[Case] = &[
    Case::new(
        Feature::ConfigFiles,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', mounts: { /etc/app: { config: look } } } }
---
kind: Config
name: look
data: { colour: blue }
",
    )
    .prints("web", &["cat", "/etc/app/colour"], "blue"),
    Case::new(
        Feature::SecretFiles,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', mounts: { /run/db: { secret: db } } } }
---
kind: Secret
name: db
data: { password: 'sealed:material-of-password' }
",
    )
    .prints("web", &["cat", "/run/db/password"], "material-of-password"),
    Case::new(
        Feature::FileMode,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', mounts: { /etc/app: { config: look, mode: '0440' } } } }
---
kind: Config
name: look
data: { colour: blue }
",
    )
    .prints("web", &["stat", "-c", "%a", "/etc/app/colour"], "440"),
    Case::new(
        Feature::FileOwner,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', mounts: { /etc/app: { config: look, user: 1000, group: 1001 } } } }
---
kind: Config
name: look
data: { colour: blue }
",
    )
    .prints("web", &["stat", "-c", "%u:%g", "/etc/app/colour"], "1000:1001"),
    Case::new(
        Feature::SubPath,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', mounts: { /etc/app/colour: { config: look, subPath: colour } } } }
---
kind: Config
name: look
data: { colour: blue, shape: round }
",
    )
    .prints("web", &["sh", "-c", "cat /etc/app/colour; ls /etc/app"], "blue"),
    Case::new(
        Feature::StableName,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', mounts: { /etc/app: { config: look } } } }
---
kind: Config
name: look
stableName: true
data: { colour: blue }
",
    )
    .prints("web", &["cat", "/etc/app/colour"], "blue"),
    Case::new(
        Feature::GeneratedSecret,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', mounts: { /run/db: { secret: db } } } }
---
kind: Secret
name: db
generate: { password: { length: 24 } }
",
    )
    .prints("web", &["sh", "-c", "cat /run/db/password | wc -c"], "24"),
    Case::new(
        Feature::SecretTemplate,
        "
kind: Workload
name: db
discovery: dns
containers:
  db:
    image: rhumb-demo:1
    ports: { pg: 8080 }
    mounts: { /run/db: { secret: db } }
expose: { pg: { port: 8080 } }
---
kind: Secret
name: db
data: { password: 'sealed:material-of-password' }
template: { url: 'postgres://app:{password}@{address:db:pg}/app' }
",
    )
    .prints("db", &["cat", "/run/db/url"], "postgres://app:material-of-password@db:8080/app"),
    Case::new(
        Feature::External,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', mounts: { /etc/app/colour: { config: rhumb-conformance, key: colour } } } }
---
kind: Config
name: rhumb-conformance
external: true
",
    )
    .needs(&[Need::Config("rhumb-conformance")])
    .prints("web", &["cat", "/etc/app/colour"], "made by hand"),
];
