//! What Kubernetes refuses, in the words that people read.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod offline;

use rhumb_backend::Choices;
use rhumb_kubernetes::facts::{Classes, KubernetesFacts};

/// Checks and lowers the app on these facts, and compares all diagnostics.
fn check_on(facts: &KubernetesFacts, app: &str, expected: &str) {
    let found = match offline::lowered(&offline::parse(app), facts, &Choices::default()) {
        Ok(_) => String::new(),
        Err(diagnostics) => offline::texts(&diagnostics),
    };
    assert_eq!(found, expected.trim());
}

fn check(app: &str, expected: &str) {
    check_on(&KubernetesFacts::default(), app, expected);
}

/// A workload `web` with these lines in its container and these below.
fn web(container: &str, workload: &str) -> String {
    format!("kind: Workload\nname: web\ncontainers:\n  web:\n    image: shop/web:1\n{container}\n{workload}")
}

/// The losses of an app, as feature and path.
fn losses(facts: &KubernetesFacts, app: &str) -> Vec<(String, String)> {
    let lowered = offline::lowered(&offline::parse(app), facts, &Choices::default()).unwrap();
    lowered.losses.into_iter().map(|loss| (loss.feature.to_string(), loss.path)).collect()
}

#[test]
fn one_demand_spreads_replicas_over_a_label() {
    let spread = |over: &str| web("", &format!("placement: {{ spread: {over} }}"));
    check(&spread("[{ over: zone }, { over: zone, maxSkew: 1 }]"), "");
    check(
        &spread("[{ over: zone }, { over: topology.kubernetes.io/zone }]"),
        "error: replicas are spread over `topology.kubernetes.io/zone` twice
  --> workload/web.placement.spread[1].over
  why: Kubernetes takes one such demand, and one such wish, for a label of nodes
  use: one of the two",
    );
}

#[test]
fn an_amount_that_an_update_has_no_use_for_is_told() {
    let lost = |workload: &str| losses(&KubernetesFacts::default(), &web("", workload));
    let told = |path: &str, found: Vec<(String, String)>| {
        assert!(found.iter().any(|(_, at)| at == path), "{path} is not among {found:?}");
    };
    told("workload/web.update.maxUnavailable", lost("update: { order: startFirst, maxUnavailable: 1 }"));
    told("workload/web.update.maxSurge", lost("update: { order: stopFirst, maxSurge: 1 }"));
    told(
        "workload/web.update.maxUnavailable",
        lost("mode: global\nupdate: { maxSurge: 1, maxUnavailable: 2 }"),
    );
}

#[test]
fn ports_of_nodes_are_of_a_range() {
    let exposed = |expose: &str| web("    ports: { http: 8080 }", &format!("expose: {{ http: {expose} }}"));
    check(
        &exposed("{ port: 80, as: node }"),
        "error: port 80 of the nodes is outside of 30000 to 32767
  --> workload/web.expose.http.port
  why: the API server gives out ports of nodes from this range only
  use: a port in the range, with `internalPort: 80` for siblings; `traffic: local`, which is a port of the nodes with a replica; `as: loadbalancer`; or a Route",
    );
    check(&exposed("{ port: 32767, as: node, internalPort: 80 }"), "");
    check(&exposed("{ port: 80, as: loadbalancer }"), "");
    check(&exposed("{ port: 80, as: node, traffic: local }"), "");
}

#[test]
fn users_are_numbers() {
    check(
        &web("    security: { user: redis, group: staff }", ""),
        "error: Kubernetes takes a user by its number, and `redis` is a name
  --> workload/web.containers.web.security.user
  why: names are in the image, and only its node has it
  use: the number that the image's /etc/passwd has for it
error: Kubernetes takes a group by its number, and `staff` is a name
  --> workload/web.containers.web.security.group
  why: names are in the image, and only its node has it
  use: the number that the image's /etc/group has for it",
    );
    check(&web("    security: { user: root, group: '0' }", ""), "");
}

#[test]
fn what_the_platform_does_not_have_says_what_to_use() {
    check(
        &web(
            "    security: { ulimits: { nofile: { soft: 1, hard: 2 } } }\n    logging: { driver: journald }",
            "restart: { delay: 5s }",
        ),
        "error: kubernetes does not have: kernel limits of processes
  --> workload/web.containers.web.security.ulimits
  why: a pod has no kernel limits of its own
  use: the container runtime's own defaults on the nodes, or `ulimit` in the container's command; or leave it out with --accept-loss ulimits
error: kubernetes does not have: a log driver and its options
  --> workload/web.containers.web.logging
  why: where the output of containers goes is the cluster's matter
  use: no `logging`, and a collector on the nodes; or leave it out with --accept-loss logging
error: kubernetes does not have: the delay, number and window of such starts
  --> workload/web.restart
  why: the kubelet starts containers again without end, after a pause of its own that grows from 10 s to 5 min
  use: no limits; for a job, `job.retries`; or leave it out with --accept-loss restart-limits",
    );
}

