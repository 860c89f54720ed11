//! A connection that is lost in the middle of a command.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use rhumb_integration::{ChartFolder, Ended, Rhumb, trial};
use tempfile::TempDir;

const APP: &str = "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', mounts: { /etc/app: { config: look } } } }
---
kind: Workload
name: api
dependsOn: [web]
containers: { api: { image: 'rhumb-demo:1' } }
---
kind: Config
name: look
data: { colour: blue }
";

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial::needs_swarm("a_lost_connection_is_told_and_leaves_nothing_stuck", lost_connection)]
}

fn lost_connection() -> Result<(), Failed> {
    let engine = trial::engine()?;
    let direct = Rhumb::swarm(engine.host());
    let chart = ChartFolder::of(APP);
    // After these many bytes from the engine: at the survey, at the lease, among the steps, in the wait.
    for bytes in [0, 300, 3_000, 10_000, 30_000] {
        let line = Line::to(engine.host().trim_start_matches("unix://"), bytes)?;
        let rhumb = Rhumb::swarm(&line.host());
        let arguments = ["install", "cut-off", chart.argument(), "--wait", "--timeout", "10s"];
        let ended = Ended::new(&arguments, &rhumb.spawn(&arguments).wait_with_output()?);
        if line.is_cut.load(Ordering::SeqCst) {
            trial::require(
                ended.code.is_some_and(|code| code == 7 || code == 6),
                &format!("{bytes} bytes: {ended}"),
            )?;
            ended.expect_texts(&["error"])?;
        }
        let next = ["upgrade", "--install", "cut-off", chart.argument(), "--wait"];
        direct.succeed(&next).map_err(|error| format!("after {bytes} bytes: {error}"))?;
        trial::require_whole_history(&direct.json(&["history", "cut-off"])?, 1)?;
        direct.succeed(&["uninstall", "cut-off", "--wait"])?;
        trial::require_nothing_of(engine.docker(), "cut-off")?;
    }
    Ok(())
}

/// A line to an engine that is cut for good once so many bytes came back over it.
struct Line {
    folder: TempDir,
    is_cut: Arc<AtomicBool>,
}

impl Line {
    fn to(socket: &str, bytes: u64) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let listener = UnixListener::bind(folder.path().join("docker.sock"))?;
        let is_cut = Arc::new(AtomicBool::new(false));
        let left = Arc::new(AtomicU64::new(bytes));
        let (socket, cut) = (PathBuf::from(socket), Arc::clone(&is_cut));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = UnixStream::connect(&socket) else { return };
                let (Ok(from_client), Ok(to_server)) = (client.try_clone(), server.try_clone()) else {
                    return;
                };
                let (one, other) = (Arc::clone(&cut), Arc::clone(&cut));
                let left = Arc::clone(&left);
                thread::spawn(move || carry(from_client, to_server, &one, None));
                thread::spawn(move || carry(server, client, &other, Some(&left)));
            }
        });
        Ok(Self { folder, is_cut })
    }

    fn host(&self) -> String {
        format!("unix://{}", self.folder.path().join("docker.sock").display())
    }
}

/// Carries bytes until one side ends or the line is cut; counts them when told to.
fn carry(mut from: UnixStream, mut to: UnixStream, is_cut: &AtomicBool, left: Option<&AtomicU64>) {
    let mut buffer = [0; 512];
    let _ = from.set_read_timeout(Some(Duration::from_millis(100)));
    while !is_cut.load(Ordering::SeqCst) {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                continue;
            }
            Err(_) => break,
        };
        if left.is_some_and(|left| !spend(left, count as u64)) {
            is_cut.store(true, Ordering::SeqCst);
        } else if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

fn spend(left: &AtomicU64, count: u64) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(count)).is_ok()
}
