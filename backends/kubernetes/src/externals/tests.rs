use super::*;

const APP: &str = "
kind: Workload
name: web
pullSecret: registry
containers:
  web:
    image: web:1
    env: { A: { secret: db, key: user } }
    envFrom: [{ secret: all }]
    mounts: { /etc/look: { config: look }, /etc/key: { secret: db, key: key } }
---
kind: Secret
name: db
external: true
---
kind: Secret
name: all
external: true
---
kind: Secret
name: registry
external: true
---
kind: Config
name: look
external: true
";

fn one(kind: ExternalKind, keys: &[&str], extent: Extent) -> External {
    let keys = keys.iter().map(|key| (*key).to_owned()).collect();
    External { document: "x/db".to_owned(), kind, native: "db".to_owned(), keys, extent }
}

#[test]
fn what_workloads_read_is_known() {
    let source = rhumb_spec::Source { file: "app.yaml".to_owned(), text: APP.to_owned() };
    let found = externals(&rhumb_spec::parse(&[source]).unwrap().app);
    let check = |document: &str, keys: &[&str], extent: Extent| {
        let one = found.iter().find(|one| one.document == document).unwrap();
        let named: Vec<&str> = one.keys.iter().map(String::as_str).collect();
        assert_eq!((named.as_slice(), one.extent), (keys, extent), "{document}");
    };
    check("secret/db", &["key", "user"], Extent::Named);
    check("secret/all", &[], Extent::Whole);
    check("secret/registry", &[".dockerconfigjson"], Extent::Named);
    check("config/look", &[], Extent::Whole);
}

#[test]
fn bytes_and_text_lie_where_the_cluster_has_them() {
    let entries: Entries = [("a", &b"text"[..]), ("b", &[0xff][..])]
        .map(|(key, bytes)| (key.to_owned(), Material::new(bytes.to_vec())))
        .into();
    let config = body(&one(ExternalKind::Config, &[], Extent::Whole), &entries, "m1");
    assert_eq!((&config["data"]["a"], &config["binaryData"]["b"]), (&json!("text"), &json!("/w==")));
    let document: Found = serde_json::from_value(config).unwrap();
    let Held::Shown { entries: again, mark } =
        document.held(&one(ExternalKind::Config, &[], Extent::Whole)).unwrap()
    else {
        panic!("it is shown")
    };
    assert_eq!(
        (again["a"].expose(), again["b"].expose(), mark.as_deref()),
        (&b"text"[..], &[0xff][..], Some("m1"))
    );
    let secret = body(&one(ExternalKind::Secret, &[], Extent::Whole), &entries, "m1");
    assert_eq!((&secret["data"]["a"], &secret["type"]), (&json!("dGV4dA=="), &json!("Opaque")));
}

#[test]
fn who_refers_to_it_is_found() {
    let (secret, config) =
        (one(ExternalKind::Secret, &[], Extent::Named), one(ExternalKind::Config, &[], Extent::Named));
    let check = |document: Value, of_secret: bool, of_config: bool| {
        assert_eq!(
            (refers(&document, &secret), refers(&document, &config)),
            (of_secret, of_config),
            "{document}"
        );
    };
    check(json!({ "volumes": [{ "secret": { "secretName": "db" } }] }), true, false);
    check(
        json!({ "volumes": [{ "projected": { "sources": [{ "secret": { "name": "db" } }] } }] }),
        true,
        false,
    );
    check(json!({ "env": [{ "valueFrom": { "secretKeyRef": { "name": "db", "key": "a" } } }] }), true, false);
    check(json!({ "imagePullSecrets": [{ "name": "db" }] }), true, false);
    check(json!({ "volumes": [{ "configMap": { "name": "db" } }] }), false, true);
    check(json!({ "envFrom": [{ "configMapRef": { "name": "db" } }] }), false, true);
    check(json!({ "metadata": { "name": "db" } }), false, false);
}
