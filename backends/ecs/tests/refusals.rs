//! What ECS refuses before anything is called, in the words that people read.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod offline;

use rhumb_backend::Choices;
use rhumb_ecs::facts::{EcsFacts, Listener};
use rhumb_ecs::{LaunchType, NetworkMode};

/// Checks and lowers the app on these facts, and compares all diagnostics.
fn check_on(facts: &EcsFacts, app: &str, expected: &str) {
    let found = match offline::lowered(&offline::parse(app), facts, &Choices::default()) {
        Ok(_) => String::new(),
        Err(diagnostics) => offline::texts(&diagnostics),
    };
    assert_eq!(found, expected.trim());
}

/// On Fargate, with everything there.
fn check(app: &str, expected: &str) {
    check_on(&EcsFacts::default(), app, expected);
}

fn ec2(network_mode: NetworkMode) -> EcsFacts {
    EcsFacts { launch_type: LaunchType::Ec2, network_mode, ..EcsFacts::default() }
}

/// A workload `web` with these lines in its container and these below.
fn web(container: &str, workload: &str) -> String {
    format!("kind: Workload\nname: web\ncontainers:\n  web:\n    image: shop/web:1\n{container}\n{workload}")
}

/// The losses of an app on these facts, as feature, path and text.
fn losses(facts: &EcsFacts, app: &str) -> Vec<String> {
    let lowered = offline::lowered(&offline::parse(app), facts, &Choices::default()).unwrap();
    lowered.losses.into_iter().map(|loss| format!("{}: {}: {}", loss.feature, loss.path, loss.text)).collect()
}

fn told(facts: &EcsFacts, app: &str, expected: &str) {
    let found = losses(facts, app);
    assert!(found.iter().any(|loss| loss == expected), "{expected} is not among {found:#?}");
}

#[test]
fn tasks_of_fargate_have_fixed_sizes() {
    let resources = |resources: &str| web(&format!("    resources: {resources}"), "");
    let fargate = EcsFacts::default();
    told(
        &fargate,
        &resources("{ cpu: 300m, memory: 600Mi }"),
        "cpu-reservation: workload/web.containers: Fargate has fixed sizes: 308 units and 600 MiB become 512 units (500m processors) and 1024 MiB",
    );
    let fixed = |loss: &String| loss.contains("fixed sizes");
    assert!(!losses(&fargate, &resources("{ cpu: 250m, memory: 512Mi }")).iter().any(fixed));
    assert!(!losses(&ec2(NetworkMode::Awsvpc), &resources("{ cpu: 300m, memory: 600Mi }")).iter().any(fixed));
    check(&resources("{ cpu: 16, memory: 120Gi }"), "");
    check(
        &resources("{ cpu: 17, memory: 1Gi }"),
        "error: no task of Fargate has 17 processors and 1024 MiB
  --> workload/web.containers
  why: the largest has 16 processors and 120 GiB, and all containers of a task share it
  use: less in `resources`, or a target whose launch type is EC2",
    );
    check_on(&ec2(NetworkMode::Awsvpc), &resources("{ cpu: 17, memory: 1Gi }"), "");
}

#[test]
fn fargate_has_no_machine_of_one_s_own() {
    check(
        &web(
            "    mounts: { /cache: { host: /var/cache } }\n    security: { privileged: true }",
            "mode: global",
        ),
        "error: ecs does not have: one replica on every node
  --> workload/web.mode
  why: Fargate has no nodes that a task could be on each of
  use: `mode: replicated`, or a target whose launch type is EC2
error: ecs does not have: every right of the node's root
  --> workload/web.containers.web.security.privileged
  why: containers on Fargate have none of the host's rights
  use: a target whose launch type is EC2; or leave it out with --accept-loss privileged
error: ecs does not have: a path of the node
  --> workload/web.containers.web.mounts./cache
  why: tasks on Fargate have no host file system
  use: an ephemeral volume, or a target whose launch type is EC2; or leave it out with --accept-loss host-path",
    );
    check_on(
        &ec2(NetworkMode::Awsvpc),
        &web(
            "    mounts: { /cache: { host: /var/cache } }\n    security: { privileged: true }",
            "mode: global",
        ),
        "",
    );
}

