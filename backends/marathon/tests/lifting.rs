//! What comes of documents that people have: of every version of Marathon, with odd types, groups and old fields.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod lifting_support;

use lifting_support::{carry as check, fates, lower};
use rhumb_backend::Fate;
use rhumb_spec::model::{EnvValue, ExposeAs, MountSource, ProbeAction, Strategy};
use rhumb_spec::{Bytes, MilliCpu};
use serde_json::{Value, json};

#[test]
fn an_app_of_an_old_version_is_read_in_todays_words() {
    let lifted = check(
        r#"{
  "id": "/shop/web", "instances": 2, "cpus": 0.25, "mem": 64, "args": ["--verbose"],
  "container": { "type": "DOCKER", "docker": {
    "image": "shop/web:1", "network": "BRIDGE", "forcePullImage": true,
    "portMappings": [{ "containerPort": 8080, "hostPort": 0, "servicePort": 10080, "protocol": "tcp", "name": "http" }],
    "parameters": [{ "key": "user", "value": "1000:1001" }, { "key": "cap-drop", "value": "ALL" }]
  } },
  "env": { "LEVEL": "debug", "COUNT": 3, "ON": true },
  "labels": { "HAPROXY_GROUP": "external", "team": "blue" },
  "healthChecks": [{ "protocol": "HTTP", "path": "/alive", "portIndex": 0, "gracePeriodSeconds": 60, "intervalSeconds": 20,
    "timeoutSeconds": 5, "maxConsecutiveFailures": 3, "ignoreHttp1xx": false }],
  "upgradeStrategy": { "minimumHealthCapacity": 0.5, "maximumOverCapacity": 0 },
  "uris": ["https://example.com/a.tgz"], "requirePorts": false, "backoffFactor": 1.15
}"#,
    );
    let web = &lifted.app.workloads["web"];
    let container = &web.containers["web"];
    assert_eq!(container.resources.cpu, Some(MilliCpu(250)));
    assert_eq!(container.resources.memory, Some(Bytes(64 << 20)));
    assert_eq!(container.ports["http"].port, 8080);
    assert_eq!((web.expose["http"].port, web.expose["http"].kind), (10080, ExposeAs::LoadBalancer));
    assert_eq!(container.env["COUNT"], EnvValue::Text("3".to_owned()));
    assert_eq!(container.env["ON"], EnvValue::Text("true".to_owned()));
    assert_eq!(container.security.user.as_deref(), Some("1000"));
    let live = container.probes.live.as_ref().unwrap();
    assert!(
        matches!(&live.action, ProbeAction::Http { path, port, .. } if path == "/alive" && port == "http")
    );
    assert_eq!(container.probes.startup.as_ref().unwrap().failures, Some(3));
    assert_eq!(web.labels["team"], "blue");
    assert_eq!(web.update.as_ref().unwrap().max_unavailable.unwrap().to_string(), "50%");
    assert_eq!(fates(&lifted, Fate::Kept), ["fetch.0.uri"]);
    assert!(fates(&lifted, Fate::Lost).is_empty());
}

#[test]
fn groups_nest_and_what_they_wait_for_is_waited_for() {
    let app = |id: &str, more: &str| {
        format!(
            r#"{{ "id": "{id}", "instances": 1, "container": {{ "docker": {{ "image": "a:1" }} }} {more} }}"#
        )
    };
    let lifted = check(&format!(
        r#"{{ "id": "/product", "groups": [
  {{ "id": "data", "apps": [{}, {}] }},
  {{ "id": "service", "dependencies": ["/product/data"], "apps": [{}, {}] }} ] }}"#,
        app("db", ""),
        app("cache", r#", "dependencies": ["../db"]"#),
        app("web", ""),
        app("worker", r#", "dependencies": ["/elsewhere/queue"]"#),
    ));
    let waits = |name: &str| lifted.app.workloads[name].depends_on.clone();
    assert_eq!(waits("data-cache"), ["data-db"]);
    assert_eq!(waits("service-web"), ["data-cache", "data-db"]);
    assert_eq!(
        lifted.app.workloads["service-worker"].on["marathon"]["App"]["dependencies"],
        json!(["/elsewhere/queue"]),
        "it is not here"
    );
}

