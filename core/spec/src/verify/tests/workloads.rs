//! Rules about one workload.

use super::{check, check_container, check_workload};

#[test]
fn modes_and_what_goes_with_them() {
    check_workload("mode: global\nreplicas: 2", &["replicas: `replicas` does not go with `mode: global`"]);
    check_workload("mode: job\nreplicas: 2", &["replicas: `replicas` does not go with `mode: job`"]);
    check_workload("job: { retries: 1 }", &["job: `job` does not go with `mode: replicated`"]);
    check_workload(
        "mode: job\njob: { parallelism: 0, completions: 0, deadline: 0s }",
        &[
            "job.parallelism: `parallelism` is 0",
            "job.completions: `completions` is 0",
            "job.deadline: the deadline is 0s",
        ],
    );
    check_workload(
        "mode: job\nrestart: { policy: always }",
        &["restart.policy: a restart policy of `always` does not go with `mode: job`"],
    );
    check("kind: Workload\nname: web\ncontainers: {}\n", &["workload/web.containers: there is no container"]);
    check_workload("identity: { name: '' }", &["identity.name: the name is empty"]);
    check_workload("on: { p: { Deployment: [1] } }", &["on.p.Deployment: the patch is not a mapping"]);
}

#[test]
fn schedules() {
    let cron = |schedule: &str| format!("mode: cron\ncron: {{ schedule: '{schedule}' }}");
    for good in
        ["0 3 * * *", "*/5 0-6,20 1 jan-mar MON", "0 0 * * 7", "5/10 * * * 1-5/2", "0 0 29 2 *", "0 0 31 2 1"]
    {
        check_workload(&cron(good), &[]);
    }
    check_workload("mode: cron", &["cron: `cron` is missing"]);
    check_workload(
        "mode: job\ncron: { schedule: '* * * * *' }",
        &["cron: `cron` does not go with `mode: job`"],
    );
    for (bad, what) in [
        ("@daily", "`@daily` is not one of cron's five fields"),
        ("* * * *", "the schedule `* * * *` has 4 fields, not five"),
        ("60 * * * *", "`60` is not a minute"),
        ("* 24 * * *", "`24` is not a hour"),
        ("* * 0 * *", "`0` is not a day of the month"),
        ("* * * 13 *", "`13` is not a month"),
        ("* * * * 8", "`8` is not a day of the week"),
        ("5-1 * * * *", "`5-1` is not a minute"),
        ("*/0 * * * *", "`*/0` is not a minute"),
        ("1,,2 * * * *", "`1,,2` is not a minute"),
        ("+1 * * * *", "`+1` is not a minute"),
        ("0 0 30 2 *", "the schedule `0 0 30 2 *` never comes"),
    ] {
        check_workload(&cron(bad), &[&format!("cron.schedule: {what}")]);
    }
    check_workload(
        "mode: cron\ncron: { schedule: '0 0 * * *', timeZone: 'UTC+1 ' }",
        &["cron.timeZone: `UTC+1 ` is not the name of a time zone"],
    );
}

#[test]
fn exposed_ports() {
    check_workload("expose: { htp: { port: 80 } }", &["expose.htp: no container has a port `htp`"]);
    check_workload("expose: { http: { port: 0 } }", &["expose.http.port: the port is 0"]);
    check_workload(
        "expose: { http: { port: 80, traffic: local, internalPort: 81 } }",
        &[
            "expose.http.traffic: `traffic` goes with `as: node` only",
            "expose.http.internalPort: `internalPort` goes with `as: node` only",
        ],
    );
    check(
        "kind: Workload\nname: web\ncontainers: { a: { image: a, ports: { http: 80, more: 81 } } }\n\
         expose: { http: { port: 80 }, more: { port: 80 } }\n",
        &["workload/web.expose.more: TCP port 80 is exposed twice"],
    );
}

