//! What Marathon refuses, in the words that people read.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod offline;

use rhumb_backend::Choices;
use rhumb_marathon::facts::{MarathonFacts, Naming};

/// Checks and lowers the app on these facts, and compares all diagnostics.
fn check_on(facts: &MarathonFacts, app: &str, expected: &str) {
    let found = match offline::lowered(&offline::parse(app), facts, &Choices::default()) {
        Ok(_) => String::new(),
        Err(diagnostics) => offline::texts(&diagnostics),
    };
    assert_eq!(found, expected.trim());
}

fn check(app: &str, expected: &str) {
    check_on(&MarathonFacts::default(), app, expected);
}

/// A workload `web` with these lines in its container and these below.
fn web(container: &str, workload: &str) -> String {
    format!("kind: Workload\nname: web\ncontainers:\n  web:\n    image: shop/web:1\n{container}\n{workload}")
}

/// The losses of an app, as feature and path.
fn losses(facts: &MarathonFacts, app: &str) -> Vec<(String, String)> {
    let lowered = offline::lowered(&offline::parse(app), facts, &Choices::default()).unwrap();
    lowered.losses.into_iter().map(|loss| (loss.feature.to_string(), loss.path)).collect()
}

const CONFIG: &str = "\n---\nkind: Config\nname: web\ndata: { a: b }";

#[test]
fn what_needs_both_containerizers_is_refused() {
    let app = web("    security: { readOnlyRoot: true }\n    mounts: { /etc/web: { config: web } }", CONFIG);
    check(
        &app,
        "error: the Universal Container Runtime of Mesos has no root file system that cannot be written
  --> workload/web.containers.web.security.readOnlyRoot
  why: only the Docker Engine takes it, and workload/web.containers.web.mounts./etc/web needs the Universal Container Runtime
  use: one of the two, or two workloads",
    );
    for (container, workload, path) in [
        ("    workingDir: /srv", "", "containers.web.workingDir"),
        (
            "    security: { capabilities: { add: [NET_RAW] } }",
            "",
            "containers.web.security.capabilities.add",
        ),
        ("    security: { privileged: true }", "", "containers.web.security.privileged"),
        (
            "    security: { ulimits: { nofile: { soft: 1, hard: 2 } } }",
            "",
            "containers.web.security.ulimits",
        ),
        ("    logging: { driver: json-file }", "", "containers.web.logging"),
        ("", "hostname: box", "hostname"),
        ("", "dns: { servers: [192.0.2.1] }", "dns"),
    ] {
        let app = web(
            &format!("{container}\n    mounts: {{ /etc/web: {{ config: web }} }}"),
            &format!("{workload}{CONFIG}"),
        );
        let found = offline::lowered(&offline::parse(&app), &MarathonFacts::default(), &Choices::default())
            .unwrap_err();
        assert_eq!(found.len(), 1, "{path}");
        assert_eq!(found[0].path, format!("workload/web.{path}"));
    }
}

#[test]
fn agents_know_users_by_name() {
    check(
        &web("    security: { user: '1000' }\n    mounts: { /etc/web: { config: web } }", CONFIG),
        "error: the Universal Container Runtime takes a user by its name, and `1000` is a number
  --> workload/web.containers.web.security.user
  why: Mesos looks the name up on the agent
  use: the name of a user that the agents have, such as `nobody`",
    );
    check(&web("    security: { user: '1000' }", ""), "");
    check(
        &web("    security: { group: '1000' }", ""),
        "error: a group goes with a user only
  --> workload/web.containers.web.security.group
  why: the engine takes them in one field, and a user left out of it is root
  use: `security.user` beside it",
    );
}

