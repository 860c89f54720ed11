//! Init containers as jobs. The rules are those of [`super::Pass::InitContainersAsJobs`].

use rhumb_spec::model::{Container, Kind, Mode, NetworkAttachment, Probes, Workload};
use rhumb_spec::{App, Diagnostic};

use super::Legalized;

pub(super) fn apply(mut app: App) -> Result<Legalized, Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    let with_inits: Vec<String> = app
        .workloads
        .iter()
        .filter(|(_, workload)| !workload.init_containers.is_empty())
        .map(|(name, _)| name.clone())
        .collect();
    for name in with_inits {
        let Some(mut workload) = app.workloads.remove(&name) else { continue };
        for (job_name, job) in take_jobs(&name, &mut workload) {
            if app.workloads.contains_key(&job_name) {
                diagnostics.push(taken(&name, &job_name));
            }
            app.workloads.insert(job_name, job);
        }
        app.workloads.insert(name, workload);
    }
    if diagnostics.is_empty() { Ok(Legalized { app, ..Legalized::default() }) } else { Err(diagnostics) }
}

/// Takes the init containers out of a workload, as jobs of which each waits for the one before it.
fn take_jobs(name: &str, workload: &mut Workload) -> Vec<(String, Workload)> {
    let mut before = workload.depends_on.clone();
    let mut jobs = Vec::new();
    for (container_name, container) in std::mem::take(&mut workload.init_containers) {
        let job_name = format!("{name}-init-{container_name}");
        let mut job = job(workload, container_name, container);
        job.depends_on = std::mem::replace(&mut before, vec![job_name.clone()]);
        jobs.push((job_name, job));
    }
    workload.depends_on.extend(before);
    jobs
}

fn job(of: &Workload, name: String, mut container: Container) -> Workload {
    container.probes = Probes::default();
    container.ports.clear();
    Workload {
        mode: Mode::Job,
        containers: std::iter::once((name, container)).collect(),
        networks: of.networks.keys().map(|network| (network.clone(), NetworkAttachment::default())).collect(),
        short_names: of.short_names,
        placement: of.placement.clone(),
        identity: of.identity.clone(),
        pull_secret: of.pull_secret.clone(),
        dns: of.dns.clone(),
        extra_hosts: of.extra_hosts.clone(),
        labels: of.labels.clone(),
        annotations: of.annotations.clone(),
        ..Workload::default()
    }
}

fn taken(workload: &str, job: &str) -> Diagnostic {
    Diagnostic::error(
        Kind::Workload.path(job),
        format!("the name {job} is taken by an init container of {workload}"),
    )
    .why("on this platform an init container is a job of its own, named after its workload")
    .remedy("another name for this workload or for the init container")
}
