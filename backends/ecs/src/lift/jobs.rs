//! What runs to its end: tasks that are run once, or by the clock.

use rhumb_backend::fields::Fields;
use rhumb_spec::model::{Cron, EnvValue, Job, Workload};
use serde_json::{Value, json};

use super::naming::is_variable;
use super::values;
use super::{defaults, labels, network, placement};

/// Reads the run of a task.
///
/// Source: Amazon ECS API reference, `RunTask`.
pub(super) fn run(fields: &mut Fields<'_>, workload: &mut Workload) {
    fields.take_whole("taskDefinition");
    fields.own(&["startedBy", "group"], "a release finds its tasks by it");
    fields.default("enableECSManagedTags", &json!(true));
    fields.default("enableECSManagedTags", &json!(false));
    fields.default("enableExecuteCommand", &json!(false));
    workload.job = count(fields, "count");
    labels::tags(fields, workload);
    placement::constraints(fields, workload);
    placement::strategy(fields, workload);
    network::groups(fields, workload);
    if let Some(overrides) = fields.get("overrides").cloned()
        && started_with(&overrides, workload)
    {
        fields.take_whole("overrides");
    }
    defaults::target(fields);
}

/// Reads what containers of a run start with in the place of what the task definition says. Says whether that is all of it.
///
/// Source: Amazon ECS API reference, `TaskOverride` and `ContainerOverride`.
fn started_with(overrides: &Value, workload: &mut Workload) -> bool {
    let all = overrides.get("containerOverrides").and_then(Value::as_array);
    let mut is_all =
        overrides.as_object().is_some_and(|map| map.keys().all(|key| key == "containerOverrides"));
    for one in all.into_iter().flatten() {
        let name = one.get("name").and_then(Value::as_str).unwrap_or_default();
        let Some(container) = workload.containers.get_mut(name) else {
            is_all = false;
            continue;
        };
        is_all &= one.as_object().is_some_and(|map| {
            map.keys().all(|key| ["name", "command", "environment"].contains(&key.as_str()))
        });
        match one.get("command").map(values::plains) {
            Some(Some(command)) => container.args = command,
            Some(None) => is_all = false,
            None => {}
        }
        for variable in one.get("environment").and_then(Value::as_array).into_iter().flatten() {
            let text = |key: &str| variable.get(key).and_then(values::plain);
            match text("name").filter(|name| is_variable(name)).zip(text("value")) {
                Some((name, value)) => drop(container.env.insert(name, EnvValue::Text(value))),
                None => is_all = false,
            }
        }
    }
    is_all
}

fn count(fields: &mut Fields<'_>, key: &str) -> Option<Job> {
    let count = fields.take(key, values::positive).filter(|count| *count > 1)?;
    Some(Job { completions: Some(count), ..Job::default() })
}

