//! A job that is like a container of a workload, with another command.

use indexmap::IndexMap;
use rhumb_backend::{Error, ErrorKind};
use rhumb_spec::model::{Container, EnvSource, EnvValue, Mode, MountSource, Probes, SelfField, Workload};
use rhumb_spec::{App, Diagnostic};

use crate::{ActionError, ActionResult, RunRequest};

/// A replica's number, which a job has none of.
const ORDINAL: EnvValue = EnvValue::From(EnvSource::Own(SelfField::Ordinal));

/// The job that a request asks for, without its name.
///
/// It has what the process sees: image, environment, mounts, rights, networks, node. It has nothing by which it would
/// be taken for the workload: no ports, probes, replicas.
///
/// # Errors
/// `NotFound` for a workload or container that the app does not have, and the choice that is missing when there are several.
pub(crate) fn job_like(app: &App, request: &RunRequest) -> ActionResult<Workload> {
    let workload = app.workloads.get(&request.workload).ok_or_else(|| {
        let names: Vec<&str> = app.workloads.keys().map(String::as_str).collect();
        not_there("the release has no such workload", &names).with("workload", &request.workload)
    })?;
    let (name, container) = chosen(workload, request)?;
    let mut container = Container {
        ports: IndexMap::new(),
        probes: Probes::default(),
        lifecycle: rhumb_spec::model::Lifecycle::default(),
        ..container.clone()
    };
    if !request.command.is_empty() {
        container.command.clone_from(&request.command);
        container.args.clear();
    }
    if workload.mode == Mode::Stateful {
        // Each replica has a volume of its own, and the job is none of them.
        container.mounts.retain(|_, mount| !matches!(mount.source, MountSource::Volume { .. }));
        // It has no number either; what the image makes of one is seen best with the first replica's.
        for value in container.env.values_mut().filter(|value| **value == ORDINAL) {
            *value = EnvValue::Text("0".to_owned());
        }
    }
    Ok(Workload {
        mode: Mode::Job,
        containers: IndexMap::from([(name.to_owned(), container)]),
        networks: workload.networks.clone(),
        short_names: workload.short_names,
        placement: workload.placement.clone(),
        identity: workload.identity.clone(),
        pull_secret: workload.pull_secret.clone(),
        dns: workload.dns.clone(),
        extra_hosts: workload.extra_hosts.clone(),
        labels: workload.labels.clone(),
        ..Workload::default()
    })
}

fn chosen<'a>(workload: &'a Workload, request: &'a RunRequest) -> ActionResult<(&'a str, &'a Container)> {
    let names: Vec<&str> = workload.containers.keys().map(String::as_str).collect();
    match (&request.container, workload.containers.first()) {
        (Some(name), _) => {
            let found = workload.containers.get(name).map(|container| (name.as_str(), container));
            let missing = || not_there("the workload has no such container", &names);
            Ok(found.ok_or_else(|| missing().with("workload", &request.workload).with("container", name))?)
        }
        (None, Some((name, container))) if workload.containers.len() == 1 => Ok((name, container)),
        (None, _) => {
            let several = Diagnostic::error("", format!("`{}` has several containers", request.workload));
            Err(ActionError::of(several.remedy(format!("--container with one of {}", names.join(", ")))))
        }
    }
}

fn not_there(what: &str, names: &[&str]) -> Error {
    Error::new(ErrorKind::NotFound, "run a job", what).remedy(format!("one of {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rhumb_spec::model::{Mount, Port, Protocol};

    use super::*;
    use crate::AfterJob;

    fn request(container: Option<&str>, command: &[&str]) -> RunRequest {
        RunRequest {
            name: "shop".to_owned(),
            workload: "db".to_owned(),
            container: container.map(str::to_owned),
            command: command.iter().map(|&word| word.to_owned()).collect(),
            timeout: Duration::from_secs(1),
            after: AfterJob::Remove,
        }
    }

    fn app(mode: Mode, containers: &[&str]) -> App {
        let volume = Mount {
            source: MountSource::Volume { name: "data".to_owned() },
            read_only: false,
            sub_path: None,
            file_mode: None,
            user: None,
            group: None,
        };
        let container = Container {
            image: "pg:1".to_owned(),
            args: vec!["serve".to_owned()],
            ports: IndexMap::from([("pg".to_owned(), Port { port: 5432, protocol: Protocol::Tcp })]),
            mounts: IndexMap::from([("/data".to_owned(), volume)]),
            ..Container::default()
        };
        let containers = containers.iter().map(|&name| (name.to_owned(), container.clone())).collect();
        let workload = Workload { mode, replicas: Some(3), containers, ..Workload::default() };
        App { workloads: [("db".to_owned(), workload)].into(), ..App::default() }
    }

    #[test]
    fn a_job_like_a_numbered_replica_has_the_first_number() {
        let mut app = app(Mode::Stateful, &["pg"]);
        let workload = app.workloads.get_mut("db").unwrap();
        workload.containers["pg"].env.insert("ORDINAL".to_owned(), ORDINAL);
        let job = job_like(&app, &request(None, &["id"])).unwrap();
        assert_eq!(job.containers["pg"].env["ORDINAL"], EnvValue::Text("0".to_owned()));
    }

    #[test]
    fn a_job_has_the_container_with_the_other_command() {
        let job = job_like(&app(Mode::Replicated, &["pg"]), &request(None, &["psql", "-l"])).unwrap();
        assert_eq!((job.mode, job.replicas), (Mode::Job, None));
        let container = &job.containers["pg"];
        assert_eq!(container.command, ["psql", "-l"]);
        assert!(container.args.is_empty() && container.ports.is_empty());
        assert_eq!(container.mounts.len(), 1);
    }

    #[test]
    fn without_a_command_the_container_keeps_its_own() {
        let job = job_like(&app(Mode::Stateful, &["pg"]), &request(None, &[])).unwrap();
        assert_eq!(job.containers["pg"].args, ["serve"]);
        assert!(job.containers["pg"].mounts.is_empty(), "a replica's volume is its own");
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is() {
        let text = |app: &App, request: &RunRequest| job_like(app, request).unwrap_err().to_string();
        let two = app(Mode::Replicated, &["pg", "log"]);
        assert_eq!(
            text(&App::default(), &request(None, &[])),
            "cannot run a job (workload db): the release has no such workload"
        );
        assert!(text(&two, &request(None, &[])).contains("--container with one of pg, log"));
        assert!(text(&two, &request(Some("x"), &[])).contains("no such container"));
        assert!(job_like(&two, &request(Some("log"), &[])).unwrap().containers.contains_key("log"));
    }
}
