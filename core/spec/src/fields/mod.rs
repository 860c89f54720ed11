//! Which features a field of a document asks for.
//!
//! The fields come from the JSON Schema of the documents, and what they ask for from the requirements of an app that
//! uses every feature, so that neither is written down twice.

mod example;
mod known;

use std::collections::BTreeSet;

use crate::{Feature, suggest};
use example::Example;
use known::Known;

/// A field of a document, and what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its place: `Workload.containers.*.probes.ready`.
    pub path: String,
    /// What it says, in a sentence.
    pub description: String,
    /// The features that it may ask for, in their order; none where every platform takes it.
    pub features: Vec<Feature>,
}

/// The fields that a text means: a path as in charts and diagnostics (`containers.web.probes.ready`,
/// `workload/web.update`), with or without the kind (`Route.tls`) and the names in maps, or only the end of one
/// (`maxSurge`).
///
/// # Errors
/// The field that was probably meant, where one is near.
pub fn find_fields(text: &str) -> Result<Vec<Field>, Option<String>> {
    let all = known::all();
    let words = words(text);
    let found = meant(&all, &words);
    if found.is_empty() {
        return Err(nearest(&all, &words));
    }
    let example = Example::read();
    Ok(found.into_iter().map(|known| field(known, &example)).collect())
}

/// The fields that words lead to: from a kind before from anywhere else, and a field of the last word's name before an
/// entry of that name.
fn meant<'a>(all: &'a [Known], words: &[String]) -> Vec<&'a Known> {
    let is_named = |known: &Known| words.last().is_some_and(|last| known.name() == Some(last));
    let ways: [&dyn Fn(&Known) -> bool; 4] = [
        &|known| known.is_at(words) && is_named(known),
        &|known| known.is_at(words),
        &|known| known.ends_with(words) && is_named(known),
        &|known| known.ends_with(words),
    ];
    let found = ways.iter().map(|is_meant| all.iter().filter(|known| is_meant(known)).collect::<Vec<_>>());
    found.into_iter().find(|found| !found.is_empty()).unwrap_or_default()
}

/// The words of a path. The kind and the name of a document may stand before it in either of two ways.
fn words(text: &str) -> Vec<String> {
    let text = text.trim().trim_matches('.');
    let (document, rest) = text.split_once('.').unwrap_or((text, ""));
    let kind = document.split_once('/').map(|(kind, _)| kind).filter(|kind| !kind.is_empty());
    let path = match kind.and_then(known::kind_of_prefix) {
        Some(kind) if rest.is_empty() => kind.to_owned(),
        Some(kind) => format!("{kind}.{rest}"),
        None => text.to_owned(),
    };
    path.split('.').map(str::to_owned).collect()
}

fn field(known: &Known, example: &Example) -> Field {
    let features: BTreeSet<Feature> = example.features(known);
    Field {
        path: known.path(),
        description: known.description.clone(),
        features: features.into_iter().collect(),
    }
}

fn nearest(all: &[Known], words: &[String]) -> Option<String> {
    let last = words.last()?;
    let names: BTreeSet<&str> = all.iter().filter_map(Known::name).collect();
    let name = suggest(last, names)?;
    let beside: Vec<String> = words[..words.len() - 1].iter().cloned().chain([name.to_owned()]).collect();
    let fits = |known: &&Known| known.is_at(&beside) || known.ends_with(&beside);
    let known = all.iter().find(fits).or_else(|| all.iter().find(|known| known.name() == Some(name)))?;
    Some(known.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(text: &str) -> Vec<&'static str> {
        let mut found: Vec<Feature> = find_fields(text)
            .unwrap_or_else(|near| panic!("{text}: {near:?}"))
            .into_iter()
            .flat_map(|field| field.features)
            .collect();
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(Feature::as_str).collect()
    }

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(features(text), expected, "{text}");
    }

    #[test]
    fn a_field_asks_for_what_stands_there() {
        check("Workload.containers.web.stop.signal", &["stop-signal"]);
        check("workload/web.containers.web.stop.grace", &["stop-grace"]);
        check("containers.stop", &["stop-signal", "stop-grace"]);
        check("Route.tls", &["route-tls"]);
        check("Route.host", &["route"]);
        check("Volume.access", &["persistent-volume", "shared-volume"]);
        check(
            "probes.ready",
            &["probe-exec", "probe-http", "probe-tcp", "probe-grpc", "readiness-probe", "readiness-apart"],
        );
        check(
            "expose.http.as",
            &["expose-internal", "expose-udp", "expose-node", "expose-node-local", "expose-loadbalancer"],
        );
        check("update.strategy", &["rolling-update", "recreate", "blue-green", "canary"]);
        check("ports.protocol", &["expose-udp"]);
        check("cron.schedule", &["cron"]);
        check("mode", &["replicated", "global", "stateful", "job", "cron"]);
    }

    #[test]
    fn a_field_below_asks_for_what_stands_above() {
        check("update.maxSurge", &["rolling-update"]);
        check("maxSurge", &["rolling-update"]);
        check("containers.web.probes.live.exec", &["probe-exec", "liveness-probe"]);
        check(
            "containers.web.probes.live.period",
            &["probe-exec", "probe-http", "probe-tcp", "probe-grpc", "liveness-probe"],
        );
        check("initContainers.migrate.stop.signal", &["stop-signal"]);
        check("containers.mounts.host", &["host-path"]);
        check("update.steps", &["canary"]);
    }

    #[test]
    fn what_every_platform_takes_asks_for_nothing() {
        check("containers.web.image", &[]);
        check("replicas", &[]);
    }

    #[test]
    fn names_in_maps_may_be_left_out() {
        check("containers.env", &["env", "env-secret", "env-config", "env-address", "env-ordinal"]);
        check("containers.web.env.TEXT", &["env", "env-secret", "env-config", "env-address", "env-ordinal"]);
        assert_eq!(find_fields("Config.data.colour").unwrap()[0].path, "Config.data");
        assert_eq!(find_fields("containers.web").unwrap()[0].path, "Workload.containers");
    }

    #[test]
    fn a_field_says_what_it_is() {
        let found = find_fields("update.maxSurge").unwrap();
        assert_eq!(found[0].path, "Workload.update.maxSurge");
        assert!(!found[0].description.is_empty());
    }

    #[test]
    fn what_is_no_field_has_a_suggestion() {
        assert_eq!(find_fields("update.maxSurg"), Err(Some("Workload.update.maxSurge".to_owned())));
        assert_eq!(find_fields("containers.web.prob"), Err(None));
        assert_eq!(find_fields("containers.web.probs"), Err(Some("Workload.containers.*.probes".to_owned())));
        for text in ["", ".", "/", "a/b.c", "zzzzzzz.yyyyyy", "workload/", "Workload..x"] {
            let _ = find_fields(text);
        }
    }

    #[test]
    fn every_feature_is_asked_for_by_a_field() {
        let example = Example::read();
        let asked: BTreeSet<Feature> =
            known::all().iter().flat_map(|known| example.features(known)).collect();
        let missing: Vec<&Feature> = Feature::ALL.iter().filter(|feature| !asked.contains(feature)).collect();
        assert_eq!(missing, Vec::<&Feature>::new());
    }
}
