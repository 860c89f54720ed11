//! Which features an app uses, and at which path.

use crate::feature::Feature;
use crate::model::{
    Access, App, Concurrency, Config, Container, Discovery, EnvSource, EnvValue, Expose, ExposeAs, Kind,
    Mode, Mount, MountSource, Network, OnFailure, Probe, ProbeAction, Protocol, Route, Secret, Security,
    Strategy, Traffic, Update, Volume, Workload,
};

/// A feature that an app uses, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Requirement {
    /// What is used.
    pub feature: Feature,
    /// Where: `workload/web.containers.web.stop.signal`.
    pub path: String,
}

/// Collects requirements below a path.
struct Collector<'a> {
    found: &'a mut Vec<Requirement>,
    base: String,
}

impl Collector<'_> {
    fn add(&mut self, feature: Feature, field: &str) {
        let path = if field.is_empty() { self.base.clone() } else { format!("{}.{field}", self.base) };
        self.found.push(Requirement { feature, path });
    }

    fn add_if(&mut self, is_used: bool, feature: Feature, field: &str) {
        if is_used {
            self.add(feature, field);
        }
    }

    fn below(&mut self, field: &str) -> Collector<'_> {
        Collector { base: format!("{}.{field}", self.base), found: self.found }
    }
}

impl App {
    /// Every feature that the app uses, once for each place.
    pub fn requirements(&self) -> Vec<Requirement> {
        let mut found = Vec::new();
        for (name, workload) in &self.workloads {
            workload_requirements(
                workload,
                self,
                &mut Collector { base: Kind::Workload.path(name), found: &mut found },
            );
        }
        for (name, config) in &self.configs {
            config_requirements(config, &mut Collector { base: Kind::Config.path(name), found: &mut found });
        }
        for (name, secret) in &self.secrets {
            secret_requirements(secret, &mut Collector { base: Kind::Secret.path(name), found: &mut found });
        }
        for (name, volume) in &self.volumes {
            volume_requirements(volume, &mut Collector { base: Kind::Volume.path(name), found: &mut found });
        }
        for (name, network) in &self.networks {
            network_requirements(
                network,
                &mut Collector { base: Kind::Network.path(name), found: &mut found },
            );
        }
        for (name, route) in &self.routes {
            route_requirements(route, &mut Collector { base: Kind::Route.path(name), found: &mut found });
        }
        for name in self.natives.keys() {
            found.push(Requirement { feature: Feature::Native, path: Kind::Native.path(name) });
        }
        found
    }
}

fn workload_requirements(workload: &Workload, app: &App, to: &mut Collector<'_>) {
    mode_requirements(workload, to);
    to.add_if(!workload.depends_on.is_empty(), Feature::DependsOn, "dependsOn");
    to.add_if(workload.containers.len() > 1, Feature::Sidecars, "containers");
    to.add_if(!workload.init_containers.is_empty(), Feature::InitContainers, "initContainers");
    to.add_if(init_shares_volume(workload), Feature::InitSharedVolume, "initContainers");
    for (name, container) in &workload.init_containers {
        container_requirements(container, app, &mut to.below(&format!("initContainers.{name}")));
    }
    for (name, container) in &workload.containers {
        container_requirements(container, app, &mut to.below(&format!("containers.{name}")));
    }
    network_use_requirements(workload, to);
    if let Some(restart) = &workload.restart {
        to.add(Feature::RestartPolicy, "restart");
        let has_limits =
            restart.delay.is_some() || restart.max_attempts.is_some() || restart.window.is_some();
        to.add_if(has_limits, Feature::RestartLimits, "restart");
    }
    if let Some(update) = &workload.update {
        update_requirements(update, &mut to.below("update"));
    }
    if let Some(autoscale) = &workload.autoscale {
        to.add(Feature::Autoscale, "autoscale");
        to.add_if(!autoscale.custom.is_empty(), Feature::AutoscaleCustom, "autoscale.custom");
    }
    to.add_if(workload.disruption.is_some(), Feature::DisruptionBudget, "disruption");
    placement_requirements(workload, to);
    to.add_if(workload.identity.is_some(), Feature::Identity, "identity");
    to.add_if(workload.pull_secret.is_some(), Feature::PullSecret, "pullSecret");
    to.add_if(!workload.labels.is_empty(), Feature::Labels, "labels");
    to.add_if(!workload.annotations.is_empty(), Feature::Annotations, "annotations");
    for platform in workload.on.keys() {
        to.add(Feature::PlatformPatch, &format!("on.{platform}"));
    }
}

