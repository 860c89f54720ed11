//! The template of a workload's pods.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{After, ObjectId, Until};
use rhumb_spec::model::{Dns, Mount};
use rhumb_spec::{Diagnostic, Feature};
use serde_json::{Map, Value, json};

use super::body::{Body, text_map};
use super::files::{FileKind, Held};
use super::labels::is_subdomain;
use super::mounts::{Volumes, templates};
use super::{Context, Report, Role, Site, container, network, placement, stop};
use crate::names;

/// What the containers of a pod need of it, found out while they are lowered.
#[derive(Default)]
pub(super) struct Pod {
    pub(super) volumes: Volumes,
    /// What must be there before the pod starts.
    needs: BTreeSet<ObjectId>,
    /// The hashes of what it uses under a name that stays.
    contents: BTreeMap<ObjectId, String>,
    fs_group: Option<(u32, String)>,
    sysctls: BTreeMap<String, (String, String)>,
}

/// A finished template, and what must be there before its pods start.
pub(super) struct Template {
    pub(super) value: Value,
    pub(super) after: Vec<After>,
    /// Volumes that the stateful set makes claims for.
    pub(super) claims: Vec<String>,
}

/// That something waits for another object to be there.
pub(super) fn exists(id: ObjectId) -> After {
    After { id, until: Until::Exists }
}

impl Pod {
    pub(super) fn needs(&mut self, id: ObjectId) {
        self.needs.insert(id);
    }

    pub(super) fn uses(&mut self, held: &Held) {
        self.needs.insert(held.id.clone());
        if let Some(content) = &held.content {
            self.contents.insert(held.id.clone(), content.clone());
        }
    }

    /// Gives the files of a mount to a group: the pod has one, which every file of its volumes belongs to.
    pub(super) fn give_files(&mut self, mount: &Mount, path: &str, report: &mut Report) {
        let Some(group) = mount.group.or(mount.user).filter(|id| *id != 0) else { return };
        match &self.fs_group {
            Some((given, first)) if *given != group => report.refuse(
                Diagnostic::error(
                    path,
                    format!("files of one pod cannot belong to the groups {given} and {group}"),
                )
                .why(format!("a pod has one `fsGroup` for all of its volumes, and `{first}` takes {given}"))
                .remedy("the same `group` on all mounts with `user` or `group`"),
            ),
            Some(_) => {}
            None => self.fs_group = Some((group, path.to_owned())),
        }
    }

    /// Sets a kernel parameter, which all containers of a pod share.
    pub(super) fn set_sysctl(&mut self, (name, value): (&str, &str), path: &str, report: &mut Report) {
        let first =
            self.sysctls.entry(name.to_owned()).or_insert_with(|| (value.to_owned(), path.to_owned()));
        if first.0 != value {
            report.refuse(
                Diagnostic::error(path, format!("`{name}` cannot be both {} and {value}", first.0))
                    .why(format!(
                        "containers of one pod share their kernel parameters, and `{}` is the first",
                        first.1
                    ))
                    .remedy("one value"),
            );
        }
    }
}

/// The template of a workload's pods.
///
/// Source: Kubernetes API reference, `PodTemplateSpec`.
pub(super) fn template(
    context: &Context<'_>,
    site: &Site<'_>,
    restart_policy: Option<&str>,
    report: &mut Report,
) -> Template {
    let mut pod = Pod { volumes: Volumes::with_templates(templates(context, site)), ..Pod::default() };
    let mut containers = (Vec::new(), Vec::new());
    for part in site.parts() {
        let value = container::container(context, &part, &mut pod, report);
        match part.role {
            Role::Init => containers.0.push(value),
            Role::Main => containers.1.push(value),
        }
    }
    let mut spec = Body::new();
    spec.set_some("restartPolicy", restart_policy);
    refuse_identity(site, report);
    add_identity(context, site, (&mut spec, &mut pod));
    spec.set_filled("securityContext", security_context(&pod));
    placement::add(context, site, &mut spec, report);
    add_naming(site, &mut spec, report);
    // Else every service of the namespace puts variables into the containers, which images take for their own.
    spec.set("enableServiceLinks", false)
        .set_some("terminationGracePeriodSeconds", stop::grace(site, report))
        .set_filled("initContainers", containers.0)
        .set("containers", containers.1);
    let claims = pod.volumes.templates.clone();
    let metadata = metadata(context, site, &pod);
    let after = pod.needs.into_iter().map(exists).collect();
    spec.set_filled("volumes", pod.volumes.into_values());
    let value = json!({ "metadata": metadata, "spec": spec.into_value() });
    Template { value, after, claims }
}

