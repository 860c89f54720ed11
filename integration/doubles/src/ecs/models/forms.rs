//! Forms of the query protocols, read back into the values that they were made of.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::super::request::Protocol;
use super::shapes::Checker;

/// A form as a tree: `Tags.member.1.Key=a` is `Tags → member → 1 → Key`.
#[derive(Debug, Default)]
struct Node {
    value: Option<String>,
    below: IndexMap<String, Node>,
}

/// Holds a form against the shape of a request.
///
/// Source: AWS Query and EC2 Query protocols of Smithy's specification.
pub(super) fn check(checker: &mut Checker<'_>, protocol: Protocol, shape: &str, body: &[u8]) {
    let mut root = Node::default();
    for (key, value) in form_urlencoded::parse(body) {
        if key == "Action" || key == "Version" {
            continue;
        }
        let node =
            key.split('.').fold(&mut root, |node, part| node.below.entry(part.to_owned()).or_default());
        node.value = Some(value.into_owned());
    }
    let value = Reader { protocol }.read(checker, shape, &root, "");
    checker.check(shape, &value, "");
}

struct Reader {
    protocol: Protocol,
}

impl Reader {
    fn read(&self, checker: &mut Checker<'_>, name: &str, node: &Node, path: &str) -> Value {
        let Some(shape) = checker.shape(name) else { return Value::Null };
        match shape["type"].as_str().unwrap_or_default() {
            "structure" => self.structure(checker, shape, node, path),
            "list" => self.list(checker, shape, node, path),
            "map" => self.map(checker, shape, node, path),
            "integer" | "long" | "float" | "double" => scalar(node, |text| serde_json::from_str(text).ok()),
            "boolean" => scalar(node, |text| text.parse().ok().map(Value::Bool)),
            _ => Value::String(node.value.clone().unwrap_or_default()),
        }
    }

    fn structure(&self, checker: &mut Checker<'_>, shape: &Value, node: &Node, path: &str) -> Value {
        let mut members = Map::new();
        for (key, below) in &node.below {
            let found = shape["members"]
                .as_object()
                .into_iter()
                .flatten()
                .find(|(name, member)| self.name_on_the_wire(checker, name, member) == *key);
            let Some((name, member)) = found else {
                checker.note(&format!("{path}.{key}"), "is no member that the model has");
                continue;
            };
            let target = member["shape"].as_str().unwrap_or_default();
            let value = self.read(checker, target, below, &format!("{path}.{key}"));
            members.insert(name.clone(), value);
        }
        Value::Object(members)
    }

    /// Source: Smithy, EC2 Query: `queryName`, else the capitalised location name; AWS Query: the location name, and for flattened
    /// lists that of their members.
    fn name_on_the_wire(&self, checker: &Checker<'_>, name: &str, member: &Value) -> String {
        if self.protocol == Protocol::Ec2 {
            let location = member["locationName"].as_str().map(capital);
            return member["queryName"]
                .as_str()
                .map(str::to_owned)
                .or(location)
                .unwrap_or_else(|| capital(name));
        }
        let target = member["shape"].as_str().and_then(|target| checker.shape(target));
        let flattened = target.filter(|target| target["flattened"] == true);
        let of_members =
            flattened.and_then(|target| target.pointer("/member/locationName")).and_then(Value::as_str);
        let location = of_members.or_else(|| member["locationName"].as_str());
        location.unwrap_or(name).to_owned()
    }

    fn list(&self, checker: &mut Checker<'_>, shape: &Value, node: &Node, path: &str) -> Value {
        let is_flat = self.protocol == Protocol::Ec2 || shape["flattened"] == true;
        let between = shape.pointer("/member/locationName").and_then(Value::as_str).unwrap_or("member");
        let items =
            if is_flat { Some(node) } else { node.below.get(between).or_else(|| node.below.get("member")) };
        // An empty list is written as the name alone.
        let Some(items) = items else { return Value::Array(Vec::new()) };
        let member = shape.pointer("/member/shape").and_then(Value::as_str).unwrap_or_default();
        let mut numbered: Vec<(u32, &Node)> = Vec::new();
        for (key, item) in &items.below {
            match key.parse() {
                Ok(number) => numbered.push((number, item)),
                Err(_) => checker.note(path, &format!("{key} is no number in a list")),
            }
        }
        numbered.sort_by_key(|(number, _)| *number);
        let read =
            |(number, item): (u32, &Node)| self.read(checker, member, item, &format!("{path}[{number}]"));
        Value::Array(numbered.into_iter().map(read).collect())
    }

    fn map(&self, checker: &mut Checker<'_>, shape: &Value, node: &Node, path: &str) -> Value {
        let entries = node.below.get("entry").unwrap_or(node);
        let member = shape.pointer("/value/shape").and_then(Value::as_str).unwrap_or_default();
        let mut map = Map::new();
        for entry in entries.below.values() {
            let key = entry.below.get("key").and_then(|key| key.value.clone()).unwrap_or_default();
            if let Some(value) = entry.below.get("value") {
                let value = self.read(checker, member, value, &format!("{path}.{key}"));
                map.insert(key, value);
            }
        }
        Value::Object(map)
    }
}

/// A value that is not of its kind stays a text, which the checker then finds.
fn scalar(node: &Node, read: impl FnOnce(&str) -> Option<Value>) -> Value {
    let text = node.value.clone().unwrap_or_default();
    read(&text).unwrap_or(Value::String(text))
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check_form(body: &str, expected: &[&str]) {
        let model = json!({ "shapes": {
            "Request": {
                "type": "structure", "required": ["Name"],
                "members": { "Name": { "shape": "Text" }, "Port": { "shape": "Port" }, "Tags": { "shape": "Tags" } }
            },
            "Text": { "type": "string" },
            "Port": { "type": "integer", "max": 65535 },
            "Tags": { "type": "list", "member": { "shape": "Tag" } },
            "Tag": { "type": "structure", "required": ["Key"], "members": { "Key": { "shape": "Text" } } }
        } });
        let mut checker = Checker::new(&model);
        check(&mut checker, Protocol::Query, "Request", body.as_bytes());
        assert_eq!(checker.found.len(), expected.len(), "{body}: {:?}", checker.found);
        for (found, expected) in checker.found.iter().zip(expected) {
            assert!(found.contains(expected), "{body}: {found} instead of {expected}");
        }
    }

    #[test]
    fn forms_are_read_back() {
        check_form("Action=A&Version=1&Name=a&Port=80&Tags.member.1.Key=x", &[]);
        check_form("Name=a&Port=eighty", &["is no integer"]);
        check_form("Port=70000", &["lacks Name", "out of range"]);
        check_form("Name=a&Nome=b", &["Nome: is no member"]);
        check_form("Name=a&Tags.member.1.Value=x", &["Value: is no member", "lacks Key"]);
    }
}
