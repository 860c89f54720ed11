//! Folders and volumes.

use rhumb_spec::Feature;

use super::super::case::{Case, Shows};

pub(super) const CASES: &[Case] = &[
    Case::new(
        Feature::EphemeralVolume,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', mounts: { /scratch: { ephemeral: scratch } } } }
",
    )
    .prints(
        "web",
        &["sh", "-c", "echo kept >/scratch/x && cat /scratch/x && grep ' /scratch ' /proc/mounts"],
        "kept",
    ),
    Case::new(
        Feature::Tmpfs,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', mounts: { /memory: { tmpfs: true, size: 16Mi } } } }
",
    )
    .prints("web", &["grep", " /memory ", "/proc/mounts"], "size=16384k"),
    Case::new(
        Feature::PersistentVolume,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', mounts: { /data: { volume: data } } } }
---
kind: Volume
name: data
",
    )
    .prints(
        "web",
        &["sh", "-c", "echo kept >/data/x && cat /data/x && grep ' /data ' /proc/mounts"],
        "kept",
    ),
    Case::new(
        Feature::SharedVolume,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', mounts: { /data: { volume: data } } } }
---
kind: Volume
name: data
access: shared
nfs: { server: 192.0.2.7, path: /export/data, options: 'nolock,soft' }
",
    )
    .shows(Shows::Unready("no NFS server is at hand")),
    Case::new(
        Feature::VolumeClass,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', mounts: { /data: { volume: data } } } }
---
kind: Volume
name: data
class: local
options: { type: tmpfs, device: tmpfs, o: size=1m }
",
    )
    .prints("web", &["grep", " /data ", "/proc/mounts"], "size=1024k"),
    Case::new(
        Feature::VolumeSize,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', mounts: { /data: { volume: data } } } }
---
kind: Volume
name: data
size: 1Gi
",
    )
    .shows(Shows::Accepted("local volumes have no bound")),
    Case::new(
        Feature::HostPath,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', mounts: { /node: { host: /proc/sys/kernel, readOnly: true } } } }
",
    )
    .prints("web", &["sh", "-c", "test -f /node/ostype && cat /node/ostype"], "Linux"),
    Case::new(
        Feature::KeepVolume,
        "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', mounts: { /data: { volume: data } } } }
---
kind: Volume
name: data
keep: true
",
    )
    .shows(Shows::Kept("data")),
];
