//! Tests that may find, when they run, that the machine lacks what they need.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::{OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::kubernetes::{Cluster, NoCluster, script as cluster_script};
use crate::swarm::{Docker, Engine, Unavailable};

/// How long [`eventually`] waits.
const PATIENCE: Duration = Duration::from_mins(1);

/// A test that needs a swarm: reported as ignored where this machine can have none.
pub fn needs_swarm(name: &str, test: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    Trial::test(name, test).with_ignored_flag(!can_have_swarm())
}

/// Whether a swarm is named by the environment or can be started here.
pub fn can_have_swarm() -> bool {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/engine.sh");
    std::env::var_os("RHUMB_TEST_DOCKER_HOST").is_some()
        || Command::new(script).arg("missing").output().is_ok_and(|output| output.status.success())
}

/// A test that needs a Kubernetes cluster: reported as ignored where this machine can have none.
pub fn needs_cluster(name: &str, test: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    let test = || {
        let _shared = CLUSTER_USE.read().unwrap_or_else(PoisonError::into_inner);
        test()
    };
    Trial::test(name, test).with_ignored_flag(!can_have_cluster())
}

/// A test that takes the cluster's parts down, and so must have it for itself.
pub fn needs_cluster_alone(name: &str, test: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    let test = || {
        let _alone = CLUSTER_USE.write().unwrap_or_else(PoisonError::into_inner);
        test()
    };
    Trial::test(name, test).with_ignored_flag(!can_have_cluster())
}

/// Read by tests that share the cluster, written by one that has it for itself.
static CLUSTER_USE: RwLock<()> = RwLock::new(());

/// Whether a cluster is named by the environment or can be started here.
pub fn can_have_cluster() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| {
        std::env::var_os("RHUMB_TEST_KUBECONFIG").is_some() || cluster_script(&["missing"]).is_ok()
    })
}

/// The cluster that the tests of this process share. One that was started for them stops soon after the process ends.
///
/// # Errors
/// When there is none.
pub fn cluster() -> Result<&'static Cluster, NoCluster> {
    static CLUSTER: OnceLock<Result<Cluster, NoCluster>> = OnceLock::new();
    CLUSTER.get_or_init(Cluster::start).as_ref().map_err(Clone::clone)
}

/// A test that needs a double of ECS: reported as ignored where this machine can have none.
pub fn needs_ecs(name: &str, test: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    Trial::test(name, test).with_ignored_flag(!crate::ecs::can_have())
}

/// Repeats a question until it is answered well.
///
/// # Errors
/// The last answer, after a minute.
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Result<T, String>) -> Result<T, String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match ask() {
            Ok(answer) => return Ok(answer),
            Err(error) if Instant::now() >= deadline => {
                return Err(format!("no {what} after a minute: {error}"));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(250)),
        }
    }
}

/// The body of a page, asked for until it comes.
///
/// # Errors
/// Why it does not come.
pub fn fetch(url: &str) -> Result<String, String> {
    eventually(url, || get(url))
}

/// The body of a page, asked for once.
///
/// # Errors
/// When nobody answers, or not with 200.
pub fn get(url: &str) -> Result<String, String> {
    let rest = url.strip_prefix("http://").ok_or("only http:// addresses")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut answer = String::new();
    let mut stream = TcpStream::connect(host).map_err(|error| format!("{host}: {error}"))?;
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .and_then(|()| write!(stream, "GET /{path} HTTP/1.0\r\nhost: {host}\r\n\r\n"))
        .and_then(|()| stream.read_to_string(&mut answer))
        .map_err(|error| format!("{host}: {error}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no HTTP answer")?;
    if head.split(' ').nth(1) == Some("200") { Ok(body.to_owned()) } else { Err(head.to_owned()) }
}

/// The engine that the tests of this process share. It stops soon after the process ends.
///
/// # Errors
/// When there is none.
pub fn engine() -> Result<&'static Engine, Unavailable> {
    ENGINE.get_or_init(Engine::start).as_ref().map_err(Clone::clone)
}

/// The engine that the tests of this process share, if any of them asked for it.
pub fn engine_in_use() -> Option<&'static Engine> {
    ENGINE.get()?.as_ref().ok()
}

static ENGINE: OnceLock<Result<Engine, Unavailable>> = OnceLock::new();

/// Says that a test found, when it ran, that it cannot show anything here. The test script counts it as skipped.
///
/// # Errors
/// None.
#[expect(clippy::print_stdout, reason = "the script reads it")]
pub fn skip(why: &str) -> Result<(), Failed> {
    println!("skipped: {why}");
    Ok(())
}

/// Fails with a text unless something holds.
///
/// # Errors
/// The text.
pub fn require(holds: bool, otherwise: &str) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(otherwise.to_owned().into()) }
}

/// A stack's services, configs, secrets and networks must be gone.
///
/// # Errors
/// What is left of it.
pub fn require_nothing_of(docker: &Docker, stack: &str) -> Result<(), Failed> {
    let filter = format!("label=com.docker.stack.namespace={stack}");
    // Networks go a moment after the last task on them.
    eventually("clean swarm", || {
        for kind in ["service", "config", "secret", "network"] {
            let left = docker.run(&[kind, "ls", "--filter", &filter, "--format", "{{.Name}}"])?;
            if !left.is_empty() {
                return Err(format!("of {stack} there is still: {kind} {left}"));
            }
        }
        Ok(())
    })?;
    Ok(())
}

/// The revisions of `rhumb history -o json` must follow one another, the last of them `deployed`, and be at least so
/// many.
///
/// # Errors
/// The history.
pub fn require_whole_history(history: &Value, at_least: usize) -> Result<(), Failed> {
    let revisions = history.as_array().ok_or("the history is no list")?;
    let mut numbers: Vec<u64> =
        revisions.iter().filter_map(|revision| revision["revision"].as_u64()).collect();
    numbers.sort_unstable();
    let follow = numbers.windows(2).all(|pair| pair[1] == pair[0] + 1);
    let deployed = revisions.iter().filter(|revision| revision["status"] == "deployed").count();
    let last = revisions.iter().max_by_key(|revision| revision["revision"].as_u64());
    let ends_well = last.is_some_and(|revision| revision["status"] == "deployed");
    let whole = follow && deployed == 1 && ends_well && numbers.len() >= at_least;
    require(whole, &format!("history: {history:#}"))
}
