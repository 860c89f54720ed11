//! How versions and numbers of replicas change.

use rhumb_spec::Feature;

use super::super::case::{Case, Shows, service};

pub(super) const CASES: &[Case] = &[
    Case::new(
        Feature::RollingUpdate,
        "
kind: Workload
name: web
replicas: 2
update: { maxSurge: 1, maxUnavailable: 0, parallelism: 1 }
containers: { web: { image: 'rhumb-demo:1', env: { REVISION: '[revision]' } } }
",
    )
    .reads(&[
        service("web", "/Spec/UpdateConfig/Parallelism", "1"),
        service("web", "/Spec/UpdateConfig/Order", r#""start-first""#),
    ])
    .shows(Shows::Update),
    Case::new(
        Feature::UpdateDelay,
        "
kind: Workload
name: web
update: { delay: 1s }
containers: { web: { image: 'rhumb-demo:1', env: { REVISION: '[revision]' } } }
",
    )
    .reads(&[service("web", "/Spec/UpdateConfig/Delay", "1000000000")])
    .shows(Shows::Update),
    Case::new(
        Feature::UpdateOrder,
        "
kind: Workload
name: web
update: { order: startFirst }
containers: { web: { image: 'rhumb-demo:1', env: { REVISION: '[revision]' } } }
",
    )
    .reads(&[service("web", "/Spec/UpdateConfig/Order", r#""start-first""#)])
    .shows(Shows::Update),
    Case::new(
        Feature::UpdateMonitor,
        "
kind: Workload
name: web
update: { monitor: 2s, maxFailurePercent: 20 }
containers: { web: { image: 'rhumb-demo:1', env: { REVISION: '[revision]' } } }
",
    )
    .reads(&[service("web", "/Spec/UpdateConfig/Monitor", "2000000000")])
    .shows(Shows::Update),
    Case::new(
        Feature::RollbackOnFailure,
        "
kind: Workload
name: web
update: { onFailure: rollback }
containers: { web: { image: 'rhumb-demo:1', env: { REVISION: '[revision]' } } }
",
    )
    .reads(&[service("web", "/Spec/UpdateConfig/FailureAction", r#""rollback""#)])
    .shows(Shows::Update),
    Case::new(
        Feature::FailureAction,
        "
kind: Workload
name: web
update: { onFailure: continue }
containers: { web: { image: 'rhumb-demo:1', env: { REVISION: '[revision]' } } }
",
    )
    .reads(&[service("web", "/Spec/UpdateConfig/FailureAction", r#""continue""#)])
    .shows(Shows::Update),
    Case::new(
        Feature::RollbackConfig,
        "
kind: Workload
name: web
update: { onFailure: rollback, rollback: { parallelism: 2, order: stopFirst } }
containers: { web: { image: 'rhumb-demo:1', env: { REVISION: '[revision]' } } }
",
    )
    .reads(&[
        service("web", "/Spec/RollbackConfig/Parallelism", "2"),
        service("web", "/Spec/RollbackConfig/Order", r#""stop-first""#),
    ])
    .shows(Shows::Update),
    Case::new(
        Feature::Recreate,
        "
kind: Workload
name: web
replicas: 2
update: { strategy: recreate }
containers: { web: { image: 'rhumb-demo:1', env: { REVISION: '[revision]' } } }
",
    )
    .reads(&[service("web", "/Spec/UpdateConfig/Order", r#""stop-first""#)])
    .shows(Shows::Update),
    Case::new(
        Feature::BlueGreen,
        "
kind: Workload
name: web
update: { strategy: blueGreen }
containers: { web: { image: 'rhumb-demo:1', env: { REVISION: '[revision]' } } }
",
    )
    .shows(Shows::Update),
    Case::new(
        Feature::Canary,
        "
kind: Workload
name: web
update: { strategy: canary, steps: [10, 50] }
containers: { web: { image: 'rhumb-demo:1', env: { REVISION: '[revision]' } } }
",
    )
    .shows(Shows::Update),
    Case::new(
        Feature::Autoscale,
        "
kind: Workload
name: web
autoscale: { min: 1, max: 3, cpu: 80 }
containers: { web: { image: 'rhumb-demo:1', resources: { cpu: 10m } } }
",
    ),
    Case::new(
        Feature::AutoscaleCustom,
        "
kind: Workload
name: web
autoscale: { min: 1, max: 3, custom: [{ name: queue_length, average: '10' }] }
containers: { web: { image: 'rhumb-demo:1' } }
",
    ),
    Case::new(
        Feature::DisruptionBudget,
        "
kind: Workload
name: web
replicas: 2
disruption: { minAvailable: 1 }
containers: { web: { image: 'rhumb-demo:1' } }
",
    ),
];