fn mode_requirements(workload: &Workload, to: &mut Collector<'_>) {
    let feature = match workload.mode {
        Mode::Replicated => Feature::Replicated,
        Mode::Global => Feature::Global,
        Mode::Stateful => Feature::Stateful,
        Mode::Job => Feature::Job,
        Mode::Cron => Feature::Cron,
    };
    to.add(feature, "mode");
    if let Some(job) = &workload.job {
        to.add_if(job.retries.is_some(), Feature::JobRetries, "job.retries");
        to.add_if(job.deadline.is_some(), Feature::JobDeadline, "job.deadline");
        to.add_if(job.parallelism.is_some(), Feature::JobParallelism, "job.parallelism");
        to.add_if(job.completions.is_some(), Feature::JobCompletions, "job.completions");
    }
    if let Some(cron) = &workload.cron {
        to.add_if(cron.time_zone.is_some(), Feature::CronTimeZone, "cron.timeZone");
        to.add_if(cron.concurrency != Concurrency::Allow, Feature::CronConcurrency, "cron.concurrency");
    }
}

fn init_shares_volume(workload: &Workload) -> bool {
    let ephemerals = |container: &Container| -> Vec<String> {
        let name = |mount: &Mount| match &mount.source {
            MountSource::Ephemeral { name, .. } => Some(name.clone()),
            _ => None,
        };
        container.mounts.values().filter_map(name).collect()
    };
    let main: Vec<String> = workload.containers.values().flat_map(ephemerals).collect();
    workload.init_containers.values().flat_map(ephemerals).any(|name| main.contains(&name))
}

fn network_use_requirements(workload: &Workload, to: &mut Collector<'_>) {
    for (name, expose) in &workload.expose {
        expose_requirements(workload, name, expose, to);
    }
    to.add_if(workload.discovery == Discovery::Dns, Feature::DiscoveryDns, "discovery");
    to.add_if(workload.short_names, Feature::ShortNames, "shortNames");
    for (name, attachment) in &workload.networks {
        to.add_if(
            !attachment.aliases.is_empty(),
            Feature::NetworkAliases,
            &format!("networks.{name}.aliases"),
        );
    }
    to.add_if(workload.dns != crate::model::Dns::default(), Feature::Dns, "dns");
    to.add_if(!workload.extra_hosts.is_empty(), Feature::ExtraHosts, "extraHosts");
    to.add_if(workload.hostname.is_some(), Feature::Hostname, "hostname");
}

fn expose_requirements(workload: &Workload, name: &str, expose: &Expose, to: &mut Collector<'_>) {
    let field = format!("expose.{name}");
    let feature = match (expose.kind, expose.traffic) {
        (ExposeAs::Internal, _) => Feature::ExposeInternal,
        (ExposeAs::Node, Traffic::Cluster) => Feature::ExposeNode,
        (ExposeAs::Node, Traffic::Local) => Feature::ExposeNodeLocal,
        (ExposeAs::LoadBalancer, _) => Feature::ExposeLoadBalancer,
    };
    to.add(feature, &field);
    let is_udp = workload
        .containers
        .values()
        .filter_map(|container| container.ports.get(name))
        .any(|port| port.protocol == Protocol::Udp);
    to.add_if(is_udp, Feature::ExposeUdp, &field);
}

fn placement_requirements(workload: &Workload, to: &mut Collector<'_>) {
    let placement = &workload.placement;
    to.add_if(!placement.nodes.is_empty(), Feature::NodeConstraint, "placement.nodes");
    to.add_if(!placement.spread.is_empty(), Feature::Spread, "placement.spread");
    to.add_if(placement.max_per_node.is_some(), Feature::MaxPerNode, "placement.maxPerNode");
    to.add_if(!placement.near.is_empty(), Feature::Near, "placement.near");
    to.add_if(!placement.away.is_empty(), Feature::Away, "placement.away");
    to.add_if(!placement.tolerations.is_empty(), Feature::Tolerations, "placement.tolerations");
    to.add_if(placement.os.is_some(), Feature::OsArch, "placement.os");
    to.add_if(placement.arch.is_some(), Feature::OsArch, "placement.arch");
}

