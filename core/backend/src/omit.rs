//! Leaving a feature out of an app, because the user accepted to do without it.

use rhumb_spec::model::{
    Capabilities, Concurrency, Container, Discovery, Dns, ExposeAs, Lifecycle, MountSource, OnFailure, Probe,
    ProbeAction, Strategy, Traffic, Update, Workload,
};
use rhumb_spec::{App, Feature};

/// Leaves a feature out of the whole app and says whether that can be done at all.
///
/// What makes an app another app cannot be left out: the mode of a workload, its containers, commands and variables,
/// the files and data that it reads, the ports by which siblings reach it. Features that only ask for more fall back
/// to what an app has that never asked: a node's port becomes an internal one, an autoscaler its smallest number, a
/// canary a rolling update.
#[expect(clippy::too_many_lines, reason = "flat mapping table")]
pub fn omit(app: &mut App, feature: Feature) -> bool {
    match feature {
        Feature::Replicated
        | Feature::Global
        | Feature::Stateful
        | Feature::Job
        | Feature::Cron
        | Feature::Sidecars
        | Feature::InitContainers
        | Feature::InitSharedVolume
        | Feature::Command
        | Feature::Args
        | Feature::WorkingDir
        | Feature::Env
        | Feature::EnvSecret
        | Feature::EnvConfig
        | Feature::EnvAddress
        | Feature::EnvOrdinal
        | Feature::EnvFromConfig
        | Feature::EnvFromSecret
        | Feature::ConfigFiles
        | Feature::SecretFiles
        | Feature::SubPath
        | Feature::GeneratedSecret
        | Feature::SecretTemplate
        | Feature::External
        | Feature::EphemeralVolume
        | Feature::PersistentVolume
        | Feature::SharedVolume
        | Feature::ExposeInternal
        | Feature::ExposeUdp => return false,

        Feature::JobRetries => jobs(app, |job| job.retries = None),
        Feature::JobDeadline => jobs(app, |job| job.deadline = None),
        Feature::JobParallelism => jobs(app, |job| job.parallelism = None),
        Feature::JobCompletions => jobs(app, |job| job.completions = None),
        Feature::CronTimeZone => crons(app, |cron| cron.time_zone = None),
        Feature::CronConcurrency => crons(app, |cron| cron.concurrency = Concurrency::Allow),
        Feature::DependsOn => workloads(app, |workload| workload.depends_on.clear()),

        Feature::PullSecret => workloads(app, |workload| workload.pull_secret = None),
        Feature::PullPolicy => containers(app, |container| container.pull = None),
        Feature::RestartPolicy => workloads(app, |workload| workload.restart = None),
        Feature::RestartLimits => workloads(app, omit_restart_limits),
        Feature::LifecycleHooks => containers(app, |container| container.lifecycle = Lifecycle::default()),
        Feature::Labels => omit_labels(app),
        Feature::Annotations => omit_annotations(app),
        Feature::ShortNames => workloads(app, |workload| workload.short_names = false),

        Feature::ProbeExec => probes(app, |action| matches!(action, ProbeAction::Exec(_))),
        Feature::ProbeHttp => probes(app, |action| matches!(action, ProbeAction::Http { .. })),
        Feature::ProbeTcp => probes(app, |action| matches!(action, ProbeAction::Tcp { .. })),
        Feature::ProbeGrpc => probes(app, |action| matches!(action, ProbeAction::Grpc { .. })),
        Feature::ReadinessProbe => containers(app, |container| container.probes.ready = None),
        Feature::LivenessProbe => containers(app, |container| container.probes.live = None),
        Feature::StartupProbe => containers(app, |container| container.probes.startup = None),
        Feature::ReadinessApart => containers(app, omit_readiness_apart),

        Feature::CpuReservation => containers(app, |container| container.resources.cpu = None),
        Feature::CpuLimit => containers(app, |container| container.resources.limits.cpu = None),
        Feature::MemoryReservation => containers(app, |container| container.resources.memory = None),
        Feature::MemoryLimit => containers(app, |container| container.resources.limits.memory = None),
        Feature::Gpu => containers(app, |container| container.resources.gpu = None),

        Feature::User => containers(app, |container| {
            container.security.user = None;
            container.security.group = None;
        }),
        Feature::ReadOnlyRoot => containers(app, |container| container.security.read_only_root = false),
        Feature::Capabilities => {
            containers(app, |container| container.security.capabilities = Capabilities::default());
        }
        Feature::Privileged => containers(app, |container| container.security.privileged = false),
        Feature::Sysctls => containers(app, |container| container.security.sysctls.clear()),
        Feature::Ulimits => containers(app, |container| container.security.ulimits.clear()),
        Feature::Seccomp => containers(app, |container| container.security.seccomp = None),
        Feature::StopSignal => containers(app, |container| container.stop.signal = None),
        Feature::StopGrace => containers(app, |container| container.stop.grace = None),
        Feature::Logging => containers(app, |container| container.logging = None),
        Feature::Dns => workloads(app, |workload| workload.dns = Dns::default()),
        Feature::ExtraHosts => workloads(app, |workload| workload.extra_hosts.clear()),
        Feature::Hostname => workloads(app, |workload| workload.hostname = None),

        Feature::FileMode => mounts(app, |mount| mount.file_mode = None),
        Feature::FileOwner => mounts(app, |mount| {
            mount.user = None;
            mount.group = None;
        }),
        Feature::StableName => omit_stable_names(app),
        Feature::Tmpfs => unmount(app, |source| matches!(source, MountSource::Tmpfs { .. })),
        Feature::HostPath => unmount(app, |source| matches!(source, MountSource::Host { .. })),
        Feature::VolumeClass => app.volumes.values_mut().for_each(|volume| {
            volume.class = None;
            volume.options.clear();
        }),
        Feature::VolumeSize => app.volumes.values_mut().for_each(|volume| volume.size = None),
        Feature::KeepVolume => app.volumes.values_mut().for_each(|volume| volume.keep = Some(false)),

        Feature::ExposeNode => {
            omit_expose(app, |kind, traffic| kind == ExposeAs::Node && traffic == Traffic::Cluster);
        }
        Feature::ExposeNodeLocal => workloads(app, |workload| {
            workload.expose.values_mut().for_each(|expose| expose.traffic = Traffic::Cluster);
        }),
        Feature::ExposeLoadBalancer => omit_expose(app, |kind, _| kind == ExposeAs::LoadBalancer),
        Feature::DiscoveryDns => workloads(app, |workload| workload.discovery = Discovery::VirtualIp),
        Feature::NetworkAliases => workloads(app, |workload| {
            workload.networks.values_mut().for_each(|attachment| attachment.aliases.clear());
        }),
        Feature::Route => app.routes.clear(),
        Feature::RouteTls => app.routes.values_mut().for_each(|route| route.tls = None),
        Feature::NetworkIsolation => {
            app.networks.clear();
            workloads(app, |workload| workload.networks.clear());
        }
        Feature::NetworkEncryption => app.networks.values_mut().for_each(|network| network.encrypted = false),
        Feature::NetworkInternal => app.networks.values_mut().for_each(|network| network.internal = false),

        Feature::RollingUpdate => updates(app, |update| {
            update.max_surge = None;
            update.max_unavailable = None;
            update.parallelism = None;
        }),
        Feature::UpdateDelay => updates(app, |update| update.delay = None),
        Feature::UpdateOrder => updates(app, |update| update.order = None),
        Feature::UpdateMonitor => updates(app, |update| {
            update.monitor = None;
            update.max_failure_percent = None;
        }),
        Feature::RollbackOnFailure => omit_on_failure(app, |action| action == OnFailure::Rollback),
        Feature::FailureAction => omit_on_failure(app, |action| action != OnFailure::Rollback),
        Feature::RollbackConfig => updates(app, |update| update.rollback = None),
        Feature::Recreate => omit_strategy(app, Strategy::Recreate),
        Feature::BlueGreen => omit_strategy(app, Strategy::BlueGreen),
        Feature::Canary => omit_strategy(app, Strategy::Canary),

        Feature::Autoscale => workloads(app, omit_autoscale),
        Feature::AutoscaleCustom => workloads(app, |workload| {
            workload.autoscale.iter_mut().for_each(|autoscale| autoscale.custom.clear());
        }),
        Feature::DisruptionBudget => workloads(app, |workload| workload.disruption = None),
        Feature::NodeConstraint => workloads(app, |workload| workload.placement.nodes.clear()),
        Feature::Spread => workloads(app, |workload| workload.placement.spread.clear()),
        Feature::MaxPerNode => workloads(app, |workload| workload.placement.max_per_node = None),
        Feature::Near => workloads(app, |workload| workload.placement.near.clear()),
        Feature::Away => workloads(app, |workload| workload.placement.away.clear()),
        Feature::Tolerations => workloads(app, |workload| workload.placement.tolerations.clear()),
        Feature::OsArch => workloads(app, |workload| {
            workload.placement.os = None;
            workload.placement.arch = None;
        }),
        Feature::Identity => workloads(app, |workload| workload.identity = None),
        Feature::PlatformPatch => workloads(app, |workload| workload.on.clear()),
        Feature::Native => app.natives.clear(),
    }
    true
}

