//! The data of a running task of Swarm becomes a claim that a stateful set takes for its own, and comes back.

use std::collections::BTreeSet;

use libtest_mimic::Failed;
use rhumb_action::{Shore, undock};
use rhumb_backend::{Choices, Scope, Survey, VolumeAccess, VolumeUse, Whose, check};
use rhumb_ferry::{TreePath, read_secrets, settle, sync};
use rhumb_integration::swarm::Docker;
use rhumb_integration::{ChartFolder, Rhumb, ferry, trial};
use rhumb_spec::{Source, parse};

use super::{FOLDER, docked, only_volume, options, run, runtime};

const NAMESPACE: &str = "ferried";
const STACK: &str = "ferried";
const BACK: &str = "ferried-back";

/// Everything that a file system has, but devices, which a container may not make.
const FILL: &str = r#"
cd /data && b=/bin/busybox
$b mkdir -p deep/er/empty && $b chmod 2750 deep && $b chmod 1777 deep/er
echo text >deep/file && $b chmod 4751 deep/file && $b chown 4242:4343 deep/file
$b dd if=/dev/urandom of=large bs=1M count=48 2>/dev/null
$b ln large deep/large-again && $b ln -s ../../etc/passwd deep/out && $b chown -h 99:98 deep/out
$b mkfifo -m 622 pipe && $b printf odd >"$($b printf 'odd \377\n name')"
$b touch -d '2001-02-03 04:05:06' deep/file && $b dd if=/dev/zero of=holes bs=1 count=0 seek=20M 2>/dev/null
i=0; while [ $i -lt 300 ]; do echo $i >deep/er/$i; i=$((i+1)); done
$b chown 70:70 . && $b chmod 750 . && echo filled
"#;

/// What is there, in the words of programs that know nothing of the copier.
const LOOK: &str = r"
cd /data && b=/bin/busybox
$b find . ! -name lost+found ! -type d -exec $b stat -c '%N %f %u %g %s %Y %h' {} + | $b sort
$b find . ! -name lost+found -type d -exec $b stat -c '%n %f %u %g %Y' {} + | $b sort
$b find . -type f -exec $b sha256sum {} + | $b sort
";

const APP: &str = "
kind: Workload
name: db
mode: stateful
containers:
  db:
    image: rhumb-busybox:1
    command: [/bin/sleep, '3600']
    mounts: { /data: { volume: data } }
---
kind: Volume
name: data
size: 1Gi
";

pub(super) fn there_and_back() -> Result<(), Failed> {
    let (engine, cluster) = (trial::engine()?, trial::cluster()?);
    let (docker, kubectl) = (engine.docker(), cluster.kubectl());
    // Of a run that failed, the namespace may still be on its way out.
    kubectl.run(&["delete", "namespace", NAMESPACE, "--ignore-not-found"])?;
    clear(docker);
    kubectl.create_namespace(NAMESPACE)?;
    begin(docker)?;
    let rhumb = Rhumb::kubernetes(cluster.kubeconfig(), NAMESPACE);
    let swarm = ferry::swarm(engine, Scope::new(Scope::DEFAULT_NAMESPACE, STACK))?;
    let kubernetes = ferry::kubernetes(cluster.kubeconfig(), Scope::new(NAMESPACE, "db"));
    let back = ferry::swarm(engine, Scope::new(Scope::DEFAULT_NAMESPACE, BACK))?;
    let seen = look(docker)?;
    let runtime = runtime()?;
    let digest = runtime.block_on(there(docker, &swarm, &kubernetes))?;
    rhumb.succeed(&["install", "db", ChartFolder::of(APP).argument(), "--wait"])?;
    let there = kubectl.exec(NAMESPACE, "db-0", &["/bin/busybox", "sh", "-c", LOOK])?;
    trial::require(there == seen, &format!("{seen}\n---\n{there}"))?;
    let claims = kubectl.run(&["-n", NAMESPACE, "get", "pvc", "-o", "name"])?;
    trial::require(claims == "persistentvolumeclaim/data-db-0", &claims)?;
    let again = runtime.block_on(back_again(&kubernetes, &back))?;
    trial::require(again == digest, "the way back changed something")?;
    let came_back = look_at(docker, &format!("{BACK}_data-db-0"))?;
    trial::require(came_back == seen, &format!("{seen}\n---\n{came_back}"))?;
    for shore in [&swarm, &kubernetes, &back] {
        let left = runtime.block_on(shore.backend.volumes().ok_or("no volumes")?.helpers(&shore.scope))?;
        trial::require(left.is_empty(), &format!("{left:?}"))?;
    }
    clear(docker);
    Ok(kubectl.delete_namespace(NAMESPACE)?)
}

/// While the task runs, and once more after it was stopped.
async fn there(docker: &Docker, swarm: &Shore, kubernetes: &Shore) -> Result<[u8; 32], Failed> {
    let run = run()?;
    let source = only_volume(swarm, Whose::Others { selector: None }).await?;
    let named = (source.workload.as_str(), source.volume.as_str(), source.native.as_str());
    trial::require(named == ("db", "data", "ferried_data") && source.node.is_some(), &format!("{source:?}"))?;
    let secret = format!("{STACK}_password");
    let from = docked(swarm, &run, ("source", VolumeAccess::ReadOnly), source, &[&secret]).await?;
    let to =
        docked(kubernetes, &run, ("destination", VolumeAccess::ReadWrite), wanted(kubernetes).await?, &[])
            .await?;
    let secrets = read_secrets(&from.end(FOLDER), &options()).await?;
    let read = secrets.get(&TreePath::new(secret.as_str())?).map(|secret| secret.to_vec());
    trial::require(read == Some(b"canary\n".to_vec()), "the secret is another")?;
    let first = sync(&from.end(FOLDER), &to.end(FOLDER), &options()).await?;
    trial::require(first.bytes > 48 << 20, &format!("{first:?}"))?;
    docker.run(&["service", "scale", "--detach", &format!("{STACK}_db=0")])?;
    let settled = settle(&from.end(FOLDER), &to.end(FOLDER), &options()).await?;
    trial::require(settled.comparison.is_equal(), &format!("{:?}", settled.comparison.named))?;
    trial::require(settled.reports[0].bytes == 0, &format!("{:?}", settled.reports))?;
    undock(swarm, "source").await?;
    undock(kubernetes, "destination").await?;
    Ok(settled.comparison.digest)
}

