//! What containers are promised and what they may take.

use rhumb_spec::Feature;

use super::super::case::{Case, container, service};

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
containers: { web: { image: 'rhumb-demo:1', resources: { gpu: { count: 1, resource: rhumb-test } } } }
",
    )
    .prints("web", &["sh", "-c", "tr '\\0' '\\n' </proc/1/environ"], "DOCKER_RESOURCE_RHUMB-TEST=one"),
];
