//! What moves: a process that writes records, one after another, and says so once each is on the disk.

use std::io::{BufRead, BufReader, Read as _};
use std::process::Child;

use libtest_mimic::Failed;
use rhumb_integration::kubernetes::Kubectl;
use rhumb_integration::swarm::Docker;
use rhumb_integration::{ChartFolder, Ended, Rhumb, ferry, trial};
use serde_json::{Value, json};

/// Features that Swarm does with a loss and Kubernetes does not.
pub(super) const LOST_ON_SWARM: &str = "stateful,env-secret,persistent-volume,volume-size";

/// A command that goes on in the background, and ends with whoever started it.
pub(super) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const APP: &str = r#"
kind: Workload
name: db
mode: stateful
containers:
  db:
    image: rhumb-busybox:1
    command: [/bin/sh, -c]
    args:
      - |
        trap 'exit 0' TERM
        [ -e /data/still ] || /bin/busybox dd if=/dev/urandom of=/data/still bs=64k count=48 2>/dev/null
        i=$(/bin/busybox wc -l </data/log 2>/dev/null || echo 0)
        while :; do
          i=$((i+1)); echo "record $i" >>/data/log && /bin/busybox sync && echo "ack $i"
          /bin/busybox sleep 0.05
        done
    env:
      PASSWORD: { secret: db, key: password }
      USER: { secret: outer, key: user }
    mounts:
      /data: { volume: data }
      /etc/outer/token: { secret: outer, key: token }
      /etc/hints: { config: hints, key: hints }
---
kind: Volume
name: data
size: 1Gi
---
kind: Secret
name: db
generate: { password: { length: 24 } }
template: { url: "ledger://app:{password}@db" }
---
kind: Config
name: words
data: { greeting: "good day" }
---
kind: Secret
name: outer
external: true
labels: { swarm/name: outer-NAME }
---
kind: Config
name: hints
external: true
labels: { swarm/name: hints-NAME }
"#;

/// What begins the values of the secret that is not the release's.
pub(super) const OUTER: &str = "outer-canary";
/// What the config holds that is not the release's.
pub(super) const HINTS: &str = "turn left";

/// The writer, and both platforms that it can be on.
pub(super) struct Ledger {
    pub(super) name: &'static str,
    pub(super) rhumb: Rhumb,
    pub(super) docker: &'static Docker,
    pub(super) kubectl: Kubectl,
    image: String,
}

impl Ledger {
    /// Nothing of it is anywhere; the helper's image is at both sides.
    pub(super) fn new(name: &'static str) -> Result<Self, Failed> {
        let (engine, cluster) = (trial::engine()?, trial::cluster()?);
        ferry::image_on_kubernetes(cluster)?;
        let targets = json!({
            "swarm": { "backend": "swarm", "host": engine.host() },
            "cluster": { "backend": "kubernetes", "kubeconfig": cluster.kubeconfig(), "namespace": name },
        });
        let ledger = Self {
            name,
            rhumb: Rhumb::targets(&targets, Vec::new()),
            docker: engine.docker(),
            kubectl: cluster.kubectl().clone(),
            image: ferry::image_on_swarm(engine.host())?,
        };
        ledger.clear()?;
        ledger.kubectl.create_namespace(name)?;
        Ok(ledger)
    }

    /// Installs it on the swarm.
    pub(super) fn install(&self) -> Result<(), Failed> {
        for key in ["user", "token"] {
            self.docker_made("secret", &format!("outer-{}.{key}", self.name), &format!("{OUTER}-{key}"))?;
        }
        self.docker_made("config", &format!("hints-{}", self.name), HINTS)?;
        let chart = ChartFolder::of(&APP.replace("NAME", self.name));
        self.rhumb.succeed(&["install", self.name, chart.argument(), "-t", "swarm", "--wait"])?;
        trial::eventually("records", || self.on_swarm().and_then(|log| written(&log, 3).map(drop)))?;
        Ok(())
    }

