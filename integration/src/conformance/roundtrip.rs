//! `lift(lower(app))` is the app, up to what was declared as lost.

use std::collections::BTreeSet;

use rhumb_backend::{Backend, Checked, Choices, Facts, Loss, Lowered, Object, Scope, check};
use rhumb_spec::{App, Diagnostic};
use serde_json::Value;

/// Lowers an app, lifts it again and compares.
///
/// A field may come back in another spelling, such as a default written out. It is the same when the app that came back
/// is lowered to the same documents.
pub(super) fn hold(app: &App, backend: &dyn Backend, scope: &Scope, facts: &Facts) -> Result<(), String> {
    let (checked, lowered) = lower(app, backend, scope, facts)?;
    let lifted = backend.lift(&unmarked(&lowered.objects));
    let losses: Vec<&Loss> = checked.losses.iter().chain(&lowered.losses).collect();
    let mut differences = Vec::new();
    compare(&json(checked.app.app())?, &json(&lifted.app)?, "", &mut differences);
    differences.retain(|path| !losses.iter().any(|loss| touches(&loss.path, path)));
    differences.retain(|path| !lifted.notes.iter().any(|note| speaks_of(note, path)));
    if differences.is_empty() {
        return Ok(());
    }
    let (_, again) = lower(&lifted.app, backend, scope, facts).map_err(|error| format!("lifted, {error}"))?;
    let changes = changes(&lowered, &again)?;
    if changes.is_empty() {
        return Ok(());
    }
    let notes: Vec<String> = lifted.notes.iter().map(ToString::to_string).collect();
    Err(format!("lifted, it differs at {differences:?}, and lowered again at {changes:#?}; notes: {notes:?}"))
}

fn lower(
    app: &App,
    backend: &dyn Backend,
    scope: &Scope,
    facts: &Facts,
) -> Result<(Checked, Lowered), String> {
    let checked =
        check(app, backend, facts, &BTreeSet::new()).map_err(|found| format!("check: {found:?}"))?;
    let lowered = backend
        .lower(&checked.app, scope, facts, &Choices::default())
        .map_err(|found| format!("lower: {found:?}"))?;
    Ok((checked, lowered))
}

/// The documents without our own marks: what is lifted may be anybody's.
pub fn unmarked(objects: &[Object]) -> Vec<Object> {
    let mut objects = objects.to_vec();
    for object in &mut objects {
        strip(&mut object.body);
    }
    objects
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !key.starts_with("rhumb.dev/"));
            map.values_mut().for_each(strip);
        }
        Value::Array(items) => {
            // AWS has marks as items of a list.
            let key = |item: &Value| item.get("key").or_else(|| item.get("Key"))?.as_str().map(str::to_owned);
            items.retain(|item| !key(item).is_some_and(|key| key.starts_with("rhumb.dev/")));
            items.iter_mut().for_each(strip);
        }
        _ => {}
    }
}

/// Where the documents differ, by object and field.
fn changes(before: &Lowered, after: &Lowered) -> Result<Vec<String>, String> {
    let by_id = |lowered: &Lowered| -> Result<Value, String> {
        let objects = unmarked(&lowered.objects);
        let pairs = objects.iter().map(|object| (object.id.to_string(), object.body.clone()));
        serde_json::to_value(pairs.collect::<std::collections::BTreeMap<_, _>>())
            .map_err(|error| error.to_string())
    };
    let (before, after) = (by_id(before)?, by_id(after)?);
    let mut found = Vec::new();
    compare(&before, &after, "", &mut found);
    Ok(found)
}

/// The app with its maps keyed as in paths: `workload/web.containers`.
fn json(app: &App) -> Result<Value, String> {
    serde_json::to_value(app).map_err(|error| error.to_string())
}