fn update_requirements(update: &Update, to: &mut Collector<'_>) {
    match update.strategy {
        Strategy::Rolling => to.add_if(is_rolling(update), Feature::RollingUpdate, ""),
        Strategy::Recreate => to.add(Feature::Recreate, "strategy"),
        Strategy::BlueGreen => to.add(Feature::BlueGreen, "strategy"),
        Strategy::Canary => to.add(Feature::Canary, "strategy"),
    }
    to.add_if(update.delay.is_some(), Feature::UpdateDelay, "delay");
    to.add_if(update.order.is_some(), Feature::UpdateOrder, "order");
    let is_monitored = update.monitor.is_some() || update.max_failure_percent.is_some();
    to.add_if(is_monitored, Feature::UpdateMonitor, "monitor");
    match update.on_failure {
        Some(OnFailure::Rollback) => to.add(Feature::RollbackOnFailure, "onFailure"),
        Some(OnFailure::Pause | OnFailure::Continue) => to.add(Feature::FailureAction, "onFailure"),
        None => {}
    }
    to.add_if(update.rollback.is_some(), Feature::RollbackConfig, "rollback");
}

fn is_rolling(update: &Update) -> bool {
    update.max_surge.is_some() || update.max_unavailable.is_some() || update.parallelism.is_some()
}

fn container_requirements(container: &Container, app: &App, to: &mut Collector<'_>) {
    to.add_if(!container.command.is_empty(), Feature::Command, "command");
    to.add_if(!container.args.is_empty(), Feature::Args, "args");
    to.add_if(container.pull.is_some(), Feature::PullPolicy, "pull");
    to.add_if(container.working_dir.is_some(), Feature::WorkingDir, "workingDir");
    let has_hooks = !container.lifecycle.post_start.is_empty() || !container.lifecycle.pre_stop.is_empty();
    to.add_if(has_hooks, Feature::LifecycleHooks, "lifecycle");
    env_requirements(container, to);
    probe_requirements(container, to);
    resource_requirements(container, to);
    security_requirements(&container.security, &mut to.below("security"));
    to.add_if(container.stop.signal.is_some(), Feature::StopSignal, "stop.signal");
    to.add_if(container.stop.grace.is_some(), Feature::StopGrace, "stop.grace");
    to.add_if(container.logging.is_some(), Feature::Logging, "logging");
    for (path, mount) in &container.mounts {
        mount_requirements(mount, app, &mut to.below(&format!("mounts.{path}")));
    }
}

fn env_requirements(container: &Container, to: &mut Collector<'_>) {
    for (name, value) in &container.env {
        let feature = match value {
            EnvValue::Text(_) => Feature::Env,
            EnvValue::From(EnvSource::Secret { .. }) => Feature::EnvSecret,
            EnvValue::From(EnvSource::Config { .. }) => Feature::EnvConfig,
            EnvValue::From(EnvSource::Address { .. }) => Feature::EnvAddress,
            EnvValue::From(EnvSource::Own(_)) => Feature::EnvOrdinal,
        };
        to.add(feature, &format!("env.{name}"));
    }
    for (index, from) in container.env_from.iter().enumerate() {
        to.add_if(from.config.is_some(), Feature::EnvFromConfig, &format!("envFrom.{index}"));
        to.add_if(from.secret.is_some(), Feature::EnvFromSecret, &format!("envFrom.{index}"));
    }
}

fn probe_requirements(container: &Container, to: &mut Collector<'_>) {
    let probes = &container.probes;
    let mut asked = |probe: Option<&Probe>, feature: Feature, field: &str| {
        let Some(probe) = probe else { return };
        to.add(feature, field);
        let action = match probe.action {
            ProbeAction::Exec(_) => Feature::ProbeExec,
            ProbeAction::Http { .. } => Feature::ProbeHttp,
            ProbeAction::Tcp { .. } => Feature::ProbeTcp,
            ProbeAction::Grpc { .. } => Feature::ProbeGrpc,
        };
        to.add(action, field);
    };
    asked(probes.ready.as_ref(), Feature::ReadinessProbe, "probes.ready");
    asked(probes.live.as_ref(), Feature::LivenessProbe, "probes.live");
    asked(probes.startup.as_ref(), Feature::StartupProbe, "probes.startup");
    if let (Some(ready), Some(live)) = (&probes.ready, &probes.live) {
        to.add_if(ready != live, Feature::ReadinessApart, "probes.ready");
    }
}