#[test]
fn what_is_passed_through_is_waited_for_all_the_same() {
    let lifted = check(
        r#"{ "id": "/all", "groups": [
  { "id": "base", "apps": [{ "id": "db", "cmd": "db" }] },
  { "id": "top", "dependencies": ["../base"], "apps": [
    { "id": "web", "container": { "docker": { "image": "a:1" } } }, { "id": "tool", "cmd": "tool" } ] } ] }"#,
    );
    let web = &lifted.app.workloads["top-web"];
    assert!(web.depends_on.is_empty());
    assert_eq!(web.on["marathon"]["App"]["dependencies"], json!(["/all/base/db"]));
    assert_eq!(lifted.app.natives["top-tool"].manifest["dependencies"], json!(["/all/base"]));
}

#[test]
fn what_has_no_image_is_passed_through() {
    let lifted = check(
        r#"{ "id": "/tools/sleep", "cmd": "sleep 1000", "cpus": 0.1, "mem": 32, "version": "2020-01-01T00:00:00.000Z" }"#,
    );
    assert!(lifted.app.workloads.is_empty());
    let manifest = &lifted.app.natives["sleep"].manifest;
    assert_eq!(manifest["kind"], "App");
    assert_eq!(manifest["id"], "/tools/sleep", "others may speak of it");
    assert_eq!(manifest.get("version"), None);
}

#[test]
fn a_resident_app_has_a_volume() {
    let lifted = check(
        r#"{ "id": "/db", "instances": 1, "container": { "type": "DOCKER", "docker": { "image": "db:1" }, "volumes": [
  { "containerPath": "data", "persistent": { "type": "root", "size": 512 }, "mode": "RW" },
  { "containerPath": "/var/lib/db", "hostPath": "data", "mode": "RW" },
  { "containerPath": "/etc/db", "hostPath": "/srv/db", "mode": "RO" } ] },
  "networks": [{ "mode": "container/bridge" }],
  "residency": { "taskLostBehavior": "WAIT_FOREVER" }, "unreachableStrategy": "disabled",
  "upgradeStrategy": { "minimumHealthCapacity": 0.5, "maximumOverCapacity": 0 } }"#,
    );
    assert_eq!(lifted.app.volumes["data"].size, Some(Bytes(512 << 20)));
    let mounts = &lifted.app.workloads["db"].containers["db"].mounts;
    assert_eq!(mounts["/var/lib/db"].source, MountSource::Volume { name: "data".to_owned() });
    assert!(mounts["/etc/db"].read_only);
    assert_eq!(
        fates(&lifted, Fate::Kept),
        ["upgradeStrategy.minimumHealthCapacity", "upgradeStrategy.maximumOverCapacity"],
        "a release has 0 and 0"
    );
}

#[test]
fn hosts_become_routes() {
    let lifted = check(
        r#"{ "id": "/web", "container": { "docker": { "image": "web:1" }, "portMappings": [{ "containerPort": 8080, "servicePort": 0 }] },
  "networks": [{ "mode": "container", "name": "dcos" }],
  "labels": { "HAPROXY_GROUP": "external", "HAPROXY_0_VHOST": "a.example,b.example", "HAPROXY_0_PATH": "/shop",
    "HAPROXY_0_REDIRECT_TO_HTTPS": "true", "HAPROXY_0_STICKY": "true" } }"#,
    );
    let hosts: Vec<_> = lifted.app.routes.values().map(|route| route.host.clone().unwrap()).collect();
    assert_eq!(hosts, ["a.example", "b.example"]);
    let route = lifted.app.routes.values().next().unwrap();
    assert_eq!((route.paths["/shop"].workload.as_str(), route.paths["/shop"].port.as_str()), ("web", "http"));
    assert!(route.tls.is_some());
    assert_eq!(lifted.app.workloads["web"].labels["HAPROXY_0_STICKY"], "true");
}

