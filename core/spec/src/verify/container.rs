//! The rules of containers.

use super::{Scope, environment, mounts, names, probes};
use crate::Diagnostic;
use crate::model::{Container, Limits, Resources, Security};

/// One container of a workload.
pub(super) struct Place<'a> {
    pub(super) scope: &'a Scope<'a>,
    pub(super) container: &'a Container,
    /// `workload/web.containers.web`
    pub(super) path: String,
    pub(super) is_init: bool,
}

impl Place<'_> {
    /// The path of a field of the container.
    pub(super) fn at(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }
}

/// Checks the containers of a workload.
pub(super) fn check(scope: &Scope<'_>, found: &mut Vec<Diagnostic>) {
    let workload = scope.workload;
    for (name, container) in &workload.init_containers {
        let path = scope.at(&format!("initContainers.{name}"));
        if workload.containers.contains_key(name) {
            found.push(
                Diagnostic::error(path.as_str(), format!("a container is named `{name}`, too"))
                    .why("containers of one replica have different names")
                    .remedy("another name"),
            );
        }
        check_container(name, &Place { scope, container, path, is_init: true }, found);
    }
    for (name, container) in &workload.containers {
        let path = scope.at(&format!("containers.{name}"));
        check_container(name, &Place { scope, container, path, is_init: false }, found);
    }
    mounts::check_shared(scope, found);
}

fn check_container(name: &str, place: &Place<'_>, found: &mut Vec<Diagnostic>) {
    names::label("the container name", name, &place.path, found);
    image(place, found);
    environment::check(place, found);
    mounts::check(place, found);
    if place.is_init {
        init_only(place, found);
    } else {
        probes::check(place, found);
    }
    resources(place, &place.container.resources, found);
    security(place, &place.container.security, found);
    stop(place, found);
    if let Some(folder) = &place.container.working_dir
        && !folder.starts_with('/')
    {
        found.push(
            Diagnostic::error(place.at("workingDir"), format!("`{folder}` is not an absolute path"))
                .remedy(format!("`/{folder}`")),
        );
    }
}

fn image(place: &Place<'_>, found: &mut Vec<Diagnostic>) {
    let image = &place.container.image;
    let path = || place.at("image");
    if image.is_empty() {
        found.push(Diagnostic::error(path(), "the image is empty").remedy("`registry.example.com/name:tag`"));
    } else if image.chars().any(|c| c.is_whitespace() || c.is_control()) {
        found.push(
            Diagnostic::error(path(), format!("`{image}` is not an image")).why("there is white space in it"),
        );
    } else if image.contains("://") {
        found.push(
            Diagnostic::error(path(), format!("`{image}` is not an image"))
                .why("an image has no scheme")
                .remedy("`registry.example.com/name:tag`"),
        );
    }
}

/// What only containers that stay can have.
fn init_only(place: &Place<'_>, found: &mut Vec<Diagnostic>) {
    let container = place.container;
    let has_probe = container.probes != crate::model::Probes::default();
    let has_hook = container.lifecycle != crate::model::Lifecycle::default();
    for (field, _) in
        [("probes", has_probe), ("lifecycle", has_hook)].into_iter().filter(|(_, is_set)| *is_set)
    {
        found.push(
            Diagnostic::error(place.at(field), format!("an init container has no `{field}`"))
                .why("it runs to its end before the others start"),
        );
    }
}

fn resources(place: &Place<'_>, resources: &Resources, found: &mut Vec<Diagnostic>) {
    let Limits { cpu, memory } = &resources.limits;
    let pairs = [("cpu", promise(resources.cpu, *cpu)), ("memory", promise(resources.memory, *memory))];
    for (field, outcome) in pairs {
        match outcome {
            Outcome::Fits => {}
            Outcome::NoLimit => found.push(
                Diagnostic::error(place.at(&format!("resources.limits.{field}")), "the limit is 0")
                    .why("the container could not run")
                    .remedy("leave it out for no limit"),
            ),
            Outcome::Above(promised, limit) => found.push(
                Diagnostic::error(
                    place.at(&format!("resources.{field}")),
                    format!("{promised} are promised, and the limit is {limit}"),
                )
                .why("no more can be promised than may be taken")
                .remedy(format!("`{field}` up to its limit")),
            ),
        }
    }
    if resources.gpu.as_ref().is_some_and(|gpu| gpu.count == 0) {
        found.push(
            Diagnostic::error(place.at("resources.gpu.count"), "the count is 0")
                .remedy("leave out `gpu` for none"),
        );
    }
}

enum Outcome {
    Fits,
    NoLimit,
    Above(String, String),
}

fn promise<T: Copy + Default + PartialOrd + std::fmt::Display>(
    promised: Option<T>,
    limit: Option<T>,
) -> Outcome {
    match (promised, limit) {
        (_, Some(limit)) if limit == T::default() => Outcome::NoLimit,
        (Some(promised), Some(limit)) if promised > limit => {
            Outcome::Above(promised.to_string(), limit.to_string())
        }
        _ => Outcome::Fits,
    }
}

fn security(place: &Place<'_>, security: &Security, found: &mut Vec<Diagnostic>) {
    let capabilities = &security.capabilities;
    for (field, names) in [("add", &capabilities.add), ("drop", &capabilities.drop)] {
        for (index, name) in names.iter().enumerate() {
            if let Some(short) = name.strip_prefix("CAP_") {
                found.push(
                    Diagnostic::error(
                        place.at(&format!("security.capabilities.{field}[{index}]")),
                        format!("`{name}` is written without `CAP_`"),
                    )
                    .remedy(format!("`{short}`")),
                );
            }
        }
    }
    for (name, limit) in &security.ulimits {
        // -1 is unlimited.
        if limit.hard != -1 && (limit.soft > limit.hard || limit.soft == -1) {
            found.push(
                Diagnostic::error(
                    place.at(&format!("security.ulimits.{name}.soft")),
                    format!("the soft limit {} is above the hard limit {}", limit.soft, limit.hard),
                )
                .remedy("`soft` up to `hard`"),
            );
        }
    }
}

fn stop(place: &Place<'_>, found: &mut Vec<Diagnostic>) {
    let Some(signal) = &place.container.stop.signal else { return };
    let is_number = signal.parse::<u8>().is_ok();
    let name = signal.strip_prefix("SIG").unwrap_or_default();
    if !is_number
        && (name.is_empty()
            || !name.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'+' | b'-')))
    {
        found.push(
            Diagnostic::error(place.at("stop.signal"), format!("`{signal}` is not the name of a signal"))
                .remedy(format!("`SIG{}`", signal.to_uppercase().trim_start_matches("SIG"))),
        );
    }
}
