//! Routes: rules of the application load balancer.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{Object, ObjectId, reference};
use rhumb_spec::model::{Kind as Document, Route, RouteTarget};
use rhumb_spec::{Diagnostic, Feature};
use serde_json::{Value, json};

use super::body::Body;
use super::tags::{self, Tags};
use super::{Context, Report, Site, balancer, tagged};
use crate::facts::Listener;
use crate::kind::Kind;

/// The greatest priority of a rule. Source: Elastic Load Balancing API reference, `CreateRule`.
const LAST: u32 = 50_000;
/// The distance between priorities at first, so that a later rule finds room.
pub(crate) const STEP: u32 = 10;
/// The most target groups that a rule leads to. Source: Elastic Load Balancing, "Quotas for Application Load Balancers".
const GROUPS: usize = 5;

/// Whether a route leads to a port of a workload.
pub(super) fn is_routed(context: &Context<'_>, workload: &str, port: &str) -> bool {
    let mut targets = context.app.routes.values().flat_map(|route| route.paths.values());
    targets.any(|target| target.workload == workload && target.port == port)
}

/// The rules that lead to a port of a workload.
pub(super) fn rules_to(context: &Context<'_>, site: &Site<'_>, port: &str) -> Vec<ObjectId> {
    let leads = |target: &RouteTarget| {
        target.port == port && context.checked.members(&target.workload).contains(&site.name)
    };
    paths(context).into_iter().filter(|path| leads(path.target)).map(|path| path.id()).collect()
}

/// One path of a route.
struct PathOf<'a> {
    name: &'a str,
    route: &'a Route,
    index: usize,
    path: &'a str,
    target: &'a RouteTarget,
}

impl PathOf<'_> {
    fn id(&self) -> ObjectId {
        Kind::ListenerRule.id(&format!("{}-{}", self.name, self.index))
    }

    /// The key of its priority among the choices.
    fn choice(&self) -> String {
        format!("priority/{}{}", self.name, self.path)
    }

    fn at(&self) -> String {
        format!("{}.paths.{}", Document::Route.path(self.name), self.path)
    }
}

/// Every path, those before that say more: with a host before without, a longer path before a shorter one.
fn paths<'a>(context: &Context<'a>) -> Vec<PathOf<'a>> {
    let mut found = Vec::new();
    for (name, route) in &context.app.routes {
        for (index, (path, target)) in route.paths.iter().enumerate() {
            found.push(PathOf { name, route, index, path, target });
        }
    }
    found.sort_by_key(|path| {
        (path.route.host.is_none(), std::cmp::Reverse(path.path.len()), path.name, path.index)
    });
    found
}

