//! The rules of mounts.

use std::collections::BTreeMap;

use super::container::Place;
use super::{Scope, lookup};
use crate::model::{Mount, MountSource};
use crate::{Bytes, Diagnostic};

/// Checks the mounts of a container.
pub(super) fn check(place: &Place<'_>, found: &mut Vec<Diagnostic>) {
    let mut targets: BTreeMap<String, &str> = BTreeMap::new();
    for (target, mount) in &place.container.mounts {
        let path = place.at(&format!("mounts.{target}"));
        check_target(target, &path, found);
        if let Some(first) = targets.insert(plain_path(target), target) {
            found.push(
                Diagnostic::error(path.as_str(), format!("`{target}` and `{first}` are the same path"))
                    .why("one thing can be mounted at a path"),
            );
        }
        check_source(place, mount, &path, found);
        check_options(mount, &path, found);
    }
}

fn plain_path(path: &str) -> String {
    path.split('/').filter(|part| !matches!(*part, "" | ".")).collect::<Vec<_>>().join("/")
}

fn check_target(target: &str, path: &str, found: &mut Vec<Diagnostic>) {
    if !target.starts_with('/') {
        found.push(
            Diagnostic::error(path, format!("the mount path `{target}` is not absolute"))
                .remedy(format!("`/{target}`")),
        );
    } else if plain_path(target).is_empty() {
        found.push(
            Diagnostic::error(path, "nothing can be mounted over the root")
                .why("the image's own files would not be there"),
        );
    }
    if has_parent(target) {
        found.push(
            Diagnostic::error(path, format!("the mount path `{target}` has `..` in it"))
                .remedy("the path that is meant"),
        );
    }
}

fn has_parent(path: &str) -> bool {
    path.split('/').any(|part| part == "..")
}

fn check_source(place: &Place<'_>, mount: &Mount, path: &str, found: &mut Vec<Diagnostic>) {
    let app = place.scope.app;
    match &mount.source {
        MountSource::Config { name, key: Some(key) } => {
            lookup::config_key(app, name, key, &format!("{path}.key"), found);
        }
        MountSource::Config { name, key: None } => {
            lookup::config(app, name, &format!("{path}.config"), found);
        }
        MountSource::Secret { name, key: Some(key) } => {
            lookup::secret_key(app, name, key, &format!("{path}.key"), found);
        }
        MountSource::Secret { name, key: None } => {
            lookup::secret(app, name, &format!("{path}.secret"), found);
        }
        MountSource::Volume { name } => {
            lookup::volume(app, name, &format!("{path}.volume"), found);
        }
        MountSource::Ephemeral { name, size } => {
            if name.is_empty() {
                found.push(
                    Diagnostic::error(format!("{path}.ephemeral"), "the name is empty")
                        .remedy("a name that containers share, such as `cache`"),
                );
            }
            check_size(*size, path, found);
        }
        MountSource::Tmpfs { size } => check_size(*size, path, found),
        MountSource::Host { path: source } => {
            if !source.starts_with('/') || has_parent(source) {
                found.push(
                    Diagnostic::error(format!("{path}.host"), format!("`{source}` is not an absolute path"))
                        .remedy("a path of the node from `/`, without `..`"),
                );
            }
        }
    }
}

fn check_size(size: Option<Bytes>, path: &str, found: &mut Vec<Diagnostic>) {
    if size == Some(Bytes(0)) {
        found.push(
            Diagnostic::error(format!("{path}.size"), "the size is 0").remedy("leave it out for no limit"),
        );
    }
}

fn check_options(mount: &Mount, path: &str, found: &mut Vec<Diagnostic>) {
    if let Some(sub_path) = &mount.sub_path
        && (sub_path.is_empty() || sub_path.starts_with('/') || has_parent(sub_path))
    {
        found.push(
            Diagnostic::error(
                format!("{path}.subPath"),
                format!("`{sub_path}` is not a path inside what is mounted"),
            )
            .remedy("a relative path without `..`"),
        );
    }
    if let Some(mode) = &mount.file_mode
        && !u32::from_str_radix(mode, 8).is_ok_and(|bits| bits <= 0o7777 && !mode.starts_with('+'))
    {
        found.push(
            Diagnostic::error(format!("{path}.mode"), format!("`{mode}` are no permission bits"))
                .remedy("octal digits, such as `\"0440\"`"),
        );
    }
}

/// Ephemeral folders of one name are one folder, which has one size.
pub(super) fn check_shared(scope: &Scope<'_>, found: &mut Vec<Diagnostic>) {
    let workload = scope.workload;
    let main = workload.containers.iter().map(|(name, container)| ("containers", name, container));
    let init = workload.init_containers.iter().map(|(name, container)| ("initContainers", name, container));
    let mut sizes: BTreeMap<&str, Bytes> = BTreeMap::new();
    for (group, name, container) in init.chain(main) {
        for (target, mount) in &container.mounts {
            let MountSource::Ephemeral { name: folder, size: Some(size) } = &mount.source else { continue };
            let first = *sizes.entry(folder).or_insert(*size);
            if first != *size {
                found.push(
                    Diagnostic::error(
                        scope.at(&format!("{group}.{name}.mounts.{target}.size")),
                        format!("the ephemeral folder `{folder}` holds {first} elsewhere and {size} here"),
                    )
                    .why("it is one folder that containers share by its name")
                    .remedy("one size, or another name"),
                );
            }
        }
    }
}