fn resource_requirements(container: &Container, to: &mut Collector<'_>) {
    let resources = &container.resources;
    to.add_if(resources.cpu.is_some(), Feature::CpuReservation, "resources.cpu");
    to.add_if(resources.memory.is_some(), Feature::MemoryReservation, "resources.memory");
    to.add_if(resources.limits.cpu.is_some(), Feature::CpuLimit, "resources.limits.cpu");
    to.add_if(resources.limits.memory.is_some(), Feature::MemoryLimit, "resources.limits.memory");
    to.add_if(resources.gpu.is_some(), Feature::Gpu, "resources.gpu");
}

fn security_requirements(security: &Security, to: &mut Collector<'_>) {
    to.add_if(security.user.is_some(), Feature::User, "user");
    to.add_if(security.group.is_some(), Feature::User, "group");
    to.add_if(security.read_only_root, Feature::ReadOnlyRoot, "readOnlyRoot");
    let capabilities = &security.capabilities;
    let has_capabilities = !capabilities.add.is_empty() || !capabilities.drop.is_empty();
    to.add_if(has_capabilities, Feature::Capabilities, "capabilities");
    to.add_if(security.privileged, Feature::Privileged, "privileged");
    to.add_if(!security.sysctls.is_empty(), Feature::Sysctls, "sysctls");
    to.add_if(!security.ulimits.is_empty(), Feature::Ulimits, "ulimits");
    to.add_if(security.seccomp.is_some(), Feature::Seccomp, "seccomp");
}

fn mount_requirements(mount: &Mount, app: &App, to: &mut Collector<'_>) {
    let feature = match &mount.source {
        MountSource::Config { .. } => Feature::ConfigFiles,
        MountSource::Secret { .. } => Feature::SecretFiles,
        MountSource::Ephemeral { .. } => Feature::EphemeralVolume,
        MountSource::Tmpfs { .. } => Feature::Tmpfs,
        MountSource::Host { .. } => Feature::HostPath,
        MountSource::Volume { name } => match app.volumes.get(name).map(|volume| volume.access) {
            Some(Access::Shared) => Feature::SharedVolume,
            Some(Access::Single) | None => Feature::PersistentVolume,
        },
    };
    to.add(feature, "");
    let has_files = matches!(mount.source, MountSource::Config { .. } | MountSource::Secret { .. });
    to.add_if(has_files && mount.file_mode.is_some(), Feature::FileMode, "mode");
    to.add_if(mount.user.is_some() || mount.group.is_some(), Feature::FileOwner, "user");
    to.add_if(mount.sub_path.is_some(), Feature::SubPath, "subPath");
}

fn config_requirements(config: &Config, to: &mut Collector<'_>) {
    to.add_if(config.stable_name, Feature::StableName, "stableName");
    to.add_if(config.external, Feature::External, "external");
    to.add_if(!config.labels.is_empty(), Feature::Labels, "labels");
}

fn secret_requirements(secret: &Secret, to: &mut Collector<'_>) {
    to.add_if(!secret.generate.is_empty(), Feature::GeneratedSecret, "generate");
    to.add_if(!secret.template.is_empty(), Feature::SecretTemplate, "template");
    to.add_if(secret.stable_name, Feature::StableName, "stableName");
    to.add_if(secret.external, Feature::External, "external");
    to.add_if(!secret.labels.is_empty(), Feature::Labels, "labels");
}

fn volume_requirements(volume: &Volume, to: &mut Collector<'_>) {
    to.add_if(volume.external, Feature::External, "external");
    to.add_if(volume.class.is_some(), Feature::VolumeClass, "class");
    to.add_if(volume.size.is_some(), Feature::VolumeSize, "size");
    to.add_if(volume.keep == Some(true), Feature::KeepVolume, "keep");
    to.add_if(!volume.labels.is_empty(), Feature::Labels, "labels");
}

fn network_requirements(network: &Network, to: &mut Collector<'_>) {
    to.add(Feature::NetworkIsolation, "");
    to.add_if(network.external, Feature::External, "external");
    to.add_if(network.encrypted, Feature::NetworkEncryption, "encrypted");
    to.add_if(network.internal, Feature::NetworkInternal, "internal");
    to.add_if(!network.labels.is_empty(), Feature::Labels, "labels");
}

fn route_requirements(route: &Route, to: &mut Collector<'_>) {
    to.add(Feature::Route, "");
    to.add_if(route.tls.is_some(), Feature::RouteTls, "tls");
    to.add_if(!route.annotations.is_empty(), Feature::Annotations, "annotations");
}
