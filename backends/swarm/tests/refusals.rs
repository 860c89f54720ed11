//! What Swarm refuses, in the words that people read.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod offline;

use rhumb_backend::Choices;
use rhumb_swarm::facts::{NodeFact, SwarmFacts};

/// Checks and lowers the app on these facts, and compares all diagnostics.
fn check_on(facts: &SwarmFacts, choices: &Choices, app: &str, expected: &str) {
    let found = match offline::lowered(&offline::parse(app), facts, choices) {
        Ok(_) => String::new(),
        Err(diagnostics) => offline::texts(&diagnostics),
    };
    assert_eq!(found, expected.trim());
}

fn check(app: &str, expected: &str) {
    check_on(&SwarmFacts::default(), &Choices::default(), app, expected);
}

fn node(id: &str, hostname: &str) -> NodeFact {
    NodeFact {
        id: id.to_owned(),
        hostname: hostname.to_owned(),
        role: "worker".to_owned(),
        availability: "active".to_owned(),
        os: "linux".to_owned(),
        arch: "x86_64".to_owned(),
        ..NodeFact::default()
    }
}

/// A workload `web` with these lines in its container and these below.
fn web(container: &str, workload: &str) -> String {
    format!("kind: Workload\nname: web\ncontainers:\n  web:\n    image: shop/web:1\n{container}\n{workload}")
}

#[test]
fn ingress_ports_need_a_virtual_address() {
    check(
        &web("    ports: { http: 8080 }", "discovery: dns\nexpose:\n  http: { port: 80, as: node }"),
        "error: a port of every node does not go with `discovery: dns`
  --> workload/web.expose.http
  why: Swarm's ingress balances over a service's virtual address, and with `discovery: dns` there is none
  use: `traffic: local`, which publishes it on the node of each task; or `discovery: virtualIp`",
    );
    check(
        &web(
            "    ports: { http: 8080 }",
            "discovery: dns\nexpose:\n  http: { port: 80, as: node, traffic: local }",
        ),
        "",
    );
}

/// The losses of an app on these nodes.
fn losses_on(nodes: &[NodeFact], app: &str) -> Vec<String> {
    let facts = SwarmFacts { nodes: nodes.to_vec(), ..SwarmFacts::default() };
    let lowered = offline::lowered(&offline::parse(app), &facts, &Choices::default()).unwrap();
    lowered.losses.iter().map(|loss| loss.path.clone()).collect()
}

#[test]
fn only_nodes_that_can_take_a_task_have_room_for_its_port() {
    let edge = |update: &str| {
        let placed = "expose:\n  http: { port: 80, as: node, traffic: local }\nplacement:\n  nodes: [{ key: zone, values: [a] }]";
        web("    ports: { http: 8080 }", &format!("{placed}\nupdate: {update}"))
    };
    let check = |second_zone: &str, update: &str, expected: &[&str]| {
        let in_zone = |id: &str, zone: &str| NodeFact {
            labels: [("zone".to_owned(), zone.to_owned())].into(),
            ..node(id, id)
        };
        assert_eq!(
            losses_on(&[in_zone("n1", "a"), in_zone("n2", second_zone)], &edge(update)),
            expected,
            "{update}"
        );
    };
    check("a", "{ maxSurge: 1 }", &[]);
    check("b", "{ maxSurge: 1 }", &["workload/web.update.maxSurge"]);
    check("a", "{ order: startFirst }", &[]);
    check("b", "{ order: startFirst }", &["workload/web.update.order"]);
    check("b", "{ order: stopFirst }", &[]);
}

#[test]
fn volumes_that_are_not_to_be_kept_stay_and_that_is_said() {
    let check = |workload: &str, expected: &[&str]| {
        let web = web("    mounts: { /data: { volume: data } }", workload);
        let app = format!("{web}\n---\nkind: Volume\nname: data\nkeep: false\n");
        let mut losses = losses_on(&[node("n1", "n1")], &app);
        losses.retain(|path| path.starts_with("volume/"));
        assert_eq!(losses, expected);
    };
    check("", &["volume/data.keep"]);
    check("mode: stateful\nreplicas: 2", &["volume/data-web-0.keep", "volume/data-web-1.keep"]);
}

#[test]
fn a_container_has_four_mebibytes() {
    check(
        &web("    resources: { limits: { memory: 2Mi } }", ""),
        "error: 2Mi is less than Swarm takes
  --> workload/web.containers.web.resources.limits.memory
  why: the engine refuses containers with less than 4 MiB
  use: `4Mi` or more",
    );
}

