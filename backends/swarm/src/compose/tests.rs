//! What objects become in a Compose file, and what is told.

use super::*;
use rhumb_backend::material::Demand;
use rhumb_backend::{Material, Materials, Result as BackendResult, reference};
use rhumb_spec::model::Generate;
use serde_json::json;

struct Given;

impl Materials for Given {
    fn sealed(&self, _: &str) -> BackendResult<Material> {
        Ok(Material::new(b"canary".to_vec()))
    }

    fn generated(&self, _: &str, _: &Generate, _: Option<&str>) -> BackendResult<Material> {
        Ok(Material::new(b"made".to_vec()))
    }
}

fn export(objects: &[Object]) -> Exported {
    files(&Scope::new("default", "shop"), objects, &ExportSecrets::Written(&Given)).unwrap()
}

fn service(body: &Value) -> Object {
    let mut whole = json!({ "Name": "shop_web" });
    whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    Object::new(ObjectId::new("service", "web"), whole)
}

/// What a service becomes, and the paths of what is told of it.
fn check(body: &Value, expected: &Value, told: &[&str]) {
    let exported = export(&[service(body)]);
    let text = String::from_utf8(exported.files[0].content.to_vec()).unwrap();
    let document = yaml::value_from_str(&text).unwrap();
    assert_eq!(&document["services"]["web"], expected, "{text}");
    let paths: Vec<&str> = exported.notes.iter().map(|note| note.path.as_str()).collect();
    assert_eq!(paths, told);
}

#[test]
fn containers_are_written_as_compose_has_them() {
    check(
        &json!({ "TaskTemplate": { "ContainerSpec": {
            "Image": "web:1", "Command": ["/bin/sh", "-c", "echo $HOME"], "Args": ["a"], "Env": ["A=$B", "C=1_000"],
            "Hosts": ["10.0.0.1 db"], "DNSConfig": { "Nameservers": ["10.0.0.2"], "Options": ["ndots:2"] },
            "Healthcheck": { "Test": ["CMD", "true"], "Interval": 90_000_000_000_u64 },
            "Ulimits": [{ "Name": "nofile", "Soft": 1, "Hard": 2 }],
            "Privileges": { "Seccomp": { "Mode": "unconfined" } },
        } } }),
        &json!({
            "image": "web:1", "entrypoint": ["/bin/sh", "-c", "echo $$HOME"], "command": ["a"],
            "environment": ["A=$$B", "C=1_000"], "healthcheck": { "test": ["CMD", "true"], "interval": "1m30s" },
            "extra_hosts": ["db:10.0.0.1"], "dns": ["10.0.0.2"], "ulimits": { "nofile": { "soft": 1, "hard": 2 } },
        }),
        &[
            "service/web.TaskTemplate.ContainerSpec.DNSConfig.Options.0",
            "service/web.TaskTemplate.ContainerSpec.Privileges.Seccomp.Mode",
        ],
    );
}

#[test]
fn deployment_is_written_as_compose_has_it() {
    check(
        &json!({
            "Labels": { "com.docker.stack.namespace": "shop", "rhumb.dev/release": "shop", "team": "web" },
            "TaskTemplate": {
                "ContainerSpec": { "Image": "web:1" },
                "Resources": { "Limits": { "NanoCPUs": 50_000_000, "MemoryBytes": 1 << 28 } },
                "Placement": { "Platforms": [{ "OS": "linux", "Architecture": "amd64" }], "Constraints": ["node.role==worker"] },
            },
            "Mode": { "ReplicatedJob": { "MaxConcurrent": 1, "TotalCompletions": 3 } },
            "EndpointSpec": { "Mode": "dnsrr", "Ports": [{ "Name": "http", "Protocol": "tcp", "TargetPort": 80, "PublishedPort": 8080, "PublishMode": "host" }] },
        }),
        &json!({
            "image": "web:1",
            "ports": [{ "target": 80, "published": 8080, "protocol": "tcp", "mode": "host" }],
            "deploy": {
                "mode": "replicated-job", "replicas": 3, "endpoint_mode": "dnsrr",
                "resources": { "limits": { "cpus": "0.05", "memory": "256M" } },
                "placement": { "constraints": ["node.role==worker", "node.platform.os==linux", "node.platform.arch==x86_64"] },
                "labels": ["team=web"],
            },
        }),
        &["service/web.Mode.ReplicatedJob.MaxConcurrent", "service/web.EndpointSpec.Ports.0.Name"],
    );
}

fn shared_objects() -> Vec<Object> {
    let how = Generate::default();
    let demand = Demand::Generate { of: "secret/db/key".to_owned(), how, part: None }.to_value();
    let secret = ObjectId::new("secret", "db/key");
    let net = ObjectId::new("network", "back");
    let mounts = json!([{
        "Type": "volume", "Source": "shop_data", "Target": "/data",
        "VolumeOptions": { "Labels": { "rhumb.dev/object": "volume/data" }, "DriverConfig": { "Name": "local", "Options": { "type": "nfs" } } },
    }, { "Type": "volume", "Source": "theirs", "Target": "/other" }]);
    let web = service(&json!({ "TaskTemplate": {
        "ContainerSpec": {
            "Image": "web:1", "Mounts": mounts,
            "Secrets": [{ "File": { "Name": "key", "UID": "0", "GID": "5", "Mode": 256 }, "SecretID": reference::reference(&secret, "id"), "SecretName": "shop_db.key-0123" }],
        },
        "Networks": [{ "Target": reference::reference(&net, "id"), "Aliases": ["web", "www"] }],
    } }));
    vec![
        Object::new(secret, json!({ "Name": "shop_db.key-0123", "Data": demand })),
        Object::new(net, json!({ "Name": "shop_back", "Driver": "overlay", "Options": { "encrypted": "" } })),
        web,
    ]
}

#[test]
fn what_services_share_is_declared() {
    let exported = export(&shared_objects());
    let text = String::from_utf8(exported.files[0].content.to_vec()).unwrap();
    assert!(text.contains("mode: 0400\n"), "{text}");
    let document = yaml::value_from_str(&text).unwrap();
    assert_eq!(document["networks"], json!({ "back": { "driver_opts": { "encrypted": "" } } }));
    assert_eq!(
        document["volumes"],
        json!({
            "data": { "driver": "local", "driver_opts": { "type": "nfs" } },
            "theirs": { "external": true, "name": "theirs" },
        })
    );
    assert_eq!(document["secrets"], json!({ "db.key": { "file": "./secrets/db/key" } }));
    assert_eq!(document["services"]["web"]["networks"], json!({ "back": { "aliases": ["www"] } }));
    assert_eq!(document["services"]["web"]["secrets"][0]["source"], "db.key");
    let file = &exported.files[1];
    assert_eq!((file.path.as_str(), &*file.content), ("secrets/db/key", &b"made".to_vec()));
    assert!(!text.contains("made"));
}

#[test]
fn material_that_is_left_out_leaves_a_file_that_is_refused() {
    let exported = files(&Scope::new("default", "shop"), &shared_objects(), &ExportSecrets::LeftOut).unwrap();
    assert!(exported.files[1].content.is_empty());
    assert_eq!(exported.files[1].fill_in, ["all of it; the file is empty"]);
}

#[test]
fn keys_are_legal_and_differ() {
    let object = |id: &str| Object::new(ObjectId::from(id), json!({ "Name": format!("shop_{id}") }));
    let keys = keys(&Scope::new("default", "shop"), &[object("config/a/b c"), object("config/a/b-c")]);
    let found: Vec<&String> = keys.values().collect();
    assert_eq!(found, ["a.b-c", "a.b-c-2"]);
}
