//! Where containers' output goes: to CloudWatch, unless the app names a driver.

use rhumb_backend::Object;
use rhumb_spec::Diagnostic;
use serde_json::{Value, json};

use super::body::Body;
use super::{Context, Part, Report};
use crate::kind::Kind;
use crate::names;

/// The days that CloudWatch can keep logs for.
///
/// Source: CloudWatch Logs API reference, `PutRetentionPolicy`.
const RETENTIONS: [u32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

const ON_FARGATE: [&str; 3] = ["awslogs", "splunk", "awsfirelens"];
const ON_EC2: [&str; 8] =
    ["awslogs", "splunk", "awsfirelens", "json-file", "syslog", "journald", "gelf", "fluentd"];

/// The one log group of a release that runs something.
pub(super) fn group(context: &Context<'_>) -> Option<Object> {
    if context.app.workloads.is_empty() {
        return None;
    }
    let days = context.facts.log_retention_days;
    // No days at all keep logs for ever.
    let kept = RETENTIONS.into_iter().find(|kept| days > 0 && *kept >= days);
    let mut body = Body::new();
    body.set("logGroupName", names::path(context.scope)).set_some("retentionInDays", kept);
    Some(context.object(Kind::LogGroup.id(&context.scope.release), body))
}

/// `logConfiguration` of a container of ours that no app names.
pub(super) fn default(context: &Context<'_>, workload: &str) -> Value {
    json!({ "logDriver": "awslogs", "options": {
        "awslogs-group": names::path(context.scope),
        "awslogs-region": context.facts.region,
        "awslogs-stream-prefix": workload,
    } })
}

/// `logConfiguration` of a container.
///
/// Source: Amazon ECS API reference, `LogConfiguration`.
pub(super) fn configuration(context: &Context<'_>, part: &Part<'_>, report: &mut Report) -> Value {
    let Some(logging) = &part.container.logging else { return default(context, part.site.name) };
    let is_fargate = context.facts.is_fargate();
    let known: &[&str] = if is_fargate { &ON_FARGATE } else { &ON_EC2 };
    if !known.contains(&logging.driver.as_str()) {
        let whose = if is_fargate { "Fargate" } else { "ECS" };
        report.refuse(
            Diagnostic::error(
                part.at("logging.driver"),
                format!("{whose} does not have the log driver `{}`", logging.driver),
            )
            .why(format!("it has {}", known.join(", ")))
            .remedy("no `logging`: the output then goes to the release's log group in CloudWatch"),
        );
    }
    let mut body = Body::new();
    body.set("logDriver", logging.driver.clone()).set_filled("options", json!(logging.options));
    body.into_value()
}