#[test]
fn second_sets_of_replicas_are_unknown() {
    check(
        &web("", "update: { strategy: canary, steps: [10, 50] }"),
        "error: kubernetes does not have: a second set takes a growing share of the traffic
  --> workload/web.update.strategy
  why: services of Kubernetes have no weights
  use: `strategy: rolling` with `maxSurge: 1`, `maxUnavailable: 0`, `monitor` and `onFailure: rollback`; or leave it out with --accept-loss canary",
    );
}

#[test]
fn only_stateful_replicas_are_numbered() {
    check(
        &web("    env: { NUMBER: { self: ordinal } }", "replicas: 2"),
        "error: replicas of a Deployment have no number
  --> workload/web.containers.web.env.NUMBER
  why: its pods are interchangeable, and Kubernetes names them at random
  use: `mode: stateful`, whose replicas are numbered",
    );
}

#[test]
fn pods_that_stay_are_started_again() {
    check(
        &web("", "restart: { policy: never }"),
        "error: a pod that stays cannot be left ended
  --> workload/web.restart.policy
  why: Deployments, stateful sets and daemon sets start every container again that ends
  use: `mode: job` for what runs to its end; else `policy: always`",
    );
}

#[test]
fn a_config_holds_a_mebibyte() {
    let config = |bytes: usize| format!("kind: Config\nname: big\ndata: {{ a: \"{}\" }}", "x".repeat(bytes));
    check(
        &config((1 << 20) + 1),
        "error: a config of Kubernetes holds at most 1024 KiB, and this is 1025 KiB
  --> config/big
  why: a ConfigMap is one entry of the cluster's database
  use: several configs, a volume that holds the data, or an image with it inside",
    );
    check(&config(1 << 20), "");
}

#[test]
fn labels_are_the_api_s() {
    check(
        &web("", "labels: { 'team a': x, note: 'hello, world' }\nannotations: { '-x': y, note: 'hello, world' }"),
        "error: `hello, world` cannot be the value of a label
  --> workload/web.labels.note
  why: on Kubernetes it has at most 63 of A-Z, a-z, 0-9, `-`, `_` and `.`, and begins and ends with a letter or digit
  use: an annotation, which takes any text
error: `team a` cannot be the key of a label
  --> workload/web.labels.team a
  why: on Kubernetes a key is a name of at most 63 of A-Z, a-z, 0-9, `-`, `_` and `.`, with a DNS name and `/` before it where one is wanted
  use: such as `example.com/team`
error: `-x` cannot be the key of an annotation
  --> workload/web.annotations.-x
  why: on Kubernetes a key is a name of at most 63 of A-Z, a-z, 0-9, `-`, `_` and `.`, with a DNS name and `/` before it where one is wanted
  use: such as `example.com/team`",
    );
}

#[test]
fn files_of_a_pod_have_one_group_and_plain_modes() {
    let mounts =
        "    mounts:\n      /a: { config: c, group: 7, mode: '1440' }\n      /b: { config: c, user: 8 }";
    check(
        &format!("{}\n---\nkind: Config\nname: c\ndata: {{ a: b }}", web(mounts, "")),
        "error: files of a pod cannot have the mode `1440`
  --> workload/web.containers.web.mounts./a.mode
  why: Kubernetes sets the bits of owner, group and others, and no sticky or set-id bit
  use: `\"0440\"`
error: files of one pod cannot belong to the groups 7 and 8
  --> workload/web.containers.web.mounts./b
  why: a pod has one `fsGroup` for all of its volumes, and `workload/web.containers.web.mounts./a` takes 7
  use: the same `group` on all mounts with `user` or `group`",
    );
}

#[test]
fn containers_of_a_pod_share_kernel_parameters() {
    let sysctl = |value: &str| format!("security: {{ sysctls: {{ net.ipv4.tcp_syncookies: '{value}' }} }}");
    let second = format!("  other:\n    image: shop/other:1\n    {}", sysctl("0"));
    check(
        &web(&format!("    {}\n{second}", sysctl("1")), ""),
        "error: `net.ipv4.tcp_syncookies` cannot be both 1 and 0
  --> workload/web.containers.other.security.sysctls.net.ipv4.tcp_syncookies
  why: containers of one pod share their kernel parameters, and `workload/web.containers.web.security.sysctls.net.ipv4.tcp_syncookies` is the first
  use: one value",
    );
}