#[test]
fn privileged_is_unknown() {
    check(
        &web("    security: { privileged: true }", ""),
        "error: swarm does not have: every right of the node's root
  --> workload/web.containers.web.security.privileged
  why: a service has no privileged mode
  use: `security.capabilities.add` with the capabilities that it needs; or leave it out with --accept-loss privileged",
    );
}

#[test]
fn constraints_have_one_value() {
    check(
        &web("", "placement: { nodes: [{ key: disk, values: [ssd, nvme] }, { key: gpu, op: exists }] }"),
        "error: `disk` cannot be one of 2 values
  --> workload/web.placement.nodes.0
  why: constraints of Swarm are `==` and `!=` with one value each
  use: one label that all of those nodes bear, and no other
error: whether a node has `gpu` at all cannot be asked
  --> workload/web.placement.nodes.1
  why: constraints of Swarm are `==` and `!=` with one value each
  use: a label with a known value, and `op: in` or `op: notIn`",
    );
}

#[test]
fn an_empty_config_is_refused() {
    check(
        "kind: Config\nname: web\ndata: { empty: \"\" }",
        "error: a config of Swarm cannot be empty
  --> config/web.data.empty
  why: the engine refuses one without data
  use: a line break or a comment, where its readers take one",
    );
}

#[test]
fn a_config_is_smaller_than_a_thousand_kibibytes() {
    let app = |bytes: usize| format!("kind: Config\nname: web\ndata: {{ big: \"{}\" }}", "x".repeat(bytes));
    check(&app(1000 * 1024 - 1), "");
    check(
        &app(1000 * 1024),
        "error: a config of Swarm holds less than 1000 KiB, and this is 1000 KiB
  --> config/web.data.big
  why: configs are kept in the managers' own log
  use: a volume that holds the data, or an image with it inside",
    );
}

#[test]
fn local_volumes_are_not_shared() {
    let app = web("    mounts: { /data: { volume: data } }", "---\nkind: Volume\nname: data\naccess: shared");
    check(
        &app,
        "error: several nodes cannot share the volume data
  --> workload/web.containers.web.mounts./data
  why: the engine's own volumes lie on one node each
  use: `nfs` or a driver of the swarm in the volume's `class`; or `access: single`",
    );
    check(&format!("{app}\nnfs: {{ server: nfs.example, path: /data }}"), "");
}

#[test]
fn a_pin_is_not_given_up_for_a_constraint() {
    let facts = SwarmFacts { nodes: vec![node("n1", "one"), node("n2", "two")], ..SwarmFacts::default() };
    let app = web(
        "    mounts: { /data: { volume: data } }",
        "placement: { nodes: [{ key: hostname, values: [two] }] }\n---\nkind: Volume\nname: data",
    );
    let mut choices = Choices::default();
    choices.set("pin/data", "n1");
    check_on(
        &facts,
        &choices,
        &app,
        "error: it excludes the node one, which has the volume data
  --> workload/web.placement
  why: a local volume is not moved
  use: constraints that this node meets, or another volume",
    );
    check_on(&facts, &Choices::default(), &app, "");
}

#[test]
fn a_new_pin_needs_a_node_that_fits() {
    let facts = SwarmFacts { nodes: vec![node("n1", "one")], ..SwarmFacts::default() };
    check_on(
        &facts,
        &Choices::default(),
        &web(
            "    mounts: { /data: { volume: data } }",
            "placement: { arch: arm64 }\n---\nkind: Volume\nname: data",
        ),
        "error: no active node fits it
  --> workload/web.placement
  why: its volume must be on one node, which is chosen now
  use: other constraints, or a node that meets them",
    );
}

#[test]
fn volumes_on_two_nodes_have_no_common_workload() {
    let facts = SwarmFacts { nodes: vec![node("n1", "one"), node("n2", "two")], ..SwarmFacts::default() };
    let mut choices = Choices::default();
    choices.set("pin/a", "n1");
    choices.set("pin/b", "n2");
    check_on(
        &facts,
        &choices,
        &web(
            "    mounts: { /a: { volume: a }, /b: { volume: b } }",
            "---\nkind: Volume\nname: a\n---\nkind: Volume\nname: b",
        ),
        "error: the volumes a and b are on different nodes
  --> workload/web
  why: each is a local volume of the node where it was first used, and a task is on one node
  use: workloads of their own, or an `nfs` volume",
    );
}

