use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rhumb_backend::Fate;
use rhumb_spec::{Variable, yaml};

use super::*;
use crate::read::{Files, Request, read};

struct Nothing;

impl Files for Nothing {
    fn read(&self, _: &Path) -> Result<Vec<u8>, String> {
        Err("it is not there".to_owned())
    }

    fn is_file(&self, _: &Path) -> bool {
        false
    }
}

fn composed(text: &str) -> Composed {
    let file = PathBuf::from("/shop/c.yaml");
    let texts = BTreeMap::from([(file.clone(), text.to_owned())]);
    let request = Request {
        files: &[file],
        texts: &texts,
        environment: &BTreeMap::new(),
        profiles: &[],
        reader: &Nothing,
    };
    lift(&read(&request).expect("a project"), "shop")
}

/// The workload `a` of a service, as a document, and what of the service is not carried.
fn check(service: &str, workload: &str, rest: &[&str]) {
    let found =
        composed(&format!("services: {{ a: {service}, b: {{ image: b }} }}\nvolumes: {{ data: {{}} }}\n"));
    let a = serde_json::to_value(&found.lifted.app.workloads["a"]).expect("a value");
    let mut expected = yaml::value_from_str(workload).expect("YAML");
    expected["shortNames"] = true.into();
    assert_eq!(a, expected, "{service}");
    let account = found.lifted.accounts.iter().find(|account| account.id.as_str() == "service/a");
    let told = account.expect("an account").rest.iter().map(|rest| rest.path.as_str());
    assert_eq!(told.collect::<Vec<_>>(), rest, "{service}");
}

#[test]
fn services_become_workloads() {
    check("{ image: a }", "containers: { a: { image: a } }", &[]);
    check(
        "{ image: a, command: \"x 'y z'\", mem_limit: 64m, cpus: 0.5, tty: true, odd: 1 }",
        "containers: { a: { image: a, args: [x, y z], resources: { limits: { cpu: 500m, memory: 64Mi } } } }
on: { swarm: { Service: { TaskTemplate: { ContainerSpec: { TTY: true } } } } }",
        &["tty", "odd"],
    );
    check(
        "{ image: a, ports: ['8080:80', '1-65535'], volumes: ['data:/d:ro', ':/x'], depends_on: [b, c] }",
        "containers: { a: { image: a, ports: { http: 80 }, mounts: { /d: { volume: data, readOnly: true } } } }
expose: { http: { port: 8080, as: loadbalancer } }
dependsOn: [b]",
        &["ports.1", "volumes.1", "depends_on.c"],
    );
    check(
        "{ image: a, healthcheck: { test: [CMD, ok], interval: 5s, start_interval: 1s } }",
        "containers: { a: { image: a, probes: {
            ready: { exec: [ok], period: 5s, timeout: 5s, failures: 3 },
            live: { exec: [ok], period: 5s, timeout: 5s, failures: 3 } } } }",
        &["healthcheck.start_interval"],
    );
    check(
        "{ image: a, gpus: all, cpu_quota: 50000, volumes: ['data:/d:z,nocopy', { type: bind, source: /x, target: /x, consistency: cached }] }",
        "containers: { a: { image: a, resources: { limits: { cpu: 500m } },
            mounts: { /d: { volume: data }, /x: { host: /x } } } }",
        &["gpus", "volumes.0.z", "volumes.0.nocopy", "volumes.1.consistency"],
    );
    check(
        "{ image: a, ports: ['80:8088', { target: 80, published: 8080, mode: host }] }",
        "containers: { a: { image: a, ports: { tcp-8088: 8088, http: 80 } } }
expose: { tcp-8088: { port: 80, as: loadbalancer }, http: { port: 8080, as: node, traffic: local } }",
        &[],
    );
    check("{ image: a, restart: 'no' }", "mode: job\ncontainers: { a: { image: a } }", &[]);
}

/// The app of a whole file, as documents, and what of it is lost, by object and path.
fn check_whole(text: &str, app: &str, lost: &[&str]) {
    let found = composed(text);
    let all = serde_json::to_value(&found.lifted.app).expect("a value");
    assert_eq!(all, yaml::value_from_str(app).expect("YAML"), "{text}");
    let told = found.lifted.accounts.iter().flat_map(|account| {
        let lost = account.rest.iter().filter(|rest| rest.fate == Fate::Lost);
        lost.map(|rest| format!("{} {}", account.id, rest.path))
    });
    assert_eq!(told.collect::<Vec<_>>(), lost, "{text}");
}

