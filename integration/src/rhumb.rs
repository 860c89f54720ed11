//! The program itself, run as a user runs it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::TempDir;

/// The program with a home of its own, so that nothing of the user's configuration is read or written.
#[derive(Debug)]
pub struct Rhumb {
    home: TempDir,
    target: String,
    /// What leads to the platform: `DOCKER_HOST`, `KUBECONFIG`, `AWS_…`.
    way: Vec<(&'static str, String)>,
}

/// What a run of the program ended with.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The arguments.
    pub arguments: String,
    /// The exit code; none after a signal.
    pub code: Option<i32>,
    /// What it printed on standard output.
    pub stdout: String,
    /// What it printed on standard error.
    pub stderr: String,
}

impl Rhumb {
    /// The program, for a swarm.
    ///
    /// # Panics
    /// When no temporary folder can be made.
    pub fn swarm(host: &str) -> Self {
        Self {
            home: tempfile::tempdir().expect("a home"),
            target: "swarm".to_owned(),
            way: vec![("DOCKER_HOST", host.to_owned())],
        }
    }

    /// The program, for a namespace of a Kubernetes cluster, which the current context of a kubeconfig of its own names.
    ///
    /// # Panics
    /// When no temporary folder can be made, or the kubeconfig is none.
    pub fn kubernetes(kubeconfig: &Path, namespace: &str) -> Self {
        let home = tempfile::tempdir().expect("a home");
        let own = home.path().join("kubeconfig");
        std::fs::copy(kubeconfig, &own).expect("a kubeconfig");
        let kubectl = crate::kubernetes::Kubectl::new(&own);
        let set = ["config", "set-context", "--current", "--namespace", namespace];
        kubectl.run(&set).expect("the context takes a namespace");
        Self {
            target: "kubernetes".to_owned(),
            way: vec![("KUBECONFIG", own.to_string_lossy().into_owned())],
            home,
        }
    }

    /// The program, for a Marathon.
    ///
    /// # Panics
    /// When no temporary folder can be made.
    pub fn marathon(url: &str) -> Self {
        Self {
            home: tempfile::tempdir().expect("a home"),
            target: "marathon".to_owned(),
            way: vec![("MARATHON_URL", url.to_owned())],
        }
    }

    /// The program, for the memory backend with its state in a file of this home.
    ///
    /// # Panics
    /// When no temporary folder can be made.
    pub fn memory() -> Self {
        Self { home: tempfile::tempdir().expect("a home"), target: "memory".to_owned(), way: Vec::new() }
    }

    /// The program, for a target `main` of a backend with these settings, which its home's file of targets holds.
    ///
    /// # Panics
    /// When no temporary folder can be made.
    pub fn configured(backend: &str, settings: &Value, way: Vec<(&'static str, String)>) -> Self {
        Self::targets(&json!({ "main": { "backend": backend, "settings": settings } }), way)
    }

    /// The program, for these targets, which its home's file of targets holds; `main` is the one that it takes unasked.
    ///
    /// # Panics
    /// When no temporary folder can be made.
    pub fn targets(targets: &Value, way: Vec<(&'static str, String)>) -> Self {
        let home = tempfile::tempdir().expect("a home");
        let folder = home.path().join(".config/rhumb");
        std::fs::create_dir_all(&folder).expect("a folder of the home");
        let config = json!({ "targets": targets }).to_string();
        std::fs::write(folder.join("config.yaml"), config).expect("a file of the home");
        Self { home, target: "main".to_owned(), way }
    }

    /// The folder that stands for the user's home.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The command, with its environment and these arguments.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.env_clear().args(arguments).stdin(Stdio::null());
        for name in ["PATH", "TMPDIR", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.env("HOME", self.home()).env("RHUMB_TARGET", &self.target);
        command.envs(self.way.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        let output = self.command(arguments).output().expect("rhumb starts");
        Ended::new(arguments, &output)
    }

    /// Starts it with its output captured.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("rhumb starts")
    }

    /// Runs it; it must succeed.
    ///
    /// # Errors
    /// What it printed.
    pub fn succeed(&self, arguments: &[&str]) -> Result<String, String> {
        self.run(arguments).expect_code(0).map(|ended| ended.stdout)
    }

    /// Runs it with `-o json`; it must succeed.
    ///
    /// # Errors
    /// What it printed, when it failed or printed no JSON.
    pub fn json(&self, arguments: &[&str]) -> Result<Value, String> {
        self.run(&[arguments, &["-o", "json"]].concat()).expect_code(0)?.json()
    }
}

impl Ended {
    /// What a process that ran with these arguments ended with.
    pub fn new(arguments: &[&str], output: &std::process::Output) -> Self {
        Self {
            arguments: arguments.join(" "),
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Everything that it printed.
    pub fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// The run, if it ended with this code.
    ///
    /// # Errors
    /// What it printed.
    pub fn expect_code(self, code: i32) -> Result<Self, String> {
        if self.code == Some(code) { Ok(self) } else { Err(format!("{self} instead of {code}")) }
    }

    /// The run, if it printed all of these texts.
    ///
    /// # Errors
    /// The first text that is missing, and what it printed.
    pub fn expect_texts(self, texts: &[&str]) -> Result<Self, String> {
        let all = self.all();
        match texts.iter().find(|text| !all.contains(**text)) {
            None => Ok(self),
            Some(text) => Err(format!("{self}: {text:?} is missing")),
        }
    }

    /// Standard output as JSON.
    ///
    /// # Errors
    /// What it printed.
    pub fn json(&self) -> Result<Value, String> {
        serde_json::from_str(&self.stdout).map_err(|error| format!("{self}: no JSON: {error}"))
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { arguments, code, stdout, stderr } = self;
        write!(
            formatter,
            "rhumb {arguments}\n--- stdout\n{stdout}\n--- stderr\n{stderr}\n--- ended with {code:?}"
        )
    }
}

/// The program: `RHUMB_TEST_BINARY`, or built now beside the test that runs.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("RHUMB_TEST_BINARY") {
        Some(path) => PathBuf::from(path),
        None => build(),
    })
}

fn build() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--package", "rhumb", "--manifest-path", manifest])
        .stdin(Stdio::null())
        .status();
    assert!(status.is_ok_and(|status| status.success()), "rhumb does not build");
    let test = std::env::current_exe().expect("the path of this test");
    let profile = test.ancestors().nth(2).expect("a test lies two folders below its profile's");
    profile.join("rhumb")
}