#[test]
fn traefik_reads_no_certificates_from_secrets() {
    let app = web(
        "    ports: { http: 8080 }",
        "expose:\n  http: { port: 80 }\n---\nkind: Route\nname: web\npaths:\n  /: { workload: web, port: http }\n\
         tls: { secret: cert }\n---\nkind: Secret\nname: cert\ndata: { tls.crt: \"sealed:a\", tls.key: \"sealed:b\" }",
    );
    check(
        &app,
        "error: Traefik takes no certificate from a secret of Swarm
  --> route/web.tls.secret
  why: it reads certificates from its own files or gets them by a certificate resolver
  use: `tls.resolver`, or `tls: {}` for the certificate that Traefik has itself",
    );
}

#[test]
fn helpers_must_be_there() {
    let facts = SwarmFacts { cronjob: false, ..SwarmFacts::default() };
    check_on(
        &facts,
        &Choices::default(),
        &web("", "mode: cron\ncron: { schedule: \"0 3 * * *\" }"),
        "error: swarm does not have: a job that runs by the clock
  --> workload/web.mode
  why: Swarm starts nothing by the clock, and swarm-cronjob does not run in this swarm
  use: swarm-cronjob (deploy its service first), or a scheduler inside a replicated workload",
    );
}

#[test]
fn secrets_become_variables_in_a_known_way() {
    let app = |annotations: &str, name: &str| {
        web(
            &format!("    env: {{ {name}: {{ secret: db, key: a }} }}"),
            &format!("{annotations}\n---\nkind: Secret\nname: db\ndata: {{ a: \"sealed:a\" }}"),
        )
    };
    check(
        &app("annotations: { swarm/env-secret: wrapper }", "A"),
        "error: the command that the shell would start is not known
  --> workload/web.containers.web.env
  why: the app names no `command`, and the asked engine does not have the image
  use: `command`, or the annotation `swarm/env-secret: file`",
    );
    check(
        &app("annotations: { swarm/env-secret: both }", "A"),
        "error: it is `wrapper` or `file`\n  --> workload/web.annotations.swarm/env-secret",
    );
    check(&app("", "A"), "");
}

#[test]
fn external_text_is_not_copied() {
    check(
        &web("    env: { A: { config: theirs, key: a } }", "---\nkind: Config\nname: theirs\nexternal: true"),
        "error: the key a of config/theirs cannot be a variable
  --> workload/web.containers.web.env.A
  why: the text is copied into the service, and that of an external config is not known here
  use: the config mounted as a file",
    );
}

#[test]
fn seccomp_profiles_do_not_come_from_nodes() {
    check(
        &web("    security: { seccomp: /etc/profile.json }", ""),
        "error: Swarm takes no profile from a node's disk
  --> workload/web.containers.web.security.seccomp
  why: the profile itself is part of the service, and this path is on the node
  use: `default` or `unconfined`; or a patch of `TaskTemplate.ContainerSpec.Privileges.Seccomp` under `on.swarm`",
    );
}

#[test]
fn a_group_goes_with_a_user() {
    check(
        &web("    security: { group: \"1000\" }", ""),
        "error: a group goes with a user only
  --> workload/web.containers.web.security.group
  why: the engine takes them in one field, and a user left out of it is root
  use: `security.user` beside it",
    );
}

#[test]
fn patches_are_of_services() {
    check(
        &web("", "on: { swarm: { Deployment: {} } }"),
        "error: a workload becomes no Deployment on Swarm
  --> workload/web.on.swarm.Deployment
  use: `Service`",
    );
}

#[test]
fn native_secrets_would_be_seen() {
    check(
        "kind: Native\nname: x\nplatform: swarm\nmanifest: { kind: Secret, Name: x, Data: eA== }",
        "error: a secret cannot be a native document
  --> native/x.manifest
  why: its data would be in the app and in every record
  use: a Secret document",
    );
}

#[test]
fn tasks_are_not_placed_by_others() {
    check(
        &web(
            "",
            "placement: { away: [{ workload: db }] }\n---\nkind: Workload\nname: db\ncontainers: { db: { image: shop/db:1 } }",
        ),
        "error: tasks cannot be kept away from those of db
  --> workload/web.placement.away.0
  why: Swarm places no task by where another is
  use: `placement.nodes` with different labels on the two workloads",
    );
}