/// Whether a loss at one path explains a difference at another, written as in JSON: `workloads.web.replicas`.
fn touches(loss: &str, difference: &str) -> bool {
    let (kind, rest) = difference.split_once('.').unwrap_or((difference, ""));
    let path = format!("{}/{rest}", kind.trim_end_matches('s'));
    let whole = |longer: &str, shorter: &str| {
        longer.strip_prefix(shorter).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    whole(&path, loss) || whole(loss, &path)
}

/// Whether a note about the object of a workload names the field in which it differs: `` `ports` `` and `….ports`.
fn speaks_of(note: &Diagnostic, difference: &str) -> bool {
    let name = note.path.split_once('/').map_or("", |(_, name)| name);
    let is_about = difference.split('.').nth(1) == Some(name);
    let text = [Some(&note.what), note.why.as_ref(), note.remedy.as_ref()];
    let says = |field: &str| text.iter().flatten().any(|text| text.contains(&format!("`{field}`")));
    is_about && difference.split('.').skip(2).any(says)
}

/// Where two values differ, by the paths of their mappings.
pub fn compare(one: &Value, other: &Value, path: &str, differences: &mut Vec<String>) {
    let (Value::Object(ones), Value::Object(others)) = (one, other) else {
        if one != other {
            differences.push(path.trim_start_matches('.').to_owned());
        }
        return;
    };
    let keys: BTreeSet<&String> = ones.keys().chain(others.keys()).collect();
    for key in keys {
        let nothing = Value::Null;
        let (one, other) = (ones.get(key).unwrap_or(&nothing), others.get(key).unwrap_or(&nothing));
        compare(one, other, &format!("{path}.{key}"), differences);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app_of(folder: &std::path::Path, backend: &dyn Backend, facts: &Facts) -> Option<App> {
        let word = |feature| match backend.support(feature, facts) {
            rhumb_backend::Support::Native => "native",
            rhumb_backend::Support::Emulated { .. } => "emulated",
            rhumb_backend::Support::Unsupported { .. } => "unsupported",
        };
        let supports = rhumb_spec::Feature::ALL.iter().map(|feature| (feature.as_str(), word(*feature)));
        let supports: std::collections::BTreeMap<&str, &str> = supports.collect();
        let chart = rhumb_chart::load(folder).ok()?;
        let values = chart.values(rhumb_chart::UserValues::new()).ok()?;
        let around = rhumb_chart::Surroundings {
            release: rhumb_chart::ReleaseInfo::install("shop", "default"),
            platform: serde_json::json!({ "name": backend.name(), "supports": supports }),
            sealing: rhumb_chart::Sealing::Placeholder,
            limits: rhumb_chart::Limits::default(),
        };
        Some(chart.render(&values, &around).ok()?.parse().ok()?.app)
    }

    /// Every case, and every first-party chart with the values of its own, on a platform that nobody asked.
    fn come_back(backend: &dyn Backend, others: &[(&str, &str)]) {
        cases_come_back(backend, others);
        charts_come_back(backend);
    }

    fn cases_come_back(backend: &dyn Backend, others: &[(&str, &str)]) {
        let facts = backend.default_facts();
        let scope = Scope::new("default", "shop");
        let mut failed = Vec::new();
        for case in super::super::all() {
            let is_foreign =
                matches!(case.feature, rhumb_spec::Feature::PlatformPatch | rhumb_spec::Feature::Native);
            let is_declared =
                !matches!(backend.support(case.feature, &facts), rhumb_backend::Support::Unsupported { .. });
            if is_declared && !is_foreign {
                let text = others.iter().fold(case.app.replace("[revision]", "one"), |text, (one, other)| {
                    text.replace(one, other)
                });
                let source = rhumb_spec::Source { file: case.feature.to_string(), text };
                let app = rhumb_spec::parse(&[source]).expect("the case is an app").app;
                failed.extend(
                    hold(&app, backend, &scope, &facts).err().map(|why| format!("{}: {why}", case.feature)),
                );
            }
        }
        assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    }

    fn charts_come_back(backend: &dyn Backend) {
        let facts = backend.default_facts();
        let scope = Scope::new("default", "shop");
        let mut failed = Vec::new();
        for chart in ["web", "redis", "postgres", "sock-shop"] {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts").join(chart);
            let app = app_of(&folder, backend, &facts).expect("the chart renders");
            failed.extend(hold(&app, backend, &scope, &facts).err().map(|why| format!("{chart}: {why}")));
        }
        assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    }

    #[test]
    fn apps_come_back_from_kubernetes() {
        use rhumb_kubernetes::{Environment, Kubernetes, Settings};

        let backend = Kubernetes::new(Settings::default(), Environment::default());
        come_back(&backend, &[("NVIDIA-GPU", "nvidia.com/gpu")]);
    }

    #[test]
    fn apps_come_back_from_marathon() {
        use rhumb_marathon::{Environment, Marathon, Settings};

        // A job has no volume of an agent there.
        let without_volume = (
            "exit 3; }']\n    mounts: { /data: { volume: data } }\n---\nkind: Volume\nname: data\n",
            "exit 3; }']\n",
        );
        come_back(&Marathon::new(Settings::default(), Environment::default()), &[without_volume]);
    }

    /// Values of cases that AWS does not take, and those of the same kind that it does.
    const ON_ECS: [(&str, &str); 6] = [
        ("NVIDIA-GPU", "GPU"),
        ("period: 1s", "period: 5s"),
        ("failures: 20", "failures: 10"),
        ("policy: onFailure", "policy: always"),
        ("key: role", "key: zone"),
        (", options: ['ndots:2']", ""),
    ];

    #[test]
    fn apps_come_back_from_fargate() {
        use rhumb_ecs::{Ecs, Environment, Settings};

        let own = [
            (
                "driver: json-file, options: { max-size: 1m }",
                "driver: splunk, options: { splunk-index: main }",
            ),
            ("nfs: { server: 192.0.2.7, path: /export/data, options: 'nolock,soft' }\n", ""),
        ];
        come_back(&Ecs::new(Settings::default(), Environment::default()), &[&ON_ECS[..], &own[..]].concat());
    }

    #[test]
    fn apps_come_back_from_container_instances() {
        use rhumb_ecs::{Ecs, Environment, LaunchType, NetworkMode, Settings};

        let cluster = |network_mode| {
            let settings = Settings { launch_type: LaunchType::Ec2, network_mode, ..Settings::default() };
            Ecs::new(settings, Environment::default())
        };
        come_back(&cluster(NetworkMode::Awsvpc), &ON_ECS);
        // On a bridge, addresses of siblings are refused, and charts have such.
        cases_come_back(&cluster(NetworkMode::Bridge), &ON_ECS);
    }

    #[test]
    fn losses_explain_what_lies_below_them() {
        assert!(touches(
            "workload/web.containers.web.probes.ready",
            "workloads.web.containers.web.probes.ready.port"
        ));
        assert!(touches("workload/web.update.delay", "workloads.web.update"));
        assert!(!touches("workload/web.update.delay", "workloads.web.update.order"));
        assert!(!touches("workload/web", "workloads.webb.replicas"));
    }

    #[test]
    fn differences_are_named_by_path() {
        let mut found = Vec::new();
        let one = serde_json::json!({ "a": { "b": 1, "c": 2 } });
        let other = serde_json::json!({ "a": { "b": 1, "c": 3, "d": 4 } });
        compare(&one, &other, "", &mut found);
        assert_eq!(found, ["a.c", "a.d"]);
    }
}
