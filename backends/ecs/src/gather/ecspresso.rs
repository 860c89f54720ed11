//! Definitions that ecspresso keeps are templates: what their functions stand for.

use rhumb_spec::Diagnostic;
use serde_json::Value;

/// The functions of ecspresso that stand for text.
///
/// Source: ecspresso, README, "Template functions" and "Plugins".
const FUNCTIONS: [&str; 8] =
    ["env", "must_env", "ssm", "secretsmanager_arn", "tfstate", "tfstatef", "cfn_output", "cfn_export"];

/// Puts text in the place of functions: of `env` its default, of the others `${…}` with what they ask for. What was found
/// is added to the list.
pub(super) fn fill(value: &mut Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.contains("{{") => *text = filled(text, found),
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, found)),
        Value::Object(map) => map.values_mut().for_each(|item| fill(item, found)),
        _ => {}
    }
}

/// What is told of functions that were found.
pub(super) fn note(path: String, mut found: Vec<String>) -> Diagnostic {
    found.sort();
    found.dedup();
    Diagnostic::warning(path, format!("it is a template of ecspresso: {}", found.join(", ")))
        .why("what its functions give is known to ecspresso only: `env` is its default here, and `${…}` stands for the others")
        .remedy("what `ecspresso render taskdef` and `ecspresso render servicedef` print; or values in their place")
}

fn filled(text: &str, found: &mut Vec<String>) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once("{{") {
        result.push_str(before);
        let call = tail.split_once("}}").and_then(|(inner, after)| Some((call(inner)?, inner, after)));
        if let Some((given, inner, after)) = call {
            found.push(format!("{{{{{inner}}}}}"));
            result.push_str(&given);
            rest = after;
        } else {
            result.push_str("{{");
            rest = tail;
        }
    }
    result.push_str(rest);
    result
}

/// What a call of a function stands for.
fn call(inner: &str) -> Option<String> {
    let inner = inner.trim().trim_start_matches('-').trim_end_matches('-').trim();
    let (function, arguments) = inner.split_once(char::is_whitespace)?;
    let arguments: Vec<&str> = match arguments.trim().chars().next()? {
        quote @ ('`' | '"') => arguments.split(quote).skip(1).step_by(2).collect(),
        _ => return None,
    };
    if !FUNCTIONS.contains(&function) {
        return None;
    }
    match (function, arguments.as_slice()) {
        ("env", [_, default]) => Some((*default).to_owned()),
        (_, [first, ..]) => Some(format!("${{{first}}}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_stand_for_text() {
        for (text, expected) in [
            ("nginx:{{ env `TAG` `1.27` }}", "nginx:1.27"),
            ("{{must_env `ACCOUNT`}}.dkr", "${ACCOUNT}.dkr"),
            ("{{ tfstate \"aws_subnet.a.id\" }}", "${aws_subnet.a.id}"),
            ("{{.ImageName}} {{ other `a` }}", "{{.ImageName}} {{ other `a` }}"),
            ("{{ env `A`", "{{ env `A`"),
        ] {
            assert_eq!(filled(text, &mut Vec::new()), expected, "{text}");
        }
    }
}