#[test]
fn rights_on_fargate_are_few() {
    let security = |security: &str| web(&format!("    security: {security}"), "");
    check(
        &security(
            "{ capabilities: { drop: [ALL], add: [CHOWN, NET_ADMIN] }, ulimits: { core: { soft: 0, hard: 0 } } }",
        ),
        "error: Fargate does not give the capability `NET_ADMIN`
  --> workload/web.containers.web.security.capabilities.add
  why: beyond what Docker gives every container it adds SYS_PTRACE only
  use: none, or a target whose launch type is EC2
error: Fargate does not let a task set the limit `core`
  --> workload/web.containers.web.security.ulimits.core
  why: of the kernel's limits it lets tasks set `nofile`
  use: none, or a target whose launch type is EC2",
    );
    check(
        &security("{ capabilities: { add: [SYS_PTRACE] }, ulimits: { nofile: { soft: 1, hard: 2 } } }"),
        "",
    );
    check(
        &security("{ group: '1000' }"),
        "error: a group needs a user
  --> workload/web.containers.web.security.group
  why: ECS takes both in one field, the user first
  use: `user` beside it: the one of the image",
    );
}

#[test]
fn health_checks_have_ranges() {
    let probe = |probe: &str| web(&format!("    probes: {{ live: {{ exec: [ok], {probe} }} }}"), "");
    check(&probe("period: 5s, timeout: 2s, failures: 1, delay: 300s"), "");
    check(&probe("period: 300s, timeout: 60s, failures: 10"), "");
    check(
        &probe("period: 4s, timeout: 1s, failures: 11"),
        "error: 4s is outside of 5 s to 300 s
  --> workload/web.containers.web.probes.live.period
  why: AWS takes whole seconds in this range
  use: `5s`
error: 1s is outside of 2 s to 60 s
  --> workload/web.containers.web.probes.live.timeout
  why: AWS takes whole seconds in this range
  use: `2s`
error: 11 failures are outside of 1 to 10
  --> workload/web.containers.web.probes.live.failures
  why: ECS takes retries of a health check in this range
  use: `10`, with a longer `period` where that is too early",
    );
    let fargate = EcsFacts::default();
    told(
        &fargate,
        &probe("period: 5500ms"),
        "liveness-probe: workload/web.containers.web.probes.live.period: AWS counts whole seconds: 5s500ms become 6s",
    );
    told(
        &fargate,
        &probe("delay: 10m"),
        "startup-probe: workload/web.containers.web.probes.live.delay: failures count after 300 s at the latest, and not only after 10m",
    );
}

#[test]
fn a_stop_on_fargate_takes_two_minutes() {
    let stop = |grace: &str| web(&format!("    stop: {{ grace: {grace} }}"), "");
    check(&stop("120s"), "");
    check(
        &stop("121s"),
        "error: 2m1s is outside of 0 s to 120 s
  --> workload/web.containers.web.stop.grace
  why: AWS takes whole seconds in this range
  use: `120s`",
    );
    check_on(&ec2(NetworkMode::Awsvpc), &stop("10m"), "");
}

#[test]
fn ports_of_nodes_need_nodes_or_a_balancer() {
    let exposed = web("    ports: { http: 8080 }", "expose: { http: { port: 80, as: node } }");
    check(&exposed, "");
    let bare = EcsFacts { network_load_balancer: None, ..EcsFacts::default() };
    check_on(
        &bare,
        &exposed,
        "error: ecs does not have: a port of the nodes, every node leading to every replica
  --> workload/web.expose.http
  why: tasks with an address of their own take no port of a node, and the target has no network load balancer
  use: the target's setting `networkLoadBalancer`, with its name or ARN; or leave it out with --accept-loss expose-node",
    );
    check_on(&EcsFacts { network_load_balancer: None, ..ec2(NetworkMode::Bridge) }, &exposed, "");
    check_on(
        &ec2(NetworkMode::Host),
        &exposed,
        "error: port 80 of the nodes cannot lead to port 8080
  --> workload/web.expose.http.port
  why: in network mode `host` containers listen on the nodes' own ports
  use: `port: 8080`, or the target's setting `networkMode: bridge`",
    );
}

