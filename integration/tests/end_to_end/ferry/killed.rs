//! The copier is killed in the middle, and the next one goes on.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use rhumb_action::{Shore, undock};
use rhumb_backend::{Scope, VolumeAccess, VolumeUse};
use rhumb_ferry::{End, Options, Progress, Run, Stage, Watch, settle, sync};
use rhumb_integration::swarm::{Docker, Engine};
use rhumb_integration::{ferry, trial};
use serde_json::json;

use super::{FOLDER, docked, options, run, runtime};

/// The process that is to be killed finds this variable.
const ROLE: &str = "RHUMB_TEST_FERRY_KILLED";
const STACK: &str = "ferry-killed";
const SOURCE: &str = "ferry-killed-from";
const DESTINATION: &str = "ferry-killed-to";
const MIB: u64 = 1 << 20;
const SIZE: u64 = 60 * MIB;

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial::needs_swarm("ferry::a_killed_copy_goes_on", goes_on)]
}

/// In the process that is to be killed: copies slowly, and says when it is in the middle. Does nothing in any other.
pub(crate) fn copy_until_killed() -> Option<Result<(), Failed>> {
    std::env::var_os(ROLE).map(|_| {
        let engine = trial::engine()?;
        runtime()?.block_on(async {
            let (run, shore) = (run()?, shore(engine)?);
            let (from, to) = ends(&shore, &run).await?;
            let slowly = Options { watch: Some(Watch::new(say)), ..options() };
            sync(&from, &to, &slowly).await?;
            Ok(())
        })
    })
}

#[expect(clippy::print_stdout, reason = "the parent reads it")]
fn say(progress: Progress) {
    if progress.stage == Stage::Copying && progress.bytes > 20 * MIB {
        println!("in the middle");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn shore(engine: &Engine) -> Result<Shore, Failed> {
    Ok(ferry::swarm(engine, Scope::new(Scope::DEFAULT_NAMESPACE, STACK))?)
}

async fn ends(shore: &Shore, run: &Run) -> Result<(End, End), Failed> {
    let volume = |native: &str| VolumeUse {
        workload: "db".to_owned(),
        volume: "data".to_owned(),
        ordinal: None,
        native: native.to_owned(),
        node: None,
        placement: json!([]),
        size: None,
        document: json!({}),
    };
    let from = docked(shore, run, ("from", VolumeAccess::ReadOnly), volume(SOURCE), &[]).await?;
    let to = docked(shore, run, ("to", VolumeAccess::ReadWrite), volume(DESTINATION), &[]).await?;
    Ok((from.end(FOLDER), to.end(FOLDER)))
}

fn goes_on() -> Result<(), Failed> {
    let engine = trial::engine()?;
    let docker = engine.docker();
    clear(docker);
    let mount = format!("type=volume,source={SOURCE},target=/data");
    let fill =
        format!("/bin/busybox dd if=/dev/urandom of=/data/large bs=1M count={} 2>/dev/null", SIZE / MIB);
    docker.run(&["run", "--rm", "--mount", &mount, "rhumb-busybox:1", "/bin/busybox", "sh", "-c", &fill])?;
    kill_in_the_middle(engine)?;
    runtime()?.block_on(async {
        let (run, shore) = (run()?, shore(engine)?);
        let left = shore.backend.volumes().ok_or("no volumes")?.helpers(&shore.scope).await?;
        trial::require(left == ["from", "to"], &format!("{left:?}"))?;
        let (from, to) = ends(&shore, &run).await?;
        let settled = settle(&from, &to, &options()).await?;
        trial::require(settled.comparison.is_equal(), &format!("{:?}", settled.comparison.named))?;
        let sent = settled.reports[0].bytes;
        trial::require(sent > 0 && sent <= SIZE - 20 * MIB, &format!("{sent} bytes were sent again"))?;
        undock(&shore, "from").await?;
        undock(&shore, "to").await?;
        let left = shore.backend.volumes().ok_or("no volumes")?.helpers(&shore.scope).await?;
        trial::require(left.is_empty(), &format!("{left:?}"))
    })?;
    clear(docker);
    Ok(())
}

/// `kill -9`, as soon as the copier says that it is in the middle.
fn kill_in_the_middle(engine: &Engine) -> Result<(), Failed> {
    let mut copier = Command::new(std::env::current_exe()?)
        .env(ROLE, "yes")
        .env("RHUMB_TEST_DOCKER_HOST", engine.host())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let said = copier.stdout.take().map(BufReader::new).ok_or("no output")?.lines().next();
    copier.kill()?;
    copier.wait()?;
    trial::require(matches!(said, Some(Ok(_))), "the copier ended before the middle")
}

/// Volumes are free a moment after the helpers' containers are gone.
fn clear(docker: &Docker) {
    let _ = trial::eventually("removed volumes", || {
        docker.run(&["volume", "rm", "-f", SOURCE, DESTINATION]).map(drop)
    });
}
