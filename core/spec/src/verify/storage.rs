//! The rules of volumes.

use std::collections::BTreeMap;

use crate::model::{Access, App, Kind, Mode, MountSource, Volume, Workload};
use crate::{Bytes, Diagnostic};

/// Checks the volumes of an app.
pub(super) fn check(app: &App, found: &mut Vec<Diagnostic>) {
    let users = users(app);
    for (name, volume) in &app.volumes {
        let path = Kind::Volume.path(name);
        check_volume(&path, volume, found);
        if let Some(users) = users.get(name.as_str()) {
            check_access(&path, volume, users, found);
        }
    }
}

fn check_volume(path: &str, volume: &Volume, found: &mut Vec<Diagnostic>) {
    if volume.size == Some(Bytes(0)) {
        found.push(
            Diagnostic::error(format!("{path}.size"), "the size is 0")
                .remedy("a size such as `1Gi`, or leave it out"),
        );
    }
    if let Some(nfs) = &volume.nfs {
        if volume.class.is_some() {
            found.push(
                Diagnostic::error(format!("{path}.nfs"), "`nfs` and `class` do not go together")
                    .why("both say where the data are")
                    .remedy("one of the two"),
            );
        }
        if !nfs.path.starts_with('/') {
            found.push(
                Diagnostic::error(
                    format!("{path}.nfs.path"),
                    format!("`{}` is not an absolute path", nfs.path),
                )
                .remedy(format!("`/{}`", nfs.path)),
            );
        }
        if nfs.server.is_empty() {
            found.push(
                Diagnostic::error(format!("{path}.nfs.server"), "the server is empty")
                    .remedy("its host name or address"),
            );
        }
    }
    let own = volume.nfs.is_some() || volume.class.is_some() || !volume.options.is_empty();
    if volume.external && own {
        found.push(
            Diagnostic::error(format!("{path}.external"), "an external volume is not ours to shape")
                .why("it exists already and is left as it is")
                .remedy("leave out `nfs`, `class` and `options`, or leave out `external`"),
        );
    }
    if volume.external && volume.keep == Some(false) {
        found.push(
            Diagnostic::error(format!("{path}.keep"), "an external volume is always kept")
                .why("it is not ours to remove")
                .remedy("leave out `keep`"),
        );
    }
}

/// The workloads that mount each volume.
fn users(app: &App) -> BTreeMap<&str, BTreeMap<&str, &Workload>> {
    let mut users: BTreeMap<&str, BTreeMap<&str, &Workload>> = BTreeMap::new();
    for (name, workload) in &app.workloads {
        let containers = workload.containers.values().chain(workload.init_containers.values());
        for mount in containers.flat_map(|container| container.mounts.values()) {
            if let MountSource::Volume { name: volume } = &mount.source {
                users.entry(volume).or_default().insert(name, workload);
            }
        }
    }
    users
}

fn check_access(path: &str, volume: &Volume, users: &BTreeMap<&str, &Workload>, found: &mut Vec<Diagnostic>) {
    if volume.access == Access::Shared {
        return;
    }
    let path = format!("{path}.access");
    let names: Vec<String> = users.keys().map(|name| format!("`{name}`")).collect();
    if let Some((name, _)) = users.iter().find(|(_, workload)| workload.mode == Mode::Global) {
        found.push(
            Diagnostic::error(path, format!("`{name}` mounts this volume on every node"))
                .why("with `access: single` the replicas of one node can mount it")
                .remedy("`access: shared`, or in its place a folder of each node: `host: /srv/…`"),
        );
    } else if users.len() > 1 && users.values().any(|workload| workload.mode == Mode::Stateful) {
        found.push(
            Diagnostic::error(path, format!("{} mount one volume", names.join(" and ")))
                .why("a stateful workload has a volume of its own for each replica")
                .remedy("`access: shared`, or a volume each"),
        );
    } else if users.len() > 1 {
        found.push(
            Diagnostic::warning(path, format!("{} mount one volume", names.join(" and ")))
                .why("with `access: single` all of them must run on one node")
                .remedy("`access: shared`, or a volume each"),
        );
    }
}