#[test]
fn ports_of_a_balancer_are_one_release_s() {
    let exposed = web("    ports: { http: 8080 }", "expose: { http: { port: 443, as: loadbalancer } }");
    let with = |release: Option<&str>| {
        let mut facts = EcsFacts::default();
        let listener = Listener {
            arn: "arn".to_owned(),
            protocol: "TCP".to_owned(),
            release: release.map(str::to_owned),
            ..Listener::default()
        };
        facts.network_load_balancer.as_mut().unwrap().listeners.insert(443, listener);
        facts
    };
    check_on(&with(Some("default/shop")), &exposed, "");
    check_on(
        &with(Some("default/other")),
        &exposed,
        "error: port 443 of the network load balancer is taken
  --> workload/web.expose.http.port
  why: the release default/other has a listener there
  use: another port, or another `networkLoadBalancer` in the target's settings",
    );
    check_on(
        &with(None),
        &exposed,
        "error: port 443 of the network load balancer is taken
  --> workload/web.expose.http.port
  why: somebody else has a listener there
  use: another port, or another `networkLoadBalancer` in the target's settings",
    );
}

#[test]
fn a_port_of_a_balancer_is_one_workload_s() {
    let other = "---\nkind: Workload\nname: other\ncontainers: { a: { image: 'a:1', ports: { http: 80, dns: { port: 53, protocol: udp } } } }\nexpose: { http: { port: 443, as: loadbalancer }, dns: { port: 53, as: loadbalancer } }";
    let app = web("    ports: { http: 8080 }", "expose: { http: { port: 443, as: loadbalancer } }");
    check(
        &format!("{app}\n{other}"),
        "error: port 443 of the network load balancer is taken
  --> workload/web.expose.http.port
  why: `workload/other.expose.http.port` is the first, and a listener leads to one port, by TCP or by UDP
  use: another port",
    );
}

#[test]
fn tasks_are_prepared_by_a_role() {
    let roleless = |launch_type| EcsFacts { execution_role: None, launch_type, ..EcsFacts::default() };
    let refused = "error: the target has no execution role
  why: by it ECS reads configs, secrets and private images for a task, and writes logs on Fargate
  use: the target's setting `executionRole`, with the role's name or ARN";
    let secret = "---\nkind: Secret\nname: s\ngenerate: { a: {} }";
    let reads = format!("{}\n{secret}", web("    env: { A: { secret: s, key: a } }", ""));
    check_on(&roleless(LaunchType::Fargate), &web("", ""), refused);
    check_on(&roleless(LaunchType::Ec2), &web("", ""), "");
    check_on(&roleless(LaunchType::Ec2), &reads, refused);
}

#[test]
fn routes_need_a_listener_of_their_protocol() {
    let route = |tls: &str| {
        format!(
            "{}\n---\nkind: Route\nname: web\nhost: a.example\npaths: {{ /: {{ workload: web, port: http }} }}\n{tls}",
            web("    ports: { http: 8080 }", "expose: { http: { port: 80 } }")
        )
    };
    check(&route(""), "");
    check(&route("tls: {}"), "");
    let mut facts = EcsFacts::default();
    facts.load_balancer.as_mut().unwrap().listeners.remove(&443);
    check_on(
        &facts,
        &route("tls: {}"),
        "error: the application load balancer has no HTTPS listener
  --> route/web
  why: a route is a rule of a listener that is there
  use: a listener with a certificate on the load balancer (`aws elbv2 create-listener`), or no `tls`",
    );
    facts.load_balancer.as_mut().unwrap().listeners.clear();
    check_on(
        &facts,
        &route(""),
        "error: the application load balancer has no HTTP listener
  --> route/web
  why: a route is a rule of a listener that is there
  use: a listener on port 80 of the load balancer (`aws elbv2 create-listener`), or `tls: {}`",
    );
}

#[test]
fn a_service_has_five_target_groups() {
    let ports = |count: u16| {
        let port = |index: u16| format!("p{index}: {}", 8000 + index);
        let expose = |index: u16| format!("p{index}: {{ port: {}, as: loadbalancer }}", 8000 + index);
        let join = |part: &dyn Fn(u16) -> String| (0..count).map(part).collect::<Vec<_>>().join(", ");
        web(&format!("    ports: {{ {} }}", join(&port)), &format!("expose: {{ {} }}", join(&expose)))
    };
    check(&ports(5), "");
    check(
        &ports(6),
        "error: 6 ports behind load balancers are too many
  --> workload/web.expose
  why: a service of ECS has 5 target groups at most
  use: several workloads",
    );
}

