//! What there is of a release in an account, looked for without any code of ours.

use std::collections::BTreeMap;

use rhumb_doubles::ecs::{Double, Resource};
use serde_json::{Value, json};

use crate::trial;

/// Something of a release.
#[derive(Clone, Debug)]
pub struct Item {
    /// As in [`Resource::kind`], and `service`, `task`, `task-definition`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// What its service tells of it.
    pub body: Value,
}

impl Item {
    /// The document or object that it was made for, by its tag, else by its name.
    pub fn object(&self) -> &str {
        self.tags.get("rhumb.dev/object").unwrap_or(&self.name)
    }
}

/// Everything of a release that there is: by its tags, and where something has none by its name.
///
/// # Errors
/// When it cannot be asked for.
pub fn items(double: &Double, namespace: &str, release: &str) -> Result<Vec<Item>, String> {
    let resources = double.inventory().map_err(|error| error.to_string())?;
    let mut found: Vec<Item> = resources.into_iter().map(Item::from).collect();
    found.extend(services(double)?);
    found.extend(tasks(double)?);
    found.extend(definitions(double)?);
    found.retain(|item| is_of(item, namespace, release));
    Ok(found)
}

/// Nothing of a release is left, its records among what goes, but volumes.
///
/// # Errors
/// What is left of it, after a minute.
pub fn require_nothing_of(double: &Double, namespace: &str, release: &str) -> Result<(), String> {
    trial::eventually("clean account", || {
        let left = items(double, namespace, release)?;
        let left: Vec<String> = left
            .iter()
            .filter(|item| item.kind != "access-point")
            .map(|item| format!("{} {}", item.kind, item.name))
            .collect();
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("of {release} there is still: {}", left.join(", ")))
        }
    })
}

fn is_of(item: &Item, namespace: &str, release: &str) -> bool {
    let tag = |key: &str| item.tags.get(key).map(String::as_str);
    if let (Some(of_namespace), Some(of_release)) = (tag("rhumb.dev/namespace"), tag("rhumb.dev/release")) {
        return of_namespace == namespace && of_release == release;
    }
    let named = [
        format!("{namespace}-{release}-"),
        format!("service/default/{namespace}-{release}-"),
        format!("/rhumb/{namespace}/{release}"),
        format!("rhumb/{namespace}/{release}/"),
    ];
    named.iter().any(|start| item.name.starts_with(start)) || is_record(&item.name, namespace, release)
}

/// Records name their release in the path: `/rhumb/records/…/<namespace>/<release>/…`.
fn is_record(name: &str, namespace: &str, release: &str) -> bool {
    let Some(path) = name.strip_prefix("/rhumb/records/") else { return false };
    let parts: Vec<&str> = path.split('/').collect();
    parts.windows(2).any(|pair| pair == [namespace, release])
}

impl From<Resource> for Item {
    fn from(resource: Resource) -> Self {
        let Resource { kind, name, tags, body } = resource;
        Self { kind, name, tags, body }
    }
}

fn item(kind: &str, name: &str, tags: &Value, body: Value) -> Item {
    let pair = |tag: &Value| Some((tag["key"].as_str()?.to_owned(), tag["value"].as_str()?.to_owned()));
    let tags = tags.as_array().into_iter().flatten().filter_map(pair).collect();
    Item { kind: kind.to_owned(), name: name.to_owned(), tags, body }
}

/// All the ARNs of a list, over its pages.
fn arns(double: &Double, operation: &str, key: &str, input: &Value) -> Result<Vec<Value>, String> {
    let mut found = Vec::new();
    let mut input = input.clone();
    loop {
        let page = double.ecs(operation, &input)?;
        found.extend(page[key].as_array().cloned().unwrap_or_default());
        match page.get("nextToken") {
            Some(token) => input["nextToken"] = token.clone(),
            None => return Ok(found),
        }
    }
}

fn services(double: &Double) -> Result<Vec<Item>, String> {
    let all = arns(double, "ListServices", "serviceArns", &json!({ "maxResults": 100 }))?;
    let mut found = Vec::new();
    for some in all.chunks(10) {
        let answer = double.ecs("DescribeServices", &json!({ "services": some, "include": ["TAGS"] }))?;
        let services = answer["services"].as_array().cloned().unwrap_or_default();
        found.extend(services.into_iter().map(|service| {
            let name = service["serviceName"].as_str().unwrap_or_default().to_owned();
            item("service", &name, &service["tags"].clone(), service)
        }));
    }
    Ok(found)
}

/// Those that run, and those of jobs that have ended.
fn tasks(double: &Double) -> Result<Vec<Item>, String> {
    let all = arns(double, "ListTasks", "taskArns", &json!({}))?;
    described(double, &all)
}

fn described(double: &Double, arns: &[Value]) -> Result<Vec<Item>, String> {
    let mut found = Vec::new();
    for some in arns.chunks(100) {
        let answer = double.ecs("DescribeTasks", &json!({ "tasks": some, "include": ["TAGS"] }))?;
        let tasks = answer["tasks"].as_array().cloned().unwrap_or_default();
        found.extend(tasks.into_iter().map(|task| {
            let definition = task["taskDefinitionArn"].as_str().unwrap_or_default();
            let family = definition.rsplit('/').next().unwrap_or_default();
            let name = family.split(':').next().unwrap_or_default().to_owned();
            item("task", &name, &task["tags"].clone(), task)
        }));
    }
    Ok(found)
}

/// Tasks that have stopped, which AWS shows for an hour.
///
/// # Errors
/// When they cannot be asked for.
pub fn stopped(double: &Double, namespace: &str, release: &str) -> Result<Vec<Item>, String> {
    let all = arns(double, "ListTasks", "taskArns", &json!({ "desiredStatus": "STOPPED" }))?;
    let mut found = described(double, &all)?;
    found.retain(|item| is_of(item, namespace, release));
    Ok(found)
}

fn definitions(double: &Double) -> Result<Vec<Item>, String> {
    let all = arns(double, "ListTaskDefinitions", "taskDefinitionArns", &json!({}))?;
    let describe = |arn: Value| {
        let input = json!({ "taskDefinition": arn, "include": ["TAGS"] });
        let answer = double.ecs("DescribeTaskDefinition", &input)?;
        let body = answer["taskDefinition"].clone();
        let family = body["family"].as_str().unwrap_or_default().to_owned();
        Ok(item("task-definition", &family, &answer["tags"], body))
    };
    all.into_iter().map(describe).collect()
}