/// Whether a feature can be left out of an app.
pub fn can_omit(feature: Feature) -> bool {
    omit(&mut App::default(), feature)
}

fn workloads(app: &mut App, change: impl FnMut(&mut Workload)) {
    app.workloads.values_mut().for_each(change);
}

fn containers(app: &mut App, mut change: impl FnMut(&mut Container)) {
    workloads(app, |workload| {
        workload.init_containers.values_mut().chain(workload.containers.values_mut()).for_each(&mut change);
    });
}

fn mounts(app: &mut App, mut change: impl FnMut(&mut rhumb_spec::model::Mount)) {
    containers(app, |container| container.mounts.values_mut().for_each(&mut change));
}

fn unmount(app: &mut App, is_left_out: impl Fn(&MountSource) -> bool) {
    containers(app, |container| container.mounts.retain(|_, mount| !is_left_out(&mount.source)));
}

fn updates(app: &mut App, mut change: impl FnMut(&mut Update)) {
    workloads(app, |workload| workload.update.iter_mut().for_each(&mut change));
}

fn jobs(app: &mut App, mut change: impl FnMut(&mut rhumb_spec::model::Job)) {
    workloads(app, |workload| workload.job.iter_mut().for_each(&mut change));
}

fn crons(app: &mut App, mut change: impl FnMut(&mut rhumb_spec::model::Cron)) {
    workloads(app, |workload| workload.cron.iter_mut().for_each(&mut change));
}

