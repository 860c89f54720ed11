//! The documents of the neutral application model, one file for each subject.
//!
//! Every type reads and writes the YAML that people author: camelCase keys, unknown keys refused, maps keyed by
//! name. What each field becomes on a platform is said by the backends; the names here are nobody's in particular.

mod app;
mod configuration;
mod container;
mod environment;
mod label;
mod mount;
mod network;
mod placement;
mod probe;
mod rollout;
mod storage;
mod workload;

pub use app::{App, Kind, Native};
pub use configuration::{Charset, Config, Generate, GenerateKind, Sealed, Secret};
pub use container::{
    Capabilities, Container, Gpu, Lifecycle, Limits, Logging, Port, Protocol, PullPolicy, Resources,
    Security, Stop, Ulimit,
};
pub use environment::{EnvFrom, EnvSource, EnvValue, SelfField};
pub use mount::{Mount, MountSource};
pub use network::{Dns, Expose, ExposeAs, Network, Route, RouteTarget, RouteTls, Traffic};
pub use placement::{Affinity, ConstraintOp, NodeConstraint, Placement, Spread, Toleration};
pub use probe::{Probe, ProbeAction, Probes};
pub use rollout::{
    Autoscale, CustomMetric, Disruption, IntOrPercent, OnFailure, Rollback, Strategy, Update, UpdateOrder,
};
pub use storage::{Access, Nfs, Volume};
pub use workload::{
    Concurrency, Cron, Discovery, Identity, Job, Mode, NetworkAttachment, Restart, RestartPolicy, Workload,
};

/// Whether a value is its type's default, so that it need not be written.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