#[test]
fn names_that_siblings_call_are_kept() {
    check_whole(
        "services: { a: { image: a, environment: { U: 'x://b-1:7/' } }, b: { image: b, container_name: b-1 } }",
        "workloads: { a: { containers: { a: { image: a, env: { U: 'x://b-1:7/' } } }, shortNames: true, networks: { default: {} } },
            b: { containers: { b: { image: b, ports: { tcp-7: 7 } } }, expose: { tcp-7: { port: 7 } }, shortNames: true, networks: { default: { aliases: [b-1] } } } }
networks: { default: {} }",
        &[],
    );
    check_whole(
        "services: { a: { image: a, links: ['b:db'], environment: { H: b_1 } }, b: { image: b, container_name: b_1 } }",
        "workloads: { a: { containers: { a: { image: a, env: { H: b_1 } } }, dependsOn: [b], shortNames: true, networks: { default: {} } },
            b: { containers: { b: { image: b } }, shortNames: true, networks: { default: { aliases: [db] } } } }
networks: { default: {} }",
        &["service/b container_name"],
    );
    check_whole(
        "services: { a: { image: a, command: [b-1] }, b: { image: b, container_name: b-1, networks: [n] } }
networks: { n: { external: { name: n-1 } }, m: { external: true, name: M } }",
        "workloads: { a: { containers: { a: { image: a, args: [b-1] } }, shortNames: true, networks: { default: {} } },
            b: { containers: { b: { image: b } }, shortNames: true, networks: { n-1: { aliases: [b-1] } } } }
networks: { default: {}, n-1: { external: true }, m: { external: true, labels: { swarm/name: M } } }",
        &[],
    );
}

#[test]
fn siblings_call_a_service_by_its_new_name() {
    let found = composed(
        "services: { a: { image: a, environment: { DB_HOST: '${H:-my_db}', POSTGRES_DB: my_db, U: 'x://my_db:5/my_db' } }, my_db: { image: postgres } }",
    );
    let env = serde_json::to_value(&found.lifted.app.workloads["a"].containers["a"].env).expect("a value");
    assert_eq!(
        env,
        serde_json::json!({ "DB_HOST": "my-db", "POSTGRES_DB": "my_db", "U": "x://my-db:5/my_db" })
    );
    assert_eq!(found.variables.values["H"].value, "my-db");
    assert_eq!(found.lifted.app.workloads["my-db"].expose["tcp-5"].port, 5);
    let told = found.lifted.notes.iter().map(ToString::to_string).collect::<String>();
    assert!(told.contains("`my_db` is called my-db, and `a` calls it so now"), "{told}");
}

#[test]
fn addresses_that_siblings_call_are_told() {
    let found = composed(
        "services: { a: { image: a, environment: { D: '172.20.0.2#5054;1.1.1.1' } }, b: { image: b, networks: { n: { ipv4_address: 172.20.0.2 } } } }
networks: { n: {} }",
    );
    let told = found.lifted.notes.iter().map(ToString::to_string).collect::<String>();
    assert!(told.contains("siblings call b 172.20.0.2"), "{told}");
}

#[test]
fn what_only_the_node_reaches_is_published_to_nobody() {
    check(
        "{ image: a, ports: ['127.0.0.1:8080:80', '[::1]:1:1', '10.0.0.1:2:2', 3] }",
        "containers: { a: { image: a, ports: { http: 80, tcp-1: 1, tcp-2: 2, tcp-3: 3 } } }
expose: { http: { port: 80 }, tcp-1: { port: 1 }, tcp-2: { port: 2, as: loadbalancer }, tcp-3: { port: 3 } }",
        &["ports.0.published", "ports.1.published", "ports.3.published"],
    );
}

#[test]
fn an_empty_variable_is_empty_text() {
    check_whole(
        "services:\n  a:\n    image: a\n    platform: ${X:-}\n    environment:\n      A: ${X:-}\n      B:\n",
        "workloads: { a: { containers: { a: { image: a, env: { A: '' } } }, shortNames: true } }",
        &["service/a environment.B"],
    );
}

#[test]
fn options_of_tmpfs_are_read_as_docker_reads_them() {
    check(
        "{ image: a, tmpfs: ['/run:size=1m,mode=1777', '/tmp:mode=0755,uid=5,size=10%'], extra_hosts: { h: [1.2.3.4, 1.2.3.5] } }",
        "containers: { a: { image: a, mounts: { /run: { tmpfs: true, size: 1Mi, mode: '1777' }, /tmp: { tmpfs: true, mode: '0755' } } } }
extraHosts: { h: 1.2.3.4 }",
        &["tmpfs.1", "extra_hosts.h"],
    );
}

