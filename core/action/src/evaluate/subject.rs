//! Which workload is loaded, scaled and broken.

use rhumb_backend::{Error, ErrorKind};
use rhumb_spec::App;
use rhumb_spec::model::{Expose, ExposeAs, Mode, Workload};
use serde::Serialize;

/// The workload that is loaded, scaled and broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Subject {
    /// Its name.
    pub workload: String,
    /// Its own number of replicas.
    pub replicas: u32,
    /// The number that it is scaled up to.
    pub scaled_to: u32,
    /// The port that requests go to: its name, and its number inside of the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<(String, u16)>,
}

impl Subject {
    /// The workload of this name; without one the first that is replicated, of those that are reached from farthest out.
    ///
    /// # Errors
    /// `NotFound` for a workload that the app does not have, and for an app that has none that is replicated.
    pub(super) fn of(app: &App, named: Option<&str>, scaled_to: Option<u32>) -> Result<Self, Error> {
        let (name, workload) = match named {
            Some(name) => app.workloads.get_key_value(name).ok_or_else(|| unknown(app, name))?,
            None => chosen(app).ok_or_else(|| {
                Error::new(ErrorKind::NotFound, "choose a workload", "the chart has none that is replicated")
                    .remedy("name one with --workload")
            })?,
        };
        let replicas = workload.replicas.unwrap_or(1);
        Ok(Self {
            workload: name.clone(),
            replicas,
            scaled_to: scaled_to.unwrap_or_else(|| replicas.max(1).saturating_mul(2)),
            port: port(workload),
        })
    }
}

fn unknown(app: &App, name: &str) -> Error {
    let known: Vec<&str> = app.workloads.keys().map(String::as_str).collect();
    Error::new(ErrorKind::NotFound, "choose a workload", format!("the chart has no workload {name}"))
        .remedy(format!("one of {}", known.join(", ")))
}

fn chosen(app: &App) -> Option<(&String, &Workload)> {
    let is_routed = |name: &str| {
        let targets = app.routes.values().flat_map(|route| route.paths.values());
        targets.into_iter().any(|target| target.workload == name)
    };
    let rank = |(name, workload): &(&String, &Workload)| {
        let farthest = workload.expose.values().map(|expose| expose.kind).max();
        (farthest.filter(|kind| *kind != ExposeAs::Internal), is_routed(name), farthest.is_some())
    };
    let replicated = app.workloads.iter().filter(|(_, workload)| workload.mode == Mode::Replicated);
    // Of equals the first is taken, which `max_by_key` does not do.
    replicated.rev().max_by_key(rank)
}

/// The port that is reached from farthest out, of equals the first.
fn port(workload: &Workload) -> Option<(String, u16)> {
    let farthest = |(_, expose): &(&String, &Expose)| expose.kind;
    let (name, _) = workload.expose.iter().rev().max_by_key(farthest)?;
    let mut containers = workload.containers.values();
    Some((name.clone(), containers.find_map(|container| container.ports.get(name))?.port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rhumb_spec::{Source, parse};

    fn app(text: &str) -> App {
        parse(&[Source { file: "app.yaml".to_owned(), text: text.to_owned() }]).unwrap().app
    }

    const APP: &str = "
kind: Workload
name: api
replicas: 3
containers: { api: { image: x, ports: { http: 8080 } } }
expose: { http: { port: 80 } }
---
kind: Workload
name: batch
mode: job
containers: { batch: { image: x } }
---
kind: Workload
name: front
containers: { front: { image: x, ports: { admin: 9090, http: 8081 } } }
expose: { admin: { port: 90 }, http: { port: 80, as: node } }
---
kind: Workload
name: worker
containers: { worker: { image: x } }
";

    #[test]
    fn what_is_reached_from_outside_is_chosen() {
        let subject = Subject::of(&app(APP), None, None).unwrap();
        assert_eq!((subject.workload.as_str(), subject.replicas, subject.scaled_to), ("front", 1, 2));
        assert_eq!(subject.port, Some(("http".to_owned(), 8081)));
        let inside = APP.replace("as: node", "as: internal");
        let subject = Subject::of(&app(&inside), None, Some(7)).unwrap();
        assert_eq!((subject.workload.as_str(), subject.replicas, subject.scaled_to), ("api", 3, 7));
    }

    #[test]
    fn another_may_be_named() {
        let worker = Subject::of(&app(APP), Some("worker"), None).unwrap();
        assert_eq!((worker.port, worker.scaled_to), (None, 2));
        let unknown = Subject::of(&app(APP), Some("frnt"), None).unwrap_err();
        assert_eq!(unknown.remedy.as_deref(), Some("one of api, batch, front, worker"));
        let jobs = app("kind: Workload\nname: a\nmode: job\ncontainers: { a: { image: x } }\n");
        assert_eq!(Subject::of(&jobs, None, None).unwrap_err().kind, ErrorKind::NotFound);
    }
}