#[test]
fn a_task_has_ten_containers() {
    let with = |count: usize, mounts: &str| {
        let more = (1..count).map(|index| format!("  c{index}: {{ image: 'a:1' }}\n"));
        let more = more.collect::<Vec<_>>().concat();
        format!("{}\n---\nkind: Config\nname: c\ndata: {{ a: b }}", web(&format!("{mounts}\n{more}"), ""))
    };
    check(&with(10, ""), "");
    check(
        &with(10, "    mounts: { /etc/web: { config: c } }"),
        "error: a task cannot have 11 containers
  --> workload/web.containers
  why: ECS takes 10 at most, the one that writes files among them
  use: several workloads",
    );
}

#[test]
fn a_task_definition_has_64_kib() {
    let app = |kib: usize| web(&format!("    env: {{ A: {} }}", "x".repeat(kib * 1024)), "");
    check(&app(60), "");
    check(
        &app(70),
        "error: its task definition has 71 KiB
  --> workload/web
  why: ECS takes 64 KiB at most, and commands, variables and labels are part of it
  use: fewer variables, or files of a config in their place",
    );
}

#[test]
fn a_file_holds_six_kib() {
    let config =
        |bytes: usize| format!("kind: Config\nname: big\ndata: {{ a.conf: \"{}\" }}", "x".repeat(bytes));
    check(&config(6 * 1024), "");
    check(
        &config(6 * 1024 + 1),
        "error: a file on ECS holds at most 6 KiB, and this is 7 KiB
  --> config/big.data.a.conf
  why: it is a parameter of SSM, which takes 8 KB of base64
  use: several smaller files, a volume that holds the data, or an image with it inside",
    );
}

#[test]
fn what_exists_already_names_its_keys() {
    let app = web(
        "    envFrom: [{ secret: vault }]\n    mounts: { /etc/web: { config: shared } }",
        "---\nkind: Secret\nname: vault\nexternal: true\n---\nkind: Config\nname: shared\nexternal: true",
    );
    check(
        &app,
        "error: the keys of the secret `vault` are not known
  --> workload/web.containers.web.envFrom.0
  why: it exists already, and a task definition names every variable
  use: `env` with each key
error: the keys of the config `shared` are not known
  --> workload/web.containers.web.mounts./etc/web
  why: it exists already, and each file is written by name
  use: `key`, with one mount for each file",
    );
}

#[test]
fn only_folders_are_mounted() {
    let app = |target: &str| {
        format!(
            "{}\n---\nkind: Config\nname: c\ndata: {{ a: b }}",
            web(&format!("    mounts: {{ {target}: {{ config: c, key: a }} }}"), "")
        )
    };
    told(
        &EcsFacts::default(),
        &app("/etc/nginx/nginx.conf"),
        "config-files: workload/web.containers.web.mounts./etc/nginx/nginx.conf: ECS mounts folders: what the image has in /etc/nginx is not seen",
    );
    check(
        &app("/app.conf"),
        "error: a single file cannot lie in the root folder
  --> workload/web.containers.web.mounts./app.conf
  why: ECS mounts folders, and the folder of this one is the whole file system
  use: a path in a folder of its own",
    );
    check(
        &web("    mounts: { /a: { ephemeral: work, subPath: b } }", ""),
        "error: ECS mounts a volume of a task as a whole
  --> workload/web.containers.web.mounts./a.subPath
  why: a mount point has a volume and a path, and no part of the volume
  use: an ephemeral folder of another name for each part",
    );
}

#[test]
fn ephemeral_folders_have_an_end() {
    let app = |size: &str| web(&format!("    mounts: {{ /a: {{ ephemeral: a, size: {size} }} }}"), "");
    check(&app("200Gi"), "");
    check(
        &app("201Gi"),
        "error: ephemeral folders of 201 GiB are more than a task of Fargate holds
  --> workload/web.containers.web.mounts./a
  why: its disk has 200 GiB at most; beyond, ECS makes an EBS volume of up to 16384 GiB for the largest folder of a service or job, by a role that the target must name
  use: less, a volume, or the target's setting `infrastructureRole`",
    );
    let role = EcsFacts { infrastructure_role: Some("role".to_owned()), ..EcsFacts::default() };
    check_on(&role, &app("201Gi"), "");
}

