//! The template of a workload's pods.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_spec::Duration;
use rhumb_spec::model::{Dns, Identity, Restart, RestartPolicy, Workload};
use serde_json::{Map, Value};

use super::container::{self, PortNames, Role, number_text, seccomp};
use super::mounts::Volumes;
use super::placement::{self, Selected};
use super::service::Listens;
use super::world::{PortRef, World};
use super::{defaults, labels};
use crate::names;
use rhumb_backend::fields::{Fields, text_map, texts};

/// Reads a pod's template into a workload that has its mode already. Returns the ports of its containers.
pub(super) fn template(
    fields: &mut Fields<'_>,
    name: &str,
    workload: &mut Workload,
    claims: &BTreeMap<String, String>,
    (selected, hints): (&dyn Selected, &[(PortRef, String)]),
    world: &mut World,
) -> Listens {
    metadata(fields, workload);
    let Some(mut spec) = fields.below("spec") else { return Listens::default() };
    defaults::pod(&mut spec);
    let listens = containers(&mut spec, workload, claims, hints, world);
    workload.restart = restart(&mut spec, workload);
    stop(&mut spec, workload);
    security(&mut spec, workload);
    identity(&mut spec, workload, world);
    naming(&mut spec, workload);
    workload.placement = placement::placement(&mut spec, name, selected);
    listens
}

/// The labels of the pods become the workload's, but for those that say on which networks it is.
fn metadata(fields: &mut Fields<'_>, workload: &mut Workload) {
    let Some(mut metadata) = fields.below("metadata") else { return };
    metadata.lose("name", "pods have names that are made for them");
    metadata.lose("namespace", "the release's namespace takes its place");
    metadata.own(&["creationTimestamp"], "the server writes it");
    labels::take_marks(&mut metadata);
    let Some(mut labels) = metadata.below("labels") else { return };
    for key in labels.keys() {
        if let Some(network) = key.strip_prefix(names::NETWORK) {
            labels.take_whole(&key);
            workload.networks.entry(network.to_owned()).or_default();
        } else if let Some(value) = labels.text(&key) {
            workload.labels.insert(key, value);
        }
    }
}

fn containers(
    spec: &mut Fields<'_>,
    workload: &mut Workload,
    claims: &BTreeMap<String, String>,
    hints: &[(PortRef, String)],
    world: &mut World,
) -> Listens {
    let mut init = spec.items("initContainers", "name");
    let main = spec.items("containers", "name");
    let count = init.len();
    // One that goes on beside the others is none that ends before they start.
    let is_sidecar: Vec<bool> = init.iter().map(|item| item.map.contains_key("restartPolicy")).collect();
    init.extend(main);
    let mut items = init;
    let volumes = Volumes::take(spec, &mut items, is_sidecar.clone());
    let mounts = volumes.read(spec, &mut items, claims, world);
    let mut names = PortNames { used: BTreeSet::new(), numbers: BTreeSet::new(), hints };
    let mut listens = Listens::default();
    for (index, (mut item, mounts)) in items.into_iter().zip(mounts).enumerate() {
        let (list, role) =
            if index < count { ("initContainers", Role::Init) } else { ("containers", Role::Main) };
        if is_sidecar.get(index).copied().unwrap_or(false) {
            spec.put_whole_item("initContainers", "name", item);
            continue;
        }
        let mut fields = spec.of_item(list, &mut item);
        let (mut container, ports) = container::container(&mut fields, &mut names, role, world);
        container.mounts = mounts;
        if role == Role::Init {
            workload.init_containers.insert(item.name(), container);
        } else {
            listens.ports.extend(ports.ports.iter().map(|(name, port)| (name.clone(), *port)));
            listens.named.extend(ports.named);
            workload.containers.insert(item.name(), container);
        }
        spec.put_item(list, "name", item);
    }
    listens
}

fn restart(spec: &mut Fields<'_>, workload: &Workload) -> Option<Restart> {
    use rhumb_spec::model::Mode;
    let is_job = matches!(workload.mode, Mode::Job | Mode::Cron);
    if !is_job {
        spec.default("restartPolicy", &Value::from("Always"));
    }
    let policy = spec.take("restartPolicy", |value| match (value.as_str()?, is_job) {
        ("OnFailure", true) => Some(RestartPolicy::OnFailure),
        ("Never", true) => Some(RestartPolicy::Never),
        _ => None,
    });
    policy.map(|policy| Restart { policy, ..Restart::default() })
}

fn stop(spec: &mut Fields<'_>, workload: &mut Workload) {
    let grace = spec.take("terminationGracePeriodSeconds", Value::as_u64).map(Duration::from_secs);
    for container in workload.containers.values_mut() {
        container.stop.grace = grace;
    }
}

