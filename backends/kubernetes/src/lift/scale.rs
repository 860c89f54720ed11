//! Autoscalers and disruption budgets.

use std::collections::BTreeMap;

use rhumb_spec::model::{Autoscale, CustomMetric, Disruption, Kind, Mode, Workload};
use serde_json::{Map, Value};

use super::document::Document;
use super::placement::match_labels;
use super::service;
use super::service::{Runner, only};
use super::workload::{add_patch, count};
use super::world::World;
use rhumb_backend::fields::small;

/// Adds an autoscaler to its workload; gives back one that no workload can have.
pub(super) fn autoscaler(
    mut document: Document,
    names: &BTreeMap<String, String>,
    world: &mut World,
) -> Option<Document> {
    let Some((name, autoscale)) = scaled(&document.whole, names, world) else { return Some(document) };
    document.take_head();
    told_name(&mut document, &name);
    let mut fields = document.fields();
    if let Some(workload) = world.app.workloads.get(&name) {
        service::metadata(&mut fields, workload);
    }
    if let Some(mut spec) = fields.below("spec") {
        for key in
            ["scaleTargetRef", "minReplicas", "maxReplicas", "metrics", "targetCPUUtilizationPercentage"]
        {
            spec.take_whole(key);
        }
    }
    attach(document, &name, world, |workload| workload.autoscale = Some(autoscale));
    None
}

/// Adds a disruption budget to its workload; gives back one that no workload can have.
pub(super) fn budget(mut document: Document, runners: &[Runner], world: &mut World) -> Option<Document> {
    let Some((name, disruption)) = budgeted(&document.whole, runners, world) else { return Some(document) };
    document.take_head();
    told_name(&mut document, &name);
    let mut fields = document.fields();
    if let Some(workload) = world.app.workloads.get(&name) {
        service::metadata(&mut fields, workload);
    }
    if let Some(mut spec) = fields.below("spec") {
        spec.take_whole("minAvailable");
        spec.take_whole("maxUnavailable");
        spec.lose("selector", "the release's own selector takes its place");
    }
    attach(document, &name, world, |workload| workload.disruption = Some(disruption));
    None
}

fn told_name(document: &mut Document, name: &str) {
    if document.name != name {
        document.fields().lost("metadata.name", 1, "it bears the workload's name");
    }
}

fn attach(document: Document, name: &str, world: &mut World, add: impl FnOnce(&mut Workload)) {
    let kind = document.kind().to_owned();
    let patch = document.finish_with_patch((&Kind::Workload.path(name), &kind), world);
    if let Some(workload) = world.app.workloads.get_mut(name) {
        add(workload);
        if let Some(patch) = patch {
            add_patch(workload, &kind, patch);
        }
    }
}

fn scaled(whole: &Value, names: &BTreeMap<String, String>, world: &World) -> Option<(String, Autoscale)> {
    let spec = whole.get("spec")?.as_object()?;
    let target = spec.get("scaleTargetRef")?.as_object()?;
    let text = |key: &str| target.get(key).and_then(Value::as_str);
    let name = names.get(&format!("{}/{}", text("kind")?.to_lowercase(), text("name")?))?;
    let workload = world.app.workloads.get(name)?;
    let is_scaled = matches!(workload.mode, Mode::Replicated | Mode::Stateful);
    let min = spec.get("minReplicas").map_or(Some(1), small).filter(|min| *min > 0)?;
    let max = small(spec.get("maxReplicas")?).filter(|max| *max >= min)?;
    let mut autoscale = Autoscale { min, max, ..Autoscale::default() };
    if let Some(percent) = spec.get("targetCPUUtilizationPercentage") {
        autoscale.cpu = Some(small(percent)?);
    }
    for metric in spec.get("metrics").map_or(Some(&[][..]), |value| value.as_array().map(Vec::as_slice))? {
        add_metric(metric, &mut autoscale)?;
    }
    let follows = autoscale.cpu.is_some() || autoscale.memory.is_some() || !autoscale.custom.is_empty();
    // What is wanted is a share of what every container is promised, so that has to be said.
    let promises = |wanted: bool, is_said: &dyn Fn(&rhumb_spec::model::Resources) -> bool| {
        !wanted || workload.containers.values().all(|container| is_said(&container.resources))
    };
    let is_promised = promises(autoscale.cpu.is_some(), &|resources| resources.cpu.is_some())
        && promises(autoscale.memory.is_some(), &|resources| resources.memory.is_some());
    (is_scaled && follows && is_promised && workload.autoscale.is_none()).then(|| (name.clone(), autoscale))
}