fn probes(app: &mut App, is_left_out: impl Fn(&ProbeAction) -> bool) {
    let clear = |probe: &mut Option<Probe>| {
        if probe.as_ref().is_some_and(|probe| is_left_out(&probe.action)) {
            *probe = None;
        }
    };
    containers(app, |container| {
        clear(&mut container.probes.ready);
        clear(&mut container.probes.live);
        clear(&mut container.probes.startup);
    });
}

/// Where one check must do for both questions, the one that may end the container stays.
fn omit_readiness_apart(container: &mut Container) {
    if container.probes.live.is_some() && container.probes.live != container.probes.ready {
        container.probes.ready = None;
    }
}

fn omit_restart_limits(workload: &mut Workload) {
    if let Some(restart) = &mut workload.restart {
        restart.delay = None;
        restart.max_attempts = None;
        restart.window = None;
    }
}

fn omit_labels(app: &mut App) {
    workloads(app, |workload| workload.labels.clear());
    app.configs.values_mut().for_each(|config| config.labels.clear());
    app.secrets.values_mut().for_each(|secret| secret.labels.clear());
    app.volumes.values_mut().for_each(|volume| volume.labels.clear());
    app.networks.values_mut().for_each(|network| network.labels.clear());
}

fn omit_annotations(app: &mut App) {
    workloads(app, |workload| workload.annotations.clear());
    app.routes.values_mut().for_each(|route| route.annotations.clear());
}

fn omit_stable_names(app: &mut App) {
    app.configs.values_mut().for_each(|config| config.stable_name = false);
    app.secrets.values_mut().for_each(|secret| secret.stable_name = false);
}

/// What was reached from outside is reached by siblings only, at the port that they used.
fn omit_expose(app: &mut App, is_left_out: impl Fn(ExposeAs, Traffic) -> bool) {
    workloads(app, |workload| {
        for expose in workload.expose.values_mut().filter(|expose| is_left_out(expose.kind, expose.traffic)) {
            expose.port = expose.internal_port.take().unwrap_or(expose.port);
            expose.kind = ExposeAs::Internal;
            expose.traffic = Traffic::Cluster;
        }
    });
}

fn omit_on_failure(app: &mut App, is_left_out: impl Fn(OnFailure) -> bool) {
    updates(app, |update| {
        if update.on_failure.is_some_and(&is_left_out) {
            update.on_failure = None;
        }
    });
}

fn omit_strategy(app: &mut App, strategy: Strategy) {
    updates(app, |update| {
        if update.strategy == strategy {
            update.strategy = Strategy::Rolling;
            update.steps.clear();
        }
    });
}

/// Without an autoscaler there are as many replicas as the chart says, else as many as it allowed at least.
fn omit_autoscale(workload: &mut Workload) {
    if let Some(autoscale) = workload.autoscale.take() {
        workload.replicas.get_or_insert(autoscale.min);
    }
}

#[cfg(test)]
mod tests;
