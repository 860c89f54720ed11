//! Which agent takes a task.

use std::collections::BTreeMap;

use regex::Regex;

use super::instance::Instance;
use super::options::Agent;
use super::spec::Spec;

/// Dynamic host ports: those that agents offer by default.
const OFFERED: std::ops::RangeInclusive<u16> = 31_000..=32_000;

/// The agent that takes a task and the ports it gives, or why none does.
///
/// # Errors
/// How many agents declined, by Mesos' reasons.
pub(super) fn place(
    spec: &Spec,
    agents: &[Agent],
    instances: &[&Instance],
) -> Result<(Agent, Vec<u16>), BTreeMap<&'static str, u64>> {
    let mut declined: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut fitting: Vec<(usize, &Agent, Vec<u16>)> = Vec::new();
    for agent in agents {
        let there: Vec<&Instance> =
            instances.iter().copied().filter(|instance| instance.agent.id == agent.id).collect();
        match fits(spec, agent, &there, instances) {
            Ok(ports) => fitting.push((there.len(), agent, ports)),
            Err(reason) => *declined.entry(reason).or_default() += 1,
        }
    }
    fitting
        .into_iter()
        .min_by_key(|(count, ..)| *count)
        .map(|(_, agent, ports)| (agent.clone(), ports))
        .ok_or(declined)
}

fn fits(
    spec: &Spec,
    agent: &Agent,
    there: &[&Instance],
    all: &[&Instance],
) -> Result<Vec<u16>, &'static str> {
    // Tasks of older configurations do not count, or no update of a UNIQUE app would find a place.
    let siblings: Vec<&Instance> = all
        .iter()
        .copied()
        .filter(|instance| instance.spec.id == spec.id && instance.spec.configured_at >= spec.configured_at)
        .collect();
    let is_met = spec
        .constraints()
        .iter()
        .all(|(field, operator, value)| holds((field, operator, value), agent, &siblings));
    if !is_met {
        return Err("UnfulfilledConstraint");
    }
    let used = there
        .iter()
        .map(|instance| instance.spec.resources())
        .fold((0.0, 0.0, 0.0), |sum, next| (sum.0 + next.0, sum.1 + next.1, sum.2 + next.2));
    let (cpus, mem, gpus) = spec.resources();
    if used.0 + cpus > agent.cpus {
        return Err("InsufficientCpus");
    }
    if used.1 + mem > agent.mem {
        return Err("InsufficientMemory");
    }
    if used.2 + gpus > agent.gpus {
        return Err("InsufficientGpus");
    }
    ports(spec, there)
}

fn ports(spec: &Spec, there: &[&Instance]) -> Result<Vec<u16>, &'static str> {
    let mut taken: Vec<u16> = there.iter().flat_map(|instance| instance.host_ports.iter().copied()).collect();
    let wanted = spec.host_ports();
    if wanted.iter().any(|port| *port != 0 && taken.contains(port)) {
        return Err("InsufficientPorts");
    }
    taken.extend(&wanted);
    wanted
        .into_iter()
        .map(|port| {
            let found =
                if port == 0 { OFFERED.clone().find(|free| !taken.contains(free)) } else { Some(port) };
            taken.extend(found);
            found.ok_or("InsufficientPorts")
        })
        .collect()
}

fn field<'a>(agent: &'a Agent, name: &str) -> Option<&'a str> {
    match name {
        "hostname" | "@hostname" => Some(&agent.host),
        "@region" => Some("aws/eu-west-1"),
        "@zone" => Some("aws/eu-west-1a"),
        _ => agent.attributes.get(name).map(String::as_str),
    }
}

/// Whether an agent meets a constraint, with these siblings placed already.
///
/// Source: Marathon documentation, constraints.
fn holds((name, operator, value): (&str, &str, &str), agent: &Agent, siblings: &[&Instance]) -> bool {
    let own = field(agent, name);
    let equal = siblings.iter().filter(|sibling| field(&sibling.agent, name) == own).count();
    let matches = || {
        Regex::new(&format!("^(?:{value})$"))
            .is_ok_and(|pattern| own.is_some_and(|own| pattern.is_match(own)))
    };
    match operator {
        "UNIQUE" => own.is_some() && equal == 0,
        "CLUSTER" if value.is_empty() => own.is_some() && equal == siblings.len(),
        "CLUSTER" | "IS" => own == Some(value),
        "LIKE" => matches(),
        "UNLIKE" => !matches(),
        "MAX_PER" => value.parse().is_ok_and(|most: usize| equal < most),
        _ => own.is_some(),
    }
}