#[test]
fn probes_that_are_impossible() {
    check_container(
        "probes:\n  ready: { http: healthz, port: http, period: 0s, timeout: 0s }\n  live: { exec: [], successes: 2, failures: 0 }\n  \
         startup: { tcp: true, port: '8080', successes: 0 }\nports: { web: 8080 }",
        &[
            "probes.ready.http: the path `healthz` does not begin with `/`",
            "probes.ready.port: the container has no port `http`",
            "probes.ready.period: `period` is 0s",
            "probes.ready.timeout: `timeout` is 0s",
            "probes.live.exec: the command is empty",
            "probes.live.successes: a `live` probe takes one success",
            "probes.live.failures: `failures` is 0",
            "probes.startup.port: the container has no port `8080`",
            "probes.startup.successes: `successes` is 0",
        ],
    );
    check_container(
        "probes:\n  ready: { tcp: true, port: dns, period: 5s, timeout: 6s }\n  live: { exec: [a], timeout: 11s }\n\
         ports: { dns: { port: 53, protocol: udp } }",
        &[
            "probes.ready.port: the port `dns` is not TCP",
            "warning probes.ready.timeout: the timeout (6s) is longer than the period (5s)",
            "warning probes.live.timeout: the timeout (11s) is longer than the period (10s)",
        ],
    );
    check(
        "kind: Workload\nname: web\nmode: job\ncontainers: { a: { image: a, probes: { ready: { exec: [a] } } } }\n",
        &["warning workload/web.containers.a.probes.ready: nobody asks whether a job is ready"],
    );
}

#[test]
fn init_containers_end() {
    check(
        "kind: Workload\nname: web\ninitContainers: { i: { image: a, probes: { live: { exec: [a] } }, lifecycle: { preStop: [a] } } }\n\
         containers: { a: { image: a } }\n",
        &[
            "workload/web.initContainers.i.probes: an init container has no `probes`",
            "workload/web.initContainers.i.lifecycle: an init container has no `lifecycle`",
        ],
    );
}

#[test]
fn containers() {
    check_container(
        "resources: { cpu: 2, memory: 2Gi, gpu: { count: 0 }, limits: { cpu: 500m, memory: 1Gi } }",
        &[
            "resources.cpu: 2 are promised, and the limit is 500m",
            "resources.memory: 2Gi are promised, and the limit is 1Gi",
            "resources.gpu.count: the count is 0",
        ],
    );
    check_container("resources: { limits: { cpu: 0 } }", &["resources.limits.cpu: the limit is 0"]);
    check_container("workingDir: app", &["workingDir: `app` is not an absolute path"]);
    check_container("stop: { signal: int }", &["stop.signal: `int` is not the name of a signal"]);
    check_container("stop: { signal: SIGRTMIN+3 }", &[]);
    check_container(
        "security: { capabilities: { add: [CAP_CHOWN] }, ulimits: { nofile: { soft: 2, hard: 1 }, core: { soft: -1, hard: -1 } } }",
        &[
            "security.capabilities.add[0]: `CAP_CHOWN` is written without `CAP_`",
            "security.ulimits.nofile.soft: the soft limit 2 is above the hard limit 1",
        ],
    );
    for (image, what) in [
        ("''", "the image is empty"),
        ("'a b'", "`a b` is not an image"),
        ("https://a/b", "`https://a/b` is not an image"),
    ] {
        check(
            &format!("kind: Workload\nname: web\ncontainers: {{ web: {{ image: {image} }} }}\n"),
            &[&format!("workload/web.containers.web.image: {what}")],
        );
    }
}

#[test]
fn variables() {
    check(
        "kind: Workload\nname: web\nmode: global\ncontainers: { a: { image: a, env: { A: { self: ordinal } } } }\n",
        &["workload/web.containers.a.env.A: replicas have no number with `mode: global`"],
    );
    check_container("env: { A: \"a\\0b\" }", &["env.A: the text has a NUL character"]);
}

#[test]
fn mounts() {
    check_container(
        "mounts:\n  a: { tmpfs: true }\n  /: { tmpfs: true }\n  /a/../b: { tmpfs: true }\n  /c: { tmpfs: true, size: 0 }\n  /c/: { tmpfs: true }\n  \
         /d: { host: d }\n  /e: { ephemeral: '' }\n  /f: { host: /f, subPath: ../g }",
        &[
            "mounts.a: the mount path `a` is not absolute",
            "mounts./: nothing can be mounted over the root",
            "mounts./a/../b: the mount path `/a/../b` has `..` in it",
            "mounts./c.size: the size is 0",
            "mounts./c/: `/c/` and `/c` are the same path",
            "mounts./d.host: `d` is not an absolute path",
            "mounts./e.ephemeral: the name is empty",
            "mounts./f.subPath: `../g` is not a path inside what is mounted",
        ],
    );
    check(
        "kind: Workload\nname: web\ncontainers: { a: { image: a, mounts: { /a: { config: cfg, mode: '9' }, \
         /x: { ephemeral: x, size: 1Mi } } }, b: { image: b, mounts: { /x: { ephemeral: x, size: 2Mi }, /y: { ephemeral: x } } } }\n---\n\
         kind: Config\nname: cfg\ndata: { a: b }\n",
        &[
            "workload/web.containers.a.mounts./a.mode: `9` are no permission bits",
            "workload/web.containers.b.mounts./x.size: the ephemeral folder `x` holds 1Mi elsewhere and 2Mi here",
        ],
    );
}

