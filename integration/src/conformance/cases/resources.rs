//! What containers are promised and what they may take.

use rhumb_spec::Feature;

use super::super::case::{Case, Shows, container, service};

pub(super) const CASES: &[Case] = &[
    Case::new(
        Feature::CpuReservation,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', resources: { cpu: 10m } } }
",
    )
    .reads(&[service("web", "/Spec/TaskTemplate/Resources/Reservations/NanoCPUs", "10000000")]),
    Case::new(
        Feature::CpuLimit,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', resources: { limits: { cpu: '0.5' } } } }
",
    )
    .reads(&[container("web", "/HostConfig/NanoCpus", "500000000")]),
    Case::new(
        Feature::MemoryReservation,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', resources: { memory: 16Mi } } }
",
    )
    .reads(&[service("web", "/Spec/TaskTemplate/Resources/Reservations/MemoryBytes", "16777216")]),
    Case::new(
        Feature::MemoryLimit,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', resources: { limits: { memory: 64Mi } } } }
",
    )
    .reads(&[container("web", "/HostConfig/Memory", "67108864")]),
    Case::new(
        Feature::Gpu,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', resources: { gpu: { count: 1, resource: NVIDIA-GPU } } } }
",
    )
    .reads(&[service(
        "web",
        "/Spec/TaskTemplate/Resources/Reservations/GenericResources",
        r#"[{"DiscreteResourceSpec":{"Kind":"NVIDIA-GPU","Value":1}}]"#,
    )])
    // github.com/moby/swarmkit, manager/orchestrator/constraintenforcer: HasResource is asked the wrong way round.
    .shows(Shows::Unready("engines up to 20.10 end such tasks whenever their node reports anew")),
];
