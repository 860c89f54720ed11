//! Apps of every shape, whose references lead somewhere.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use proptest::collection::{btree_map, vec};
use proptest::option::of as maybe;
use proptest::prelude::{Just, Strategy, any};
use proptest::prop_oneof;
use proptest::sample::select;
use rhumb_spec::model::*;
use rhumb_spec::{Bytes, Duration, MilliCpu};
use serde_json::json;

const WORKLOADS: [&str; 4] = ["api", "db", "web", "worker"];
const CONFIGS: [&str; 2] = ["settings", "site"];
const SECRETS: [&str; 2] = ["keys", "login"];
const VOLUMES: [&str; 2] = ["cache", "data"];
const NETWORKS: [&str; 2] = ["back", "front"];

/// An app with up to four workloads and everything that they refer to.
pub(super) fn any_app() -> impl Strategy<Value = App> {
    let configs = CONFIGS.map(|_| any_config());
    let secrets = SECRETS.map(|_| any_secret());
    let volumes = VOLUMES.map(|_| any_volume());
    let networks = NETWORKS.map(|_| any_network());
    let workloads = btree_map(select(&WORKLOADS[..]).prop_map(str::to_owned), any_workload(), 0..4);
    (configs, secrets, volumes, networks, workloads, any_routes(), any::<bool>()).prop_map(
        |(configs, secrets, volumes, networks, workloads, routes, has_native)| {
            let mut app = App {
                workloads,
                configs: named(CONFIGS, configs),
                secrets: named(SECRETS, secrets),
                volumes: named(VOLUMES, volumes),
                networks: named(NETWORKS, networks),
                routes,
                natives: BTreeMap::new(),
            };
            if has_native {
                let native = Native { platform: "memory".to_owned(), manifest: json!({ "any": ["thing"] }) };
                app.natives.insert("extra".to_owned(), native);
            }
            order_dependencies(&mut app);
            app
        },
    )
}

fn named<T, const N: usize>(names: [&str; N], values: [T; N]) -> BTreeMap<String, T> {
    names.into_iter().map(str::to_owned).zip(values).collect()
}

/// A workload depends on those before it in the alphabet only, so that there are no circles.
fn order_dependencies(app: &mut App) {
    let names: Vec<String> = app.workloads.keys().cloned().collect();
    for (name, workload) in &mut app.workloads {
        workload.depends_on.retain(|other| other < name && names.contains(other));
    }
}

fn text() -> impl Strategy<Value = String> {
    select(&["", "a", "two words", "ünï", "1.10", "yes", "a: {b}"][..]).prop_map(str::to_owned)
}

fn labels() -> impl Strategy<Value = BTreeMap<String, String>> {
    btree_map(select(&["tier", "example.org/owner"][..]).prop_map(str::to_owned), text(), 0..2)
}

fn any_config() -> impl Strategy<Value = Config> {
    (text(), maybe(text()), any::<bool>(), labels()).prop_map(|(one, two, stable_name, labels)| {
        let mut data = IndexMap::from([("one".to_owned(), one)]);
        data.extend(two.map(|two| ("two.conf".to_owned(), two)));
        Config { data, stable_name, labels, ..Config::default() }
    })
}

fn any_secret() -> impl Strategy<Value = Secret> {
    let generate =
        (select(&[GenerateKind::Password, GenerateKind::Key][..]), maybe(8..40_u32), maybe(text()));
    (select(&["s1", "s2", "s3"][..]), generate, any::<bool>(), any::<bool>(), labels()).prop_map(
        |(id, (kind, length, rotation), stable_name, has_url, labels)| {
            let mut secret = Secret { stable_name, labels, ..Secret::default() };
            secret.data.insert("given".to_owned(), Sealed::new(id));
            let how = Generate { kind, length, rotation, ..Generate::default() };
            secret.generate.insert("made".to_owned(), how);
            if has_url {
                secret.template.insert("url".to_owned(), "x://{made}:{given}@{{host}}".to_owned());
            }
            secret
        },
    )
}

fn any_volume() -> impl Strategy<Value = Volume> {
    (maybe(1..9_u64), any::<bool>(), maybe(any::<bool>()), labels()).prop_map(
        |(size, is_shared, keep, labels)| Volume {
            size: size.map(|size| Bytes(size << 20)),
            access: if is_shared { Access::Shared } else { Access::Single },
            keep,
            labels,
            ..Volume::default()
        },
    )
}

