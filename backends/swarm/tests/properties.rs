//! What holds for every app: lowering what was lifted gives the same documents again, and text stays as it was.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod offline;

use std::collections::BTreeMap;

use indexmap::IndexMap;
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use rhumb_backend::{Choices, Object};
use rhumb_spec::model::{
    Config, ConstraintOp, Container, EnvValue, Expose, ExposeAs, IntOrPercent, Limits, Mount, MountSource,
    NodeConstraint, OnFailure, Placement, Port, Probe, ProbeAction, Probes, Protocol, Resources, Restart,
    RestartPolicy, Stop, Traffic, Update, Workload,
};
use rhumb_spec::{App, Bytes, Duration, MilliCpu};
use rhumb_swarm::facts::SwarmFacts;
use rhumb_swarm::lift::lift;
use rhumb_swarm::normalize;
use serde_json::Value;

fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9]{0,8}"
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{0,20}", "[{}]{1,6}[a-z]{0,3}", "[^\u{0}]{0,10}"]
}

fn duration() -> impl Strategy<Value = Duration> {
    (1_u64..100_000).prop_map(Duration::from_millis)
}

fn probe() -> impl Strategy<Value = Probe> {
    let action = prop_oneof![
        vec("[ -~]{1,12}", 1..4).prop_map(ProbeAction::Exec),
        ("/[ -~]{0,12}", any::<bool>(), btree_map("[A-Za-z-]{1,8}", "[!-~][ -~]{0,8}", 0..3)).prop_map(
            |(path, https, headers)| ProbeAction::Http { path, port: "main".to_owned(), https, headers }
        ),
        Just(ProbeAction::Tcp { port: "main".to_owned() }),
        "[a-z.]{0,8}".prop_map(|service| ProbeAction::Grpc { port: "main".to_owned(), service }),
    ];
    (action, of(duration()), of(duration()), of(duration()), of(1_u32..10)).prop_map(
        |(action, period, timeout, delay, failures)| Probe {
            action,
            period,
            timeout,
            delay,
            failures,
            successes: None,
        },
    )
}

fn update() -> impl Strategy<Value = Update> {
    let action = prop_oneof![Just(OnFailure::Pause), Just(OnFailure::Rollback), Just(OnFailure::Continue)];
    (1_u32..5, any::<bool>(), of(duration()), of(duration()), of(action), of(0_u8..=100)).prop_map(
        |(count, is_surge, delay, monitor, on_failure, max_failure_percent)| {
            let (count, none) = (Some(IntOrPercent::Int(count)), Some(IntOrPercent::Int(0)));
            let (max_surge, max_unavailable) = if is_surge { (count, none) } else { (none, count) };
            Update {
                max_surge,
                max_unavailable,
                delay,
                monitor,
                on_failure,
                max_failure_percent,
                ..Update::default()
            }
        },
    )
}

fn restart() -> impl Strategy<Value = Restart> {
    let policy =
        prop_oneof![Just(RestartPolicy::Always), Just(RestartPolicy::OnFailure), Just(RestartPolicy::Never)];
    (policy, of(duration()), of(1_u32..9), of(duration()))
        .prop_map(|(policy, delay, max_attempts, window)| Restart { policy, delay, max_attempts, window })
}

fn placement() -> impl Strategy<Value = Placement> {
    let key =
        prop_oneof![Just("role".to_owned()), Just("hostname".to_owned()), Just("zone".to_owned()), name()];
    let node = (key, any::<bool>(), name()).prop_map(|(key, is_in, value)| {
        let op = if is_in { ConstraintOp::In } else { ConstraintOp::NotIn };
        NodeConstraint { key, op, values: vec![value] }
    });
    (vec(node, 0..4), of(1_u32..5)).prop_map(|(nodes, max_per_node)| Placement {
        nodes,
        max_per_node,
        ..Placement::default()
    })
}

