//! What a secret's keys are made of, as demands for material.

use rhumb_backend::CheckedApp;
use rhumb_backend::material;
use rhumb_spec::model::Secret;
use serde_json::Value;

use super::{Report, network};

/// The demand of each key: given, generated, the private keys that come with certificates, and composed.
pub(super) fn demands(
    checked: &CheckedApp,
    name: &str,
    secret: &Secret,
    report: &mut Report,
) -> Vec<(String, Value)> {
    match material::demands(name, secret, &|workload, port| host_and_port(checked, workload, port)) {
        Ok(demands) => demands.into_iter().map(|(key, demand)| (key, demand.to_value())).collect(),
        Err(diagnostics) => {
            report.diagnostics.extend(diagnostics);
            Vec::new()
        }
    }
}

/// The demand of one key, where the secret has it.
pub(super) fn demand(checked: &CheckedApp, name: &str, key: &str) -> Option<Value> {
    let secret = checked.app().secrets.get(name).filter(|secret| !secret.external)?;
    let demands =
        material::demands(name, secret, &|workload, port| host_and_port(checked, workload, port)).ok()?;
    demands.into_iter().find(|(found, _)| found == key).map(|(_, demand)| demand.to_value())
}

fn host_and_port(checked: &CheckedApp, workload: &str, port: &str) -> Option<String> {
    network::address(checked, workload, port).map(|(host, number)| format!("{host}:{number}"))
}
