//! What a container is and how it starts and stops.

use rhumb_spec::Feature;

use super::super::case::{Case, Shows, container, service};

pub(super) const CASES: &[Case] = &[
    Case::new(
        Feature::Sidecars,
        "
kind: Workload
name: web
containers:
  web: { image: 'rhumb-demo:1' }
  proxy: { image: 'rhumb-demo:1', env: { PORT: 8081 } }
",
    ),
    Case::new(
        Feature::InitContainers,
        "
kind: Workload
name: web
initContainers:
  prepare: { image: 'rhumb-demo:1', args: [job] }
containers:
  web: { image: 'rhumb-demo:1' }
",
    ),
    Case::new(
        Feature::InitSharedVolume,
        "
kind: Workload
name: web
initContainers:
  prepare:
    image: rhumb-demo:1
    args: [job]
    mounts: { /work: { ephemeral: work } }
containers:
  web:
    image: rhumb-demo:1
    mounts: { /work: { ephemeral: work } }
",
    ),
    Case::new(
        Feature::Command,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', command: [/demo, serve] } }
",
    )
    .reads(&[container("web", "/Config/Entrypoint", r#"["/demo","serve"]"#)]),
    Case::new(
        Feature::Args,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', args: [serve] } }
",
    )
    .reads(&[container("web", "/Args", r#"["serve"]"#)]),
    Case::new(
        Feature::PullSecret,
        "
kind: Workload
name: web
pullSecret: registry
containers: { web: { image: 'rhumb-demo:1' } }
---
kind: Secret
name: registry
data: { .dockerconfigjson: 'sealed:{\"auths\":{\"registry.example\":{\"auth\":\"YTpi\"}}}' }
",
    )
    .shows(Shows::Accepted("no registry is there to ask for them")),
    Case::new(
        Feature::PullPolicy,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', pull: ifMissing } }
",
    ),
    Case::new(
        Feature::RestartPolicy,
        "
kind: Workload
name: web
restart: { policy: onFailure }
containers: { web: { image: 'rhumb-demo:1' } }
",
    )
    .reads(&[service("web", "/Spec/TaskTemplate/RestartPolicy/Condition", r#""on-failure""#)]),
    Case::new(
        Feature::RestartLimits,
        "
kind: Workload
name: web
restart: { policy: onFailure, delay: 1s, maxAttempts: 3, window: 10s }
containers: { web: { image: 'rhumb-demo:1' } }
",
    )
    .reads(&[
        service("web", "/Spec/TaskTemplate/RestartPolicy/Delay", "1000000000"),
        service("web", "/Spec/TaskTemplate/RestartPolicy/MaxAttempts", "3"),
        service("web", "/Spec/TaskTemplate/RestartPolicy/Window", "10000000000"),
    ]),
    Case::new(
        Feature::WorkingDir,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', workingDir: /tmp } }
",
    )
    .prints("web", &["sh", "-c", "pwd"], "/tmp"),
    Case::new(
        Feature::LifecycleHooks,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', lifecycle: { preStop: [sleep, '1'] } } }
",
    ),
    Case::new(
        Feature::Labels,
        "
kind: Workload
name: web
labels: { team: blue }
containers: { web: { image: 'rhumb-demo:1' } }
",
    )
    .reads(&[
        service("web", "/Spec/Labels/team", r#""blue""#),
        container("web", "/Config/Labels/team", r#""blue""#),
    ]),
    Case::new(
        Feature::Annotations,
        "
kind: Workload
name: web
annotations: { 'example.com/contact': blue }
containers: { web: { image: 'rhumb-demo:1' } }
",
    )
    .reads(&[service("web", "/Spec/Labels/example.com~1contact", r#""blue""#)]),
    Case::new(
        Feature::StopSignal,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', stop: { signal: SIGINT } } }
",
    )
    .reads(&[container("web", "/Config/StopSignal", r#""SIGINT""#)]),
    Case::new(
        Feature::StopGrace,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', stop: { grace: 3s } } }
",
    )
    .reads(&[service("web", "/Spec/TaskTemplate/ContainerSpec/StopGracePeriod", "3000000000")]),
    Case::new(
        Feature::Logging,
        "
kind: Workload
name: web
containers:
  web: { image: 'rhumb-demo:1', logging: { driver: json-file, options: { max-size: 1m } } }
",
    )
    .reads(&[container(
        "web",
        "/HostConfig/LogConfig",
        r#"{"Type":"json-file","Config":{"max-size":"1m"}}"#,
    )]),
];
