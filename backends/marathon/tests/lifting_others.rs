//! What people write into documents that the app says otherwise, lifted.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test has its own needs")]
mod lifting_support;

use lifting_support::{carry, lift_text, lower};
use rhumb_backend::Object;
use rhumb_spec::model::{EnvSource, EnvValue, MountSource, ProbeAction};
use serde_json::{Value, json};

fn body<'a>(lowered: &'a [Object], id: &str) -> &'a Value {
    &lowered.iter().find(|object| object.id.as_str() == id).unwrap_or_else(|| panic!("no {id}")).body
}

#[test]
fn labels_that_not_every_platform_takes_are_annotations() {
    let lifted = carry(
        r#"{ "id": "/web", "container": { "docker": { "image": "a" } }, "networks": [{ "mode": "container/bridge" }],
            "labels": { "owner": "zeus", "note": "Away from olympus", "HAPROXY_0_MODE": "http" } }"#,
    );
    let web = &lifted.app.workloads["web"];
    assert_eq!(web.annotations.keys().collect::<Vec<_>>(), ["note"]);
    assert_eq!((web.labels["owner"].as_str(), web.labels["HAPROXY_0_MODE"].as_str()), ("zeus", "http"));
}

#[test]
fn entries_at_any_path_are_keys_of_secrets() {
    let lifted = carry(
        r#"{ "id": "/web", "container": { "type": "MESOS", "docker": { "image": "a" }, "volumes": [{ "containerPath": "/tls.key", "secret": "tls" }] },
            "networks": [{ "mode": "container/bridge" }], "env": { "PASSWORD": { "secret": "p" }, "TOKEN": { "secret": "t" } },
            "secrets": { "p": { "source": "/prod/shop/password" }, "t": { "source": "token" }, "tls": { "source": "/tls/web/key" } } }"#,
    );
    let web = &lifted.app.workloads["web"].containers["web"];
    let from = |name: &str, key: &str| {
        EnvValue::From(EnvSource::Secret { name: name.to_owned(), key: key.to_owned() })
    };
    assert_eq!(web.env["PASSWORD"], from("prod-shop", "password"));
    assert_eq!(web.env["TOKEN"], from("token", "value"));
    let tls = MountSource::Secret { name: "tls-web".to_owned(), key: Some("key".to_owned()) };
    assert_eq!(web.mounts["/tls.key"].source, tls);
    // On Marathon their paths stay, and no others are looked for.
    let lowered = lower(&lifted.app);
    let app = body(&lowered, "app/web");
    assert_eq!(
        app["secrets"],
        json!({ "p": { "source": "/prod/shop/password" }, "t": { "source": "token" }, "tls": { "source": "/tls/web/key" } })
    );
    assert_eq!(app["env"]["PASSWORD"], json!({ "secret": "p" }));
    assert_eq!(lowered.len(), 1, "{:?}", lowered.iter().map(|object| &object.id).collect::<Vec<_>>());
}

#[test]
fn a_persistent_volume_is_in_the_sandbox() {
    let lifted = carry(
        r#"{ "id": "/db", "container": { "type": "MESOS", "docker": { "image": "postgres" }, "volumes": [{ "containerPath": "pgdata", "mode": "RW", "persistent": { "size": 100 } }] },
            "networks": [{ "mode": "container/bridge" }], "env": { "PGDATA": "/mnt/mesos/sandbox/pgdata" } }"#,
    );
    let mounts = &lifted.app.workloads["db"].containers["db"].mounts;
    assert_eq!(mounts["/mnt/mesos/sandbox/pgdata"].source, MountSource::Volume { name: "pgdata".to_owned() });
    assert_eq!(lifted.app.volumes["pgdata"].size.unwrap().to_string(), "100Mi");
    let volumes = body(&lower(&lifted.app), "app/db")["container"]["volumes"].clone();
    assert_eq!(
        volumes,
        json!([{ "containerPath": "pgdata", "persistent": { "type": "root", "size": 100 }, "mode": "RW" }])
    );
}

#[test]
fn of_several_checks_and_constraints_those_with_a_word_are_read() {
    let lifted = carry(
        r#"{ "id": "/web", "container": { "docker": { "image": "a" }, "portMappings": [{ "containerPort": 80, "hostPort": 0 }] },
            "networks": [{ "mode": "container/bridge" }],
            "healthChecks": [{ "protocol": "HTTP", "path": "/up", "portIndex": 0 }, { "protocol": "COMMAND", "command": { "value": "true" } }],
            "constraints": [["hostname", "UNIQUE"], ["rack", "LIKE", "r.*"]] }"#,
    );
    let web = &lifted.app.workloads["web"];
    let live = web.containers["web"].probes.live.as_ref().unwrap();
    assert!(matches!(&live.action, ProbeAction::Http { path, .. } if path == "/up"), "{live:?}");
    assert_eq!(web.placement.away[0].workload, "web");
    let app = lower(&lifted.app);
    let app = body(&app, "app/web");
    assert_eq!(app["constraints"], json!([["hostname", "UNIQUE"], ["rack", "LIKE", "r.*"]]));
    assert_eq!(app["healthChecks"].as_array().unwrap().len(), 2);
}

#[test]
fn what_a_group_waits_for_elsewhere_stays() {
    let lifted = carry(
        r#"{ "id": "/shop", "dependencies": ["/infra"], "apps": [{ "id": "web", "container": { "docker": { "image": "a" } }, "networks": [{ "mode": "container/bridge" }] }] }"#,
    );
    assert_eq!(lifted.app.workloads["web"].on["marathon"]["App"]["dependencies"], json!(["/infra"]));
}

#[test]
fn ports_of_the_agent_are_told() {
    let (_, lifted) = lift_text(
        r#"{ "id": "/web", "container": { "docker": { "image": "a", "network": "HOST" } }, "ports": [5000], "requirePorts": true }"#,
    );
    let told: Vec<_> = lifted.notes.iter().filter(|note| note.path == "workload/web.ports").collect();
    assert_eq!(told.len(), 1, "{:?}", lifted.notes);
}

#[test]
fn an_address_of_a_sibling_is_one_elsewhere_too() {
    let lifted = carry(
        r#"{ "id": "/shop", "apps": [
            { "id": "db", "container": { "docker": { "image": "a" }, "portMappings": [{ "containerPort": 3306, "labels": { "VIP_0": "/mysql:3306" } }] }, "networks": [{ "mode": "container/bridge" }] },
            { "id": "web", "container": { "docker": { "image": "b" } }, "networks": [{ "mode": "container/bridge" }],
              "env": { "DB": "mysql://mysql.marathon.l4lb.thisdcos.directory:3306/app" } }
        ] }"#,
    );
    let address = EnvSource::Address {
        workload: "db".to_owned(),
        port: "port-3306".to_owned(),
        format: Some("mysql://{host}:{port}/app".to_owned()),
    };
    assert_eq!(lifted.app.workloads["web"].containers["web"].env["DB"], EnvValue::From(address));
    let lowered = lower(&lifted.app);
    assert_eq!(
        body(&lowered, "app/web")["env"]["DB"],
        "mysql://mysql.marathon.l4lb.thisdcos.directory:3306/app"
    );
}