fn add_metric(metric: &Value, autoscale: &mut Autoscale) -> Option<()> {
    let metric = metric.as_object().filter(|metric| metric.len() == 2)?;
    let target_of = |of: &Map<String, Value>, kind: &str| {
        let target = of.get("target")?.as_object().filter(|target| target.len() == 2)?.clone();
        (of.len() == 2 && target.get("type")? == kind).then_some(target)
    };
    match metric.get("type")?.as_str()? {
        "Resource" => {
            let of = metric.get("resource")?.as_object()?;
            // The form before autoscaling/v2 had the share beside the name.
            let percent = match of.get("targetAverageUtilization") {
                Some(percent) if of.len() == 2 => small(percent)?,
                _ => small(target_of(of, "Utilization")?.get("averageUtilization")?)?,
            };
            let place = match of.get("name")?.as_str()? {
                "cpu" => &mut autoscale.cpu,
                "memory" => &mut autoscale.memory,
                _ => return None,
            };
            if percent == 0 || place.replace(percent).is_some() {
                return None;
            }
        }
        "Pods" => {
            let of = metric.get("pods")?.as_object()?;
            let target = target_of(of, "AverageValue")?;
            let name =
                of.get("metric")?.as_object().filter(|metric| metric.len() == 1)?.get("name")?.as_str()?;
            let average = decimal(target.get("averageValue")?)?;
            autoscale.custom.push(CustomMetric { name: name.to_owned(), average });
        }
        _ => return None,
    }
    Some(())
}

/// A quantity as a decimal number.
fn decimal(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    if text.parse::<f64>().is_ok_and(|number| number.is_finite() && number > 0.0) {
        return Some(text);
    }
    let (digits, unit) = text.split_at(text.len().checked_sub(1)?);
    let shift = match unit {
        "m" => -3,
        "k" => 3,
        "M" => 6,
        "G" => 9,
        _ => return None,
    };
    shifted(digits, shift)
}

/// A whole number times a power of ten.
fn shifted(digits: &str, shift: i32) -> Option<String> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = digits.trim_start_matches('0');
    let places = usize::try_from(shift.unsigned_abs()).ok()?;
    let text = if shift >= 0 {
        format!("{number}{}", "0".repeat(places))
    } else {
        let padded = format!("{number:0>width$}", width = places + 1);
        let (whole, fraction) = padded.split_at(padded.len() - places);
        format!("{whole}.{fraction}").trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    (!number.is_empty()).then_some(text)
}

fn budgeted(whole: &Value, runners: &[Runner], world: &World) -> Option<(String, Disruption)> {
    let spec = whole.get("spec")?.as_object()?;
    let name = &only(runners, &match_labels(spec.get("selector")?)?)?.workload;
    let workload = world.app.workloads.get(name)?;
    let amount = |key: &str| match spec.get(key) {
        None => Some(None),
        Some(value) => count(value).map(Some),
    };
    let disruption =
        Disruption { min_available: amount("minAvailable")?, max_unavailable: amount("maxUnavailable")? };
    let is_one = disruption.min_available.is_some() != disruption.max_unavailable.is_some();
    let stays = !matches!(workload.mode, Mode::Job | Mode::Cron);
    (is_one && stays && workload.disruption.is_none()).then(|| (name.clone(), disruption))
}

/// The names of workloads by what an autoscaler calls them: `deployment/web`.
pub(super) fn targets(reads: &[super::workload::Read]) -> BTreeMap<String, String> {
    let of = |read: &super::workload::Read| {
        let key = format!("{}/{}", read.document.kind().to_lowercase(), read.document.name);
        (key, read.name.clone())
    };
    reads.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quantities_are_decimal_numbers() {
        for (text, expected) in
            [("10", "10"), ("500m", "0.5"), ("1500m", "1.5"), ("1k", "1000"), ("0.5", "0.5")]
        {
            assert_eq!(decimal(&json!(text)).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "m", "0", "000m", "1Ki", "x"] {
            assert_eq!(decimal(&json!(text)), None, "{text}");
        }
    }
}