fn any_network() -> impl Strategy<Value = Network> {
    (any::<bool>(), any::<bool>(), labels()).prop_map(|(internal, encrypted, labels)| Network {
        internal,
        encrypted,
        labels,
        ..Network::default()
    })
}

fn any_routes() -> impl Strategy<Value = BTreeMap<String, Route>> {
    let route = (maybe(text()), any::<bool>()).prop_map(|(host, has_tls)| {
        let target = RouteTarget { workload: "web".to_owned(), port: "main".to_owned() };
        let tls = has_tls.then(|| RouteTls { resolver: Some("le".to_owned()), ..RouteTls::default() });
        Route { host, paths: IndexMap::from([("/".to_owned(), target)]), tls, ..Route::default() }
    });
    btree_map(Just("site".to_owned()), route, 0..2)
}

fn any_workload() -> impl Strategy<Value = Workload> {
    let run = (any_mode(), maybe(0..4_u32), any_container(), maybe(any_container()), maybe(any_container()));
    let place = (any_update(), any_placement(), maybe(any_restart()), labels());
    let reach = (
        any::<bool>(),
        any::<bool>(),
        vec(select(&NETWORKS[..]), 0..2),
        vec(select(&WORKLOADS[..]), 0..2),
        maybe(select(&SECRETS[..])),
    );
    (run, place, reach).prop_map(|(run, place, reach)| {
        let (mode, replicas, main, side, init) = run;
        let (update, placement, restart, labels) = place;
        let (is_exposed, short_names, networks, depends_on, pull_secret) = reach;
        let mut workload = Workload { mode, labels, placement, restart, short_names, ..Workload::default() };
        workload.replicas = replicas.filter(|_| matches!(mode, Mode::Replicated | Mode::Stateful));
        workload.containers.insert("main".to_owned(), main);
        workload.containers.extend(side.map(|side| ("side".to_owned(), side)));
        workload.init_containers.extend(init.map(|init| ("init".to_owned(), init)));
        if mode == Mode::Cron {
            workload.cron = Some(Cron { schedule: "0 3 * * *".to_owned(), ..Cron::default() });
        }
        if is_exposed {
            let expose =
                Expose { port: 80, kind: ExposeAs::Internal, traffic: Traffic::Cluster, internal_port: None };
            workload.expose.insert("main".to_owned(), expose);
        }
        workload.update = update;
        workload.networks =
            networks.into_iter().map(|name| (name.to_owned(), NetworkAttachment::default())).collect();
        workload.depends_on = depends_on.into_iter().map(str::to_owned).collect();
        workload.depends_on.sort();
        workload.depends_on.dedup();
        workload.pull_secret = pull_secret.map(str::to_owned);
        workload
    })
}

fn any_mode() -> impl Strategy<Value = Mode> {
    select(&[Mode::Replicated, Mode::Replicated, Mode::Global, Mode::Stateful, Mode::Job, Mode::Cron][..])
}

fn any_update() -> impl Strategy<Value = Option<Update>> {
    let order = maybe(select(&[UpdateOrder::StopFirst, UpdateOrder::StartFirst][..]));
    let update = (maybe(0..4_u32), maybe(0..100_u8), order, maybe(1..90_000_u64)).prop_map(
        |(surge, percent, order, delay)| Update {
            max_surge: surge.map(IntOrPercent::Int),
            max_unavailable: percent.map(IntOrPercent::Percent),
            order,
            delay: delay.map(Duration::from_millis),
            ..Update::default()
        },
    );
    maybe(update)
}

fn any_placement() -> impl Strategy<Value = Placement> {
    (maybe(text()), maybe(1..3_u32), any::<bool>()).prop_map(|(label, max_per_node, is_away)| Placement {
        nodes: label
            .map(|value| NodeConstraint { key: "disk".to_owned(), op: ConstraintOp::In, values: vec![value] })
            .into_iter()
            .collect(),
        max_per_node,
        away: is_away
            .then(|| Affinity { workload: "db".to_owned(), ..Affinity::default() })
            .into_iter()
            .collect(),
        ..Placement::default()
    })
}

