//! Requests whose operation is in the method and the path.

use axum::http::Method;
use serde_json::Value;

use super::shapes::Checker;

/// The operation of a method and a path.
pub(super) fn operation_at<'a>(model: &'a Value, method: &Method, path: &str) -> Option<&'a str> {
    let operations = model["operations"].as_object()?;
    let found = operations.iter().find(|(_, operation)| {
        let uri = operation.pointer("/http/requestUri").and_then(Value::as_str).unwrap_or_default();
        operation.pointer("/http/method") == Some(&Value::String(method.to_string()))
            && labels(uri.split('?').next().unwrap_or_default(), path).is_some()
    });
    found.map(|(name, _)| name.as_str())
}

/// The labels of a template in a path, decoded; none where it does not match.
fn labels(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let wanted: Vec<&str> = template.split('/').collect();
    let given: Vec<&str> = path.split('/').collect();
    if wanted.len() != given.len() {
        return None;
    }
    let mut found = Vec::new();
    for (wanted, given) in wanted.into_iter().zip(given) {
        match wanted.strip_prefix('{').and_then(|label| label.strip_suffix('}')) {
            Some(label) if !given.is_empty() => {
                let label = label.trim_end_matches('+').to_owned();
                let decoded = form_urlencoded::parse(format!("v={given}").as_bytes()).next()?.1.into_owned();
                found.push((label, decoded));
            }
            _ if wanted == given => {}
            _ => return None,
        }
    }
    Some(found)
}

/// Holds a request against its shape: the members of the path and the query, then the body's.
pub(super) fn check(checker: &mut Checker<'_>, operation: &Value, shape: &str, path: &str, body: &[u8]) {
    let Some(target) = checker.shape(shape) else { return };
    let body = match super::read_json(body) {
        Ok(body) => body,
        Err(error) => return checker.found.push(error),
    };
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let template = operation.pointer("/http/requestUri").and_then(Value::as_str).unwrap_or_default();
    let labels = labels(template.split('?').next().unwrap_or_default(), path).unwrap_or_default();
    let query: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    let members: Vec<(&String, &Value)> = target["members"].as_object().into_iter().flatten().collect();
    let on_the_wire = |name: &str, member: &Value| member["locationName"].as_str().unwrap_or(name).to_owned();
    let mut has = Vec::new();
    let mut in_body = Vec::new();
    for (name, member) in members {
        let wire = on_the_wire(name, member);
        let value = match member["location"].as_str() {
            Some("uri") => labels.iter().find(|(label, _)| *label == wire).map(|(_, value)| text(value)),
            Some("querystring") => query.iter().find(|(key, _)| *key == wire).map(|(_, value)| text(value)),
            Some(_) => None,
            None => {
                in_body.push(wire.clone());
                body.get(&wire).cloned()
            }
        };
        let Some(value) = value else { continue };
        has.push(name.clone());
        let is_text = member["location"].is_null() || is_string(checker, member);
        if is_text {
            checker.check(member["shape"].as_str().unwrap_or_default(), &value, name);
        }
    }
    checker.required(target, "", &|name| has.iter().any(|found| found == name));
    for name in
        body.as_object().into_iter().flatten().map(|(name, _)| name).filter(|name| !in_body.contains(name))
    {
        checker.note(name, "is no member that the model has");
    }
}

fn text(value: &str) -> Value {
    Value::String(value.to_owned())
}

fn is_string(checker: &Checker<'_>, member: &Value) -> bool {
    member["shape"]
        .as_str()
        .and_then(|name| checker.shape(name))
        .is_some_and(|shape| shape["type"] == "string")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_name_operations() {
        let model = json!({ "operations": {
            "GetSchedule": { "http": { "method": "GET", "requestUri": "/schedules/{Name}" } },
            "ListSchedules": { "http": { "method": "GET", "requestUri": "/schedules" } }
        } });
        assert_eq!(operation_at(&model, &Method::GET, "/schedules/a%20b"), Some("GetSchedule"));
        assert_eq!(operation_at(&model, &Method::GET, "/schedules"), Some("ListSchedules"));
        assert_eq!(operation_at(&model, &Method::POST, "/schedules"), None);
        assert_eq!(
            labels("/schedules/{Name}", "/schedules/a%20b"),
            Some(vec![("Name".into(), "a b".into())])
        );
    }
}