#[test]
fn host_networks_are_kept_for_marathon() {
    let lifted = check(
        r#"{ "id": "/agent", "container": { "type": "DOCKER", "docker": { "image": "agent:1", "network": "HOST", "privileged": true } },
  "portDefinitions": [{ "port": 10018, "name": "http" }], "requirePorts": true,
  "constraints": [["hostname", "UNIQUE"], ["rack", "LIKE", "a|b"]] }"#,
    );
    let agent = &lifted.app.workloads["agent"];
    assert!(agent.containers["agent"].security.privileged);
    assert_eq!(agent.on["marathon"]["App"]["networks"], json!([{ "mode": "host" }]));
    assert_eq!(agent.placement.nodes[0].values, ["a", "b"]);
    assert_eq!(agent.placement.away[0].workload, "agent");
    let lowered = lower(&lifted.app);
    let body = &lowered.iter().find(|object| object.id.as_str() == "app/agent").unwrap().body;
    assert_eq!(body["networks"], json!([{ "mode": "host" }]));
    assert_eq!(body["portDefinitions"], json!([{ "name": "http", "port": 10018 }]));
}

#[test]
fn secrets_of_the_store_exist_already() {
    let lifted = check(
        r#"{ "id": "/web", "container": { "type": "MESOS", "docker": { "image": "web:1" }, "volumes": [
    { "containerPath": "/run/key", "secret": "two" } ] },
  "env": { "PASSWORD": { "secret": "one" }, "ODD": { "secret": "three" } },
  "secrets": { "one": { "source": "db/password" }, "two": { "source": "db/key" }, "three": { "source": "/a/b/c" } } }"#,
    );
    assert!(lifted.app.secrets["db"].external);
    let lowered = lower(&lifted.app);
    let body = &lowered.iter().find(|object| object.id.as_str() == "app/web").unwrap().body;
    assert_eq!(body["secrets"]["db.password"]["source"], "db/password");
    assert_eq!(body["secrets"]["three"]["source"], "/a/b/c");
    assert_eq!(body["env"]["ODD"], json!({ "secret": "three" }));
    let mut kept = fates(&lifted, Fate::Kept);
    kept.sort_unstable();
    assert_eq!(kept, ["env.ODD.secret", "secrets.three.source"]);
}

#[test]
fn pods_of_several_containers_are_workloads() {
    let lifted = check(
        r#"{ "id": "/pod", "scaling": { "kind": "fixed", "instances": 2 }, "environment": { "SHARED": "yes" },
  "networks": [{ "mode": "container", "name": "dcos" }],
  "volumes": [{ "name": "v1" }, { "name": "v2", "host": "/srv" }],
  "scheduling": { "upgrade": { "minimumHealthCapacity": 0, "maximumOverCapacity": 0 } },
  "containers": [
    { "name": "web", "image": { "kind": "DOCKER", "id": "web:1" }, "resources": { "cpus": 0.1, "mem": 32 },
      "exec": { "command": { "shell": "run | tee log" } },
      "endpoints": [{ "name": "http", "containerPort": 80, "hostPort": 0, "protocol": ["tcp"], "labels": { "VIP_0": "/pod:8000" } }],
      "healthCheck": { "http": { "endpoint": "http", "path": "/", "scheme": "HTTP" }, "intervalSeconds": 10 },
      "volumeMounts": [{ "name": "v1", "mountPath": "/shared" }], "lifecycle": { "killGracePeriodSeconds": 5 } },
    { "name": "side", "image": { "kind": "DOCKER", "id": "side:1" }, "resources": { "cpus": 0.1, "mem": 32 },
      "volumeMounts": [{ "name": "v1", "mountPath": "/shared", "readOnly": true }, { "name": "v2", "mountPath": "data" }],
      "artifacts": [{ "uri": "https://example.com/a.tgz" }] } ] }"#,
    );
    let pod = &lifted.app.workloads["pod"];
    assert_eq!(pod.replicas, Some(2));
    assert_eq!(pod.containers.keys().collect::<Vec<_>>(), ["web", "side"]);
    assert_eq!(pod.update.as_ref().unwrap().strategy, Strategy::Recreate);
    assert_eq!(pod.expose["http"].port, 8000);
    assert!(pod.containers.values().all(|container| container.env.contains_key("SHARED")));
    assert!(pod.containers["side"].mounts["/shared"].read_only);
    let patch: &Value = &pod.on["marathon"]["Pod"];
    assert_eq!(patch["volumes"], json!([{ "name": "v2", "host": "/srv" }]), "it is mounted in the sandbox");
    assert_eq!(patch["containers"][0]["endpoints"][0]["labels"]["VIP_0"], "/pod:8000");
    assert_eq!(patch["containers"][1]["artifacts"], json!([{ "uri": "https://example.com/a.tgz" }]));
}

