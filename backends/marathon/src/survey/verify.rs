//! Checking a target's settings against the servers.

use rhumb_backend::{Finding, Result};
use serde_json::Value;

use super::answers;
use crate::connect::{Call, Credentials, Server, Service};
use crate::document::{items, label, text};
use crate::facts::Naming;

/// Verifies every setting of the target: the address and who we are there, each server beside Marathon, the network, and
/// whether something reads the labels of balancers.
///
/// # Errors
/// `Unreachable`, `Unauthenticated`, `Forbidden`, `Timeout`; `Invalid` when the settings name no place to ask.
pub(crate) async fn verify(server: &Server) -> Result<Vec<Finding>> {
    let endpoint = server.endpoint()?;
    let info = server.info().await?;
    let apps = server.json::<Value>(Call::get("list the apps", "/v2/apps")).await?;
    let mut findings = vec![
        Finding::good(
            "url",
            format!("Marathon {} at {} (from {})", info.version, endpoint.shown(), endpoint.source),
        )
        .measured_on("version", info.version.as_str()),
        match &info.leader {
            Some(leader) => Finding::good("leader", format!("{leader} leads")),
            None => Finding::bad(
                "leader",
                "Marathon has no leader: nothing can be changed until its masters agree",
            ),
        },
        Finding::good("credentials", format!("{}; apps may be listed", shown(&endpoint.credentials))),
    ];
    if let Some(ca) = &endpoint.ca {
        findings.push(Finding::good("ca", format!("{} is trusted, and nobody else", ca.display())));
    }
    for service in [Service::Metronome, Service::Chronos, Service::Secrets] {
        findings.push(beside(server, service).await?);
    }
    findings.push(secrets(server, info.marathon_config.features.as_deref().unwrap_or_default()));
    findings.push(network(server)?);
    findings.push(balancer(server, &apps));
    Ok(findings)
}

fn shown(credentials: &Credentials) -> String {
    match credentials {
        Credentials::None => "none are sent".to_owned(),
        Credentials::Basic { user, .. } => format!("the user {user}"),
        Credentials::Token(_) => "a DC/OS token".to_owned(),
    }
}

async fn beside(server: &Server, service: Service) -> Result<Finding> {
    let (what, without) = match service {
        Service::Metronome => ("metronome", "jobs and schedules are refused"),
        Service::Chronos => ("chronos", "Metronome alone carries schedules"),
        _ => ("secretStore", "secrets are refused, and so are configs as files"),
    };
    let name = service.name();
    match answers(server, service.clone()).await {
        Ok(true) => Ok(Finding::good(what, format!("{name} answers"))),
        Ok(false) => Ok(Finding::good(what, format!("{name} is not there: {without}"))),
        Err(error) => {
            let finding = Finding::bad(what, error.message);
            Ok(match error.remedy {
                Some(remedy) => finding.remedy(remedy),
                None => finding,
            })
        }
    }
}

/// The store alone is not enough: Marathon must be told to use it.
fn secrets(server: &Server, features: &[String]) -> Finding {
    let is_on = features.iter().any(|feature| feature == "secrets");
    match (server.settings().secrets, is_on) {
        (Some(false), _) => Finding::good("secrets", "the target says that secrets are not used"),
        (_, true) => Finding::good("secrets", "Marathon's feature `secrets` is on"),
        (Some(true), false) => Finding::bad(
            "secrets",
            "the target says that secrets are used, and Marathon's feature `secrets` is off",
        )
        .remedy("start Marathon with `--enable_features secrets`, or leave out `secrets` in the target"),
        (None, false) => Finding::good("secrets", "Marathon's feature `secrets` is off: secrets are refused"),
    }
}

fn network(server: &Server) -> Result<Finding> {
    let settings = server.settings();
    let is_cluster = server.has(&Service::Cluster)?;
    if settings.naming == Some(Naming::Vip) && !is_cluster {
        return Ok(
            Finding::bad("naming", "virtual addresses are DC/OS' own").remedy("use `naming: mesos-dns`")
        );
    }
    let names = match settings.naming.unwrap_or(if is_cluster { Naming::Vip } else { Naming::MesosDns }) {
        Naming::Vip => "virtual addresses of DC/OS",
        Naming::MesosDns => "names of Mesos-DNS",
    };
    let network = match &settings.network {
        Some(network) => format!("the network {network}, which Mesos must know"),
        None if is_cluster => "the network dcos".to_owned(),
        None => "bridges".to_owned(),
    };
    Ok(Finding::good("network", format!("apps are on {network}, and find each other by {names}")))
}

/// marathon-lb takes the apps of its group.
///
/// Source: marathon-lb documentation, `HAPROXY_GROUP` and its argument `--group`.
fn balancer(server: &Server, apps: &Value) -> Finding {
    let group = server.settings().haproxy_group.clone().unwrap_or_else(|| "external".to_owned());
    let is_balancer = |app: &&Value| {
        let image = text(app, "/container/docker/image").unwrap_or_default();
        image.contains("marathon-lb") || label(app, "DCOS_PACKAGE_NAME") == Some("marathon-lb")
    };
    match items(apps, "/apps").find(is_balancer).and_then(|app| text(app, "/id")) {
        Some(id) => {
            Finding::good("haproxyGroup", format!("{id} is a marathon-lb; apps are in its group {group}"))
        }
        None => Finding::good(
            "haproxyGroup",
            format!(
                "no marathon-lb is among the apps: routes and balancers wait for one with the group {group}"
            ),
        ),
    }
}