#[test]
fn service_ports_are_unique() {
    let other = "\n---\nkind: Workload\nname: api\ncontainers: { api: { image: 'a:1', ports: { http: 8080 } } }\n\
                 expose: { http: { port: 10080, as: node } }";
    let app = web(
        "    ports: { http: 8080 }",
        &format!("expose: {{ http: {{ port: 10080, as: loadbalancer }} }}{other}"),
    );
    check(
        &app,
        "error: port 10080 is that of workload/api.expose.http already
  --> workload/web.expose.http
  why: marathon-lb opens a service port once in the cluster
  use: another port, or a Route",
    );
    let facts = MarathonFacts { service_ports: vec![10080], ..MarathonFacts::default() };
    check_on(
        &facts,
        &web("    ports: { http: 8080 }", "expose: { http: { port: 10080, as: loadbalancer } }"),
        "error: port 10080 is another app's already
  --> workload/web.expose.http
  why: marathon-lb opens a service port once in the cluster
  use: another port, or a Route",
    );
    check_on(&facts, &web("    ports: { http: 8080 }", "expose: { http: { port: 10080 } }"), "");
}

#[test]
fn marathon_lb_carries_tcp_of_apps() {
    check(
        &web("    ports: { dns: { port: 53, protocol: udp } }", "expose: { dns: { port: 10053, as: node } }"),
        "error: marathon-lb carries no UDP
  --> workload/web.expose.dns
  why: it is an HAProxy, which knows TCP and HTTP
  use: `as: node` with `traffic: local`, or `as: internal`",
    );
    let two = web(
        "    ports: { http: 8080 }\n  side: { image: 'side:1' }",
        "expose: { http: { port: 10080, as: loadbalancer } }",
    );
    check(
        &two,
        "error: marathon-lb leads to no pods
  --> workload/web.expose.http
  why: it is a pod, and marathon-lb reads the ports of apps
  use: `as: node` with `traffic: local`, `as: internal`, or the other containers in workloads of their own",
    );
    check(
        &web("    ports: { sctp: { port: 80, protocol: sctp } }", ""),
        "error: Marathon knows no SCTP
  --> workload/web.containers.web.ports.sctp
  why: a port of Mesos is `tcp`, `udp` or both
  use: TCP or UDP",
    );
}

#[test]
fn routes_have_a_host_and_ports_one_path() {
    let with = |routes: &str| {
        web("    ports: { http: 8080 }", &format!("expose: {{ http: {{ port: 80 }} }}\n---\n{routes}"))
    };
    check(
        &with("kind: Route\nname: web\npaths: { /: { workload: web, port: http } }"),
        "error: marathon-lb needs the host of a route
  --> route/web
  why: it tells apps apart by HAPROXY_n_VHOST, and takes a path only beside that
  use: `host`, or `expose` with `as: loadbalancer`",
    );
    check(
        &with(
            "kind: Route\nname: web\nhost: a.example\npaths: { /a: { workload: web, port: http }, /b: { workload: web, port: http } }",
        ),
        "error: a port has one path at marathon-lb, and this one has another already
  --> route/web.paths./b
  why: HAPROXY_n_PATH holds one path for all hosts of the port
  use: one path that both begin with, or a second port of the workload",
    );
}

#[test]
fn readiness_is_asked_before_the_next_question() {
    check(
        &web(
            "    ports: { http: 80 }\n    probes: { ready: { http: /, port: http, period: 5s, timeout: 5s } }",
            "",
        ),
        "error: the timeout of 5s is no less than the period of 5s
  --> workload/web.containers.web.probes.ready.timeout
  why: Marathon asks for readiness anew only after the answer before is there or given up
  use: a shorter `timeout` or a longer `period`",
    );
    let often =
        web("    ports: { http: 80 }\n    probes: { ready: { http: /, port: http, period: 1s } }", "");
    let found = losses(&MarathonFacts::default(), &often);
    assert!(found.iter().any(|(_, path)| path.ends_with("probes.ready.period")), "{found:?}");
    check(
        &web("    ports: { http: 80 }\n    probes: { live: { http: /, port: http, headers: { A: b } } }", ""),
        "error: Marathon sends no headers with a check
  --> workload/web.containers.web.probes.live.headers
  why: a check of Marathon and Mesos has a path and a port
  use: a path that needs none, or `exec` with a client in the image",
    );
}