#[test]
fn labels_of_swarm_cronjob_are_a_schedule() {
    let deploy = |labels: &str| {
        format!(
            "{{ image: a, deploy: {{ replicas: 0, restart_policy: {{ condition: none }}, labels: {labels} }} }}"
        )
    };
    check(
        &deploy(
            "[swarm.cronjob.enable=true, 'swarm.cronjob.schedule=TZ=Europe/Berlin 0 3 * * *', swarm.cronjob.skip-running=true]",
        ),
        "mode: cron\ncron: { schedule: 0 3 * * *, timeZone: Europe/Berlin, concurrency: forbid }\ncontainers: { a: { image: a } }",
        &[],
    );
    check(
        &deploy("{ swarm.cronjob.enable: true, swarm.cronjob.schedule: '@every 1m' }"),
        "replicas: 0\nrestart: { policy: never }\ncontainers: { a: { image: a } }
labels: { swarm.cronjob.enable: 'true' }\nannotations: { swarm.cronjob.schedule: '@every 1m' }",
        &[],
    );
}

#[test]
fn templates_of_swarm_are_kept_for_it() {
    check(
        "{ image: a, hostname: '{{.Node.Hostname}}', environment: ['N={{.Task.Slot}}', 'X={{ x }}'] }",
        "containers: { a: { image: a, env: { X: '{{ x }}' } } }
on: { swarm: { Service: { TaskTemplate: { ContainerSpec: { Env: ['N={{.Task.Slot}}'], Hostname: '{{.Node.Hostname}}' } } } } }",
        &["environment.N", "hostname"],
    );
}

#[test]
fn further_names_on_the_only_network_are_kept() {
    check_whole(
        "services: { a: { image: a }, b: { image: b, networks: { default: { aliases: [c], priority: 1 } } } }",
        "workloads: { a: { containers: { a: { image: a } }, shortNames: true, networks: { default: {} } },
            b: { containers: { b: { image: b } }, shortNames: true, networks: { default: { aliases: [c] } } } }
networks: { default: {} }",
        &["service/b networks.default.priority"],
    );
}

#[test]
fn what_siblings_expect_and_do_not_find_is_told() {
    let told = |text: &str| composed(text).lifted.notes.iter().map(ToString::to_string).collect::<String>();
    let found = told(
        "services: { a: { image: a, depends_on: [b] }, b: { image: b }, c: { image: c, command: 'x://b/' } }",
    );
    assert!(found.contains("no port of it is named, and `a`, `c` needs it"), "{found}");
    let found = told("services: { a: { image: a, command: '-H tcp://tasks.b:9001' }, b: { image: b } }");
    assert!(found.contains("`tasks.b` is a name that only Swarm has"), "{found}");
    let check = "healthcheck: { test: curl http://b:80 }, ports: [80]";
    assert!(told(&format!("services: {{ b: {{ image: b, {check} }} }}")).contains("its check asks `b`"));
    let found = told(
        "services: { a: { image: a, depends_on: [p], models: [my-llm] }, p: { provider: { type: cloud } } }",
    );
    assert!(found.contains("what cloud provides is left out"), "{found}");
    assert!(found.contains("`MY_LLM_URL`, `MY_LLM_MODEL`"), "{found}");
}

#[test]
fn the_project_has_a_name() {
    for (text, image) in [("name: n", "n-a"), ("name: $X", "shop-a"), ("version: '3'", "shop-a")] {
        let found =
            composed(&format!("{text}\nservices: {{ a: {{ image: '${{COMPOSE_PROJECT_NAME}}-a' }} }}"));
        assert_eq!(found.lifted.app.workloads["a"].containers["a"].image, image, "{text}");
    }
}

/// The routes of services, as documents, and what of the services is not carried.
fn check_routes(services: &str, routes: &str, rest: &[&str]) {
    let found = composed(&format!("services: {services}\n"));
    let all = serde_json::to_value(&found.lifted.app.routes).expect("a value");
    assert_eq!(all, yaml::value_from_str(routes).expect("YAML"), "{services}");
    let told = found.lifted.accounts.iter().flat_map(|account| &account.rest);
    let lost = told.filter(|rest| rest.fate == Fate::Lost).map(|rest| rest.path.as_str());
    assert_eq!(lost.collect::<Vec<_>>(), rest, "{services}");
}

