//! Settings of the account.

use serde_json::{Value, json};

use super::super::json::{text, text_or_empty};
use super::super::state::State;

/// Those that matter here, as new accounts have them.
const DEFAULTS: &[(&str, &str)] = &[
    ("awsvpcTrunking", "disabled"),
    ("containerInsights", "disabled"),
    ("containerInstanceLongArnFormat", "enabled"),
    ("serviceLongArnFormat", "enabled"),
    ("tagResourceAuthorization", "off"),
    ("taskLongArnFormat", "enabled"),
];

/// `ListAccountSettings`.
pub(super) fn list_all(state: &State, input: &Value) -> Value {
    let wanted = text(input, "name");
    let shown = DEFAULTS.iter().filter(|(name, _)| wanted.is_none_or(|wanted| wanted == *name));
    let settings: Vec<Value> = shown
        .map(|(name, value)| shape(state, name, state.settings.get(*name).map_or(*value, String::as_str)))
        .collect();
    json!({ "settings": settings })
}

/// `PutAccountSetting`, `PutAccountSettingDefault`.
pub(super) fn put(state: &mut State, input: &Value) -> Value {
    let (name, value) = (text_or_empty(input, "name"), text_or_empty(input, "value"));
    state.settings.insert(name.to_owned(), value.to_owned());
    json!({ "setting": shape(state, name, value) })
}

fn shape(state: &State, name: &str, value: &str) -> Value {
    let root = format!("arn:aws:iam::{}:root", state.account);
    json!({ "name": name, "value": value, "principalArn": root, "type": "user" })
}
