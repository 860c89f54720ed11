//! Tests that may find, when they run, that the machine lacks what they need.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};

/// How long [`eventually`] waits.
const PATIENCE: Duration = Duration::from_secs(60);

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