    /// A config or secret of the swarm that is nobody's release's.
    pub(super) fn docker_made(&self, kind: &str, name: &str, text: &str) -> Result<(), Failed> {
        let file = self.rhumb.home().join(name);
        std::fs::write(&file, text)?;
        self.docker.run(&[kind, "create", name, &file.display().to_string()])?;
        Ok(())
    }

    /// What the writer in the cluster has of what is not the release's, as it is there and as a pod sees it.
    pub(super) fn require_outer_in_cluster(&self) -> Result<(), Failed> {
        let script = "echo \"$USER $(/bin/busybox cat /etc/outer/token) $(/bin/busybox cat /etc/hints)\"";
        let seen = self.kubectl.exec(self.name, "db-0", &["/bin/sh", "-c", script])?;
        let expected = format!("{OUTER}-user {OUTER}-token {HINTS}");
        trial::require(seen.trim() == expected, &format!("{seen} and not {expected}"))
    }

    /// `rhumb migrate` with these arguments.
    pub(super) fn migrate(&self, arguments: &[&str]) -> Ended {
        self.rhumb.run(&self.words(arguments))
    }

    /// The same; it must succeed, and print JSON.
    pub(super) fn migrated(&self, arguments: &[&str]) -> Result<Value, String> {
        self.rhumb.json(&self.words(arguments))
    }

    /// Starts it, and kills it as soon as it says `line`. Whether it got that far.
    pub(super) fn kill_at(&self, arguments: &[&str], line: &str) -> Result<(), Failed> {
        let mut child = Running(self.rhumb.spawn(&self.words(arguments)));
        let mut stderr = BufReader::new(child.0.stderr.take().ok_or("no standard error")?);
        let said = said_until(&mut stderr, line);
        child.0.kill()?;
        child.0.wait()?;
        said.map(drop)
    }

    /// Starts it, kills the helper on the swarm as soon as it says `line`, and returns what it said until it ended well.
    pub(super) fn lose_helper_at(&self, arguments: &[&str], line: &str) -> Result<String, Failed> {
        let mut child = Running(self.rhumb.spawn(&self.words(arguments)));
        let mut stderr = BufReader::new(child.0.stderr.take().ok_or("no standard error")?);
        let mut said = said_until(&mut stderr, line)?;
        let helper = self.docker.containers(&format!("rhumb-ferry-{}-volume-0", self.name))?.pop();
        self.docker.run(&["kill", &helper.ok_or("no helper runs")?])?;
        stderr.read_to_string(&mut said)?;
        trial::require(child.0.wait()?.success(), &said)?;
        Ok(said)
    }