#[test]
fn host_names_and_profiles_are_the_kubelet_s() {
    check(
        &web("    security: { seccomp: /etc/seccomp/web.json }", "hostname: web.shop.example"),
        "error: the kubelet does not read `/etc/seccomp/web.json`
  --> workload/web.containers.web.security.seccomp
  why: it takes profiles from /var/lib/kubelet/seccomp/ only
  use: the profile in that folder, by its name there
error: a pod cannot have the host name `web.shop.example`
  --> workload/web.hostname
  why: the host name of a pod is one label, without dots
  use: `web`",
    );
    check(&web("    security: { seccomp: /var/lib/kubelet/seccomp/web.json }", ""), "");
}

#[test]
fn devices_have_a_domain() {
    check(
        &web("    resources: { gpu: { count: 1, resource: NVIDIA-GPU } }", ""),
        "error: a device cannot be called `NVIDIA-GPU`
  --> workload/web.containers.web.resources.gpu.resource
  why: device plugins of Kubernetes name resources with a domain
  use: such as `nvidia.com/gpu`; or leave it out",
    );
}

#[test]
fn further_names_are_one_service_each() {
    let other = "---\nkind: Workload\nname: api\nnetworks: { back: { aliases: [store] } }\ncontainers: { api: { image: 'a:1' } }\n---\nkind: Network\nname: back\n";
    check(
        &format!("{}\n{other}", web("", "networks: { back: { aliases: [store, Web_1, api] } }")),
        "error: `store` cannot be a further name
  --> workload/api.networks.back.aliases
  why: a name is one service, and workload/web has it, too
  use: another name, or none
error: `Web_1` cannot be a further name
  --> workload/web.networks.back.aliases
  why: it becomes the name of a service: at most 63 of a-z, 0-9 and `-`
  use: another name, or none
error: `api` cannot be a further name
  --> workload/web.networks.back.aliases
  why: a name is one service, and workload/api has it, too
  use: another name, or none
error: `store` cannot be a further name
  --> workload/web.networks.back.aliases
  why: a name is one service, and workload/api has it, too
  use: another name, or none",
    );
}

#[test]
fn names_of_services_begin_with_a_letter_on_older_clusters() {
    let app =
        web("    ports: { http: 80 }", "expose: { http: { port: 80 } }").replace("name: web", "name: 2web");
    check(&app, "");
    let facts = KubernetesFacts { version: Some("v1.35.2".to_owned()), ..KubernetesFacts::default() };
    check_on(
        &facts,
        &app,
        "error: a service of this cluster cannot be named `2web`
  --> workload/2web
  why: before Kubernetes 1.36 names of services begin with a letter
  use: another name",
    );
}

#[test]
fn patches_are_of_what_a_workload_becomes() {
    check(
        &web(
            "",
            "on: { kubernetes: { StatefulSet: { spec: {} }, Deployment: { metadata: { name: other } } } }",
        ),
        "error: the name and kind of an object are not patched
  --> workload/web.on.kubernetes.Deployment.metadata.name
  why: the release finds the object by them
  use: a Native document for an object of your own
error: the workload becomes no StatefulSet on Kubernetes
  --> workload/web.on.kubernetes.StatefulSet
  use: one of `Deployment`",
    );
}

fn native(name: &str, manifest: &str) -> String {
    format!("kind: Native\nname: {name}\nplatform: kubernetes\nmanifest: {manifest}\n---\n")
}

#[test]
fn documents_of_one_s_own_are_objects_with_a_name() {
    let app = [
        native("a", "{ apiVersion: v1, kind: Secret, data: { a: eA== } }"),
        native("b", "{ kind: ConfigMap }"),
        native("c", "{ apiVersion: v1, kind: List, items: [] }"),
        native("d", "{ apiVersion: v1, kind: Pod, metadata: { generateName: d- } }"),
        native("web", "{ apiVersion: apps/v1, kind: Deployment }"),
        web("", ""),
    ];
    check(
        &app.concat(),
        "error: a secret cannot be a native document
  --> native/a.manifest
  why: its data would be in the app and in every record
  use: a Secret document
error: it is not a document of Kubernetes
  --> native/b.manifest
  why: the API tells documents apart by `apiVersion` and `kind`
  use: both, as in a manifest for kubectl
error: a list is not one object
  --> native/c.manifest.kind
  why: each object of a release has a name of its own
  use: a Native document for each item
error: the name is not known before it is made
  --> native/d.manifest.metadata.generateName
  why: the release finds its objects by their names
  use: `metadata.name`
error: deployment/web is another document's already
  --> native/web
  why: two documents would be one object of the cluster
  use: another name, or a patch under `on` in the other document",
    );
}

