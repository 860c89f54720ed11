//! What containers may do to the system around them, and what they see of it.

use rhumb_spec::Feature;

use super::super::case::Case;

pub(super) const CASES: &[Case] = &[
    Case::new(
        Feature::User,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', security: { user: '1000', group: '1001' } } }
",
    )
    .prints("web", &["sh", "-c", "echo $(id -u):$(id -g)"], "1000:1001"),
    Case::new(
        Feature::ReadOnlyRoot,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', security: { readOnlyRoot: true } } }
",
    )
    .prints("web", &["sh", "-c", "touch /x 2>/dev/null && echo written || echo refused"], "refused"),
    Case::new(
        Feature::Capabilities,
        "
kind: Workload
name: web
containers:
  web: { image: 'rhumb-demo:1', security: { capabilities: { drop: [ALL], add: [NET_BIND_SERVICE] } } }
",
    )
    .prints("web", &["grep", "CapBnd", "/proc/1/status"], "0000000000000400"),
    Case::new(
        Feature::Privileged,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', security: { privileged: true } } }
",
    ),
    Case::new(
        Feature::Sysctls,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', security: { sysctls: { net.core.somaxconn: '512' } } } }
",
    )
    .prints("web", &["cat", "/proc/sys/net/core/somaxconn"], "512"),
    Case::new(
        Feature::Ulimits,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', security: { ulimits: { nofile: { soft: 1234, hard: 2345 } } } } }
",
    )
    .prints("web", &["grep", "Max open files", "/proc/1/limits"], "1234"),
    Case::new(
        Feature::Seccomp,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', security: { seccomp: unconfined } } }
",
    )
    .prints("web", &["grep", "Seccomp:", "/proc/1/status"], "0"),
    Case::new(
        Feature::Dns,
        "
kind: Workload
name: web
dns: { servers: [192.0.2.53], search: [corp.example], options: ['ndots:2'] }
containers: { web: { image: 'rhumb-demo:1' } }
",
    )
    .prints("web", &["cat", "/etc/resolv.conf"], "search corp.example"),
    Case::new(
        Feature::ExtraHosts,
        "
kind: Workload
name: web
extraHosts: { db.corp.example: 192.0.2.9 }
containers: { web: { image: 'rhumb-demo:1' } }
",
    )
    .prints("web", &["grep", "db.corp.example", "/etc/hosts"], "192.0.2.9"),
    Case::new(
        Feature::Hostname,
        "
kind: Workload
name: web
hostname: box
containers: { web: { image: 'rhumb-demo:1' } }
",
    )
    .prints("web", &["hostname"], "box"),
];
