//! Operations that are methods and paths.

use http::Method;
use serde_json::{Map, Value};

use super::Service;

/// A request's method, path with query, and body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rest {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: String,
}

/// The method and the path of an operation, with the fields that go into the path in braces.
///
/// Source: botocore's models of EventBridge Scheduler and EFS, `http`.
fn route(service: Service, operation: &str) -> Option<(Method, &'static str)> {
    Some(match (service, operation) {
        (Service::Scheduler, "CreateSchedule") => (Method::POST, "/schedules/{Name}"),
        (Service::Scheduler, "UpdateSchedule") => (Method::PUT, "/schedules/{Name}"),
        (Service::Scheduler, "GetSchedule") => (Method::GET, "/schedules/{Name}"),
        (Service::Scheduler, "DeleteSchedule") => (Method::DELETE, "/schedules/{Name}"),
        (Service::Scheduler, "ListSchedules") => (Method::GET, "/schedules"),
        (Service::Efs, "CreateAccessPoint") => (Method::POST, "/2015-02-01/access-points"),
        (Service::Efs, "DescribeAccessPoints") => (Method::GET, "/2015-02-01/access-points"),
        (Service::Efs, "DeleteAccessPoint") => (Method::DELETE, "/2015-02-01/access-points/{AccessPointId}"),
        (Service::Efs, "DescribeFileSystems") => (Method::GET, "/2015-02-01/file-systems"),
        (Service::Efs, "DescribeMountTargets") => (Method::GET, "/2015-02-01/mount-targets"),
        (Service::Efs, "TagResource") => (Method::POST, "/2015-02-01/resource-tags/{ResourceId}"),
        (Service::Efs, "UntagResource") => (Method::DELETE, "/2015-02-01/resource-tags/{ResourceId}"),
        _ => return None,
    })
}

/// What a field is called in a query. Source: botocore's models, `locationName`.
fn query_name<'a>(service: Service, operation: &str, field: &'a str) -> &'a str {
    match (service, operation, field) {
        (Service::Scheduler, "ListSchedules", "GroupName") => "ScheduleGroup",
        (Service::Scheduler, _, "GroupName") => "groupName",
        (Service::Scheduler, _, "ClientToken") => "clientToken",
        (Service::Efs, _, "TagKeys") => "tagKeys",
        (_, _, other) => other,
    }
}

/// An operation with its fields where they belong: in the path, in the query of what only reads or removes, else in the
/// body. None for an operation that is not known here.
pub(super) fn encode(service: Service, operation: &str, fields: &Value) -> Option<Rest> {
    let (method, template) = route(service, operation)?;
    let mut rest: Map<String, Value> = fields.as_object().cloned().unwrap_or_default();
    let mut path = String::new();
    for segment in template.split('/').skip(1) {
        path.push('/');
        match segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => path.push_str(&percent(&text(&rest.shift_remove(name).unwrap_or_default()))),
            None => path.push_str(segment),
        }
    }
    if method == Method::POST || method == Method::PUT {
        return Some(Rest { method, path, body: Value::Object(rest).to_string() });
    }
    let mut query = Vec::new();
    for (name, value) in &rest {
        let name = query_name(service, operation, name);
        let values = value.as_array().map_or_else(|| vec![value], |items| items.iter().collect());
        query.extend(values.into_iter().map(|value| format!("{name}={}", percent(&text(value)))));
    }
    if !query.is_empty() {
        path = format!("{path}?{}", query.join("&"));
    }
    Some(Rest { method, path, body: String::new() })
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A text as it may stand in a path or a query: all but letters, digits, `-`, `.`, `_` and `~` is escaped.
fn percent(text: &str) -> String {
    let escape = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(service: Service, operation: &str, fields: &Value, expect: (Method, &str, &str)) {
        let (method, path, body) = expect;
        let expect = Rest { method, path: path.to_owned(), body: body.to_owned() };
        assert_eq!(encode(service, operation, fields), Some(expect));
    }

    #[test]
    fn fields_go_where_the_operation_has_them() {
        let fields = json!({"Name": "a/b", "GroupName": "default", "State": "ENABLED"});
        let expect = (Method::POST, "/schedules/a%2Fb", r#"{"GroupName":"default","State":"ENABLED"}"#);
        check(Service::Scheduler, "CreateSchedule", &fields, expect);
        let fields = json!({"Name": "a", "GroupName": "default", "ClientToken": "t"});
        let expect = (Method::DELETE, "/schedules/a?groupName=default&clientToken=t", "");
        check(Service::Scheduler, "DeleteSchedule", &fields, expect);
        let fields = json!({"FileSystemId": "fs-1", "MaxResults": 100});
        let expect = (Method::GET, "/2015-02-01/access-points?FileSystemId=fs-1&MaxResults=100", "");
        check(Service::Efs, "DescribeAccessPoints", &fields, expect);
        let fields = json!({"ResourceId": "fsap-1", "TagKeys": ["a", "b c"]});
        let expect = (Method::DELETE, "/2015-02-01/resource-tags/fsap-1?tagKeys=a&tagKeys=b%20c", "");
        check(Service::Efs, "UntagResource", &fields, expect);
        assert_eq!(encode(Service::Efs, "CreateFileSystem", &json!({})), None);
    }
}
