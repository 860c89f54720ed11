//! Rules of application load balancers, as routes.

use rhumb_backend::{Fate, ObjectId};
use rhumb_spec::Diagnostic;
use rhumb_spec::model::{Kind as Word, Route, RouteTarget, RouteTls};
use serde_json::Value;

use super::document::{Document, Referred};
use super::labels;
use super::naming::document_name;
use super::world::{Led, World};

/// What actions forward to, where that is one port of a workload.
pub(super) fn target(actions: &[Value], world: &World) -> Option<Led> {
    let [action] = actions else { return None };
    if action.get("Type").and_then(Value::as_str) != Some("forward") {
        return None;
    }
    let of_group = |group: &Value| world.led.get(&world.group(group)?).cloned();
    if let Some(group) = action.get("TargetGroupArn") {
        return of_group(group);
    }
    let groups = action.pointer("/ForwardConfig/TargetGroups").and_then(Value::as_array)?;
    let mut led = groups.iter().filter_map(|group| of_group(group.get("TargetGroupArn")?));
    let first = led.next()?;
    // Those of a set lead to one replica each: the set's own port stands for all of them.
    Some(first)
}

/// The order in which rules are read: those of one route by their places in it.
pub(super) fn order(document: &Document) -> (String, u32) {
    let (route, index) = split(document.name());
    (route, index.unwrap_or(u32::MAX))
}

fn split(name: &str) -> (String, Option<u32>) {
    match name.rsplit_once('-').map(|(route, index)| (route, index.parse().ok())) {
        Some((route, Some(index))) => (route.to_owned(), Some(index)),
        _ => (name.to_owned(), None),
    }
}

/// Reads a rule: hosts, and paths that begin with something.
///
/// Source: Elastic Load Balancing API reference, `RuleCondition`.
pub(super) fn rule(mut document: Document, listeners: &[(String, String)], world: &mut World) {
    let list = |key: &str| document.whole.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let (conditions, actions) = (list("Conditions"), list("Actions"));
    let Some(led) = target(&actions, world) else {
        return document.finish_whole("it leads to no service of these documents alone", Fate::Lost, world);
    };
    let Some((hosts, paths)) = matched(&conditions) else {
        return document.finish_whole("the app has no words for its conditions", Fate::Lost, world);
    };
    let protocol = protocol(&document, listeners);
    let (stem, _) = split(document.name());
    let mut fields = document.fields();
    fields.lose("ListenerArn", "a target says it: its setting `loadBalancer`");
    fields.own(&["Priority"], "a release chooses it");
    fields.take_whole("Conditions");
    fields.take_whole("Actions");
    let annotations = labels::plain(&mut fields);
    let mut latest = String::new();
    for host in hosts {
        let name = name(&stem, host.as_ref(), protocol.as_deref(), world);
        let route = world.app.routes.entry(name.clone()).or_default();
        route.host = host;
        route.annotations.extend(annotations.clone());
        if protocol.as_deref() == Some("HTTPS") {
            route.tls.get_or_insert_with(RouteTls::default);
        }
        for path in &paths {
            add(route, path, &led);
        }
        if protocol.is_none() {
            tell_tls(&name, world);
        }
        latest = name;
    }
    document.finish(&Word::Route.path(&latest), world);
}

/// A route for what no rule of a listener leads elsewhere.
pub(super) fn fallback(mut document: Document, led: &Led, protocol: &str, world: &mut World) {
    let name = name(&led.workload, None, Some(protocol), world);
    let mut fields = document.fields();
    fields.lose("LoadBalancerArn", "a target says it: its setting `loadBalancer`");
    fields.lose("Port", "the target's load balancer has its own listeners");
    fields.take_whole("Protocol");
    fields.take_whole("DefaultActions");
    fields.lose("Certificates", "the target's load balancer has its own certificates");
    fields.lose("SslPolicy", "the target's load balancer has its own policy");
    let annotations = labels::plain(&mut fields);
    let route = world.app.routes.entry(name.clone()).or_default();
    route.annotations.extend(annotations);
    if protocol == "HTTPS" {
        route.tls.get_or_insert_with(RouteTls::default);
    }
    add(route, "/", led);
    document.finish(&Word::Route.path(&name), world);
}

fn add(route: &mut Route, path: &str, led: &Led) {
    let target = RouteTarget { workload: led.workload.clone(), port: led.port.clone() };
    route.paths.entry(path.to_owned()).or_insert(target);
}

