//! The swarm as an independent client sees it.

use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::case::{From, Need};
use super::{Case, Proof, Shows};
use crate::swarm::{Docker, Engine};
use crate::trial;

/// Checks what a case says must be read back, and has containers show the feature where they can.
pub(super) fn watch(engine: &Engine, case: &Case, stack: &str) -> Result<Proof, String> {
    let docker = engine.docker();
    require_stack(docker, stack)?;
    for read in case.reads {
        let object = object(docker, stack, read.from)?;
        let expected: Value =
            serde_json::from_str(read.is).map_err(|error| format!("{}: {error}", read.is))?;
        if object.pointer(read.at) != Some(&expected) {
            let found = object.pointer(read.at).map_or("nothing".to_owned(), Value::to_string);
            return Err(format!("{:?} {} is {found} instead of {expected}", read.from, read.at));
        }
    }
    match case.shows {
        Shows::Ready | Shows::Update | Shows::Kept(_) => Ok(Proof::Ran),
        Shows::Accepted(_) | Shows::Unready(_) => Ok(Proof::Accepted),
        Shows::Exec(service, command, text) => {
            let container = container(docker, stack, service)?;
            // Names and health appear a moment after the task.
            trial::eventually(text, || {
                let printed = docker.exec(&container, command)?;
                if printed.contains(text) {
                    Ok(Proof::Ran)
                } else {
                    Err(format!("{service} prints {printed:?}"))
                }
            })
        }
        Shows::Answers(port) => {
            trial::fetch(&format!("http://{}:{port}/version", engine.address())).map(|_| Proof::Ran)
        }
    }
}

/// The stack is one for docker's own tools too.
fn require_stack(docker: &Docker, stack: &str) -> Result<(), String> {
    let filter = format!("label=com.docker.stack.namespace={stack}");
    let mut found = Vec::new();
    for kind in ["service", "config", "secret", "network"] {
        found.extend(docker.lines(&[kind, "ls", "--filter", &filter, "--format", "{{.Name}}"])?);
    }
    if found.is_empty() { Err(format!("nothing on the swarm belongs to the stack {stack}")) } else { Ok(()) }
}

fn object(docker: &Docker, stack: &str, from: From) -> Result<Value, String> {
    match from {
        From::Service(name) => docker.inspect("service", &format!("{stack}_{name}")),
        From::Network(name) => docker.inspect("network", &format!("{stack}_{name}")),
        From::Volume(name) => docker.inspect("volume", &format!("{stack}_{name}")),
        From::Container(name) => docker.inspect("container", &container(docker, stack, name)?),
    }
}

fn container(docker: &Docker, stack: &str, service: &str) -> Result<String, String> {
    let name = format!("{stack}_{service}");
    docker.containers(&name)?.into_iter().next().ok_or_else(|| format!("{name} has no running container"))
}

/// What was made for cases, to be removed at the end: kind and name.
static MADE: Mutex<Vec<(&str, &str)>> = Mutex::new(Vec::new());

/// Makes what a case needs, unless it is there.
pub(super) fn prepare(docker: &Docker, need: Need) -> Result<(), String> {
    match need {
        Need::Config(name) => make(docker, "config", name, || config(docker, name)),
        Need::Identity(_) => Ok(()),
        Need::SwarmCronjob => make(docker, "service", "swarm-cronjob", || {
            helper(docker, "swarm-cronjob", "crazymax/swarm-cronjob:1.14", "SWARM_CRONJOB=looks-like-it")
        }),
        Need::Traefik => {
            make(docker, "network", "traefik", || {
                docker.run(&["network", "create", "--driver", "overlay", "traefik"]).map(drop)
            })?;
            make(docker, "service", "traefik", || {
                helper(docker, "traefik", "traefik:v3.5", "TRAEFIK_PROVIDERS_SWARM_NETWORK=traefik")
            })
        }
    }
}

/// Removes what was made for cases.
///
/// # Errors
/// What the docker CLI says.
pub fn clean(docker: &Docker) -> Result<(), String> {
    let made = std::mem::take(&mut *MADE.lock().unwrap_or_else(PoisonError::into_inner));
    for (kind, name) in made.into_iter().rev() {
        trial::eventually("removal", || docker.run(&[kind, "rm", name]))?;
    }
    Ok(())
}

fn make(
    docker: &Docker,
    kind: &'static str,
    name: &'static str,
    create: impl FnOnce() -> Result<(), String>,
) -> Result<(), String> {
    if docker.inspect(kind, name).is_ok() {
        return Ok(());
    }
    create()?;
    MADE.lock().unwrap_or_else(PoisonError::into_inner).push((kind, name));
    Ok(())
}

fn config(docker: &Docker, name: &str) -> Result<(), String> {
    let file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    std::fs::write(file.path(), "made by hand").map_err(|error| error.to_string())?;
    docker.run(&["config", "create", name, &file.path().to_string_lossy()]).map(drop)
}

/// A service that looks like the real helper, by its image's name and a variable, with the demo server inside.
fn helper(docker: &Docker, name: &str, image: &str, variable: &str) -> Result<(), String> {
    docker.run(&["tag", "rhumb-demo:1", image])?;
    let create = [
        "service",
        "create",
        "-q",
        "--detach",
        "--no-resolve-image",
        "--name",
        name,
        "--env",
        variable,
        image,
    ];
    docker.run(&create).map(drop)
}
