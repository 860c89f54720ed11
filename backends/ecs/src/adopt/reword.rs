//! What the chart makes, in the names that what was adopted has.

use std::collections::BTreeMap;

use rhumb_backend::{Adoption, ObjectId};
use serde_json::{Map, Value};

use super::{names_of, service_names};
use crate::kind::Kind;
use crate::lift::document_name;
use crate::observe::name_field;
use crate::pages::{items, text};

/// What the chart makes of an object, reworded:
///
/// - what was adopted keeps its name;
/// - services and names in Cloud Map are called as they are, in whatever names them: scaling, metrics, addresses;
/// - containers and volumes of a task have the names that no chart can have: `nginx_proxy`, `WebApp`;
/// - a rule keeps its priority, which the chart does not say.
pub(crate) fn reword(adoption: &Adoption, id: &ObjectId, body: &Value) -> Value {
    let texts = Texts::of(adoption);
    let mut body = if texts.is_empty() { body.clone() } else { texts.replaced(body) };
    let kind = Kind::of(id);
    if let Some(field) = kind.and_then(name_field) {
        keep(adoption, id, field, &mut body);
    }
    match kind {
        Some(Kind::TaskDefinition) => Parts::of(adoption, id).definition(&mut body),
        Some(Kind::Service) => Parts::of(adoption, id).service(&mut body),
        Some(Kind::ListenerRule) => keep(adoption, id, "Priority", &mut body),
        _ => {}
    }
    body
}

/// Puts a field as it is there in the place of the chart's.
fn keep(adoption: &Adoption, id: &ObjectId, field: &str, body: &mut Value) {
    let there = adoption.get(id).and_then(|adopted| adopted.there.as_ref());
    let as_it_is = there.and_then(|there| there.body.get(field));
    if let (Some(as_it_is), Some(own)) = (as_it_is, body.get_mut(field)) {
        own.clone_from(as_it_is);
    }
}

/// Names as the chart makes them, and as they are.
#[derive(Default)]
struct Texts<'a> {
    services: Vec<(&'a str, &'a str)>,
    registries: Vec<(&'a str, &'a str)>,
}

impl<'a> Texts<'a> {
    fn of(adoption: &'a Adoption) -> Self {
        let registries = names_of(adoption, Kind::Discovery, "Name").collect();
        Self { services: service_names(adoption).collect(), registries }
    }

    fn is_empty(&self) -> bool {
        self.services.is_empty() && self.registries.is_empty()
    }

    fn replaced(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.text(text).into(),
            Value::Array(items) => items.iter().map(|item| self.replaced(item)).collect(),
            Value::Object(map) => {
                let fields = map.iter().map(|(key, item)| (key.clone(), self.replaced(item)));
                Value::Object(fields.collect::<Map<_, _>>())
            }
            other => other.clone(),
        }
    }

    fn text(&self, text: &str) -> String {
        for (chart, there) in &self.services {
            if text == *chart {
                return (*there).to_owned();
            }
            // `service/<cluster>/<name>`, as Application Auto Scaling calls it.
            if let Some(cluster) = text.strip_suffix(&format!("/{chart}"))
                && cluster.starts_with("service/")
            {
                return format!("{cluster}/{there}");
            }
        }
        let mut text = text.to_owned();
        for (chart, there) in &self.registries {
            text = address(&text, chart, there);
        }
        text
    }
}

/// A text in which the name before a namespace is another: `http://default-shop-web.local:80`.
fn address(text: &str, chart: &str, there: &str) -> String {
    let from = format!("{chart}.");
    let mut parts = text.split(&from);
    let mut found = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_within = found.ends_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '-');
        found.push_str(if is_within { chart } else { there });
        found.push('.');
        found.push_str(part);
    }
    found
}

/// The containers and volumes of a task, by their names in the chart.
#[derive(Default)]
struct Parts {
    containers: BTreeMap<String, String>,
    volumes: BTreeMap<String, String>,
}

impl Parts {
    fn of(adoption: &Adoption, id: &ObjectId) -> Self {
        let adopted = adoption.get(&Kind::TaskDefinition.id(id.name()));
        let Some((base, there)) = adopted.and_then(|adopted| Some((&adopted.base, adopted.there.as_ref()?)))
        else {
            return Self::default();
        };
        let of = |list| renamed(&names(base, list), &names(&there.body, list));
        let mut volumes = of("volumes");
        volumes.extend(same_storage(base, &there.body));
        Self { containers: of("containerDefinitions"), volumes }
    }

    fn definition(&self, body: &mut Value) {
        rename(body, "volumes", "name", &self.volumes);
        let containers = body.get_mut("containerDefinitions").and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            rename(container, "mountPoints", "sourceVolume", &self.volumes);
            rename(container, "dependsOn", "containerName", &self.containers);
            rename(container, "volumesFrom", "sourceContainer", &self.containers);
        }
        rename(body, "containerDefinitions", "name", &self.containers);
    }

    fn service(&self, body: &mut Value) {
        for list in ["loadBalancers", "serviceRegistries"] {
            rename(body, list, "containerName", &self.containers);
        }
        rename(body, "volumeConfigurations", "name", &self.volumes);
    }
}

fn names<'v>(body: &'v Value, list: &str) -> Vec<&'v str> {
    items(body, list).filter_map(|item| text(item, "name")).collect()
}

/// Volumes of the same folder of EFS: the chart calls them by its id, and there they have names of their own.
fn same_storage(chart: &Value, there: &Value) -> BTreeMap<String, String> {
    let folder = |volume: &Value| {
        let of = volume.get("efsVolumeConfiguration")?;
        let root = text(of, "rootDirectory").unwrap_or_default().trim_matches('/').to_owned();
        let point = of.pointer("/authorizationConfig/accessPointId").and_then(Value::as_str);
        Some((text(of, "fileSystemId")?.to_owned(), root, point.map(str::to_owned)))
    };
    let mut found = BTreeMap::new();
    for volume in items(chart, "volumes") {
        let same =
            items(there, "volumes").find(|other| folder(other).is_some_and(|it| Some(it) == folder(volume)));
        if let (Some(name), Some(same)) = (text(volume, "name"), same.and_then(|same| text(same, "name"))) {
            found.insert(name.to_owned(), same.to_owned());
        }
    }
    found
}

/// What is called otherwise in the chart than there, because a chart cannot have the name.
fn renamed(chart: &[&str], there: &[&str]) -> BTreeMap<String, String> {
    let only = there.iter().filter(|name| !chart.contains(name));
    let pairs = only.filter_map(|name| {
        let in_chart = document_name(name);
        let is_free = chart.contains(&in_chart.as_str()) && !there.contains(&in_chart.as_str());
        is_free.then(|| (in_chart, (*name).to_owned()))
    });
    pairs.collect()
}

fn rename(body: &mut Value, list: &str, field: &str, names: &BTreeMap<String, String>) {
    for item in body.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(name) = text(item, field).and_then(|name| names.get(name)) {
            item[field] = name.clone().into();
        }
    }
}