#[test]
fn kinds_that_nobody_serves_are_refused_where_the_cluster_was_asked() {
    let app = native("lamp", "{ apiVersion: shop.example/v1, kind: Lamp }");
    check(&app, "");
    let facts = KubernetesFacts { version: Some("v1.36.1".to_owned()), ..KubernetesFacts::default() };
    check_on(
        &facts,
        &app,
        "error: the cluster does not serve Lamp of shop.example/v1
  --> native/lamp.manifest.kind
  why: neither Kubernetes nor a definition in the cluster or in this app has this kind
  use: its CustomResourceDefinition in the app, or what brings it, first",
    );
}

fn routed(route: &str) -> String {
    let web = web("    ports: { http: 8080 }", "expose: { http: { port: 80 } }");
    format!("{web}\n---\nkind: Route\nname: web\npaths: {{ /: {{ workload: web, port: http }} }}\n{route}")
}

#[test]
fn classes_must_be_there() {
    let classes = |names: &[&str], default: Option<&str>| KubernetesFacts {
        ingress_classes: Some(Classes {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            default: default.map(str::to_owned),
        }),
        ..KubernetesFacts::default()
    };
    check_on(
        &classes(&["nginx", "traefik"], None),
        &routed("class: haproxy"),
        "error: the cluster has no Ingress class `haproxy`
  --> route/web.class
  why: no controller would serve the route
  use: one of `nginx`, `traefik`",
    );
    let own = native(
        "haproxy",
        "{ apiVersion: networking.k8s.io/v1, kind: IngressClass, spec: { controller: x.example/y } }",
    );
    check_on(&classes(&[], None), &format!("{own}{}", routed("class: haproxy")), "");
    let told = [("route".to_owned(), "route/web".to_owned())];
    assert_eq!(losses(&classes(&[], None), &routed("")), told);
    assert_eq!(losses(&classes(&["nginx"], Some("nginx")), &routed("")), []);
}

#[test]
fn gateways_need_their_api_and_have_the_certificate() {
    check(
        &routed("class: gateway/public"),
        "error: the cluster does not serve gateway.networking.k8s.io/v1
  --> route/web
  why: `class: gateway/…` makes the route an HTTPRoute, of which the cluster has no definition
  use: the Gateway API installed in the cluster, or the class of an Ingress controller",
    );
    let mut facts = KubernetesFacts::default();
    facts.apis.insert("gateway.networking.k8s.io/v1".to_owned());
    check_on(&facts, &routed("class: gateway/public"), "");
    check_on(
        &facts,
        &routed("class: gateway/a/b/c\ntls: { resolver: letsencrypt }"),
        "error: a route of a Gateway has no certificate of its own
  --> route/web.tls.resolver
  why: the Gateway's listener has it
  use: `tls: {}`, and the certificate on the Gateway's listener
error: the class names no Gateway
  --> route/web.class
  use: `gateway/NAME`, or `gateway/NAMESPACE/NAME`",
    );
}

#[test]
fn roles_of_nodes_are_two() {
    check(
        &web(
            "",
            "placement: { nodes: [{ key: role, values: [edge] }, { key: role, op: notIn, values: [worker, manager] }] }",
        ),
        "error: no node has the role `edge`
  --> workload/web.placement.nodes[0]
  use: `values: [worker]` or `values: [manager]`
error: no node is neither worker nor manager
  --> workload/web.placement.nodes[1]
  use: one of the two",
    );
}

#[test]
fn autoscalers_begin_at_one() {
    check(
        &web(
            "    resources: { cpu: 1m }",
            "autoscale: { min: 0, max: 2, cpu: 5, custom: [{ name: a, average: '1e3' }] }",
        ),
        "error: the fewest replicas of an autoscaler are 1
  --> workload/web.autoscale.min
  why: scaling to none is behind a gate of Kubernetes that is off (`HPAScaleToZero`)
  use: `min: 1`
error: `1e3` is no amount that Kubernetes takes
  --> workload/web.autoscale.custom[0].average
  use: a decimal number no finer than a billionth, such as `10` or `0.5`",
    );
}

#[test]
fn an_identity_is_a_service_account() {
    check(
        &web("", "identity: { name: 'arn:aws:iam::1:role/web' }"),
        "error: `arn:aws:iam::1:role/web` cannot be the name of a service account
  --> workload/web.identity.name
  why: on Kubernetes it is lower case letters, digits, `-` and `.`, and other platforms name their roles otherwise
  use: the name of a service account in the namespace; the role of one platform in a patch for it under `on`",
    );
}
