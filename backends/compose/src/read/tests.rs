use std::collections::BTreeMap;

use super::*;

struct Fake(BTreeMap<PathBuf, String>);

impl Files for Fake {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        self.0.get(path).map(|text| text.clone().into_bytes()).ok_or_else(|| "it is not there".to_owned())
    }

    fn is_file(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }
}

fn project(files: &[(&str, &str)], named: &[&str]) -> Result<serde_json::Value, String> {
    let fake = Fake(files.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect());
    let named: Vec<PathBuf> = named.iter().map(PathBuf::from).collect();
    let environment = BTreeMap::from([("TAG".to_owned(), "7".to_owned())]);
    let request = Request {
        files: &named,
        texts: &BTreeMap::new(),
        environment: &environment,
        profiles: &[],
        reader: &fake,
    };
    let found = read(&request).map(|project| project.root.to_value());
    found.map_err(|found| found.iter().map(ToString::to_string).collect())
}

#[test]
fn later_files_change_earlier_ones() {
    let base = "services:\n  a:\n    image: a:${TAG}\n    command: [x, y]\n    environment: [A=1, B=2]\n    ports: ['80:80']\n    dns: [1.1.1.1]\n";
    let over = "services:\n  a:\n    command: [z]\n    environment: { B: 3 }\n    ports: !override ['81:81']\n    dns: !reset null\n";
    let found = project(&[("c.yaml", base), ("o.yaml", over)], &["c.yaml", "o.yaml"]).unwrap();
    let expected = serde_json::json!({ "services": { "a": {
        "image": "a:7", "command": ["z"], "environment": { "A": "1", "B": 3 }, "ports": ["81:81"],
    } } });
    assert_eq!(found, expected);
}

#[test]
fn services_begin_as_others() {
    let base = "services:\n  b:\n    image: b\n    volumes: ['./d:/d']\n    depends_on: [x]\n";
    let main = "services:\n  a:\n    extends: { file: sub/base.yaml, service: b }\n    command: run\n";
    let found = project(&[("c.yaml", main), ("sub/base.yaml", base)], &["c.yaml"]).unwrap();
    let a = &found["services"]["a"];
    assert_eq!(a["image"], "b");
    assert_eq!(a["volumes"][0], "./sub/d:/d");
    assert!(a.get("depends_on").is_none());
}

#[test]
fn what_goes_in_circles_is_refused_with_its_line() {
    let circle = "services:\n  a: { extends: b }\n  b: { extends: a }\n";
    assert!(project(&[("c.yaml", circle)], &["c.yaml"]).unwrap_err().contains("in a circle, at `a`"));
    let found = project(&[("c.yaml", "include: [c.yaml]\n")], &["c.yaml"]).unwrap_err();
    assert!(found.contains("include each other in a circle") && found.contains("c.yaml:1"), "{found}");
    let missing = "services:\n  a:\n    extends: { file: ../../etc/passwd, service: a }\n";
    let found = project(&[("c.yaml", missing)], &["c.yaml"]).unwrap_err();
    assert!(found.contains("cannot read ../../etc/passwd") && found.contains("c.yaml:3"), "{found}");
}

#[test]
fn aliases_that_multiply_are_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let before = format!("*a{}, ", level - 1).repeat(10);
        text = format!("{text}a{level}: &a{level} [{before}]\n");
    }
    assert!(project(&[("c.yaml", &text)], &["c.yaml"]).unwrap_err().contains("aliases repeat too much"));
}

#[test]
fn includes_bring_their_own_folder_and_variables() {
    let main = "include: [sub/c.yaml]\nservices:\n  a: { image: a }\n";
    let files = [
        ("c.yaml", main),
        ("sub/c.yaml", "services:\n  b: { image: 'b:${V}', env_file: e }\n"),
        ("sub/.env", "V=2\n"),
    ];
    let found = project(&files, &["c.yaml"]).unwrap();
    assert_eq!(found["services"]["b"], serde_json::json!({ "image": "b:2", "env_file": "./sub/e" }));
    assert_eq!(found["services"]["a"]["image"], "a");
}

#[test]
fn the_first_version_has_services_alone() {
    let found = project(&[("c.yaml", "web: { image: nginx }\ndb: { build: . }\n")], &["c.yaml"]).unwrap();
    let expected = serde_json::json!({ "services": { "web": { "image": "nginx" }, "db": { "build": "." } } });
    assert_eq!(found, expected);
}
