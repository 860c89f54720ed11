//! Charts that `rhumb import` makes, tried as a person would: linted, and rendered for every platform.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const MANIFESTS: &str = r#"
apiVersion: v1
kind: List
items:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: { name: web, namespace: shop, labels: { app: web } }
    spec:
      replicas: 2
      selector: { matchLabels: { app: web } }
      template:
        metadata: { labels: { app: web } }
        spec:
          containers:
            - name: web
              image: "nginx:1.27"
              ports: [{ name: http, containerPort: 80 }]
              env: [{ name: TOKEN, valueFrom: { secretKeyRef: { name: web, key: token } } }, { name: TAG, value: "{{ x }}" }]
              tty: true
  - apiVersion: v1
    kind: Service
    metadata: { name: web, namespace: shop }
    spec: { selector: { app: web }, ports: [{ name: http, port: 80, targetPort: http }] }
  - apiVersion: v1
    kind: Secret
    metadata: { name: web, namespace: shop }
    stringData: { token: canary-token }
  - apiVersion: rbac.authorization.k8s.io/v1
    kind: Role
    metadata: { name: web, namespace: shop }
    rules: []
"#;

fn rhumb(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rhumb"));
    command.args(arguments).current_dir(folder).env_clear().env("HOME", folder);
    command.output().expect("the program runs")
}

fn succeed(folder: &Path, arguments: &[&str]) -> String {
    let output = rhumb(folder, arguments);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn an_imported_chart_lints_and_renders() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    fs::write(folder.join("shop.yaml"), MANIFESTS).expect("a file");
    let report = succeed(folder, &["import", "kubernetes", "-f", "shop.yaml", "--out", "shop", "-o", "json"]);
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    let count = |key: &str| report["counts"][key].as_u64().expect("a number");
    assert_eq!(count("fields"), count("carried") + count("kept") + count("own") + count("lost"));
    assert_eq!(report["objects"].as_array().map(Vec::len), Some(4));
    assert_eq!(report["objects"][0]["place"]["file"], "shop.yaml");
    succeed(folder, &["lint", "shop", "--strict"]);
    succeed(folder, &["lint", "shop", "--strict", "-f", "shop/secrets.values.yaml"]);
    let given = ["template", "shop", "shop", "-f", "shop/secrets.values.yaml", "--target"];
    let rendered = succeed(folder, &[&given[..], &["kubernetes"]].concat());
    assert!(rendered.contains("tty: true") && rendered.contains("{{ x }}"), "{rendered}");
    let rendered = succeed(folder, &[&given[..], &["memory"]].concat());
    assert!(!rendered.contains("canary-token"), "{rendered}");
    let others = fs::read_to_string(folder.join("shop/IMPORT.md")).expect("the report")
        + &fs::read_to_string(folder.join("shop/values.yaml")).expect("the values");
    assert!(!others.contains("canary-token"));
}

#[test]
fn files_stand_as_words_or_behind_f_in_every_import() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let pod = |name: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{ name: {name} }}\nspec: {{ containers: [{{ name: a, image: a }}] }}\n"
        )
    };
    fs::create_dir_all(folder.join("manifests/below")).expect("a folder");
    for (file, name) in
        [("manifests/one.yaml", "one"), ("manifests/below/two.yaml", "two"), ("three.yaml", "three")]
    {
        fs::write(folder.join(file), pod(name)).expect("a file");
    }
    let count = |arguments: &[&str]| {
        let whole = [&["import", "kubernetes", "--out", "x", "--force", "-o", "json"], arguments].concat();
        let report: serde_json::Value = serde_json::from_str(&succeed(folder, &whole)).expect("JSON");
        report["objects"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(count(&["manifests", "three.yaml"]), 2);
    assert_eq!(count(&["-R", "manifests", "-f", "three.yaml"]), 3);
    let fail = |arguments: &[&str], expected: &str| {
        let output = rhumb(folder, &[arguments, &["--out", "y"]].concat());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(expected), "{arguments:?}: {error}");
    };
    for (platform, option) in
        [("kubernetes", "--selector"), ("ecs", "--service"), ("marathon", "--selector"), ("swarm", "--stack")]
    {
        let expected = format!("a.yaml and {option} shop exclude one another");
        fail(&["import", platform, "a.yaml", option, "shop"], &expected);
        fail(&["import", platform, "-f", "a.yaml", option, "shop"], &expected);
    }
    fail(&["import", "kubernetes", "-R"], "-R needs a folder");
    fail(&["import", "swarm", "-", "-f", "-"], "standard input is named twice");
}

