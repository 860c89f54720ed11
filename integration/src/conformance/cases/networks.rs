//! Ports, names, networks and routes.

use rhumb_spec::Feature;

use super::super::case::{Case, From, Need, Read, Shows};

/// Kernels of test machines often lack IPVS, without which virtual addresses and ingress ports carry no traffic.
const VIRTUAL: Shows = Shows::Accepted("virtual addresses need IPVS in the kernel");
const ROUTER: Shows = Shows::Accepted("no router image is at hand");

pub(super) const CASES: &[Case] = &[
    Case::new(
        Feature::ShortNames,
        "
kind: Workload
name: api
discovery: dns
containers: { api: { image: 'rhumb-demo:1', ports: { http: 8080 } } }
expose: { http: { port: 8080 } }
---
kind: Workload
name: web
shortNames: true
containers: { web: { image: 'rhumb-demo:1' } }
",
    )
    .prints("web", &["/demo", "get", "http://api:8080/version"], "1"),
    Case::new(
        Feature::ExposeInternal,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', ports: { http: 8080 } } }
expose: { http: { port: 8080 } }
",
    )
    .shows(VIRTUAL),
    Case::new(
        Feature::ExposeUdp,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', ports: { dns: { port: 5353, protocol: udp } } } }
expose: { dns: { port: 5353 } }
",
    )
    .shows(VIRTUAL),
    Case::new(
        Feature::ExposeNode,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', ports: { http: 8080 } } }
expose: { http: { port: 30080, as: node } }
",
    )
    .shows(VIRTUAL),
    Case::new(
        Feature::ExposeNodeLocal,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', ports: { http: 8080 } } }
expose: { http: { port: 30081, as: node, traffic: local } }
",
    )
    .shows(Shows::Answers(30081)),
    Case::new(
        Feature::ExposeLoadBalancer,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', ports: { http: 8080 } } }
expose: { http: { port: 30082, as: loadbalancer } }
",
    )
    .shows(VIRTUAL),
    Case::new(
        Feature::DiscoveryDns,
        "
kind: Workload
name: web
discovery: dns
containers: { web: { image: 'rhumb-demo:1', ports: { http: 8080 } } }
expose: { http: { port: 8080 } }
",
    )
    .prints("web", &["/demo", "get", "http://web:8080/version"], "1"),
    Case::new(
        Feature::NetworkAliases,
        "
kind: Workload
name: web
discovery: dns
networks: { back: { aliases: [store] } }
containers: { web: { image: 'rhumb-demo:1', ports: { http: 8080 } } }
expose: { http: { port: 8080 } }
---
kind: Network
name: back
",
    )
    .prints("web", &["/demo", "get", "http://store:8080/version"], "1"),
    Case::new(
        Feature::Route,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', ports: { http: 8080 } } }
expose: { http: { port: 8080 } }
---
kind: Route
name: web
host: web.example
paths: { /: { workload: web, port: http } }
",
    )
    .shows(ROUTER)
    .needs(&[Need::Traefik]),
    Case::new(
        Feature::RouteTls,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', ports: { http: 8080 } } }
expose: { http: { port: 8080 } }
---
kind: Route
name: web
host: web.example
paths: { /: { workload: web, port: http } }
tls: { resolver: letsencrypt }
",
    )
    .shows(ROUTER)
    .needs(&[Need::Traefik]),
    Case::new(
        Feature::NetworkIsolation,
        "
kind: Workload
name: api
discovery: dns
networks: { back: {} }
containers: { api: { image: 'rhumb-demo:1', ports: { http: 8080 } } }
expose: { http: { port: 8080 } }
---
kind: Workload
name: web
networks: { front: {} }
containers: { web: { image: 'rhumb-demo:1' } }
---
kind: Network
name: back
---
kind: Network
name: front
",
    )
    .prints("web", &["sh", "-c", "/demo get http://api:8080/version 2>/dev/null || echo apart"], "apart"),
    Case::new(
        Feature::NetworkEncryption,
        "
kind: Workload
name: web
networks: { back: {} }
containers: { web: { image: 'rhumb-demo:1' } }
---
kind: Network
name: back
encrypted: true
",
    )
    .reads(&[Read { from: From::Network("back"), at: "/Options/encrypted", is: r#""""# }])
    .shows(Shows::Accepted("one node has no traffic to encrypt")),
    Case::new(
        Feature::NetworkInternal,
        "
kind: Workload
name: web
networks: { back: {} }
containers: { web: { image: 'rhumb-demo:1' } }
---
kind: Network
name: back
internal: true
",
    )
    .reads(&[Read { from: From::Network("back"), at: "/Internal", is: "true" }])
    .prints(
        "web",
        &["sh", "-c", "grep -q '^[^\t]*\t00000000\t' /proc/net/route && echo open || echo closed"],
        "closed",
    ),
];
