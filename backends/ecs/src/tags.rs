//! Tags, in the shapes that the services of AWS have for them.

use serde_json::Value;

/// The tags of a document: lists of `key` and `value` or of `Key` and `Value`, or a mapping, under `tags` or `Tags`.
pub(crate) fn of(body: &Value) -> Vec<(String, String)> {
    let tags = body.get("tags").or_else(|| body.get("Tags"));
    match tags {
        Some(Value::Object(map)) => {
            let pairs = map.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
            pairs.collect()
        }
        Some(Value::Array(items)) => items.iter().filter_map(pair).collect(),
        _ => Vec::new(),
    }
}

/// A tag that is an item of a list.
pub(crate) fn pair(item: &Value) -> Option<(String, String)> {
    let text = |small: &str, capital: &str| {
        item.get(small).or_else(|| item.get(capital))?.as_str().map(str::to_owned)
    };
    Some((text("key", "Key")?, text("value", "Value").unwrap_or_default()))
}

/// The value of a tag.
pub(crate) fn get(body: &Value, key: &str) -> Option<String> {
    of(body).into_iter().find(|(known, _)| known == key).map(|(_, value)| value)
}
