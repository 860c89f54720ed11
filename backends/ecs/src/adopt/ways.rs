//! Rules and listeners of load balancers, by where they lead from and to.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::pages::{items, text};

/// The ARNs of the target groups that a rule or a listener leads to.
pub(super) fn groups(way: &Value) -> BTreeSet<&str> {
    let actions = items(way, "Actions").chain(items(way, "DefaultActions"));
    let groups = actions.flat_map(|action| {
        let forwarded = action.get("ForwardConfig").into_iter().flat_map(|of| items(of, "TargetGroups"));
        std::iter::once(action).chain(forwarded).filter_map(|item| text(item, "TargetGroupArn"))
    });
    groups.collect()
}

/// Whether everything that a wanted rule matches is matched by one that is there.
pub(super) fn meets(wanted: &Value, there: &Value) -> bool {
    let (Some(wanted), Some(there)) = (Match::of(wanted), Match::of(there)) else { return false };
    wanted.hosts.is_subset(&there.hosts) && wanted.paths.is_subset(&there.paths)
}

/// Whether two rules match the same hosts and paths.
pub(super) fn is_same(wanted: &Value, there: &Value) -> bool {
    Match::of(wanted) == Match::of(there)
}

/// The hosts and the beginnings of paths that a rule matches; all of them are one, the empty text.
#[derive(Debug, PartialEq, Eq)]
struct Match {
    hosts: BTreeSet<String>,
    paths: BTreeSet<String>,
}

impl Match {
    /// None for conditions that no chart has words for.
    fn of(way: &Value) -> Option<Self> {
        let all = || BTreeSet::from([String::new()]);
        let mut found = Self { hosts: all(), paths: all() };
        for condition in items(way, "Conditions") {
            match text(condition, "Field")? {
                "host-header" => found.hosts = values(condition, "HostHeaderConfig").collect(),
                "path-pattern" => {
                    let paths = values(condition, "PathPatternConfig");
                    found.paths = paths.map(|path| stem(&path).to_owned()).collect();
                }
                _ => return None,
            }
        }
        Some(found)
    }
}

fn values<'v>(condition: &'v Value, config: &str) -> impl Iterator<Item = String> + use<'v> {
    let of = condition.get(config).unwrap_or(condition);
    items(of, "Values").filter_map(Value::as_str).map(str::to_owned)
}

/// The beginning of the paths that a pattern matches: `/a` of `/a`, `/a/*` and `/a*`.
fn stem(pattern: &str) -> &str {
    pattern.trim_end_matches('*').trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rule(host: Option<&[&str]>, paths: &[&str]) -> Value {
        let host = host.map(|hosts| json!({ "Field": "host-header", "Values": hosts }));
        let paths = (!paths.is_empty())
            .then(|| json!({ "Field": "path-pattern", "PathPatternConfig": { "Values": paths } }));
        json!({ "Conditions": host.into_iter().chain(paths).collect::<Vec<_>>() })
    }

    #[test]
    fn rules_are_alike_by_their_hosts_and_the_beginnings_of_their_paths() {
        let chart = rule(Some(&["a"]), &["/api", "/api/*"]);
        assert!(is_same(&chart, &rule(Some(&["a"]), &["/api*"])));
        assert!(is_same(&chart, &rule(Some(&["a"]), &["/api/*"])));
        assert!(!is_same(&chart, &rule(None, &["/api/*"])));
        assert!(!meets(&chart, &rule(Some(&["b"]), &["/api/*"])));
        let several = rule(Some(&["a", "b"]), &["/api*"]);
        assert!(meets(&chart, &several) && !is_same(&chart, &several));
        let all = rule(Some(&["a"]), &[]);
        assert!(is_same(&all, &rule(Some(&["a"]), &["/*"])));
        let header = json!({ "Conditions": [{ "Field": "http-header" }] });
        assert!(!meets(&all, &header));
    }

    #[test]
    fn a_way_leads_to_all_that_it_forwards_to() {
        let rule = json!({ "Actions": [{ "Type": "forward", "TargetGroupArn": "a",
            "ForwardConfig": { "TargetGroups": [{ "TargetGroupArn": "a" }, { "TargetGroupArn": "b" }] } }] });
        assert_eq!(groups(&rule), BTreeSet::from(["a", "b"]));
        assert_eq!(groups(&json!({ "DefaultActions": [{ "TargetGroupArn": "c" }] })), BTreeSet::from(["c"]));
    }
}