fn container() -> impl Strategy<Value = Container> {
    let resources = (of(1_u64..4_000), of(4_u64 << 20..1 << 40)).prop_map(|(cpu, memory)| Resources {
        cpu: cpu.map(MilliCpu),
        limits: Limits { cpu: None, memory: memory.map(Bytes) },
        ..Resources::default()
    });
    let env = btree_map("[A-Z_]{1,6}", text(), 0..4);
    (env, vec(text(), 0..4), of(probe()), resources, of(duration()), any::<bool>()).prop_map(
        |(env, args, ready, resources, grace, is_mounted)| {
            let env = env.into_iter().map(|(name, text)| (name, EnvValue::Text(text)));
            let source = MountSource::Config { name: "files".to_owned(), key: None };
            let mount =
                Mount { source, read_only: false, sub_path: None, file_mode: None, user: None, group: None };
            let mounts = is_mounted.then(|| ("/etc/files".to_owned(), mount));
            Container {
                image: "shop/web:1".to_owned(),
                env: env.collect(),
                args,
                ports: IndexMap::from([("main".to_owned(), Port { port: 8080, protocol: Protocol::Tcp })]),
                probes: Probes { ready, ..Probes::default() },
                resources,
                mounts: mounts.into_iter().collect(),
                stop: Stop { signal: None, grace },
                ..Container::default()
            }
        },
    )
}

prop_compose! {
    fn workload()(
        container in container(),
        replicas in 0_u32..5,
        is_exposed in any::<bool>(),
        update in of(update()),
        restart in of(restart()),
        placement in placement(),
        labels in btree_map(name(), text(), 0..3),
        annotations in btree_map("[a-z]{1,6}/[a-z]{1,6}", text(), 0..3),
    ) -> Workload {
        let expose =
            Expose { port: 30_080, kind: ExposeAs::Node, traffic: Traffic::Local, internal_port: None };
        Workload {
            replicas: Some(replicas),
            containers: IndexMap::from([("web".to_owned(), container)]),
            expose: is_exposed.then(|| ("main".to_owned(), expose)).into_iter().collect(),
            update,
            restart,
            placement,
            labels,
            annotations,
            ..Workload::default()
        }
    }
}

fn app() -> impl Strategy<Value = App> {
    let files = btree_map("[a-z]{1,5}(\\.[a-z]{1,4})?", "[ -~]{1,20}", 1..4);
    (workload(), files).prop_map(|(workload, files)| {
        let data: IndexMap<String, String> = files.into_iter().collect();
        App {
            workloads: BTreeMap::from([("web".to_owned(), workload)]),
            configs: BTreeMap::from([("files".to_owned(), Config { data, ..Config::default() })]),
            ..App::default()
        }
    })
}

fn lowered(app: &App) -> Vec<Object> {
    let lowered = offline::lowered(app, &SwarmFacts::default(), &Choices::default());
    lowered.unwrap_or_else(|errors| panic!("{}", offline::texts(&errors))).objects
}

fn bodies(objects: &[Object]) -> BTreeMap<String, Value> {
    objects.iter().map(|object| (object.id.to_string(), normalize::service(&object.body))).collect()
}

proptest! {
    #[test]
    fn lowering_what_was_lifted_gives_the_same(app in app()) {
        let objects = lowered(&app);
        prop_assert_eq!(bodies(&lowered(&lift(&objects).app)), bodies(&objects));
    }

    #[test]
    fn text_of_the_user_comes_back_as_it_was(app in app()) {
        let lifted = lift(&lowered(&app)).app;
        let (before, after) = (&app.workloads["web"], &lifted.workloads["web"]);
        let env = |workload: &Workload| workload.containers.values().next().unwrap().env.clone();
        prop_assert_eq!(env(before), env(after));
        prop_assert_eq!(&before.labels, &after.labels);
        prop_assert_eq!(&app.configs, &lifted.configs);
    }
}