fn metadata(context: &Context<'_>, site: &Site<'_>, pod: &Pod) -> Value {
    let mut labels = text_map(&site.workload.labels);
    labels.extend(names::labels(context.scope, site.name));
    labels.extend(network::memberships(site.workload));
    let mut annotations = Map::new();
    if !pod.contents.is_empty() {
        // Another content under the same name must be another template, or no pod would be replaced.
        let contents = serde_json::to_value(&pod.contents).unwrap_or_default();
        annotations.insert(names::CONTENT.to_owned(), names::content_hash(&contents).into());
    }
    let mut body = Body::new();
    body.set("labels", labels).set_filled("annotations", annotations);
    body.into_value()
}

/// Refuses an identity whose name no service account can have.
fn refuse_identity(site: &Site<'_>, report: &mut Report) {
    let Some(identity) = site.workload.identity.as_ref().filter(|identity| !is_subdomain(&identity.name))
    else {
        return;
    };
    report.refuse(
        Diagnostic::error(
            site.at("identity.name"),
            format!("`{}` cannot be the name of a service account", identity.name),
        )
        .why("on Kubernetes it is lower case letters, digits, `-` and `.`, and other platforms name their roles otherwise")
        .remedy("the name of a service account in the namespace; the role of one platform in a patch for it under `on`"),
    );
}

fn add_identity(context: &Context<'_>, site: &Site<'_>, (spec, pod): (&mut Body, &mut Pod)) {
    if let Some(identity) = &site.workload.identity {
        pod.needs(ObjectId::new("serviceaccount", &identity.name));
        spec.set("serviceAccountName", identity.name.clone());
    }
    let secret = site.workload.pull_secret.as_deref();
    if let Some(held) = secret.and_then(|name| context.files.find(FileKind::Secret, name)) {
        pod.uses(held);
        spec.set("imagePullSecrets", json!([{ "name": held.name }]));
    }
}

fn security_context(pod: &Pod) -> Value {
    let sysctl = |(name, (value, _)): (&String, &(String, String))| json!({ "name": name, "value": value });
    let mut body = Body::new();
    body.set_some("fsGroup", pod.fs_group.as_ref().map(|(group, _)| *group))
        .set_filled("sysctls", pod.sysctls.iter().map(sysctl).collect::<Vec<_>>());
    body.into_value()
}

/// Names: the pod's own, lines of its hosts file, and whom it asks.
fn add_naming(site: &Site<'_>, spec: &mut Body, report: &mut Report) {
    let workload = site.workload;
    if let Some(hostname) = &workload.hostname {
        spec.set_some("hostname", own_hostname(site, hostname, report));
    }
    let mut hosts: BTreeMap<&String, Vec<&String>> = BTreeMap::new();
    for (host, address) in &workload.extra_hosts {
        hosts.entry(address).or_default().push(host);
    }
    let alias = |(address, hosts): (&String, Vec<&String>)| json!({ "ip": address, "hostnames": hosts });
    spec.set_filled("hostAliases", hosts.into_iter().map(alias).collect::<Vec<_>>());
    add_dns(site, &workload.dns, spec, report);
}

fn own_hostname(site: &Site<'_>, hostname: &str, report: &mut Report) -> Option<String> {
    if site.workload.mode == rhumb_spec::model::Mode::Stateful {
        let text = "replicas of a stateful set have their own names as host names";
        report.lose(Feature::Hostname, site.at("hostname"), text);
        return None;
    }
    if hostname.contains('.') {
        report.refuse(
            Diagnostic::error(site.at("hostname"), format!("a pod cannot have the host name `{hostname}`"))
                .why("the host name of a pod is one label, without dots")
                .remedy(format!("`{}`", hostname.split('.').next().unwrap_or_default())),
        );
    }
    Some(hostname.to_owned())
}

/// A resolver takes what the first server says, so servers of the user's own take the place of the cluster's.
///
/// Source: Kubernetes documentation, "DNS for Services and Pods", "Pod's DNS Policy".
fn add_dns(site: &Site<'_>, dns: &Dns, spec: &mut Body, report: &mut Report) {
    if !dns.servers.is_empty() {
        let text =
            "these servers are asked instead of the cluster's, so siblings are not found by their names";
        report.lose(Feature::Dns, site.at("dns.servers"), text);
        spec.set("dnsPolicy", "None");
    }
    let option = |text: &String| {
        let (name, value) =
            text.split_once(':').map_or((text.as_str(), None), |(name, value)| (name, Some(value)));
        let mut body = Body::new();
        body.set("name", name).set_some("value", value);
        body.into_value()
    };
    let mut config = Body::new();
    config
        .set_filled("nameservers", dns.servers.clone())
        .set_filled("searches", dns.search.clone())
        .set_filled("options", dns.options.iter().map(option).collect::<Vec<_>>());
    spec.set_filled("dnsConfig", config.into_value());
}
