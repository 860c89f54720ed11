//! Lists in pages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::super::error::{Answer, ApiError};
use super::super::json::{number, text};

/// One page of a list under a name, with the token of the next where there is more.
///
/// # Errors
/// `InvalidParameterException` for a token that is not one of ours.
pub(super) fn page(input: &Value, name: &str, default: u64, all: Vec<Value>) -> Answer {
    let size = usize::try_from(number(input, "maxResults").unwrap_or(default)).unwrap_or(100);
    let from = match text(input, "nextToken") {
        None => 0,
        Some(token) => read(token).ok_or_else(|| ApiError::invalid("Invalid token."))?,
    };
    let more = all.len() > from + size;
    let items: Vec<Value> = all.into_iter().skip(from).take(size).collect();
    let mut answer = Map::new();
    answer.insert(name.to_owned(), Value::Array(items));
    if more {
        answer.insert("nextToken".to_owned(), json!(STANDARD.encode(format!("from {}", from + size))));
    }
    Ok(Value::Object(answer))
}

fn read(token: &str) -> Option<usize> {
    let text = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
    text.strip_prefix("from ")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_one_another() {
        let all: Vec<Value> = (0..5).map(|number| json!(number)).collect();
        let first = page(&json!({ "maxResults": 3 }), "arns", 10, all.clone()).expect("a page");
        assert_eq!(first["arns"], json!([0, 1, 2]));
        let next = json!({ "maxResults": 3, "nextToken": first["nextToken"] });
        assert_eq!(page(&next, "arns", 10, all.clone()).expect("a page"), json!({ "arns": [3, 4] }));
        assert!(page(&json!({ "nextToken": "x" }), "arns", 10, all).is_err());
    }
}