#[test]
fn labels_of_traefik_become_routes() {
    check_routes(
        "{ a: { image: a, labels: [traefik.enable=true, 'traefik.http.routers.web.rule=Host(`a.b`) && PathPrefix(`/x`)',
            traefik.http.routers.web.entrypoints=websecure, traefik.http.routers.web.tls.certresolver=le,
            traefik.http.routers.web.middlewares=m, traefik.http.services.web.loadbalancer.server.port=8080] } }",
        "web: { host: a.b, paths: { /x: { workload: a, port: tcp-8080 } }, tls: { resolver: le } }",
        &["labels.traefik.http.routers.web.middlewares"],
    );
    check_routes(
        "{ a: { image: a, expose: [80], deploy: { labels: {
            traefik.http.routers.plain.rule: 'Host(`a.b`) || Host(`c.d`)', traefik.http.routers.plain.entryPoints: web,
            traefik.http.routers.safe.rule: 'Host(`a.b`)', traefik.http.routers.safe.tls: true } } } }",
        "plain: { host: c.d, paths: { /: { workload: a, port: http } } }
safe: { host: a.b, paths: { /: { workload: a, port: http } }, tls: {} }",
        &[],
    );
    check_routes(
        "{ a: { image: a, labels: { traefik.frontend.rule: 'Host:a.b', traefik.port: 81 } } }",
        "a: { host: a.b, paths: { /: { workload: a, port: tcp-81 } } }",
        &[],
    );
    check_routes(
        "{ a: { image: a, labels: { traefik.http.routers.r.rule: 'HostRegexp(`x`)', traefik.http.services.r.loadbalancer.server.port: 1,
            traefik.tcp.routers.t.rule: 'HostSNI(`*`)' } }, b: { image: b, labels: { traefik.http.routers.s.rule: 'Host(`x`)' } } }",
        "{}",
        &["labels.traefik.tcp.routers.t.rule", "labels.traefik.http.routers.r.rule", "labels.traefik.http.services.r.loadbalancer.server.port", "labels.traefik.http.routers.s.rule"],
    );
}

#[test]
fn variables_are_known_where_one_value_stands_for_them() {
    let found = composed(
        "services: { a: { image: 'a:${TAG:-1}', command: [x, '--p=${P:?which}'], environment: { A: '${L:-x}', B: '${L:-y}', C: $$C } } }",
    );
    let texts: Vec<&str> = found.variables.texts.iter().map(|text| text.pointer.as_str()).collect();
    assert_eq!(texts, ["/containers/a/image", "/containers/a/args/1"]);
    assert_eq!(found.variables.values["TAG"], Variable { value: "1".to_owned(), required: None });
    assert_eq!(found.variables.values["P"].required.as_deref(), Some("which"));
    assert!(found.lifted.notes.iter().all(|note| !note.is_error()), "{:?}", found.lifted.notes);
    let found = composed("services: { a: { image: a, environment: { A: '${P}', B: '${P:?which}' } } }");
    assert!(found.lifted.notes.is_empty(), "{:?}", found.lifted.notes);
    assert_eq!(found.variables.texts.len(), 2);
    for service in
        ["{ image: a, ports: ['${P:?which}:80'] }", "{ image: a, environment: { A: '${X:-${P:?which}}' } }"]
    {
        let found = composed(&format!("services: {{ a: {service} }}"));
        let error = found.lifted.notes.iter().find(|note| note.is_error()).expect("an error").to_string();
        assert!(error.contains("the variable `P` must be set: which"), "{error}");
    }
}

fn leaf() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "x",
        "1",
        "true",
        "'a=b'",
        "'traefik.port=1'",
        "'traefik.frontend.rule=Host:a'",
        "null",
        "{}",
        "[]",
        "'/a:/b'",
        "5s",
        "[x, 1]",
        "{ k: v }",
    ])
    .prop_map(str::to_owned)
}

fn value_text() -> impl Strategy<Value = String> {
    let inner =
        prop::collection::vec(("(source|target|condition|limits|cpus|test|name|external)", leaf()), 0..4);
    prop_oneof![
        leaf(),
        prop::collection::vec(leaf(), 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
        inner.prop_map(|pairs| {
            let map: BTreeMap<String, String> = pairs.into_iter().collect();
            let pairs: Vec<String> = map.iter().map(|(key, value)| format!("{key}: {value}")).collect();
            format!("{{ {} }}", pairs.join(", "))
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn accounts_add_up_whatever_is_written(
        fields in prop::collection::btree_map(prop::sample::select(fields_of_services::KNOWN.to_vec()), value_text(), 0..12)
    ) {
        // What a service extends must be there, and is tried elsewhere.
        let own = fields.iter().filter(|(key, _)| **key != "extends");
        let body: Vec<String> = own.map(|(key, value)| format!("{key}: {value}")).collect();
        let found = composed(&format!("services: {{ a: {{ {} }} }}\n", body.join(", ")));
        for account in &found.lifted.accounts {
            let told: usize = account.rest.iter().map(|rest| rest.fields).sum();
            prop_assert!(told <= account.fields, "{}: {told} of {}: {:?}", account.id, account.fields, account.rest);
        }
    }
}
