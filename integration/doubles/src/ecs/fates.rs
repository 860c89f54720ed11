//! What becomes of tasks, as tests say it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::json::{list, text_or_empty, texts};

/// Tasks whose fate is another than to run: services' tasks for ever, jobs' until they end with 0.
///
/// What is not said covers everything; the newest rule that covers a task counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rule {
    /// What the family's name holds.
    pub family: Option<String>,
    /// What a container's image holds.
    pub image: Option<String>,
    /// What a container's entry point and command, joined by spaces, hold.
    pub command: Option<String>,
    /// The container that fails; none means the first essential one.
    pub container: Option<String>,
    /// How many tasks it still covers; none means all.
    pub times: Option<u32>,
    /// What its containers print.
    pub logs: Vec<String>,
    /// What becomes of the tasks.
    pub fate: Fate,
}

/// What becomes of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fate {
    /// It runs: a job until it ends with 0.
    #[default]
    Runs,
    /// It ends by itself when a job would, with this code.
    ExitsWith(i32),
    /// A container fails while it runs.
    Fails {
        /// Milliseconds after it started.
        after: u64,
        /// Its exit code.
        code: i32,
        /// What ECS says of the container: `OutOfMemoryError: Container killed due to memory usage`.
        reason: Option<String>,
        /// The container; the rule's when it is read from one.
        #[serde(default)]
        container: Option<String>,
    },
    /// Its image cannot be pulled.
    CannotPull,
    /// Its health check, or that of its target group, never succeeds.
    NeverHealthy,
    /// No place is found for it.
    Unplaceable,
}

impl Rule {
    /// The fate of the tasks of these families.
    pub fn of_family(family: &str, fate: Fate) -> Self {
        Self { family: Some(family.to_owned()), fate, ..Self::default() }
    }

    /// The fate of the tasks with such an image.
    pub fn of_image(image: &str, fate: Fate) -> Self {
        Self { image: Some(image.to_owned()), fate, ..Self::default() }
    }

    fn covers(&self, definition: &Value) -> bool {
        let containers = list(definition, "containerDefinitions");
        let holds = |text: &str, part: &Option<String>| part.as_ref().is_none_or(|part| text.contains(part));
        holds(text_or_empty(definition, "family"), &self.family)
            && (self.image.is_none()
                || containers.iter().any(|container| holds(text_or_empty(container, "image"), &self.image)))
            && (self.command.is_none()
                || containers.iter().any(|container| holds(&command_of(container), &self.command)))
    }

    fn fate(&self) -> Fate {
        match &self.fate {
            Fate::Fails { after, code, reason, container } => Fate::Fails {
                after: *after,
                code: *code,
                reason: reason.clone(),
                container: container.clone().or_else(|| self.container.clone()),
            },
            fate => fate.clone(),
        }
    }
}

fn command_of(container: &Value) -> String {
    texts(container, "entryPoint").chain(texts(container, "command")).collect::<Vec<_>>().join(" ")
}

/// The fate of a task of this definition, and what its containers print. A rule with a number of times loses one.
pub(super) fn decide(rules: &mut [Rule], definition: &Value) -> (Fate, Vec<String>) {
    let covering = rules.iter_mut().rev().find(|rule| rule.times != Some(0) && rule.covers(definition));
    let Some(rule) = covering else { return (Fate::Runs, Vec::new()) };
    if let Some(times) = &mut rule.times {
        *times -= 1;
    }
    (rule.fate(), rule.logs.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_newest_rule_counts_as_often_as_it_says() {
        let mut rules = vec![
            Rule::of_image("nginx", Fate::CannotPull),
            Rule { times: Some(1), ..Rule::of_family("web", Fate::Unplaceable) },
        ];
        let definition = json!({ "family": "shop-web", "containerDefinitions": [{ "image": "nginx:1" }] });
        assert_eq!(decide(&mut rules, &definition).0, Fate::Unplaceable);
        assert_eq!(decide(&mut rules, &definition).0, Fate::CannotPull);
        let other = json!({ "family": "db", "containerDefinitions": [{ "image": "redis" }] });
        assert_eq!(decide(&mut rules, &other).0, Fate::Runs);
    }
}
