//! Where replicas go, and what is for one platform only.

use rhumb_spec::Feature;

use super::super::case::{Case, Need, Shows, service};

const ONE_NODE: Shows = Shows::Accepted("one node leaves no choice; three managers show it");

pub(super) const CASES: &[Case] = &[
    Case::new(
        Feature::NodeConstraint,
        "
kind: Workload
name: web
placement: { nodes: [{ key: role, values: [manager] }] }
containers: { web: { image: 'rhumb-demo:1' } }
",
    )
    .reads(&[service("web", "/Spec/TaskTemplate/Placement/Constraints", r#"["node.role==manager"]"#)]),
    Case::new(
        Feature::Spread,
        "
kind: Workload
name: web
placement: { spread: [{ over: zone }] }
containers: { web: { image: 'rhumb-demo:1' } }
",
    )
    .shows(ONE_NODE),
    Case::new(
        Feature::MaxPerNode,
        "
kind: Workload
name: web
placement: { maxPerNode: 1 }
containers: { web: { image: 'rhumb-demo:1' } }
",
    )
    .reads(&[service("web", "/Spec/TaskTemplate/Placement/MaxReplicas", "1")])
    .shows(ONE_NODE),
    Case::new(
        Feature::Near,
        "
kind: Workload
name: db
containers: { db: { image: 'rhumb-demo:1' } }
---
kind: Workload
name: web
placement: { near: [{ workload: db }] }
containers: { web: { image: 'rhumb-demo:1' } }
",
    )
    .shows(ONE_NODE),
    Case::new(
        Feature::Away,
        "
kind: Workload
name: web
placement: { away: [{ workload: web }] }
containers: { web: { image: 'rhumb-demo:1' } }
",
    )
    .shows(ONE_NODE),
    Case::new(
        Feature::Tolerations,
        "
kind: Workload
name: web
placement: { tolerations: [{ key: dedicated, value: web, effect: NoSchedule }] }
containers: { web: { image: 'rhumb-demo:1' } }
",
    ),
    Case::new(
        Feature::OsArch,
        "
kind: Workload
name: web
placement: { os: linux }
containers: { web: { image: 'rhumb-demo:1' } }
",
    ),
    Case::new(
        Feature::Identity,
        "
kind: Workload
name: web
identity: { name: web }
containers: { web: { image: 'rhumb-demo:1' } }
",
    )
    .needs(&[Need::Identity("web")]),
    Case::new(
        Feature::PlatformPatch,
        "
kind: Workload
name: web
on: { PLATFORM: { PATCH } }
containers: { web: { image: 'rhumb-demo:1' } }
",
    )
    .reads(&[service("web", "/Spec/Labels/patched", r#""yes""#)]),
    Case::new(
        Feature::Native,
        "
kind: Native
name: extra
platform: PLATFORM
manifest: DOCUMENT
",
    ),
];