#[test]
fn updates() {
    check_workload("mode: job\nupdate: { maxSurge: 1 }", &["update: `update` does not go with `mode: job`"]);
    check_workload(
        "update: { maxSurge: 0, maxUnavailable: 0% }",
        &["update: `maxSurge` and `maxUnavailable` are both 0"],
    );
    check_workload(
        "update: { maxSurge: 0, order: startFirst }",
        &["update.order: `order: startFirst` does not go with `maxSurge: 0`"],
    );
    check_workload(
        "update: { parallelism: 0, maxFailurePercent: 101, rollback: { parallelism: 0, maxFailurePercent: 200 } }",
        &[
            "update.parallelism: `parallelism` is 0",
            "update.maxFailurePercent: a share is more than 100 percent",
            "update.rollback.parallelism: `parallelism` is 0",
            "update.rollback.maxFailurePercent: a share is more than 100 percent",
        ],
    );
    check_workload(
        "mode: global\nupdate: { strategy: blueGreen }",
        &["update.strategy: a second set of replicas does not go with `mode: global`"],
    );
    check_workload(
        "update: { strategy: recreate, maxSurge: 1 }",
        &["update.strategy: `strategy: recreate` has no surge"],
    );
    check_workload(
        "mode: stateful\nupdate: { maxSurge: 1 }",
        &["update.maxSurge: a new replica cannot start beside the old one with `mode: stateful`"],
    );
    check_workload("update: { steps: [10] }", &["update.steps: `steps` goes with `strategy: canary` only"]);
    check_workload(
        "update: { strategy: canary, steps: [50, 10] }",
        &["update.steps: the steps do not grow from 1 to 100"],
    );
}

#[test]
fn autoscaling_and_disruption() {
    check_workload(
        "mode: global\nautoscale: { min: 3, max: 2, cpu: 0 }",
        &[
            "autoscale: `autoscale` does not go with `mode: global`",
            "autoscale.min: the fewest replicas (3) are more than the most (2)",
            "autoscale.cpu: the wanted use is 0 percent",
        ],
    );
    check_workload(
        "replicas: 5\nautoscale: { min: 0, max: 0 }",
        &[
            "autoscale.max: the most replicas are 0",
            "autoscale: there is nothing to follow",
            "warning replicas: 5 replicas are outside 0 to 0",
        ],
    );
    check_workload(
        "autoscale: { min: 1, max: 2, cpu: 80, memory: 80, custom: [{ name: rps, average: many }] }",
        &[
            "autoscale.cpu: not every container is promised any cpu",
            "autoscale.memory: not every container is promised any memory",
            "autoscale.custom[0].average: `many` is not a wanted average",
        ],
    );
    check_workload(
        "mode: job\ndisruption: { minAvailable: 1, maxUnavailable: 1 }",
        &[
            "disruption: `disruption` does not go with `mode: job`",
            "disruption: set exactly one of `minAvailable` and `maxUnavailable`",
        ],
    );
}

#[test]
fn placement() {
    check_workload(
        "placement:\n  nodes: [{ key: '', values: [a] }, { key: zone }, { key: ssd, op: exists, values: [a] }]\n  maxPerNode: 0\n  \
         spread: [{ over: zone, maxSkew: 0 }]\n  near: [{ workload: web }]\n  away: [{ workload: web }]\n  tolerations: [{ effect: NoShedule }]",
        &[
            "placement.nodes[0].key: the key is empty",
            "placement.nodes[1]: `zone` is compared with nothing",
            "placement.nodes[2].values: `values` goes with `op: in` and `op: notIn` only",
            "placement.maxPerNode: `maxPerNode` is 0",
            "placement.spread[0].maxSkew: `maxSkew` is 0",
            "placement.near[0]: replicas must be both near `web` and away from it",
            "placement.tolerations[0].effect: a taint has no effect `NoShedule`",
        ],
    );
}