/// What all containers of a pod may do, for each of them that does not say it itself.
///
/// It stays a patch of the pod as well, where containers are kept as they are: they have it from there.
fn security(spec: &mut Fields<'_>, workload: &mut Workload) {
    let of_kept = spec.get("securityContext").cloned().filter(|_| has_kept_containers(spec));
    take_security(spec, workload);
    let Some(mut context) = spec.below("securityContext") else { return };
    for key in ["runAsUser", "runAsGroup", "runAsNonRoot", "seccompProfile"] {
        if let Some(value) = of_kept.as_ref().and_then(|all| all.get(key)) {
            context.put(key, value.clone());
        }
    }
}

/// Whether a container goes on beside the others from the start, or was added to a pod that ran.
fn has_kept_containers(spec: &Fields<'_>) -> bool {
    let init = spec.get("initContainers").and_then(Value::as_object);
    let mut items = init.into_iter().flat_map(Map::values);
    items.any(|item| item.get("restartPolicy").is_some()) || spec.get("ephemeralContainers").is_some()
}

fn take_security(spec: &mut Fields<'_>, workload: &mut Workload) {
    let Some(mut context) = spec.below("securityContext") else { return };
    let user = context.take("runAsUser", number_text);
    let group = context.take("runAsGroup", number_text);
    let seccomp = seccomp(&mut context);
    let sysctls = context.take("sysctls", |value| {
        let pairs = value.as_array()?.iter().map(|item| {
            let item = text_map(item).filter(|item| item.len() == 2)?;
            Some((item.get("name")?.clone(), item.get("value")?.clone()))
        });
        pairs.collect::<Option<BTreeMap<_, _>>>()
    });
    let is_other_user = user.as_deref().is_some_and(|user| user != "0");
    context.take("runAsNonRoot", |value| (is_other_user && *value == Value::Bool(true)).then_some(()));
    let all = workload.init_containers.values_mut().chain(workload.containers.values_mut());
    for container in all {
        let own = &mut container.security;
        own.user = own.user.take().or_else(|| user.clone());
        own.group = own.group.take().or_else(|| group.clone());
        own.seccomp = own.seccomp.take().or_else(|| seccomp.clone());
    }
    if let Some((_, container)) = workload.containers.first_mut() {
        container.security.sysctls = sysctls.unwrap_or_default();
    }
}

fn identity(spec: &mut Fields<'_>, workload: &mut Workload, world: &mut World) {
    let name = spec.text("serviceAccountName").filter(|name| !name.is_empty());
    let old = spec.text_at("serviceAccount").map(str::to_owned);
    if name.is_some() || old.is_some() {
        spec.own(&["serviceAccount"], "it is the older word for serviceAccountName");
    }
    workload.identity = name.or(old).filter(|name| name != "default").map(|name| Identity { name });
    workload.pull_secret = spec.take("imagePullSecrets", |value| {
        let [secret] = value.as_array()?.as_slice() else { return None };
        let name =
            world.secret(secret.as_object().filter(|secret| secret.len() == 1)?.get("name")?.as_str()?)?;
        world.secret_has(&name, ".dockerconfigjson").then_some(name)
    });
}

fn naming(spec: &mut Fields<'_>, workload: &mut Workload) {
    workload.hostname = spec.take("hostname", |value| {
        value.as_str().filter(|name| super::naming::document_name(name) == *name).map(str::to_owned)
    });
    let hosts = spec.take("hostAliases", |value| {
        let mut hosts = BTreeMap::new();
        for alias in value.as_array()? {
            let alias = alias.as_object().filter(|alias| alias.len() == 2)?;
            let address = alias.get("ip")?.as_str().filter(|ip| ip.parse::<std::net::IpAddr>().is_ok())?;
            for host in texts(alias.get("hostnames")?)? {
                if hosts.insert(host, address.to_owned()).is_some() {
                    return None;
                }
            }
        }
        Some(hosts)
    });
    workload.extra_hosts = hosts.unwrap_or_default();
    workload.dns = dns(spec);
}

fn dns(spec: &mut Fields<'_>) -> Dns {
    let has_own_servers = spec.text_at("dnsPolicy") == Some("None");
    let is_plain = spec.get("dnsPolicy").is_none();
    let Some(mut config) = spec.below("dnsConfig").filter(|_| has_own_servers || is_plain) else {
        return Dns::default();
    };
    let has_servers =
        config.get("nameservers").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    if has_servers != has_own_servers {
        return Dns::default();
    }
    let dns = Dns {
        servers: config.texts("nameservers"),
        search: config.texts("searches"),
        options: config.take("options", options).unwrap_or_default(),
    };
    if has_own_servers {
        spec.take_whole("dnsPolicy");
    }
    dns
}

fn options(value: &Value) -> Option<Vec<String>> {
    let option = |item: &Map<String, Value>| {
        let name = item.get("name")?.as_str()?;
        match item.get("value") {
            None => Some(name.to_owned()),
            Some(value) => Some(format!("{name}:{}", value.as_str()?)),
        }
    };
    value.as_array()?.iter().map(|item| option(item.as_object()?)).collect()
}
