//! The networks that tasks are on, and the names by which they are reached.

use rhumb_backend::fields::Fields;
use rhumb_backend::{Fate, Ownership, Rest, reference};
use rhumb_spec::model::{Expose, ExposeAs, Kind as Word, Network, Traffic, Workload};
use serde_json::{Value, json};

use super::document::Document;
use super::labels;
use super::naming::document_name;
use super::ports::Published;
use super::values;
use super::world::World;

/// Reads a security group as a network, where a release made it: members reach each other.
///
/// Source: Amazon EC2 API reference, `CreateSecurityGroup`.
pub(super) fn group(mut document: Document, world: &mut World) {
    let name = document.name().to_owned();
    let is_ours = document.whole.get("ingress").is_some() || document.ownership == Ownership::External;
    if !is_ours || document_name(&name) != name {
        let why = "a target says which security groups tasks have: its setting `securityGroups`";
        return document.finish_whole(why, Fate::Lost, world);
    }
    let external = document.ownership == Ownership::External;
    let mut fields = document.fields();
    fields.own(&["GroupName", "Description", "ingress"], "a release says it of its networks");
    fields.lose("VpcId", "a target says it for all that runs there: the network of its subnets");
    if let Some(Value::Array(mut all)) = fields.take_whole("TagSpecifications")
        && let Some(tags) = all.first_mut().and_then(|first| first.get_mut("Tags")).map(Value::take)
    {
        fields.put("Tags", tags);
    }
    let labels = labels::plain(&mut fields);
    world.app.networks.insert(name.clone(), Network { external, labels, ..Network::default() });
    document.finish(&Word::Network.path(&name), world);
}

/// Reads the networks of a service or a run: security groups that are among the documents.
pub(super) fn groups(fields: &mut Fields<'_>, workload: &mut Workload) {
    if let Some(mut network) = fields.descended(&["networkConfiguration", "awsvpcConfiguration"]) {
        take_groups(&mut network, "securityGroups", workload);
    }
}

/// The same of a schedule.
pub(super) fn groups_of_schedule(fields: &mut Fields<'_>, workload: &mut Workload) {
    let Some(mut network) = fields.descended(&["NetworkConfiguration", "awsvpcConfiguration"]) else {
        return;
    };
    take_groups(&mut network, "SecurityGroups", workload);
    for (key, setting) in
        [("Subnets", "subnets"), ("SecurityGroups", "securityGroups"), ("AssignPublicIp", "assignPublicIp")]
    {
        network.lose(key, &format!("a target says it for all that runs there: its setting `{setting}`"));
    }
}

fn take_groups(network: &mut Fields<'_>, key: &str, workload: &mut Workload) {
    let Some(items) = network.take(key, |value| value.as_array().cloned()) else { return };
    let mut left = Vec::new();
    for item in items {
        match reference::parse(&item) {
            Some((id, _)) if id.kind() == "security-group" => {
                workload.networks.entry(id.name().to_owned()).or_default();
            }
            _ => left.push(item),
        }
    }
    if !left.is_empty() {
        network.put(key, Value::Array(left));
    }
}

/// Reads by which names siblings reach the ports of a service: those that Cloud Map or Service Connect shows.
///
/// Source: Amazon ECS API reference, `ServiceRegistry` and `ServiceConnectConfiguration`.
pub(super) fn names(
    fields: &mut Fields<'_>,
    (name, workload): (&str, &mut Workload),
    published: &[Published],
    world: &mut World,
) {
    let registry =
        fields.get("serviceRegistries").and_then(|all| reference::parse(all.get(0)?.get("registryArn")?));
    if let Some((id, _)) = registry {
        world.registered.insert(name.to_owned(), id.name().to_owned());
    }
    registries(fields, workload, published);
    connect(fields, (name, workload), published);
}

fn registries(fields: &mut Fields<'_>, workload: &mut Workload, published: &[Published]) {
    if published.is_empty() {
        fields.lose("serviceRegistries", "the task definition names no ports that could be reached");
    }
    let Some(items) = fields.take("serviceRegistries", |value| value.as_array().cloned()) else { return };
    let path = fields.at("serviceRegistries");
    for (index, item) in items.iter().enumerate() {
        let number = item.get("containerPort").or_else(|| item.get("port")).and_then(values::port);
        let has_names = published.iter().any(|port| port.native.is_some());
        let is_shown = |port: &&Published| match (has_names, number) {
            (true, _) => port.native.is_some(),
            (false, Some(number)) => port.port == number,
            (false, None) => true,
        };
        for port in published.iter().filter(is_shown) {
            expose(workload, port, port.port);
        }
        if item.get("registryArn").is_some_and(Value::is_string) {
            let why = "a release has a service of Cloud Map of its own, and siblings reach it by that name";
            let rest = Rest {
                path: format!("{path}.{index}.registryArn"),
                fields: 1,
                fate: Fate::Lost,
                why: why.to_owned(),
            };
            fields.ledger().borrow_mut().push(rest);
        }
    }
}

fn expose(workload: &mut Workload, port: &Published, number: u16) {
    let internal =
        Expose { port: number, kind: ExposeAs::Internal, traffic: Traffic::Cluster, internal_port: None };
    let known = workload.expose.entry(port.name.clone()).or_insert_with(|| internal.clone());
    match known.kind {
        ExposeAs::Internal => *known = internal,
        ExposeAs::Node if known.port != number => known.internal_port = Some(number),
        ExposeAs::Node | ExposeAs::LoadBalancer => {}
    }
}

/// Bare names of siblings are those of Service Connect. A port whose alias is another name keeps it on ECS only.
fn connect(fields: &mut Fields<'_>, (name, workload): (&str, &mut Workload), published: &[Published]) {
    if fields.get("serviceConnectConfiguration").and_then(|connect| connect.get("enabled"))
        != Some(&json!(true))
    {
        fields.default("serviceConnectConfiguration", &json!({ "enabled": false }));
        return;
    }
    let Some(mut connect) = fields.below("serviceConnectConfiguration") else { return };
    connect.take_whole("enabled");
    workload.short_names = true;
    connect.lose("namespace", "a target says it: its setting `discoveryNamespace`");
    for mut item in connect.items("services", "portName") {
        let port = published.iter().find(|port| port.native.as_deref() == Some(&item.name()));
        let Some(port) = port.filter(|port| port.native.as_deref() == Some(&port.name)) else {
            connect.put_whole_item("services", "portName", item);
            continue;
        };
        let mut service = connect.of_item("services", &mut item);
        service.own(&["discoveryName"], "a release names what it makes");
        let alias = service.get("clientAliases").and_then(Value::as_array).filter(|all| all.len() == 1);
        let alias = alias.and_then(|all| all.first()).cloned().unwrap_or_default();
        let number = alias.get("port").and_then(values::port).unwrap_or(port.port);
        let dns = alias.get("dnsName").and_then(Value::as_str);
        let is_name = dns.is_some_and(|dns| dns == name || name.strip_prefix(dns) == Some("-0"));
        if alias.as_object().is_some_and(|alias| alias.len() == 2) && is_name {
            service.take_whole("clientAliases");
        }
        expose(workload, port, number);
        connect.put_item("services", "portName", item);
    }
}