#[test]
fn schedules_take_one_kind_of_days() {
    let cron = |schedule: &str| web("", &format!("mode: cron\ncron: {{ schedule: '{schedule}' }}"));
    check(&cron("0 3 * * 1-5"), "");
    check(
        &cron("0 3 1 * 1"),
        "error: AWS cannot say the schedule `0 3 1 * 1`
  --> workload/web.cron.schedule
  why: crontab means days of the month or days of the week, and AWS takes one of the two
  use: two workloads, one with each kind of days",
    );
}

#[test]
fn jobs_are_run_once_and_ten_at_a_time() {
    check(
        &web("", "mode: job\njob: { completions: 11 }\nshortNames: true"),
        "error: a job does not reach siblings by their bare names
  --> workload/web.shortNames
  why: Service Connect has a proxy beside the tasks of services only
  use: variables with `address`, which names siblings in full
error: 11 tasks are too many for one run
  --> workload/web.job.completions
  why: ECS starts 10 tasks at a time at most
  use: several jobs",
    );
    check(
        &web("", "mode: job\njob: { retries: 2 }"),
        "error: ecs does not have: tries of a job after a failure
  --> workload/web.job.retries
  why: RunTask starts a task once, whatever becomes of it
  use: tries in the job's own command, or another run with `rhumb upgrade`; or leave it out with --accept-loss job-retries",
    );
}

#[test]
fn services_are_kept_running() {
    check(
        &web("", "restart: { policy: never }"),
        "error: a task of a service cannot be left ended
  --> workload/web.restart.policy
  why: a service starts another task for each that ends
  use: `mode: job` for what runs to its end; else `policy: always`",
    );
    check(&web("", "mode: job\nrestart: { policy: never }"), "");
}

#[test]
fn traffic_is_shifted_where_something_leads() {
    let blue =
        web("    ports: { http: 80 }", "update: { strategy: blueGreen }\nexpose: { http: { port: 80 } }");
    let refused = "error: ecs does not have: a whole second set, then the traffic is switched
  --> workload/web.update.strategy
  why: ECS shifts traffic between two sets of tasks by a role of its own, and the target has none
  use: the target's setting `infrastructureRole`, with the role's name or ARN; or `strategy: rolling`; or leave it out with --accept-loss blue-green";
    check(&blue, refused);
    let role = EcsFacts { infrastructure_role: Some("role".to_owned()), ..EcsFacts::default() };
    check_on(
        &role,
        &blue,
        "error: nothing leads to the workload whose traffic ECS could shift
  --> workload/web.update.strategy
  why: it shifts the traffic of a route's target groups and of Service Connect; names in Cloud Map lead to old and new tasks alike
  use: a Route to the workload, `shortNames: true` where siblings use it, or `strategy: rolling`",
    );
    check_on(&role, &format!("{blue}\nshortNames: true"), "");
    let canary = format!(
        "{}\nshortNames: true",
        web(
            "    ports: { http: 80 }",
            "update: { strategy: canary, steps: [5, 20, 90] }\nexpose: { http: { port: 80 } }"
        )
    );
    check_on(
        &role,
        &canary,
        "error: ECS does not take these steps
  --> workload/web.update.steps
  why: it has one first share and then the rest, or equal shares one after another
  use: `[5]`, or equal steps such as `[25, 50, 75]`",
    );
}

#[test]
fn labels_are_tags() {
    check(
        &web("", "labels: { 'aws:team': x, note: 'a,b' }\nannotations: { note: 'a,b' }"),
        "error: `aws:team` cannot be the key of a tag
  --> workload/web.labels.aws:team
  why: on AWS it has at most 128 letters, digits, spaces and `_.:/=+-@`, and does not begin with `aws:`
  use: such as `example.com/team`
error: the value cannot be that of a tag
  --> workload/web.labels.note
  why: on AWS it has at most 256 letters, digits, spaces and `_.:/=+-@`
  use: an annotation, which takes any text",
    );
}