#[test]
fn volumes_of_an_agent_have_one_user() {
    let volume = "\n---\nkind: Volume\nname: data\nsize: 1Gi";
    let mount = "    mounts: { /data: { volume: data } }";
    let refused = |what: &str, path: &str| {
        format!(
            "error: {what}\n  --> {path}\n  why: Mesos makes a persistent volume for one task on one agent, and gives it \
             to no other\n  use: `class` with a volume driver of the agents or `nfs` in the volume; `mode: stateful` for \
             one each"
        )
    };
    let path = "workload/web.containers.web.mounts./data";
    check(
        &web(mount, &format!("replicas: 2{volume}")),
        &refused("each replica would have a volume of its own", path),
    );
    check(&web(mount, &format!("mode: stateful\nreplicas: 2{volume}")), "");
    check(
        &web("    mounts: { /data: { volume: data }, /tmp: { ephemeral: data } }", volume),
        "error: the folder `data` has the name of a volume of the same workload
  --> workload/web.containers.web.mounts./tmp
  why: both are folders of the task's sandbox, under their names
  use: another name for the folder",
    );
    let other = "\n---\nkind: Workload\nname: api\ncontainers: { api: { image: 'a:1', mounts: { /data: { volume: data } } } }";
    let found = offline::lowered(
        &offline::parse(&web(mount, &format!("{other}{volume}"))),
        &MarathonFacts::default(),
        &Choices::default(),
    );
    let found = found.unwrap_err();
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|diagnostic| diagnostic.what == "each workload would have a volume of its own"));
    check(
        &web(mount, &format!("update: {{ order: startFirst }}{volume}")),
        "error: a new replica cannot start beside the old one here
  --> workload/web.update
  why: its volume is on one agent, and the old replica has it
  use: `order: stopFirst`, or no `update`",
    );
    let job = format!(
        "kind: Workload\nname: task\nmode: job\ncontainers: {{ task: {{ image: 'a:1', mounts: {{ /data: {{ volume: data }} }} }} }}{volume}"
    );
    check(
        &job,
        "error: a job mounts no persistent volume
  --> workload/task.containers.task.mounts./data
  why: each run goes to any agent, and Metronome knows paths of the agent and secrets only
  use: `nfs` or a `class` with `options` in the volume, which the Docker Engine mounts; or a host path",
    );
}

#[test]
fn ids_that_the_api_takes_for_words_are_avoided() {
    let app = "kind: Workload\nname: tasks\ncontainers: { a: { image: 'a:1' } }";
    let lowered =
        offline::lowered(&offline::parse(app), &MarathonFacts::default(), &Choices::default()).unwrap();
    let id = lowered.objects[0].body["id"].as_str().unwrap();
    assert!(id.starts_with("/default/shop/tasks-"), "{id}");
    check(
        "kind: Native\nname: web\nplatform: marathon\nmanifest: { kind: App, id: /Default/web, cmd: a }",
        "error: `/Default/web` is no id of Marathon
  --> native/web
  why: a segment has lowercase letters, digits, dots and dashes, and begins and ends with a letter or digit
  use: lowercase letters, digits and dashes in the names of namespace, release and workload",
    );
    let twice = web(
        "",
        "\n---\nkind: Native\nname: other\nplatform: marathon\nmanifest: { kind: Pod, id: /default/shop/web, containers: [] }",
    );
    let found = offline::lowered(&offline::parse(&twice), &MarathonFacts::default(), &Choices::default())
        .unwrap_err();
    assert_eq!(found[0].what, "the id `/default/shop/web` is that of workload/web already");
}