#[test]
fn what_lies_beside_manifests_is_left_out_and_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    fs::create_dir(folder.join("base")).expect("a folder");
    for (file, text) in [
        (
            "pod.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec: { containers: [{ name: a, image: a }] }\n",
        ),
        ("kustomization.yaml", "resources: [pod.yaml]\n"),
        ("Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\n"),
        ("values.yaml", "image: a\n"),
    ] {
        fs::write(folder.join("base").join(file), text).expect("a file");
    }
    let told = succeed(folder, &["import", "kubernetes", "base", "--out", "x"]);
    for expected in [
        "it looks like the configuration of Kustomize",
        "the Chart.yaml of a Helm chart",
        "no manifest: it has neither",
    ] {
        assert!(told.contains(expected), "{told}");
    }
    fs::remove_file(folder.join("base/pod.yaml")).expect("a file");
    assert!(!rhumb(folder, &["import", "kubernetes", "base", "--out", "y"]).status.success());
    assert!(!folder.join("y").exists(), "nothing is written");
}

#[cfg(unix)]
#[test]
fn secret_values_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    fs::write(folder.join("shop.yaml"), MANIFESTS).expect("a file");
    succeed(folder, &["import", "kubernetes", "-f", "shop.yaml", "--out", "shop"]);
    let file = folder.join("shop/secrets.values.yaml");
    assert_eq!(fs::metadata(&file).expect("the file").permissions().mode() & 0o777, 0o600);
    assert!(fs::read_to_string(&file).expect("the file").contains("canary-token"));
    assert!(!rhumb(folder, &["import", "kubernetes", "-f", "shop.yaml", "--out", "shop"]).status.success());
    succeed(folder, &["import", "kubernetes", "-f", "shop.yaml", "--out", "shop", "--force"]);
}

#[test]
fn modes_of_files_are_read_as_kubectl_reads_them() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let pod = "apiVersion: v1
kind: Pod
metadata: { name: a }
spec:
  containers: [{ name: a, image: a, volumeMounts: [{ name: s, mountPath: /s }, { name: p, mountPath: /p }] }]
  volumes:
    - { name: s, secret: { secretName: s, defaultMode: 0400 } }
    - { name: p, projected: { defaultMode: 0440, sources: [{ secret: { name: s } }] } }
";
    fs::write(folder.join("a.yaml"), pod).expect("a file");
    succeed(folder, &["import", "kubernetes", "a.yaml", "--out", "x"]);
    let rendered = succeed(folder, &["template", "x", "x", "--target", "kubernetes"]);
    assert!(rendered.contains("defaultMode: 256") && rendered.contains("defaultMode: 288"), "{rendered}");
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let check = |text: &str, expected: &[&str]| {
        fs::write(folder.join("a.yaml"), text).expect("a file");
        let output = rhumb(folder, &["import", "kubernetes", "-f", "a.yaml", "--out", "x"]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success());
        for part in expected {
            assert!(error.contains(part), "{part}: {error}");
        }
        assert!(!folder.join("x").exists(), "nothing is written");
    };
    check("a: 1\nb: [\n", &["not valid YAML", "a.yaml:"]);
    check("apiVersion: v1\nkind: Pod\n", &["metadata.name", "a.yaml:1"]);
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: { name: a }\n";
    check(&format!("{pod}---\n{pod}"), &["pod/a is there twice", "a.yaml:5"]);
    check("", &["there is nothing to import"]);
}

