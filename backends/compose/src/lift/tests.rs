use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rhumb_spec::yaml;

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
    check("{ image: a, restart: 'no' }", "mode: job\ncontainers: { a: { image: a } }", &[]);
}

fn leaf() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "x", "1", "true", "'a=b'", "null", "{}", "[]", "'/a:/b'", "5s", "[x, 1]", "{ k: v }",
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
        fields in prop::collection::btree_map(prop::sample::select(service::KNOWN.to_vec()), value_text(), 0..12)
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