#[test]
fn pods_of_one_container_stay_pods_and_go_elsewhere() {
    let lifted = check(
        r#"{ "id": "/pod", "networks": [{ "mode": "container", "name": "dcos" }],
  "containers": [{ "name": "web", "image": { "kind": "DOCKER", "id": "web:1" }, "resources": { "cpus": 0.1, "mem": 32 },
    "endpoints": [{ "name": "http", "containerPort": 80, "protocol": ["tcp"] }] }] }"#,
    );
    let pod = &lifted.app.workloads["pod"];
    assert_eq!(pod.containers["web"].ports["http"].port, 80);
    assert_eq!(pod.on["marathon"]["Pod"], json!({}));
    let lowered = lower(&lifted.app);
    assert_eq!(lowered[0].id.as_str(), "pod/pod");
    assert_eq!(lowered[0].body["containers"][0]["image"]["id"], "web:1");
}

#[test]
fn jobs_of_metronome_are_jobs_and_schedules() {
    let lifted = check(
        r#"[{ "id": "prod.night", "description": "counts", "labels": { "team": "blue" },
  "run": { "cpus": 0.1, "mem": 64, "disk": 0, "cmd": "count", "docker": { "image": "count:1" }, "env": { "A": "b" },
    "restart": { "policy": "ON_FAILURE", "activeDeadlineSeconds": 600 }, "maxLaunchDelay": 3600,
    "placement": { "constraints": [{ "attribute": "disk", "operator": "EQ", "value": "ssd" }] } },
  "schedules": [{ "id": "nightly", "cron": "0 3 * * *", "timezone": "Europe/Berlin", "concurrencyPolicy": "ALLOW",
    "enabled": true, "startingDeadlineSeconds": 900 }] },
 { "id": "prod.once", "run": { "cpus": 0.1, "mem": 64, "disk": 0, "args": ["x"], "ucr": { "image": { "id": "once:1", "kind": "docker" } } } }]"#,
    );
    let night = &lifted.app.workloads["night"];
    assert_eq!(night.cron.as_ref().unwrap().time_zone.as_deref(), Some("Europe/Berlin"));
    assert_eq!(night.job.as_ref().unwrap().retries, Some(2));
    assert_eq!(night.on["marathon"]["Job"]["description"], "counts");
    assert_eq!(lifted.app.workloads["once"].containers["once"].args, ["x"]);
}

#[test]
fn odd_types_are_kept_and_never_lost() {
    let lifted = check(
        r#"{ "id": "/web", "instances": "two", "cpus": "a lot", "container": { "docker": { "image": "web:1", "parameters": [
    { "key": "user", "value": "1000" }, { "key": "shm-size", "value": "64m" } ] },
    "portMappings": [{ "containerPort": 80 }, { "containerPort": 80, "protocol": "udp" }] },
  "networks": [{ "mode": "container/bridge" }], "env": { "0BAD": "x" }, "healthChecks": [{}, {}] }"#,
    );
    let web = &lifted.app.workloads["web"];
    assert_eq!(web.containers["web"].security.user.as_deref(), Some("1000"), "it is read all the same");
    let patch = &web.on["marathon"]["App"];
    assert_eq!(patch["instances"], "two");
    assert_eq!(
        patch["container"]["docker"]["parameters"].as_array().unwrap().len(),
        2,
        "a list is replaced as a whole"
    );
    assert_eq!(patch["container"]["portMappings"].as_array().unwrap().len(), 2);
    assert_eq!(patch["env"]["0BAD"], "x");
}