#[test]
fn definitions_of_ecs_become_a_chart_for_every_platform() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    fs::create_dir(folder.join("ecs")).expect("a folder");
    fs::write(
        folder.join("ecs/ecs-task-def.json"),
        r#"{ "family": "web", "networkMode": "awsvpc", "cpu": "256", "memory": "512", "containerDefinitions": [
            { "name": "web", "image": "nginx:1.27", "portMappings": [{ "containerPort": 80 }], "startTimeout": 30,
              "logConfiguration": { "logDriver": "awslogs", "options": { "awslogs-group": "/ecs/web" } } }] }"#,
    )
    .expect("a file");
    let service = r#"{ "serviceName": "web", "desiredCount": 2, "launchType": "FARGATE" }"#;
    fs::write(folder.join("ecs/ecs-service-def.json"), service).expect("a file");
    fs::write(
        folder.join("ecs/ecspresso.yml"),
        "region: eu-west-1\nservice_definition: ecs-service-def.json\n",
    )
    .expect("a file");
    let report = succeed(folder, &["import", "ecs", "-f", "ecs", "--out", "web", "-o", "json"]);
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    let count = |key: &str| report["counts"][key].as_u64().expect("a number");
    assert_eq!(count("fields"), count("carried") + count("kept") + count("own") + count("lost"));
    assert_eq!(report["documents"]["workloads"], 1);
    assert!(report["notes"][0]["place"]["file"].as_str().expect("a file").ends_with("ecspresso.yml"));
    succeed(folder, &["lint", "web", "--strict"]);
    let rendered = succeed(folder, &["template", "web", "web", "--target", "ecs"]);
    assert!(rendered.contains("startTimeout: 30") && rendered.contains("/ecs/web"), "{rendered}");
}

#[test]
fn apps_of_marathon_become_a_chart() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let app = r#"{ "id": "/shop/web", "instances": 2, "cpus": 0.5, "mem": 64,
        "container": { "type": "DOCKER", "docker": { "image": "nginx:1.27" } } }"#;
    fs::write(folder.join("app.json"), app).expect("a file");
    succeed(folder, &["import", "marathon", "-f", "app.json", "--out", "shop"]);
    succeed(folder, &["lint", "shop", "--strict"]);
    let rendered = succeed(folder, &["template", "shop", "shop", "--target", "marathon"]);
    assert!(rendered.contains("nginx:1.27"), "{rendered}");
}

#[test]
fn what_docker_inspects_becomes_a_chart() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    fs::write(
        folder.join("shop.json"),
        r#"[{ "ID": "1", "Version": { "Index": 3 }, "Spec": {
            "Name": "shop_web", "Labels": { "com.docker.stack.namespace": "shop", "com.docker.stack.image": "nginx:1.27" },
            "TaskTemplate": {
              "ContainerSpec": {
                "Image": "nginx:1.27@sha256:0000", "TTY": true, "Env": ["MODE=fast"],
                "Configs": [{ "ConfigID": "2", "ConfigName": "shop_conf", "File": { "Name": "/etc/app.conf", "UID": "0", "GID": "0", "Mode": 292 } }] },
              "Networks": [{ "Target": "3", "Aliases": ["web"] }] },
            "Mode": { "Replicated": { "Replicas": 2 } },
            "EndpointSpec": { "Ports": [{ "Protocol": "tcp", "TargetPort": 80, "PublishedPort": 30080, "PublishMode": "ingress" }] } } },
          { "ID": "2", "Spec": { "Name": "shop_conf", "Labels": { "com.docker.stack.namespace": "shop" }, "Data": "YT0xCg==" } },
          { "Id": "3", "Name": "shop_default", "Driver": "overlay", "Scope": "swarm", "Labels": { "com.docker.stack.namespace": "shop" } }]"#,
    )
    .expect("a file");
    let report = succeed(folder, &["import", "swarm", "-f", "shop.json", "--out", "shop", "-o", "json"]);
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    let count = |key: &str| report["counts"][key].as_u64().expect("a number");
    assert_eq!(count("fields"), count("carried") + count("kept") + count("own") + count("lost"));
    assert_eq!((report["objects"].as_array().map(Vec::len), count("kept"), count("lost")), (Some(3), 1, 0));
    succeed(folder, &["lint", "shop", "--strict"]);
    for (target, expected) in [("swarm", "TTY: true"), ("kubernetes", "nginx:1.27")] {
        let rendered = succeed(folder, &["template", "shop", "shop", "--target", target]);
        assert!(rendered.contains(expected), "{target}: {rendered}");
    }
}
