//! Asking the account what lowering must know, and checking a target's settings against it.

mod balancer;
mod cluster;
mod namespace;
mod network;
mod role;
mod verify;

use rhumb_backend::{Error, ErrorKind, Facts, Result, Scope, Survey};
use rhumb_spec::App;
use rhumb_spec::model::{ExposeAs, Mode, Strategy, Update, Workload};
use tokio::try_join;

use crate::NAME;
use crate::connect::{Account, LaunchType, NetworkMode, Settings};
use crate::facts::EcsFacts;

use balancer::Balancer;

pub(crate) use verify::verify;

/// Asks for what the app needs: the cluster, subnets and roles for whatever runs; load balancers, the namespace and the
/// scheduler's role only where something of the app is made with them.
///
/// # Errors
/// `Invalid` for a setting of the target that names what is not there; what AWS answers.
pub(crate) async fn survey(account: &Account, scope: &Scope, app: &App, _: &Survey<'_>) -> Result<Facts> {
    let needs = Needs::of(app);
    let (found, network, roles, application, outer, names) = try_join!(
        cluster::found(account),
        network::look(account),
        roles(account, needs),
        async {
            if needs.routes { balancer::look(account, scope, Balancer::Application).await } else { Ok(None) }
        },
        async {
            if needs.balancer { balancer::look(account, scope, Balancer::Network).await } else { Ok(None) }
        },
        async { if needs.names { namespace::look(account).await } else { Ok(None) } },
    )?;
    let identity = account.identity().await?;
    let settings = account.settings();
    let names = match names {
        None if needs.names => namespace::of_cluster(account, &found).await?,
        found => found,
    };
    let vpc = network.vpc.or_else(|| application.as_ref().and_then(|found| found.vpc.clone()));
    let facts = EcsFacts {
        region: account.region().await?.to_owned(),
        account: identity.account.clone(),
        cluster: found.name.clone(),
        vpc: vpc.or_else(|| outer.as_ref().and_then(|found| found.vpc.clone())),
        subnets: network.subnets,
        security_groups: settings.security_groups.clone(),
        assign_public_ip: settings.assign_public_ip || network.is_public,
        execution_role: roles.execution,
        task_role: roles.task,
        scheduler_role: roles.scheduler,
        infrastructure_role: roles.infrastructure,
        load_balancer: application.map(|found| found.facts),
        network_load_balancer: outer.map(|found| found.facts),
        discovery: names,
        file_system: settings.file_system.clone(),
        instances: (settings.launch_type == LaunchType::Ec2).then_some(found.instances),
        ..EcsFacts::assumed(settings)
    };
    Facts::from_data(NAME, true, &facts)
}

/// What an app needs of the account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is asked for by itself")]
struct Needs {
    routes: bool,
    balancer: bool,
    names: bool,
    cron: bool,
    shifting: bool,
}

impl Needs {
    fn of(app: &App) -> Self {
        let any = |needs: &dyn Fn(&Workload) -> bool| app.workloads.values().any(needs);
        let shifts = |update: &Update| matches!(update.strategy, Strategy::BlueGreen | Strategy::Canary);
        Self {
            routes: !app.routes.is_empty(),
            // Where tasks have addresses of their own, the balancer stands for ports of nodes, too.
            balancer: any(&|workload| {
                workload.expose.values().any(|expose| expose.kind != ExposeAs::Internal)
            }),
            names: any(&|workload| !workload.expose.is_empty() || workload.short_names),
            cron: any(&|workload| workload.mode == Mode::Cron),
            shifting: any(&|workload| workload.update.as_ref().is_some_and(shifts)),
        }
    }
}

#[derive(Debug, Default)]
struct Roles {
    execution: Option<String>,
    task: Option<String>,
    scheduler: Option<String>,
    infrastructure: Option<String>,
}

async fn roles(account: &Account, needs: Needs) -> Result<Roles> {
    let settings = account.settings();
    let (execution, task, scheduler, infrastructure) = try_join!(
        role::arn(account, &role::EXECUTION, settings.execution_role.as_deref()),
        role::arn(account, &role::TASK, settings.task_role.as_deref()),
        async {
            if needs.cron {
                role::arn(account, &role::SCHEDULER, settings.scheduler_role.as_deref()).await
            } else {
                Ok(settings.scheduler_role.clone())
            }
        },
        async {
            if needs.shifting {
                role::arn(account, &role::INFRASTRUCTURE, settings.infrastructure_role.as_deref()).await
            } else {
                Ok(settings.infrastructure_role.clone())
            }
        },
    )?;
    Ok(Roles { execution, task, scheduler, infrastructure })
}

/// Whether tasks have addresses of their own, so that they need subnets.
fn has_addresses(settings: &Settings) -> bool {
    settings.launch_type == LaunchType::Fargate && settings.capacity_providers.is_empty()
        || settings.capacity_providers.keys().any(|name| name.starts_with("FARGATE"))
        || settings.network_mode == NetworkMode::Awsvpc
}

/// A setting of the target that names what is not there.
fn missing(setting: &'static str, value: &str, remedy: impl Into<String>) -> Error {
    Error::new(
        ErrorKind::Invalid,
        format!("use the target's `{setting}`"),
        "the account has none of this name there",
    )
    .with("name", value)
    .remedy(remedy)
}

#[cfg(test)]
mod tests;
