//! How replicas come to be.

use rhumb_spec::Feature;

use super::super::case::{Case, Need, Shows, service};

pub(super) const CASES: &[Case] = &[
    Case::new(
        Feature::Replicated,
        "
kind: Workload
name: web
replicas: 2
containers: { web: { image: 'rhumb-demo:1' } }
",
    )
    .reads(&[service("web", "/Spec/Mode/Replicated/Replicas", "2")]),
    Case::new(
        Feature::Global,
        "
kind: Workload
name: web
mode: global
containers: { web: { image: 'rhumb-demo:1' } }
",
    )
    .reads(&[service("web", "/Spec/Mode", r#"{"Global":{}}"#)]),
    Case::new(
        Feature::Stateful,
        "
kind: Workload
name: db
mode: stateful
replicas: 2
containers:
  db:
    image: rhumb-demo:1
    mounts: { /data: { volume: data } }
---
kind: Volume
name: data
",
    )
    .prints("db-1", &["sh", "-c", "echo kept >/data/x && cat /data/x"], "kept"),
    Case::new(
        Feature::Job,
        "
kind: Workload
name: task
mode: job
containers: { task: { image: 'rhumb-demo:1', args: [job] } }
",
    ),
    Case::new(
        Feature::JobRetries,
        "
kind: Workload
name: task
mode: job
job: { retries: 3 }
containers:
  task:
    image: rhumb-demo:1
    command: [sh, -c, 'test -f /data/tried || { touch /data/tried; exit 3; }']
    mounts: { /data: { volume: data } }
---
kind: Volume
name: data
",
    ),
    Case::new(
        Feature::JobDeadline,
        "
kind: Workload
name: task
mode: job
job: { deadline: 60s }
containers: { task: { image: 'rhumb-demo:1', args: [job] } }
",
    ),
    Case::new(
        Feature::JobParallelism,
        "
kind: Workload
name: task
mode: job
job: { parallelism: 2, completions: 2 }
containers: { task: { image: 'rhumb-demo:1', args: [job] } }
",
    )
    .reads(&[service("task", "/Spec/Mode/ReplicatedJob/MaxConcurrent", "2")]),
    Case::new(
        Feature::JobCompletions,
        "
kind: Workload
name: task
mode: job
job: { completions: 3 }
containers: { task: { image: 'rhumb-demo:1', args: [job] } }
",
    )
    .reads(&[service("task", "/Spec/Mode/ReplicatedJob/TotalCompletions", "3")]),
    Case::new(
        Feature::Cron,
        "
kind: Workload
name: night
mode: cron
cron: { schedule: '0 3 * * *' }
containers: { night: { image: 'rhumb-demo:1', args: [job] } }
",
    )
    .shows(Shows::Accepted("it runs at night"))
    .needs(&[Need::SwarmCronjob]),
    Case::new(
        Feature::CronTimeZone,
        "
kind: Workload
name: night
mode: cron
cron: { schedule: '0 3 * * *', timeZone: Europe/Berlin }
containers: { night: { image: 'rhumb-demo:1', args: [job] } }
",
    )
    .shows(Shows::Accepted("it runs at night"))
    .needs(&[Need::SwarmCronjob]),
    Case::new(
        Feature::CronConcurrency,
        "
kind: Workload
name: night
mode: cron
cron: { schedule: '0 3 * * *', concurrency: forbid }
containers: { night: { image: 'rhumb-demo:1', args: [job] } }
",
    )
    .shows(Shows::Accepted("it runs at night"))
    .needs(&[Need::SwarmCronjob]),
    Case::new(
        Feature::DependsOn,
        "
kind: Workload
name: db
containers:
  db:
    image: rhumb-demo:1
    env: { START_DELAY: 1 }
    probes: { ready: { exec: [/demo, get, 'http://127.0.0.1:8080/healthz'], period: 1s } }
---
kind: Workload
name: web
dependsOn: [db]
containers: { web: { image: 'rhumb-demo:1' } }
",
    ),
];
