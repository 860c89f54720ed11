use super::*;
use rhumb_spec::{Source, parse};

fn app(documents: &str) -> App {
    parse(&[Source { file: "app.yaml".to_owned(), text: documents.to_owned() }]).unwrap().app
}

/// The pass makes these documents out of those.
fn check(pass: Pass, before: &str, after: &str) -> Legalized {
    let legalized = pass.apply(app(before)).unwrap();
    let (found, expected) = (
        serde_json::to_string_pretty(&legalized.app).unwrap(),
        serde_json::to_string_pretty(&app(after)).unwrap(),
    );
    assert_eq!(found, expected);
    legalized
}

fn refused(pass: Pass, documents: &str) -> Vec<String> {
    pass.apply(app(documents))
        .unwrap_err()
        .iter()
        .map(|found| format!("{}: {}", found.path, found.what))
        .collect()
}

#[test]
fn a_stateful_workload_becomes_one_for_each_ordinal() {
    let before = "
kind: Workload
name: db
mode: stateful
replicas: 2
disruption: { maxUnavailable: 1 }
update: { maxUnavailable: 1, monitor: 5s }
networks: { back: {} }
expose: { pg: { port: 5432 } }
initContainers: { init: { image: init, mounts: { /data: { volume: data } } } }
containers:
  db:
    image: db
    ports: { pg: 5432 }
    env: { ID: { self: ordinal }, NAME: db }
    mounts: { /data: { volume: data }, /all: { volume: shared }, /old: { volume: old } }
---
kind: Workload
name: web
dependsOn: [db]
containers: { web: { image: web, env: { DB: { address: db, port: pg } }, mounts: { /spare: { volume: spare } } } }
---
kind: Volume
name: data
size: 1Gi
---
kind: Volume
name: shared
access: shared
---
kind: Volume
name: old
external: true
---
kind: Volume
name: spare
---
kind: Network
name: back
";
    let ordinal = |index: u32| {
        format!(
            "
kind: Workload
name: db-{index}
replicas: 1
update: {{ order: stopFirst, monitor: 5s }}
networks: {{ back: {{ aliases: [db] }} }}
expose: {{ pg: {{ port: 5432 }} }}
initContainers: {{ init: {{ image: init, mounts: {{ /data: {{ volume: data-db-{index} }} }} }} }}
containers:
  db:
    image: db
    ports: {{ pg: 5432 }}
    env: {{ ID: '{index}', NAME: db }}
    mounts: {{ /data: {{ volume: data-db-{index} }}, /all: {{ volume: shared }}, /old: {{ volume: old }} }}
---
kind: Volume
name: data-db-{index}
size: 1Gi
---"
        )
    };
    let after = format!(
        "{}{}
kind: Workload
name: web
dependsOn: [db-0, db-1]
containers: {{ web: {{ image: web, env: {{ DB: {{ address: db, port: pg }} }}, mounts: {{ /spare: {{ volume: spare }} }} }} }}
---
kind: Volume
name: shared
access: shared
---
kind: Volume
name: old
external: true
---
kind: Volume
name: spare
---
kind: Network
name: back
",
        ordinal(0),
        ordinal(1)
    );
    let legalized = check(Pass::StatefulOrdinals, before, &after);
    let sequence = |index| Sequence { set: "db".to_owned(), index };
    let expected = BTreeMap::from([("db-0".to_owned(), sequence(0)), ("db-1".to_owned(), sequence(1))]);
    assert_eq!(legalized.sequences, expected);
    assert_eq!(legalized.losses.len(), 1);
    assert_eq!(legalized.losses[0].path, "workload/db.disruption");
}

#[test]
fn nothing_stateful_changes_nothing() {
    let document = "kind: Workload\nname: web\ncontainers: { web: { image: web } }\n";
    check(Pass::StatefulOrdinals, document, document);
    check(Pass::InitContainersAsJobs, document, document);
}

#[test]
fn ports_that_every_ordinal_would_claim_are_refused() {
    let document = |kind: &str, replicas: u32| {
        format!(
            "kind: Workload\nname: db\nmode: stateful\nreplicas: {replicas}\nexpose: {{ pg: {{ port: 99, {kind} }} }}\n\
             containers: {{ db: {{ image: db, ports: {{ pg: 5432 }} }} }}\n"
        )
    };
    let expected = ["workload/db.expose.pg: port 99 would be claimed by every replica of db"];
    assert_eq!(refused(Pass::StatefulOrdinals, &document("as: node", 2)), expected);
    assert_eq!(refused(Pass::StatefulOrdinals, &document("as: loadbalancer", 2)), expected);
    for fine in
        [document("as: node", 1), document("as: internal", 2), document("as: node, traffic: local", 2)]
    {
        Pass::StatefulOrdinals.apply(app(&fine)).unwrap();
    }
}

#[test]
fn names_of_ordinals_that_are_taken_are_refused() {
    let documents = "
kind: Workload
name: db
mode: stateful
containers: { db: { image: db, mounts: { /data: { volume: data } } } }
---
kind: Workload
name: db-0
containers: { db: { image: db } }
---
kind: Volume
name: data
---
kind: Volume
name: data-db-0
size: 1Gi
";
    assert_eq!(
        refused(Pass::StatefulOrdinals, documents),
        [
            "volume/data-db-0: the name data-db-0 is taken by a replica of db",
            "workload/db-0: the name db-0 is taken by a replica of db"
        ]
    );
}

#[test]
fn init_containers_become_jobs_one_after_another() {
    let before = "
kind: Workload
name: web
dependsOn: [db]
networks: { back: { aliases: [www] } }
labels: { tier: front }
update: { maxSurge: 1 }
expose: { http: { port: 80 } }
initContainers:
  migrate: { image: migrate, ports: { debug: 1 } }
  seed: { image: seed }
containers: { web: { image: web, ports: { http: 80 } } }
---
kind: Workload
name: db
containers: { db: { image: db } }
---
kind: Network
name: back
";
    let after = "
kind: Workload
name: web
dependsOn: [db, web-init-seed]
networks: { back: { aliases: [www] } }
labels: { tier: front }
update: { maxSurge: 1 }
expose: { http: { port: 80 } }
containers: { web: { image: web, ports: { http: 80 } } }
---
kind: Workload
name: web-init-migrate
mode: job
dependsOn: [db]
networks: { back: {} }
labels: { tier: front }
containers: { migrate: { image: migrate } }
---
kind: Workload
name: web-init-seed
mode: job
dependsOn: [web-init-migrate]
networks: { back: {} }
labels: { tier: front }
containers: { seed: { image: seed } }
---
kind: Workload
name: db
containers: { db: { image: db } }
---
kind: Network
name: back
";
    check(Pass::InitContainersAsJobs, before, after);
}

#[test]
fn names_of_init_jobs_that_are_taken_are_refused() {
    let documents = "
kind: Workload
name: web
initContainers: { a: { image: a } }
containers: { web: { image: web } }
---
kind: Workload
name: web-init-a
containers: { web: { image: web } }
";
    let expected = ["workload/web-init-a: the name web-init-a is taken by an init container of web"];
    assert_eq!(refused(Pass::InitContainersAsJobs, documents), expected);
}