#[test]
fn log_drivers_are_the_launch_type_s() {
    let journal = web("    logging: { driver: journald }", "");
    check(
        &journal,
        "error: Fargate does not have the log driver `journald`
  --> workload/web.containers.web.logging.driver
  why: it has awslogs, splunk, awsfirelens
  use: no `logging`: the output then goes to the release's log group in CloudWatch",
    );
    check_on(&ec2(NetworkMode::Awsvpc), &journal, "");
}

#[test]
fn tasks_are_placed_by_instance() {
    let placed = |placement: &str| web("", &format!("placement: {placement}"));
    check_on(
        &ec2(NetworkMode::Awsvpc),
        &placed(
            "{ nodes: [{ key: region, values: [a] }], maxPerNode: 2, away: [{ workload: web, over: zone }] }",
        ),
        "error: container instances are not told apart by `region`
  --> workload/web.placement.nodes[0].key
  why: a cluster is in one region, and its instances have no roles
  use: `zone`, or an attribute of the instances
error: ECS cannot hold a node to 2 tasks
  --> workload/web.placement.maxPerNode
  why: it knows one task of a service for each instance, or no bound
  use: `maxPerNode: 1`, or `spread: [{ over: hostname }]`
error: ECS places a task by what else is on the same instance only
  --> workload/web.placement.away[0].over
  why: its expressions know the tasks of an instance, and not those of a zone
  use: `over: hostname`",
    );
    check(
        &placed("{ arch: s390x }"),
        "error: ECS does not know `s390x`
  --> workload/web.placement.arch
  why: a task definition names the platform that its images are for
  use: `amd64` or `arm64`",
    );
}

#[test]
fn only_stateful_replicas_are_numbered() {
    check(
        &web("    env: { NUMBER: { self: ordinal } }", "replicas: 2"),
        "error: tasks of a service have no number
  --> workload/web.containers.web.env.NUMBER
  why: they are interchangeable, and ECS names them at random
  use: `mode: stateful`, whose replicas are numbered",
    );
    check(&web("    env: { NUMBER: { self: ordinal } }", "mode: stateful"), "");
}

#[test]
fn names_that_siblings_use_lead_to_the_tasks_themselves() {
    told(
        &EcsFacts::default(),
        &web("    ports: { http: 8080 }", "expose: { http: { port: 80 } }"),
        "expose-internal: workload/web.expose.http.port: siblings use the container's own port 8080 and not 80, as an `address` says: the name leads to the tasks themselves",
    );
}

#[test]
fn patches_are_of_what_a_workload_becomes() {
    check(
        &web("", "on: { ecs: { Task: { count: 2 }, Service: { serviceName: other }, Deployment: {} } }"),
        "error: the workload becomes no Deployment on ECS
  --> workload/web.on.ecs.Deployment
  use: one of `Service`, `TaskDefinition`
error: `serviceName` is not patched
  --> workload/web.on.ecs.Service.serviceName
  why: the release finds the object by it
  use: a Native document for an object of your own
error: the workload becomes no Task on ECS
  --> workload/web.on.ecs.Task
  use: one of `Service`, `TaskDefinition`",
    );
}

#[test]
fn documents_of_one_s_own_say_what_they_make() {
    let native = |name: &str, manifest: &str| {
        format!("kind: Native\nname: {name}\nplatform: ecs\nmanifest: {manifest}\n---\n")
    };
    let app = [
        native("a", "{ Name: x }"),
        native("b", "{ kind: Secret, SecretString: canary }"),
        native("web", "{ kind: Service, taskDefinition: web }"),
        web("", ""),
    ];
    check(
        &app.concat(),
        "error: it is not a request that ECS knows
  --> native/a.manifest
  why: requests of AWS are told apart by `kind` beside their own fields
  use: `kind`, one of SecurityGroup, LogGroup, AccessPoint, Parameter, Secret, Discovery, TargetGroup, Listener, ListenerRule, TaskDefinition, Service, Task, ScalableTarget, ScalingPolicy, Schedule
error: a secret cannot be a native document
  --> native/b.manifest
  why: its data would be in the app and in every record
  use: a Secret document
error: service/web is another document's already
  --> native/web
  why: two documents would be one object of the release
  use: another name",
    );
}
