//! Templates that Swarm fills in when it starts a container: `{{.Node.Hostname}}`.
//!
//! Source: docs.docker.com, "Create services using templates".

use rhumb_backend::fields::Fields;
use serde_json::{Map, Value, json};

use super::environment;
use super::{World, scalar};

/// Why a text with a template is kept for Swarm.
const WHY: &str = "Swarm fills it in; a patch under on.swarm.Service keeps it";

/// Whether Swarm fills in a part of a text.
fn is_template(text: &str) -> bool {
    let opened = text.split("{{").skip(1);
    opened.map(str::trim_start).any(|rest| {
        [".Service.", ".Node.", ".Task."]
            .iter()
            .any(|start| rest.find(start).is_some_and(|at| rest.find("}}").is_some_and(|end| at < end)))
    })
}

/// Takes variables with templates out of `environment`.
pub(super) fn variables(fields: &mut Fields<'_>, service: &str, patch: &mut Value, world: &mut World<'_>) {
    let has_template = |value: &Option<String>| value.as_deref().is_some_and(is_template);
    let found = fields.take("environment", |value| {
        let all = environment::variables(value)?;
        all.iter().any(|(_, value)| has_template(value)).then_some(all)
    });
    let (filled, rest): (Vec<_>, Vec<_>) =
        found.unwrap_or_default().into_iter().partition(|(_, value)| has_template(value));
    if filled.is_empty() {
        return;
    }
    let mut lines = Vec::new();
    for (name, value) in filled {
        let value = value.unwrap_or_default();
        fields.kept(&format!("environment.{name}"), &json!(value), WHY);
        tell(&format!("service/{service}.environment.{name}"), world);
        lines.push(format!("{name}={value}"));
    }
    patch["TaskTemplate"]["ContainerSpec"]["Env"] = json!(lines);
    let rest: Map<String, Value> = rest.into_iter().map(|(name, value)| (name, json!(value))).collect();
    if !rest.is_empty() {
        fields.put("environment", Value::Object(rest));
    }
}

/// Takes a host name that is a template.
pub(super) fn hostname(fields: &mut Fields<'_>, service: &str, patch: &mut Value, world: &mut World<'_>) {
    let Some(name) = fields.take("hostname", |value| scalar(value).filter(|name| is_template(name))) else {
        return;
    };
    fields.kept("hostname", &json!(name), WHY);
    tell(&format!("service/{service}.hostname"), world);
    patch["TaskTemplate"]["ContainerSpec"]["Hostname"] = json!(name);
}

fn tell(path: &str, world: &mut World<'_>) {
    let what = "it is a template that only Swarm fills in, and is left out elsewhere";
    world.warn(path, what, "what it stands for on other platforms, beside the patch for Swarm");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_told_from_text() {
        for text in ["{{.Task.Slot}}", "a-{{ .Node.Hostname }}", r#"{{index .Service.Labels "a"}}"#] {
            assert!(is_template(text), "{text}");
        }
        for text in ["{{ x }}", "{{.Values.a}}", ".Node.ID", "{{a}} .Node.ID"] {
            assert!(!is_template(text), "{text}");
        }
    }
}