fn any_restart() -> impl Strategy<Value = Restart> {
    (select(&[RestartPolicy::Always, RestartPolicy::OnFailure][..]), maybe(0..9_u32))
        .prop_map(|(policy, max_attempts)| Restart { policy, max_attempts, ..Restart::default() })
}

fn any_container() -> impl Strategy<Value = Container> {
    let image = select(&["nginx:1.27", "busybox", "registry.example.org/app@sha256:0"][..]);
    let numbers = (maybe(1..4000_u64), maybe(4..64_u64), maybe(0..70_000_u64));
    (image, vec(text(), 0..3), any_env(), any_mounts(), maybe(any_probe()), numbers).prop_map(
        |(image, args, env, mounts, ready, (cpu, memory, grace))| {
            let mut container =
                Container { image: image.to_owned(), args, env, mounts, ..Container::default() };
            container.ports.insert("main".to_owned(), Port { port: 8080, protocol: Protocol::Tcp });
            container.ports.insert("dns".to_owned(), Port { port: 53, protocol: Protocol::Udp });
            container.probes.ready = ready;
            container.resources.cpu = cpu.map(MilliCpu);
            container.resources.limits.memory = memory.map(|memory| Bytes(memory << 20));
            container.stop.grace = grace.map(Duration::from_millis);
            container
        },
    )
}

fn any_env() -> impl Strategy<Value = IndexMap<String, EnvValue>> {
    let from = |source: EnvSource| EnvValue::From(source);
    let value = prop_oneof![
        text().prop_map(EnvValue::Text),
        select(&CONFIGS[..])
            .prop_map(move |name| from(EnvSource::Config { name: name.to_owned(), key: "one".to_owned() })),
        select(&SECRETS[..])
            .prop_map(move |name| from(EnvSource::Secret { name: name.to_owned(), key: "made".to_owned() })),
        Just(from(EnvSource::Own(SelfField::Ordinal))),
        Just(from(EnvSource::Address {
            workload: "db".to_owned(),
            port: "main".to_owned(),
            format: Some("tcp://{host}:{port}".to_owned())
        })),
    ];
    btree_map(select(&["A", "B", "C"][..]).prop_map(str::to_owned), value, 0..3)
        .prop_map(|env| env.into_iter().collect())
}

fn any_mounts() -> impl Strategy<Value = IndexMap<String, Mount>> {
    let source = prop_oneof![
        (select(&CONFIGS[..]), any::<bool>()).prop_map(|(name, is_one)| MountSource::Config {
            name: name.to_owned(),
            key: is_one.then(|| "one".to_owned())
        }),
        select(&SECRETS[..]).prop_map(|name| MountSource::Secret { name: name.to_owned(), key: None }),
        select(&VOLUMES[..]).prop_map(|name| MountSource::Volume { name: name.to_owned() }),
        maybe(1..9_u64).prop_map(|size| MountSource::Ephemeral {
            name: "run".to_owned(),
            size: size.map(|size| Bytes(size << 20))
        }),
        Just(MountSource::Tmpfs { size: None }),
        Just(MountSource::Host { path: "/srv".to_owned() }),
    ];
    let mount = (source, any::<bool>(), any::<bool>()).prop_map(|(source, read_only, has_mode)| {
        let has_files = matches!(source, MountSource::Config { .. } | MountSource::Secret { .. });
        let file_mode = (has_mode && has_files).then(|| "0440".to_owned());
        Mount { source, read_only, sub_path: None, file_mode, user: None, group: None }
    });
    btree_map(select(&["/a", "/b/c"][..]).prop_map(str::to_owned), mount, 0..2)
        .prop_map(|mounts| mounts.into_iter().collect())
}

fn any_probe() -> impl Strategy<Value = Probe> {
    let action = prop_oneof![
        Just(ProbeAction::Exec(vec!["true".to_owned()])),
        Just(ProbeAction::Tcp { port: "main".to_owned() }),
        Just(ProbeAction::Grpc { port: "main".to_owned(), service: String::new() }),
        any::<bool>().prop_map(|https| ProbeAction::Http {
            path: "/".to_owned(),
            port: "main".to_owned(),
            https,
            headers: BTreeMap::new()
        }),
    ];
    (action, maybe(1..60_000_u64), maybe(1..9_u32)).prop_map(|(action, period, failures)| Probe {
        action,
        period: period.map(Duration::from_millis),
        timeout: None,
        delay: None,
        failures,
        successes: None,
    })
}