    fn words<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        let mut words = vec!["migrate", arguments[0], self.name];
        words.extend(&arguments[1..]);
        if arguments[0] == "start" {
            words.extend(["--helper-image", self.image.as_str()]);
        }
        words
    }

    /// Follows what the writer on a target says.
    pub(super) fn follow(&self, target: &str) -> Running {
        Running(self.rhumb.spawn(&["logs", self.name, "db", "-f", "--no-prefix", "-t", target]))
    }

    /// What the writer on the swarm has written.
    pub(super) fn on_swarm(&self) -> Result<String, String> {
        self.exec_on_swarm(&["/bin/busybox", "cat", "/data/log"])
    }

    pub(super) fn exec_on_swarm(&self, command: &[&str]) -> Result<String, String> {
        let service = format!("{}_db-0", self.name);
        let container = self.docker.containers(&service)?.pop().ok_or("no container")?;
        self.docker.exec(&container, command)
    }

    /// What the writer in the cluster has written.
    pub(super) fn in_cluster(&self) -> Result<String, String> {
        self.kubectl.exec(self.name, "db-0", &["/bin/busybox", "cat", "/data/log"])
    }

    /// A volume of the swarm that no task has, as its own file list and hashes.
    pub(super) fn volume_on_swarm(&self, script: &str) -> Result<String, String> {
        let mount = format!("type=volume,source={},target=/data,readonly", self.swarm_volume());
        self.docker.run(&[
            "run",
            "--rm",
            "--mount",
            &mount,
            "rhumb-busybox:1",
            "/bin/busybox",
            "sh",
            "-c",
            script,
        ])
    }

    pub(super) fn swarm_volume(&self) -> String {
        format!("{}_data-db-0", self.name)
    }

    /// That nothing of it, and no helper, is in the cluster.
    pub(super) fn require_not_in_cluster(&self) -> Result<(), Failed> {
        let found = self.kubectl.run(&[
            "-n",
            self.name,
            "get",
            "pods,statefulsets,services,secrets,configmaps,pvc",
            "-o",
            "name",
        ])?;
        let is_own = |line: &&str| *line != "configmap/kube-root-ca.crt";
        let left: Vec<&str> = found.lines().filter(is_own).collect();
        trial::require(left.is_empty(), &format!("left in the cluster: {left:?}"))
    }

    /// That nothing of it, and no helper, is on the swarm, but its volume where that is kept.
    pub(super) fn require_not_on_swarm(&self) -> Result<(), Failed> {
        for kind in ["service", "secret", "config", "network"] {
            let named = format!("name={}", self.name);
            let found = self.docker.lines(&[kind, "ls", "-q", "--filter", &named])?;
            trial::require(found.is_empty(), &format!("left on the swarm: {kind} {found:?}"))?;
        }
        Ok(())
    }

    /// Removes everything.
    pub(super) fn clear(&self) -> Result<(), Failed> {
        self.kubectl.run(&["delete", "namespace", self.name, "--ignore-not-found"])?;
        self.rhumb.run(&["uninstall", self.name, "-t", "swarm", "--ignore-not-found", "--wait"]);
        let filter = format!("label=rhumb.dev/helper-of={}", self.name);
        for kind in ["service", "secret"] {
            for left in self.docker.lines(&[kind, "ls", "-q", "--filter", &filter]).unwrap_or_default() {
                let _ = self.docker.run(&[kind, "rm", &left]);
            }
        }
        for (kind, name) in [("secret", "outer"), ("config", "hints")] {
            let named = format!("name={name}-{}", self.name);
            for left in self.docker.lines(&[kind, "ls", "-q", "--filter", &named])? {
                self.docker.run(&[kind, "rm", &left])?;
            }
        }
        trial::eventually("removed volume", || {
            self.docker.run(&["volume", "rm", "-f", &self.swarm_volume()])
        })?;
        Ok(())
    }
}

/// What is said up to this line.
fn said_until(lines: &mut impl BufRead, line: &str) -> Result<String, Failed> {
    let mut said = String::new();
    loop {
        let before = said.len();
        if lines.read_line(&mut said)? == 0 {
            return Err(format!("it never said {line:?} but\n{said}").into());
        }
        if said[before..].contains(line) {
            return Ok(said);
        }
    }
}

/// The records of a log: each there once, in order, and at least so many.
pub(super) fn written(log: &str, least: usize) -> Result<usize, String> {
    let mut count = 0;
    for line in log.lines() {
        count += 1;
        if line != format!("record {count}") {
            return Err(format!("{line:?} stands where record {count} should"));
        }
    }
    if count < least { Err(format!("{count} records, and {least} were acknowledged")) } else { Ok(count) }
}

/// The last record that a writer said was on the disk.
pub(super) fn acknowledged(mut follower: Running) -> Result<usize, Failed> {
    follower.0.kill()?;
    let mut said = Vec::new();
    follower.0.stdout.take().ok_or("no standard output")?.read_to_end(&mut said)?;
    let text = String::from_utf8_lossy(&said);
    let acks = text.lines().filter_map(|line| line.split("ack ").nth(1)?.trim().parse().ok());
    Ok(acks.max().ok_or_else(|| format!("nothing was acknowledged: {text}"))?)
}
