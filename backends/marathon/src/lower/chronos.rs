//! Schedules of Chronos, where only that is there.

use rhumb_backend::ObjectId;
use rhumb_spec::model::{Concurrency, Cron};
use rhumb_spec::{Diagnostic, Feature};
use serde_json::{Map, Value, json};

use super::body::{Body, text_map};
use super::environment::{self, Used};
use super::{Context, Part, Report, Site};
use super::{container, job, mounts, placement, resources};
use crate::names;

/// The body of a scheduled job.
///
/// Source: Chronos documentation, "REST API", "Job configuration".
pub(super) fn body(
    context: &Context<'_>,
    (site, part): (&Site<'_>, &Part<'_>),
    id: &ObjectId,
    (used, report): (&mut Used, &mut Report),
) -> Map<String, Value> {
    job::refuse_volumes(context, part, report);
    let started = container::started(context, site, part, report);
    let volumes = mounts::volumes(context, (site, part), used, report).list;
    let env = environment::variables(context, (site, part), used, report);
    let mut body = Body::new();
    body.set("name", names::job(context.scope, site.name));
    let mut fields = started.fields;
    let command = fields.shift_remove("cmd");
    body.set("shell", command.is_some()).set("command", command.unwrap_or_else(|| "".into()));
    body.set_some("arguments", fields.shift_remove("args"));
    if let Some(cron) = &site.workload.cron {
        schedule(site, cron, &mut body, report);
    }
    let mut image = Body::new();
    image
        .set("type", site.engine.word())
        .set("image", part.container.image.clone())
        .set_some("forcePullImage", container::force_pull(part, report))
        .set_filled("parameters", started.parameters)
        .set_filled("volumes", volumes);
    let variables: Vec<Value> =
        env.into_iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    body.set("container", image.into_value())
        .set_filled("environmentVariables", variables)
        .extend(resources::resources(context, part, report).promised.into_map())
        .set("retries", site.workload.job.as_ref().and_then(|job| job.retries).unwrap_or(0))
        .set_filled("constraints", constraints(context, site, report));
    let mut labels = text_map(&site.workload.labels);
    labels.extend(text_map(&site.workload.annotations));
    labels.extend(names::marks(context.scope, id, None));
    body.set("labels", labels);
    body.into_map()
}

fn constraints(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Vec<Value> {
    let found = placement::constraints(context, site, report).into_iter();
    let of_agents = found.filter(|constraint| matches!(constraint.operator, "LIKE" | "UNLIKE"));
    of_agents.map(|constraint| json!([constraint.field, constraint.operator, constraint.value])).collect()
}

fn schedule(site: &Site<'_>, cron: &Cron, body: &mut Body, report: &mut Report) {
    match interval(&cron.schedule) {
        Some(interval) => {
            body.set("schedule", interval);
        }
        None => report.refuse(
            Diagnostic::error(site.at("cron.schedule"), format!("Chronos has no words for `{}`", cron.schedule))
                .why("it counts from a first time on, by an interval of ISO 8601")
                .remedy("each hour (`5 * * * *`), day (`5 3 * * *`) or week (`5 3 * * 1`), every so many minutes that \
                         divide an hour (`*/15 * * * *`), or Metronome"),
        ),
    }
    body.set("scheduleTimeZone", cron.time_zone.clone().unwrap_or_else(|| "UTC".to_owned()));
    body.set("concurrent", cron.concurrency == Concurrency::Allow);
    if cron.concurrency == Concurrency::Replace {
        let text = "a run that has not ended keeps the next one from starting";
        report.lose(Feature::CronConcurrency, site.at("cron.concurrency"), text);
    }
}

/// The schedule of a crontab line, from the first Monday of 2024 on.
///
/// Source: Chronos documentation, "Job configuration", `schedule`.
fn interval(schedule: &str) -> Option<String> {
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    let [minute, hour, "*", "*", weekday] = fields.as_slice() else { return None };
    let number = |text: &str, most: u32| text.parse::<u32>().ok().filter(|number| *number <= most);
    let every = |minutes: &str| {
        minutes
            .strip_prefix("*/")
            .and_then(|count| number(count, 59))
            .filter(|count| *count > 0 && 60 % count == 0)
    };
    let from = |day: u32, hour: u32, minute: u32| format!("R/2024-01-{day:02}T{hour:02}:{minute:02}:00Z");
    Some(match (*minute, *hour, *weekday) {
        ("*", "*", "*") => format!("{}/PT1M", from(1, 0, 0)),
        (minutes, "*", "*") if minutes.starts_with("*/") => {
            format!("{}/PT{}M", from(1, 0, 0), every(minutes)?)
        }
        (minute, "*", "*") => format!("{}/PT1H", from(1, 0, number(minute, 59)?)),
        (minute, hour, "*") => format!("{}/P1D", from(1, number(hour, 23)?, number(minute, 59)?)),
        (minute, hour, weekday) => {
            // Sunday is 0 and 7; the first of January 2024 was a Monday.
            let day = (number(weekday, 7)? + 6) % 7 + 1;
            format!("{}/P7D", from(day, number(hour, 23)?, number(minute, 59)?))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::interval;

    #[test]
    fn lines_of_a_crontab_become_intervals() {
        for (line, expected) in [
            ("* * * * *", Some("R/2024-01-01T00:00:00Z/PT1M")),
            ("*/15 * * * *", Some("R/2024-01-01T00:00:00Z/PT15M")),
            ("5 * * * *", Some("R/2024-01-01T00:05:00Z/PT1H")),
            ("30 3 * * *", Some("R/2024-01-01T03:30:00Z/P1D")),
            ("30 3 * * 0", Some("R/2024-01-07T03:30:00Z/P7D")),
            ("30 3 * * 1", Some("R/2024-01-01T03:30:00Z/P7D")),
            ("*/7 * * * *", None),
            ("0 3 1 * *", None),
            ("0 3-5 * * *", None),
        ] {
            assert_eq!(interval(line).as_deref(), expected, "{line}");
        }
    }
}