/// The rules of all routes.
///
/// Source: Elastic Load Balancing API reference, `CreateRule`.
pub(super) fn objects(context: &Context<'_>, report: &mut Report) -> Vec<Object> {
    for (name, route) in &context.app.routes {
        tell(name, route, report);
    }
    let mut by_listener: BTreeMap<&str, (&Listener, Vec<PathOf<'_>>)> = BTreeMap::new();
    for path in paths(context) {
        let Some(listener) = listener(context, &path, report) else { continue };
        by_listener.entry(&listener.arn).or_insert_with(|| (listener, Vec::new())).1.push(path);
    }
    let mut found = Vec::new();
    for (listener, paths) in by_listener.into_values() {
        let priorities = priorities(listener, &paths, report);
        for (path, priority) in paths.iter().zip(priorities) {
            found.push(rule(context, path, (listener, priority), report));
        }
    }
    found
}

fn tell(name: &str, route: &Route, report: &mut Report) {
    let path = Document::Route.path(name);
    tags::check(&route.annotations, &format!("{path}.annotations"), report);
    if let Some(class) = &route.class {
        let text = format!("the target's application load balancer serves it, and no router `{class}`");
        report.lose(Feature::Route, format!("{path}.class"), text);
    }
    let Some(tls) = &route.tls else { return };
    if let Some(secret) = &tls.secret {
        let text = format!("a load balancer has certificates of ACM: the secret `{secret}` is not used");
        report.lose(Feature::RouteTls, format!("{path}.tls.secret"), text);
    }
    if let Some(resolver) = &tls.resolver {
        let text = format!("`{resolver}` must be among the certificates of the HTTPS listener");
        report.lose(Feature::RouteTls, format!("{path}.tls.resolver"), text);
    }
}

/// The listener that a route is at: by its usual port where there is one, else the first of its protocol.
fn listener<'a>(context: &Context<'a>, path: &PathOf<'_>, report: &mut Report) -> Option<&'a Listener> {
    let balancer = context.facts.load_balancer.as_ref()?;
    let (protocol, usual) = if path.route.tls.is_some() { ("HTTPS", 443) } else { ("HTTP", 80) };
    let usual = balancer.listeners.get(&usual).filter(|listener| listener.protocol == protocol);
    let found = usual.or_else(|| balancer.listeners.values().find(|listener| listener.protocol == protocol));
    if found.is_none() {
        let remedy = match protocol {
            "HTTPS" => {
                "a listener with a certificate on the load balancer (`aws elbv2 create-listener`), or no `tls`"
            }
            _ => "a listener on port 80 of the load balancer (`aws elbv2 create-listener`), or `tls: {}`",
        };
        report.refuse(
            Diagnostic::error(
                Document::Route.path(path.name),
                format!("the application load balancer has no {protocol} listener"),
            )
            .why("a route is a rule of a listener that is there")
            .remedy(remedy),
        );
    }
    found
}

/// The priority of each path, in their order. Those that rules have, or that were chosen for them before, stay as long as
/// nobody else has them and their order is right; a new one goes between its neighbours.
fn priorities(listener: &Listener, paths: &[PathOf<'_>], report: &mut Report) -> Vec<u32> {
    let foreign: BTreeSet<u32> = listener.priorities.iter().copied().collect();
    let kept = |report: &Report, path: &PathOf<'_>| {
        let choice = || report.choices.get(&path.choice()).and_then(Value::as_u64);
        let number = listener.own.get(path.id().as_str()).map(|number| u64::from(*number)).or_else(choice);
        number.and_then(|number| u32::try_from(number).ok()).filter(|number| !foreign.contains(number))
    };
    let old: Vec<Option<u32>> = paths.iter().map(|path| kept(report, path)).collect();
    let found = between(&old, &foreign).unwrap_or_else(|| {
        let none = vec![None; paths.len()];
        between(&none, &foreign).unwrap_or_else(|| {
            report.refuse(
                Diagnostic::error("", "the listener has no room for another rule")
                    .why(format!("priorities go up to {LAST}"))
                    .remedy("rules removed, or another load balancer"),
            );
            vec![1; paths.len()]
        })
    });
    for (path, priority) in paths.iter().zip(&found) {
        report.choices.set(path.choice(), *priority);
    }
    found
}

/// Growing numbers that keep the old ones; none where those do not grow, or leave no room.
fn between(old: &[Option<u32>], foreign: &BTreeSet<u32>) -> Option<Vec<u32>> {
    let mut found: Vec<u32> = Vec::new();
    for (index, kept) in old.iter().enumerate() {
        let last = found.last().copied().unwrap_or(0);
        let next = old[index..].iter().flatten().next().copied();
        let number = match (kept, next) {
            (Some(kept), _) => *kept,
            (None, Some(next)) => {
                let middle = last + next.saturating_sub(last) / 2;
                let free = |number: &u32| !foreign.contains(number);
                (middle.max(last + 1)..next).find(free).or_else(|| (last + 1..middle).rev().find(free))?
            }
            (None, None) => (last.saturating_add(STEP)..=LAST)
                .chain(last + 1..last.saturating_add(STEP))
                .find(|number| !foreign.contains(number))?,
        };
        if number <= last || number > LAST {
            return None;
        }
        found.push(number);
    }
    Some(found)
}

fn rule(
    context: &Context<'_>,
    path: &PathOf<'_>,
    (listener, priority): (&Listener, u32),
    report: &mut Report,
) -> Object {
    let id = path.id();
    let mut body = Body::new();
    body.set("ListenerArn", listener.arn.clone())
        .set("Priority", priority)
        .set("Conditions", conditions(path))
        .set("Actions", json!([action(context, path, report)]));
    tagged(id.clone(), body, &Tags::of(context.scope, &id).below(&path.route.annotations))
}

/// A path of a route is a prefix: the path itself and what lies below it.
fn conditions(path: &PathOf<'_>) -> Vec<Value> {
    let host = path
        .route
        .host
        .as_ref()
        .map(|host| json!({ "Field": "host-header", "HostHeaderConfig": { "Values": [host] } }));
    let stem = path.path.trim_end_matches('/');
    let values = match (stem, &host) {
        ("", Some(_)) => None,
        ("", None) => Some(vec!["/*".to_owned()]),
        (stem, _) => Some(vec![stem.to_owned(), format!("{stem}/*")]),
    };
    let values =
        values.map(|values| json!({ "Field": "path-pattern", "PathPatternConfig": { "Values": values } }));
    host.into_iter().chain(values).collect()
}

/// Where a rule leads: to the target group of the port, of a set to those of all of its replicas. Where ECS shifts the
/// traffic of the workload, the rule has both target groups and the weights at first.
fn action(context: &Context<'_>, path: &PathOf<'_>, report: &mut Report) -> Value {
    let target = path.target;
    let members = context.checked.members(&target.workload);
    let groups: Vec<ObjectId> = members.iter().map(|member| balancer::group(member, &target.port)).collect();
    if groups.len() > GROUPS {
        report.refuse(
            Diagnostic::error(
                path.at(),
                format!("a route cannot lead to {} replicas of a set", groups.len()),
            )
            .why(format!("each of them is a target group of its own, and a rule has {GROUPS} at most"))
            .remedy("fewer replicas, or a replicated workload in front of them"),
        );
    }
    let is_shifted = members.first().and_then(|member| {
        let workload = context.app.workloads.get(*member)?;
        Some(balancer::shifts(&Site::new(context, member, workload)))
    });
    let weighted = |group: &ObjectId, weight: u32| json!({ "TargetGroupArn": reference::reference(group, "arn"), "Weight": weight });
    match groups.as_slice() {
        [group] if is_shifted == Some(true) => {
            let groups = [weighted(group, 100), weighted(&balancer::alternate(group), 0)];
            json!({ "Type": "forward", "ForwardConfig": { "TargetGroups": groups } })
        }
        [group] => json!({ "Type": "forward", "TargetGroupArn": reference::reference(group, "arn") }),
        groups => {
            let groups: Vec<Value> = groups.iter().map(|group| weighted(group, 1)).collect();
            json!({ "Type": "forward", "ForwardConfig": { "TargetGroups": groups } })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(old: &[Option<u32>], foreign: &[u32], expected: Option<&[u32]>) {
        let foreign = foreign.iter().copied().collect();
        assert_eq!(between(old, &foreign).as_deref(), expected, "{old:?}");
    }

    #[test]
    fn priorities_stay_and_grow() {
        check(&[None, None, None], &[], Some(&[10, 20, 30]));
        check(&[None, None], &[10, 11, 21], Some(&[12, 22]));
        check(&[Some(10), None, Some(20)], &[], Some(&[10, 15, 20]));
        check(&[None, Some(10)], &[5], Some(&[6, 10]));
        check(&[None, Some(2)], &[], Some(&[1, 2]));
        check(&[Some(10), None, Some(12)], &[11], None);
        check(&[None, Some(1)], &[], None);
        check(&[Some(20), Some(10)], &[], None);
        check(&[Some(LAST), None], &[], None);
        check(&[Some(LAST - 1), None], &[], Some(&[LAST - 1, LAST]));
    }
}
