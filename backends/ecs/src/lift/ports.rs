//! The ports of a container, and those of them that the nodes show.

use indexmap::IndexMap;
use rhumb_backend::fields::Fields;
use rhumb_spec::model::{Port, Protocol};
use serde_json::{Map, Value};

use super::naming::PortNames;
use super::values;

/// How tasks are on the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum NetworkMode {
    /// Each has an address of its own.
    Awsvpc,
    /// They are on the node's own network.
    Host,
    /// They are on a bridge of Docker's, which is what ECS takes where nothing is said.
    #[default]
    Bridge,
}

impl NetworkMode {
    /// The mode of a task definition.
    pub(super) fn of(definition: &Value) -> Self {
        match definition.get("networkMode").and_then(Value::as_str) {
            Some("awsvpc") => Self::Awsvpc,
            Some("host") => Self::Host,
            _ => Self::Bridge,
        }
    }
}

/// A port as the task definition shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Published {
    /// Its name in the app.
    pub(super) name: String,
    /// The name of its mapping.
    pub(super) native: Option<String>,
    /// The container that listens on it.
    pub(super) container: String,
    /// Its number in the container.
    pub(super) port: u16,
    /// The port of the node that leads to it.
    pub(super) node: Option<u16>,
}

/// Reads the ports of a container. What has no neutral form stays as a mapping of its number and protocol.
///
/// Source: Amazon ECS API reference, `PortMapping`.
pub(super) fn ports(
    fields: &mut Fields<'_>,
    mode: NetworkMode,
    names: &mut PortNames,
    published: &mut Vec<Published>,
) -> IndexMap<String, Port> {
    let mut found = IndexMap::new();
    let Some(items) = fields.take("portMappings", |value| {
        let items = value.as_array()?.iter().map(|item| item.as_object().cloned());
        items.collect::<Option<Vec<_>>>()
    }) else {
        return found;
    };
    let path = fields.at("portMappings");
    let mut left = Vec::new();
    for (index, whole) in items.into_iter().enumerate() {
        let mut map = whole.clone();
        let mut item = Fields::new(&mut map, format!("{path}.{index}"), fields.ledger());
        let read = mapping(&mut item, mode, names);
        if let Some((port, shown)) = read {
            found.insert(shown.name.clone(), port);
            published.push(shown);
            if !map.is_empty() {
                left.push(Value::Object(identified(&whole, map)));
            }
        } else {
            left.push(Value::Object(whole));
        }
    }
    if !left.is_empty() {
        fields.put("portMappings", Value::Array(left));
    }
    found
}

/// What is left of a mapping, with what tells it from the others.
fn identified(whole: &Map<String, Value>, left: Map<String, Value>) -> Map<String, Value> {
    let told = ["containerPort", "protocol"].iter().filter_map(|key| whole.get_key_value(*key));
    let mut item: Map<String, Value> = told.map(|(key, value)| (key.clone(), value.clone())).collect();
    item.extend(left);
    item
}

fn mapping(item: &mut Fields<'_>, mode: NetworkMode, names: &mut PortNames) -> Option<(Port, Published)> {
    let number = item.get("containerPort").and_then(values::port)?;
    let protocol = match item.get("protocol").map(|protocol| protocol.as_str().map(str::to_ascii_lowercase)) {
        None => Protocol::Tcp,
        Some(Some(protocol)) if protocol == "tcp" => Protocol::Tcp,
        Some(Some(protocol)) if protocol == "udp" => Protocol::Udp,
        Some(_) => return None,
    };
    let native = item.text_at("name").map(str::to_owned);
    let name = names.add(native.as_deref(), number, protocol)?;
    item.take_whole("containerPort");
    item.take_whole("protocol");
    if native.as_deref() == Some(&name) {
        item.take_whole("name");
    }
    let host = item.get("hostPort").and_then(values::port);
    let node = match mode {
        NetworkMode::Awsvpc => {
            if host.is_none_or(|host| host == number) {
                item.own(&["hostPort"], "a task with an address of its own has its containers' ports");
            }
            None
        }
        NetworkMode::Host => {
            if host == Some(number) {
                item.take_whole("hostPort");
            }
            Some(number)
        }
        NetworkMode::Bridge => {
            item.default("hostPort", &Value::from(0));
            host.inspect(|_| drop(item.take_whole("hostPort")))
        }
    };
    let shown = Published { name, native, container: String::new(), port: number, node };
    Some((Port { port: number, protocol }, shown))
}