/// Reads a schedule. Says whether crontab has words for it: where it has none, nothing is read.
///
/// Source: EventBridge Scheduler API reference, `CreateSchedule`.
pub(super) fn schedule(fields: &mut Fields<'_>, workload: &mut Workload) -> bool {
    let Some((schedule, is_same)) = fields.text_at("ScheduleExpression").and_then(crontab) else {
        return false;
    };
    if is_same {
        fields.take_whole("ScheduleExpression");
    }
    let time_zone = fields.text("ScheduleExpressionTimezone").filter(|zone| !zone.is_empty());
    workload.cron = Some(Cron { schedule, time_zone, ..Cron::default() });
    fields.own(&["Name"], "a release names what it makes");
    fields.default("GroupName", &json!("default"));
    fields.default("FlexibleTimeWindow", &json!({ "Mode": "OFF" }));
    fields.default("State", &json!("ENABLED"));
    fields.default("ActionAfterCompletion", &json!("NONE"));
    let Some(mut target) = fields.below("Target") else { return true };
    target.lose("Arn", "a target says it: its setting `cluster`");
    target.lose("RoleArn", "a target says it: its setting `schedulerRole`");
    target.default("RetryPolicy", &json!({ "MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185 }));
    let input = target.text_at("Input").and_then(|input| serde_json::from_str::<Value>(input).ok());
    if input.is_some_and(|overrides| started_with(&overrides, workload)) {
        target.take_whole("Input");
    }
    let Some(mut ecs) = target.below("EcsParameters") else { return true };
    ecs.take_whole("TaskDefinitionArn");
    workload.job = count(&mut ecs, "TaskCount");
    ecs.default("TaskCount", &json!(1));
    ecs.lose("LaunchType", "a target says it: its setting `launchType`");
    ecs.lose("CapacityProviderStrategy", "a target says it: its setting `capacityProviders`");
    ecs.lose("PlatformVersion", "a target's tasks have the newest");
    ecs.default("EnableECSManagedTags", &json!(true));
    ecs.default("EnableECSManagedTags", &json!(false));
    ecs.default("EnableExecuteCommand", &json!(false));
    labels::tags(&mut ecs, workload);
    network::groups_of_schedule(&mut ecs, workload);
    for (key, known) in
        [("PlacementConstraints", "placementConstraints"), ("PlacementStrategy", "placementStrategy")]
    {
        if let Some(value) = ecs.take_whole(key) {
            ecs.put(known, value);
        }
    }
    placement::constraints(&mut ecs, workload);
    placement::strategy(&mut ecs, workload);
    for (key, known) in
        [("PlacementConstraints", "placementConstraints"), ("PlacementStrategy", "placementStrategy")]
    {
        if let Some(value) = ecs.take_whole(known) {
            ecs.put(key, value);
        }
    }
    true
}

/// The five fields of crontab for a schedule, and whether they are that schedule again.
///
/// Source: EventBridge Scheduler user guide, "Schedule types".
fn crontab(expression: &str) -> Option<(String, bool)> {
    if let Some(inner) = expression.strip_prefix("rate(").and_then(|rest| rest.strip_suffix(')')) {
        return rate(inner).map(|schedule| (schedule, false));
    }
    let inner = expression.strip_prefix("cron(")?.strip_suffix(')')?;
    let fields: Vec<&str> = inner.split_whitespace().collect();
    let [minute, hour, day, month, weekday, "*"] = fields.as_slice() else { return None };
    let any = |text: &str| if text == "?" { "*".to_owned() } else { text.to_owned() };
    let is_legal = |letter: char| letter.is_ascii_alphanumeric() || "*,-/?".contains(letter);
    let has_letters = [minute, hour, day].iter().any(|text| text.chars().any(char::is_alphabetic));
    if has_letters || !fields.iter().all(|text| text.chars().all(is_legal)) {
        return None;
    }
    let fields = [
        every(minute, "0"),
        every(hour, "0"),
        every(&any(day), "1"),
        every(month, "1"),
        weekdays(&any(weekday))?,
    ];
    let schedule = fields.join(" ");
    let is_same = crate::lower::cron::expression(&schedule, "").is_ok_and(|again| again == expression);
    Some((schedule, is_same))
}

/// `*/5` for `0/5` of a field that begins with 0.
fn every(text: &str, first: &str) -> String {
    match text.split_once('/') {
        Some((from, step)) if from == first => format!("*/{step}"),
        _ => text.to_owned(),
    }
}

/// Days of the week, which AWS counts from 1 for Sunday.
fn weekdays(text: &str) -> Option<String> {
    if text == "*" {
        return Some(text.to_owned());
    }
    let day = |word: &str| match word.parse::<u32>() {
        Ok(number) => number.checked_sub(1).filter(|number| *number < 7).map(|number| number.to_string()),
        Err(_) => (word.len() == 3).then(|| word.to_lowercase()),
    };
    let part = |part: &str| match part.split_once('-') {
        Some((first, last)) => Some(format!("{}-{}", day(first)?, day(last)?)),
        None => day(part),
    };
    text.split(',').map(part).collect::<Option<Vec<_>>>().map(|days| days.join(","))
}

fn rate(text: &str) -> Option<String> {
    let (count, unit) = text.split_once(' ')?;
    let count: u32 = count.parse().ok().filter(|count| *count > 0)?;
    match unit.trim_end_matches('s') {
        "minute" if count == 1 => Some("* * * * *".to_owned()),
        "minute" if 60 % count == 0 => Some(format!("*/{count} * * * *")),
        "hour" if count == 1 => Some("0 * * * *".to_owned()),
        "hour" if 24 % count == 0 => Some(format!("0 */{count} * * *")),
        "day" if count == 1 => Some("0 0 * * *".to_owned()),
        "day" if count == 7 => Some("0 0 * * 0".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str, expected: Option<(&str, bool)>) {
        let found = crontab(expression);
        let found = found.as_ref().map(|(schedule, is_same)| (schedule.as_str(), *is_same));
        assert_eq!(found, expected, "{expression}");
    }

    #[test]
    fn schedules_lose_the_year() {
        check("cron(0/5 * * * ? *)", Some(("*/5 * * * *", true)));
        check("cron(30 3 ? * 2-6 *)", Some(("30 3 * * 1-5", true)));
        check("cron(0 0 1 1 ? *)", Some(("0 0 1 1 *", true)));
        check("cron(0 9 ? * MON-FRI *)", Some(("0 9 * * mon-fri", false)));
        check("rate(5 minutes)", Some(("*/5 * * * *", false)));
        check("rate(1 day)", Some(("0 0 * * *", false)));
        check("rate(7 minutes)", None);
        check("cron(0 0 L * ? *)", None);
        check("cron(0 0 1 1 ? 2027)", None);
        check("at(2026-11-20T13:00:00)", None);
    }
}