async fn back_again(kubernetes: &Shore, swarm: &Shore) -> Result<[u8; 32], Failed> {
    let run = run()?;
    let source = only_volume(kubernetes, Whose::Release).await?;
    trial::require(source.native == "data-db-0" && source.node.is_some(), &format!("{source:?}"))?;
    let from = docked(kubernetes, &run, ("source", VolumeAccess::ReadOnly), source, &[]).await?;
    let to = docked(swarm, &run, ("destination", VolumeAccess::ReadWrite), wanted(swarm).await?, &[]).await?;
    let settled = settle(&from.end(FOLDER), &to.end(FOLDER), &options()).await?;
    trial::require(settled.comparison.is_equal(), &format!("{:?}", settled.comparison.named))?;
    undock(kubernetes, "source").await?;
    undock(swarm, "destination").await?;
    Ok(settled.comparison.digest)
}

/// The one volume that the app wants there.
async fn wanted(shore: &Shore) -> Result<VolumeUse, Failed> {
    let source = Source { file: "app.yaml".to_owned(), text: APP.to_owned() };
    let app = parse(&[source]).map_err(|found| format!("{found:?}"))?.app;
    let backend = &*shore.backend;
    let facts = backend.survey(&shore.scope, &app, &Survey::default()).await?;
    let checked = check(&app, backend, &facts, &BTreeSet::new()).map_err(|found| format!("{found:?}"))?;
    let lowered = backend
        .lower(&checked.app, &shore.scope, &facts, &Choices::default())
        .map_err(|found| format!("{found:?}"))?;
    let volumes = backend.volumes().ok_or("no volumes")?.wanted(&shore.scope, &lowered.objects);
    match <[VolumeUse; 1]>::try_from(volumes) {
        Ok([volume]) if volume.ordinal == Some(0) && volume.volume == "data" => Ok(volume),
        other => Err(format!("{other:?}").into()),
    }
}

/// A stack as `docker stack deploy` leaves it.
fn begin(docker: &Docker) -> Result<(), Failed> {
    let label = format!("com.docker.stack.namespace={STACK}");
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), "canary\n")?;
    let path = file.path().to_string_lossy().into_owned();
    let secret = format!("{STACK}_password");
    docker.run(&["secret", "create", "--label", &label, &secret, &path])?;
    let mount = format!("type=volume,source={STACK}_data,target=/data");
    let service = format!("{STACK}_db");
    let command = [
        "service", "create", "--detach", "--name", &service, "--label", &label, "--secret", &secret,
        "--mount", &mount,
    ];
    docker.run(&[&command[..], &["--no-resolve-image", "rhumb-busybox:1", "/bin/sleep", "3600"]].concat())?;
    let filled = exec(docker, FILL)?;
    trial::require(filled.trim() == "filled", &filled)
}

fn exec(docker: &Docker, script: &str) -> Result<String, Failed> {
    let container = trial::eventually("task", || {
        docker.containers(&format!("{STACK}_db"))?.pop().ok_or_else(|| "no container yet".to_owned())
    })?;
    Ok(docker.exec(&container, &["/bin/busybox", "sh", "-c", script])?)
}

fn look(docker: &Docker) -> Result<String, Failed> {
    exec(docker, LOOK)
}

/// The same, of a volume that no task has.
fn look_at(docker: &Docker, volume: &str) -> Result<String, Failed> {
    let mount = format!("type=volume,source={volume},target=/data,readonly");
    Ok(docker.run(&[
        "run",
        "--rm",
        "--mount",
        &mount,
        "rhumb-busybox:1",
        "/bin/busybox",
        "sh",
        "-c",
        LOOK,
    ])?)
}

/// Removes what a run leaves on the swarm, its own or an earlier one's.
fn clear(docker: &Docker) {
    let _ = docker.run(&["service", "rm", &format!("{STACK}_db")]);
    let _ = trial::eventually("removed task", || {
        let of_task = format!("label=com.docker.swarm.service.name={STACK}_db");
        let left = docker.lines(&["ps", "-aq", "--filter", &of_task])?;
        for container in &left {
            docker.run(&["rm", "-f", container])?;
        }
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    });
    for stack in [STACK, BACK] {
        remove_helpers(docker, stack);
    }
    let _ = docker.run(&["secret", "rm", &format!("{STACK}_password")]);
    let _ = docker.run(&["volume", "rm", "-f", &format!("{STACK}_data"), &format!("{BACK}_data-db-0")]);
}

/// What a test that failed left running.
fn remove_helpers(docker: &Docker, stack: &str) {
    let filter = format!("label=rhumb.dev/helper-of={stack}");
    for kind in ["service", "secret"] {
        for left in docker.lines(&[kind, "ls", "-q", "--filter", &filter]).unwrap_or_default() {
            let _ = docker.run(&[kind, "rm", &left]);
        }
    }
}
