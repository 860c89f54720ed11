//! Label selectors: `a, b==c, d!=e, f in (g, h), i notin (j)`.
//!
//! Source: Marathon REST API, `GET /v2/apps`, parameter `label`.

use serde_json::Value;

/// Whether labels meet every part of a selector.
pub(super) fn matches(selector: &str, labels: &Value) -> bool {
    parts(selector).iter().all(|part| holds(part, labels))
}

/// The parts between commas that are in no brackets.
fn parts(selector: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut depth = 0;
    let mut escaped = false;
    for letter in selector.chars() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => {
                escaped = true;
                continue;
            }
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                found.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = found.last_mut() {
            part.push(letter);
        }
    }
    found.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn holds(part: &str, labels: &Value) -> bool {
    let label = |name: &str| labels.get(name.trim()).and_then(Value::as_str);
    let set = |text: &str| -> Vec<String> {
        text.trim()
            .trim_start_matches('(')
            .trim_end_matches(')')
            .split(',')
            .map(|one| one.trim().to_owned())
            .collect()
    };
    if let Some((name, value)) = part.split_once("==") {
        label(name) == Some(value.trim())
    } else if let Some((name, value)) = part.split_once("!=") {
        label(name).is_some_and(|found| found != value.trim())
    } else if let Some((name, values)) = part.split_once(" notin ") {
        label(name).is_some_and(|found| !set(values).iter().any(|value| value == found))
    } else if let Some((name, values)) = part.split_once(" in ") {
        label(name).is_some_and(|found| set(values).iter().any(|value| value == found))
    } else {
        label(part).is_some()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_part_must_hold() {
        let labels = json!({ "tier": "web", "rhumb.dev/release": "shop" });
        for good in [
            "tier",
            "tier==web",
            "tier in (db, web)",
            "tier notin (db)",
            "tier!=db, rhumb.dev/release==shop",
            "rhumb.dev\\/release==shop",
        ] {
            assert!(matches(good, &labels), "{good}");
        }
        for bad in ["owner", "tier==db", "tier in (db)", "tier==web, owner"] {
            assert!(!matches(bad, &labels), "{bad}");
        }
    }
}