/// The name of the route of a host: the rule's own, unless that is one of another host.
fn name(stem: &str, host: Option<&String>, protocol: Option<&str>, world: &World) -> String {
    let is_tls = protocol == Some("HTTPS");
    let fits = |name: &String| {
        world.app.routes.get(name).is_none_or(|route| {
            route.host.as_ref() == host && (protocol.is_none() || route.tls.is_some() == is_tls)
        })
    };
    let of_host = host.map(|host| document_name(host));
    let is_arn = stem.len() == 16 && stem.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_priority = stem.bytes().all(|byte| byte.is_ascii_digit());
    let wanted = if is_arn || is_priority {
        of_host.clone().unwrap_or_else(|| "route".to_owned())
    } else {
        document_name(stem)
    };
    let second = of_host.map_or_else(|| format!("{wanted}-all"), |host| format!("{wanted}-{host}"));
    let numbered = (2..).map(|count| format!("{wanted}-{count}"));
    [wanted.clone(), document_name(&second)]
        .into_iter()
        .chain(numbered)
        .find(fits)
        .unwrap_or_else(|| wanted.clone())
}

/// Whether clients speak TLS is the listener's affair, which these documents do not have.
fn tell_tls(name: &str, world: &mut World) {
    let path = Word::Route.path(name);
    if !world.notes.iter().any(|note| note.path == path) {
        world.notes.push(
            Diagnostic::note(path, "its listener is not among the documents")
                .why("whether clients speak TLS is said there")
                .remedy("`tls: {}` where they do"),
        );
    }
}

fn protocol(document: &Document, listeners: &[(String, String)]) -> Option<String> {
    let arn = match document.refers("/ListenerArn") {
        Some(Referred::Text(arn)) => arn,
        Some(Referred::Object(id)) => id.to_string(),
        None => {
            // What AWS answers of a rule names its listener in the rule's own ARN.
            let rule = document.text_at("/RuleArn")?;
            rule.rsplit_once('/')?.0.replace("listener-rule/", "listener/")
        }
    };
    listeners.iter().find(|(known, _)| *known == arn).map(|(_, protocol)| protocol.clone())
}

/// The protocols of listeners, by their ARNs and ids.
pub(super) fn listeners(documents: &[Document]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for document in documents.iter().filter(|document| document.id.kind() == "listener") {
        let protocol = document.text_at("/Protocol").unwrap_or_default().to_owned();
        let id: &ObjectId = &document.id;
        found.push((id.to_string(), protocol.clone()));
        found.extend(document.text_at("/ListenerArn").map(|arn| (arn.to_owned(), protocol)));
    }
    found
}

/// The hosts and the path prefixes that conditions say; no host means every one.
fn matched(conditions: &[Value]) -> Option<(Vec<Option<String>>, Vec<String>)> {
    let (mut hosts, mut paths) = (vec![None], vec!["/".to_owned()]);
    for condition in conditions {
        let values = |config: &str| {
            let values =
                condition.pointer(&format!("/{config}/Values")).or_else(|| condition.get("Values"))?;
            values
                .as_array()?
                .iter()
                .map(|value| value.as_str().map(str::to_owned))
                .collect::<Option<Vec<_>>>()
        };
        match condition.get("Field").and_then(Value::as_str)? {
            "host-header" => {
                let found = values("HostHeaderConfig")?;
                if found.is_empty() || found.iter().any(|host| host.contains(['*', '?'])) {
                    return None;
                }
                hosts = found.into_iter().map(Some).collect();
            }
            "path-pattern" => paths = prefixes(&values("PathPatternConfig")?)?,
            _ => return None,
        }
    }
    Some((hosts, paths))
}

/// The prefixes that patterns of paths say: `/a/*`, with or without `/a`, or `/a*`.
fn prefixes(patterns: &[String]) -> Option<Vec<String>> {
    let is_plain = |text: &str| text.starts_with('/') && !text.contains(['*', '?']);
    let (below, whole): (Vec<&String>, Vec<&String>) =
        patterns.iter().partition(|pattern| pattern.ends_with('*'));
    let prefix = |pattern: &String| {
        let stem = pattern.strip_suffix('*')?.trim_end_matches('/');
        let stem = if stem.is_empty() { "/" } else { stem };
        is_plain(stem).then(|| stem.to_owned())
    };
    let found: Vec<String> = below.into_iter().map(prefix).collect::<Option<_>>()?;
    (!found.is_empty() && whole.into_iter().all(|path| found.contains(path))).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_prefixes_or_have_no_words() {
        for (patterns, expected) in [
            (&["/*"][..], Some(&["/"][..])),
            (&["*"], Some(&["/"])),
            (&["/a", "/a/*"], Some(&["/a"])),
            (&["/api/*", "/auth*"], Some(&["/api", "/auth"])),
            (&["/a"], None),
            (&["/a/*", "/b"], None),
            (&["/a/*/b"], None),
            (&["/a*b/*"], None),
        ] {
            let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
            let expected = expected.map(|all| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>());
            assert_eq!(prefixes(&patterns), expected, "{patterns:?}");
        }
    }
}