#[test]
fn native_documents_and_patches_are_of_known_kinds() {
    check(
        &web("", "on: { marathon: { Job: { user: root } } }"),
        "error: this workload becomes no Job on Marathon
  --> workload/web.on.marathon.Job
  why: one container is an App or, if a patch asks for it, a Pod; several are a Pod, and what ends is a Job of Metronome
  use: `App`",
    );
    check(
        "kind: Native\nname: x\nplatform: marathon\nmanifest: { kind: Secret, value: a }",
        "error: it is not a document of Marathon
  --> native/x.manifest.kind
  why: apps, pods and jobs can be passed through; a secret would be in every record
  use: `kind: App`, `Pod` or `Job`, with the fields of the API beside it",
    );
}

#[test]
fn jobs_are_one_task() {
    check(
        "kind: Workload\nname: task\nmode: cron\ncron: { schedule: '0 3 * * *', concurrency: replace }\n\
         containers: { a: { image: 'a:1' } }",
        "error: Metronome ends no run because the next is due
  --> workload/task.cron.concurrency
  why: its policies are ALLOW and FORBID
  use: `forbid`, or a `timeout` in the job's own command",
    );
    check(
        "kind: Workload\nname: task\nmode: job\ncontainers: { a: { image: 'a:1' }, b: { image: 'b:1' } }",
        "error: a job has one container here
  --> workload/task.containers
  why: a run of Metronome is one task of Mesos
  use: one container that does all of it, or a job for each with `dependsOn`",
    );
    let chronos = MarathonFacts { metronome: false, chronos: true, ..MarathonFacts::default() };
    check_on(
        &chronos,
        "kind: Workload\nname: task\nmode: cron\ncron: { schedule: '0 3 1 * *' }\ncontainers: { a: { image: 'a:1' } }",
        "error: Chronos has no words for `0 3 1 * *`
  --> workload/task.cron.schedule
  why: it counts from a first time on, by an interval of ISO 8601
  use: each hour (`5 * * * *`), day (`5 3 * * *`) or week (`5 3 * * 1`), every so many minutes that divide an hour (`*/15 * * * *`), or Metronome",
    );
}

#[test]
fn replicas_and_configs_that_are_unknown_are_no_variables() {
    check(
        &web("    env: { N: { self: ordinal } }", "replicas: 2"),
        "error: only replicas of a stateful workload are numbered
  --> workload/web.containers.web.env.N
  why: instances of an app are equal; those of a stateful workload are apps of their own
  use: `mode: stateful`",
    );
    check(
        &web("    envFrom: [{ secret: there }]", "\n---\nkind: Secret\nname: there\nexternal: true"),
        "error: the keys of an external secret are not known here
  --> workload/web.containers.web.envFrom.0
  why: an entry of the secret store holds one value under one path
  use: `env` with each key by name",
    );
    check(
        &web(
            "    mounts: { /etc/web: { config: web } }",
            "\n---\nkind: Config\nname: web\nbinary: { a: /w== }",
        ),
        "error: these bytes are no text
  --> config/web.binary.a
  why: on Marathon a config's file comes from the secret store, which is written as text
  use: an image with the file inside, or a volume",
    );
}

#[test]
fn names_of_mesos_dns_are_labels() {
    let facts = MarathonFacts { naming: Naming::MesosDns, ..MarathonFacts::default() };
    let long = "w".repeat(60);
    let app = format!(
        "kind: Workload\nname: {long}\ncontainers: {{ a: {{ image: 'a:1', ports: {{ http: 80 }}, env: {{ A: {{ address: {long}, port: http }} }} }} }}\n\
         expose: {{ http: {{ port: 80 }} }}"
    );
    let found = offline::lowered(&offline::parse(&app), &facts, &Choices::default()).unwrap_err();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].what, format!("`{long}-shop-default` is too long for a DNS name"));
    let set = "kind: Workload\nname: db\nmode: stateful\nreplicas: 2\ncontainers: { a: { image: 'a:1', ports: { pg: 80 }, \
               env: { A: { address: db, port: pg } } } }\nexpose: { pg: { port: 80 } }";
    let found = offline::lowered(&offline::parse(set), &facts, &Choices::default()).unwrap_err();
    assert_eq!(found[0].what, "no name stands for all replicas of db");
}
