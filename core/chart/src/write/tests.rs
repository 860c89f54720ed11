use std::collections::BTreeSet;

use rhumb_spec::{Piece, Source, Variable, VariableText, parse};

use super::*;
use crate::chart::Chart;
use crate::lint::{lint, sample};
use crate::values::UserValues;

const APP: &str = r#"
kind: Workload
name: carts-db
replicas: 2
containers:
  db:
    image: "mongo:3.4"
    env:
      TEXT: "{{ not a tag }} {% nor this %} {# nor that #}"
      NO: "no"
      PASSWORD: { secret: db, key: pass.word }
    resources: { cpu: 100m, limits: { memory: 64Mi } }
    ports: { mongo: 27017 }
    mounts:
      /data: { volume: data }
      /etc/db: { config: db }
expose:
  mongo: { port: 27017 }
on:
  kubernetes: { Deployment: { spec: { template: { spec: { priorityClassName: high } } } } }
---
kind: Workload
name: web
containers:
  web: { image: nginx, ports: { http: 80 } }
  side: { image: "busybox:1", args: [sleep, "1e3"] }
expose: { http: { port: 80 } }
---
kind: Config
name: db
data:
  db.conf: |
    a: {{b}}
      c
---
kind: Secret
name: db
data: { pass.word: "sealed:0a", empty: "sealed:0b" }
---
kind: Volume
name: data
size: 8Gi
---
kind: Route
name: shop
host: shop.example.com
paths: { /: { workload: web, port: http } }
---
kind: Native
name: thing
platform: kubernetes
manifest: { apiVersion: v1, kind: Thing, metadata: { name: "{{x}}" } }
"#;

fn app() -> App {
    parse(&[Source { file: "app.yaml".to_owned(), text: APP.to_owned() }]).unwrap().app
}

fn written(app: &App) -> Written {
    let empty = BTreeSet::from(["0b".to_owned()]);
    write(&Draft {
        name: "shop",
        description: "Imported: a \"shop\"",
        app,
        empty: &empty,
        variables: &Variables::default(),
    })
    .unwrap()
}

fn rendered(files: &Files, values: &str) -> App {
    let mut user = UserValues::new();
    user.file("secrets.values.yaml", values).unwrap();
    let chart = Chart::from_files(files.clone()).unwrap();
    chart.render(&chart.values(user).unwrap(), &sample()).unwrap().parse().unwrap().app
}

#[test]
fn a_written_chart_has_no_lint_and_renders_its_app() {
    let app = app();
    let written = written(&app);
    assert_eq!(lint(&written.files, UserValues::new(), &sample()), []);
    let again = rendered(&written.files, "secrets: { db: { passWord: canary } }");
    let without_secrets = |app: &App| App { secrets: BTreeMap::new(), ..app.clone() };
    assert_eq!(without_secrets(&again), without_secrets(&app));
    assert_eq!(again.secrets["db"].keys().collect::<Vec<_>>(), ["pass.word", "empty"]);
    assert_eq!(
        written.secrets,
        [(vec!["secrets".to_owned(), "db".to_owned(), "passWord".to_owned()], "0a".to_owned())]
    );
}

#[test]
fn values_are_what_people_change() {
    let written = written(&app());
    let again = rendered(
        &written.files,
        "{cartsDb: {image: 'mongo:4', replicas: 3, resources: {cpu: 1}}, web: {containers: {side: {image: x}}}, routes: {shop: {host: a.b}}, volumes: {data: {size: 1Gi}}}",
    );
    let db = &again.workloads["carts-db"];
    assert_eq!((db.containers["db"].image.as_str(), db.replicas), ("mongo:4", Some(3)));
    assert_eq!(again.workloads["web"].containers["side"].image, "x");
    assert_eq!(again.routes["shop"].host.as_deref(), Some("a.b"));
    assert!(again.secrets["db"].external, "it is given no value");
}

#[test]
fn documents_stand_with_the_workload_that_uses_them() {
    let written = written(&app());
    let paths: Vec<&str> =
        written.files.iter().map(|(path, _)| path).filter(|path| path.starts_with("templates/")).collect();
    assert_eq!(paths, ["templates/carts-db.yaml", "templates/native/thing.yaml", "templates/web.yaml"]);
}

#[test]
fn variables_are_values() {
    let variable = |value: &str, required: Option<&str>| Variable {
        value: value.to_owned(),
        required: required.map(str::to_owned),
    };
    let text = |pointer: &str, pieces: &[Piece]| VariableText {
        workload: "carts-db".to_owned(),
        pointer: pointer.to_owned(),
        pieces: pieces.to_vec(),
    };
    let named = |name: &str| Piece::Variable(name.to_owned());
    let variables = Variables {
        values: BTreeMap::from([
            ("MONGO_TAG".to_owned(), variable("3.4", None)),
            ("WEB".to_owned(), variable("no", Some("say \"which\""))),
        ]),
        texts: vec![
            text("/containers/db/image", &[Piece::Text("mongo:".to_owned()), named("MONGO_TAG")]),
            text("/containers/db/env/NO", &[named("WEB")]),
            text("/containers/db/env/TEXT", &[named("WEB")]),
        ],
    };
    let (app, empty) = (app(), BTreeSet::new());
    let draft = Draft { name: "shop", description: "d", app: &app, empty: &empty, variables: &variables };
    let written = write(&draft).unwrap();
    assert_eq!(written.required, [(vec!["web2".to_owned()], "no".to_owned())]);
    let again = rendered(&written.files, "{mongoTag: 4, web2: 'a: b'}");
    let db = &again.workloads["carts-db"].containers["db"];
    assert_eq!(db.image, "mongo:4");
    assert_eq!(db.env["NO"], rhumb_spec::model::EnvValue::Text("a: b".to_owned()));
    assert_eq!(db.env["TEXT"], app.workloads["carts-db"].containers["db"].env["TEXT"], "it is another text");
    let chart = Chart::from_files(written.files.clone()).unwrap();
    let refused = chart.render(&chart.values(UserValues::new()).unwrap(), &sample()).unwrap_err();
    assert!(refused.iter().any(|found| found.to_string().contains("say \"which\"")), "{refused:?}");
}

#[test]
fn published_ports_are_values() {
    let mut app = app();
    app.workloads.get_mut("web").unwrap().expose["http"].kind = ExposeAs::LoadBalancer;
    let written = written(&app);
    let again = rendered(&written.files, "web: { ports: { http: 8080 } }");
    assert_eq!(again.workloads["web"].expose["http"].port, 8080);
}
