//! One case for each rule: the least documents that break it, and what is told.

mod app;
mod workloads;

use crate::{Severity, Source, parse};

/// Reads documents and compares what verification tells: `path: what`, with `warning ` before warnings.
#[track_caller]
fn check(text: &str, expect: &[&str]) {
    let source = Source { file: "a.yaml".to_owned(), text: text.to_owned() };
    let found = parse(&[source]).unwrap_or_else(|errors| panic!("{text}: {errors:?}")).verify();
    let mut told: Vec<String> = found
        .iter()
        .map(|found| {
            let mark = if found.severity == Severity::Error { "" } else { "warning " };
            format!("{mark}{}: {}", found.path, found.what)
        })
        .collect();
    told.sort();
    let mut expect: Vec<&str> = expect.to_vec();
    expect.sort_unstable();
    assert_eq!(told, expect, "{text}");
    for found in &found {
        assert!(found.why.is_some() || found.remedy.is_some(), "{found}");
        assert!(found.place.is_some(), "{found}");
    }
}

/// Checks a workload `web` with one container `web`, which has these further fields.
#[track_caller]
fn check_container(fields: &str, expect: &[&str]) {
    let fields = fields.replace('\n', "\n    ");
    let text = format!("kind: Workload\nname: web\ncontainers:\n  web:\n    image: nginx\n    {fields}\n");
    check_below(&text, "workload/web.containers.web.", expect);
}

/// Checks a workload `web` with one container `web`, and these further fields of the workload.
#[track_caller]
fn check_workload(fields: &str, expect: &[&str]) {
    let containers = "containers: { web: { image: nginx, ports: { http: 8080 } } }";
    check_below(&format!("kind: Workload\nname: web\n{containers}\n{fields}\n"), "workload/web.", expect);
}

#[track_caller]
fn check_below(text: &str, prefix: &str, expect: &[&str]) {
    let expect: Vec<String> = expect
        .iter()
        .map(|line| match line.strip_prefix("warning ") {
            Some(rest) => format!("warning {prefix}{rest}"),
            None => format!("{prefix}{line}"),
        })
        .collect();
    check(text, &expect.iter().map(String::as_str).collect::<Vec<_>>());
}
