//! One run of the program: what the command line and the environment give, made into what verbs need.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rhumb_action::{ActionResult, CancellationToken, ChartInputs, Context, Target, ValueInput, ValueInputs};
use rhumb_backend::{ResolveImage, Scope};
use rhumb_release::Holder;

use crate::arguments::{ChartArguments, Format, Global, Resolve, ValueArguments, duration};
use crate::config::{Config, TargetConfig};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::holder::{ThisMachine, this_process};
use crate::output::Paint;
use crate::progress::{Board, Lines};
use crate::registry;
use crate::verbs::Ended;
use crate::watchdog::Watchdog;

/// One run of the program.
#[derive(Debug)]
pub(crate) struct Session {
    global: Global,
    environment: Environment,
}

impl Session {
    /// A run with these global options in this environment.
    pub(crate) fn new(global: Global, environment: Environment) -> Self {
        Self { global, environment }
    }

    /// The same run with another target, when one is named.
    pub(crate) fn with_target(&self, target: Option<String>) -> Self {
        let targets = target.map_or_else(|| self.global.targets.clone(), |target| vec![target]);
        Self { global: Global { targets, ..self.global.clone() }, environment: self.environment.clone() }
    }

    /// The same run with these targets, when any are named.
    pub(crate) fn with_targets(&self, targets: Vec<String>) -> Self {
        let targets = if targets.is_empty() { self.global.targets.clone() } else { targets };
        Self { global: Global { targets, ..self.global.clone() }, environment: self.environment.clone() }
    }

    /// The same run with another namespace, when one is named.
    pub(crate) fn with_namespace(&self, namespace: Option<String>) -> Self {
        let namespace = namespace.or_else(|| self.global.namespace.clone());
        Self { global: Global { namespace, ..self.global.clone() }, environment: self.environment.clone() }
    }

    /// The same run with the target of a backend's own name, when none is named.
    pub(crate) fn with_backend_target(&self, backend: &str) -> Self {
        let is_named =
            !self.global.targets.is_empty() || self.config().is_ok_and(|config| config.current.is_some());
        self.with_target((!is_named).then(|| backend.to_owned()))
    }

    /// The same run for one backend: with the current target where that is of it, else with that of its own name, unless
    /// one is named.
    pub(crate) fn for_backend(&self, backend: &str) -> Result<Self, Failure> {
        if !self.global.targets.is_empty() {
            return Ok(self.with_target(None));
        }
        let config = self.config()?;
        let is_of_it = |name: &&String| {
            config.targets.get(*name).map_or(name.as_str(), |target| target.backend.as_str()) == backend
        };
        let current = config.current.iter().find(is_of_it);
        Ok(self.with_target(Some(current.map_or_else(|| backend.to_owned(), Clone::clone))))
    }

    /// The targets that are named, groups of them taken apart, each once; the current one when none is named.
    fn target_names(&self, config: &Config) -> Result<Vec<String>, Failure> {
        let mut names = with_members(&self.global.targets, config);
        if names.is_empty() {
            names.extend(config.current.clone());
        }
        if !names.is_empty() {
            return Ok(names);
        }
        let known = known(config).join(", ");
        let remedy =
            format!("--target NAME with one of: {known}; or RHUMB_TARGET, or `rhumb target use NAME`");
        Err(Failure::usage("no target is named", remedy))
    }

    /// Whether several targets are named.
    pub(crate) fn has_several_targets(&self) -> Result<bool, Failure> {
        Ok(self.target_names(&self.config()?).is_ok_and(|names| names.len() > 1))
    }

    /// The namespace that is named.
    pub(crate) fn namespace(&self) -> Option<&str> {
        self.global.namespace.as_deref()
    }

    /// How results are printed.
    pub(crate) fn format(&self) -> Format {
        self.global.output
    }

    /// How colours are printed.
    pub(crate) fn paint(&self) -> Paint {
        Paint::new(self.global.no_color, &self.environment)
    }

    /// The process's environment.
    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Prints a line to standard error, unless nothing is to be printed there.
    pub(crate) fn say(&self, line: &str) {
        if !self.global.quiet {
            eprintln!("{line}");
        }
    }

    /// The targets that the command line or the environment names.
    pub(crate) fn targets(&self) -> &[String] {
        &self.global.targets
    }

    /// The targets that the command line names, not those of the environment: these say where releases go.
    pub(crate) fn targets_of_this_line(&self) -> &[String] {
        let targets = self.global.targets.as_slice();
        let around = self.environment.get("RHUMB_TARGET").unwrap_or_default();
        if targets.join(",") == around { &[] } else { targets }
    }

    /// The file with the targets.
    pub(crate) fn config_path(&self) -> Result<PathBuf, Failure> {
        self.global.config.clone().or_else(|| self.environment.config_file()).ok_or_else(|| {
            Failure::usage("there is no home folder to keep the targets in", "--config FILE, or set HOME")
        })
    }

    /// The targets.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        Config::read(&self.config_path()?)
    }

    /// A watchdog that watches from now on.
    pub(crate) fn watchdog(&self) -> Result<Watchdog, Failure> {
        Ok(Watchdog::start(self.render_limit()?))
    }

    /// How long rendering may take.
    fn render_limit(&self) -> Result<Duration, Failure> {
        match self.environment.get("RHUMB_RENDER_TIMEOUT") {
            None => Ok(Watchdog::LIMIT),
            Some(text) => duration(text)
                .map_err(|why| Failure::usage(format!("RHUMB_RENDER_TIMEOUT is `{text}`: {why}"), "30s, 2m")),
        }
    }

    /// The settings of the one target that is meant, and its name.
    pub(crate) fn target_config(&self) -> Result<(String, TargetConfig), Failure> {
        let config = self.config()?;
        let names = self.target_names(&config)?;
        let [name] = names.as_slice() else {
            return Err(Failure::usage(
                format!("this verb takes one target; these are several: {}", names.join(", ")),
                "one of them; install, upgrade, rollback, uninstall, status and list take several",
            ));
        };
        Ok((name.clone(), self.config_of(&config, name)?))
    }

    /// The settings of a target.
    pub(crate) fn config_of(&self, config: &Config, name: &str) -> Result<TargetConfig, Failure> {
        if let Some(target) = config.targets.get(name) {
            return Ok(self.in_context(target.clone()));
        }
        if registry::BACKENDS.contains(&name) {
            let target = TargetConfig { backend: name.to_owned(), ..TargetConfig::default() };
            return Ok(self.in_context(target));
        }
        Err(no_such(config, name))
    }

    /// The target's settings with the context that the command line names.
    fn in_context(&self, target: TargetConfig) -> TargetConfig {
        let context = self.global.context.clone().or(target.context);
        TargetConfig { context, ..target }
    }

    /// Everything that a verb on a target needs. `may_default` takes the memory target when none is named.
    pub(crate) fn parts(&self, may_default: bool) -> Result<Parts, Failure> {
        let (name, config) = match self.target_config() {
            Err(_) if may_default && self.global.targets.is_empty() && self.config()?.current.is_none() => {
                let backend = registry::BACKENDS.last().copied().unwrap_or("memory").to_owned();
                (backend.clone(), TargetConfig { backend, ..TargetConfig::default() })
            }
            found => found?,
        };
        let watchdog = Watchdog::idle(self.render_limit()?);
        let is_terminal = self.environment.stderr_is_terminal;
        let progress = Lines::new(self.paint(), self.global.quiet, is_terminal, watchdog);
        self.parts_of(&name, &config, progress, may_default)
    }

    /// The same for each of several targets, in the order in which they are named.
    pub(crate) fn several_parts(&self) -> Result<Vec<Parts>, Failure> {
        let config = self.config()?;
        let names = self.target_names(&config)?;
        let board = Board::new(&names, self.environment.stderr_is_terminal && !self.global.quiet);
        let of = |name: &String| {
            let watchdog = Watchdog::idle(self.render_limit()?);
            let progress = Lines::on_board(self.paint(), self.global.quiet, board.row(name), watchdog);
            self.parts_of(name, &self.config_of(&config, name)?, progress, false)
        };
        names.iter().map(of).collect()
    }

    fn parts_of(
        &self,
        name: &str,
        config: &TargetConfig,
        progress: Lines,
        may_default: bool,
    ) -> Result<Parts, Failure> {
        let opened = registry::open(name, config, &self.environment)?;
        let target = opened.target;
        let mut namespace = self.global.namespace.clone().or_else(|| config.namespace.clone());
        if namespace.is_none() {
            namespace = match opened.namespace {
                // What needs no server needs no way to one.
                Err(_) if may_default => None,
                found => found?,
            };
        }
        let who = this_process(&self.environment, command());
        Ok(Parts {
            target,
            namespace: namespace.unwrap_or_else(|| Scope::DEFAULT_NAMESPACE.to_owned()),
            liveness: ThisMachine::of(&who),
            who,
            cancel: CancellationToken::new(),
            progress,
        })
    }

    /// Runs an online verb to its end.
    pub(crate) fn block_on(verb: impl Future<Output = Ended>) -> Ended {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| Failure::general(format!("cannot start: {error}")))?;
        let ended = runtime.block_on(verb);
        runtime.shutdown_timeout(Duration::from_millis(200));
        ended
    }

    /// The chart and what goes into it.
    pub(crate) fn chart(chart: &Path, arguments: &ChartArguments) -> Result<ChartInputs, Failure> {
        Ok(ChartInputs {
            chart: chart.to_path_buf(),
            values: Self::values(&arguments.values)?,
            accept_loss: arguments.accept_loss.clone(),
            resolve_image: match arguments.resolve_image {
                Resolve::Always => ResolveImage::Always,
                Resolve::Changed => ResolveImage::Changed,
                Resolve::Never => ResolveImage::Never,
            },
        })
    }

    /// The values, in Helm's order: files, then `--set-json`, `--set`, `--set-string` and `--set-file`.
    pub(crate) fn values(arguments: &ValueArguments) -> Result<ValueInputs, Failure> {
        let mut inputs = Vec::new();
        for path in &arguments.values {
            if path == Path::new("-") {
                let mut text = String::new();
                std::io::stdin().read_to_string(&mut text).map_err(|error| {
                    Failure::general(format!("cannot read values from standard input: {error}"))
                })?;
                inputs.push(ValueInput::Text { name: "standard input".to_owned(), text });
            } else {
                inputs.push(ValueInput::File(path.clone()));
            }
        }
        inputs.extend(arguments.set_json.iter().cloned().map(ValueInput::SetJson));
        inputs.extend(arguments.set.iter().cloned().map(ValueInput::Set));
        inputs.extend(arguments.set_string.iter().cloned().map(ValueInput::SetString));
        inputs.extend(arguments.set_file.iter().cloned().map(ValueInput::SetFile));
        Ok(ValueInputs(inputs))
    }
}

/// These names, groups of targets taken apart, each once.
pub(crate) fn with_members(given: &[String], config: &Config) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for one in given.iter().filter(|name| !name.is_empty()) {
        let members = config.groups.get(one).map_or(std::slice::from_ref(one), Vec::as_slice);
        for member in members {
            if !names.contains(member) {
                names.push(member.clone());
            }
        }
    }
    names
}

pub(crate) fn no_such(config: &Config, name: &str) -> Failure {
    Failure::usage(
        format!("there is no target `{name}`"),
        format!("one of: {}; or make it with `rhumb target add {name}`", known(config).join(", ")),
    )
}

/// The targets that can be named.
fn known(config: &Config) -> Vec<String> {
    let mut names: Vec<String> = config.targets.keys().cloned().collect();
    names.extend(
        registry::BACKENDS
            .iter()
            .filter(|name| !config.targets.contains_key(**name))
            .map(|name| (*name).to_owned()),
    );
    names
}

/// The verb and the first name behind it. Options and values stay out: they may hold secrets.
fn command() -> String {
    let words: Vec<String> =
        std::env::args().skip(1).take_while(|word| !word.starts_with('-')).take(2).collect();
    format!("rhumb {}", words.join(" "))
}

/// What a verb on a target needs, owned.
#[derive(Debug)]
pub(crate) struct Parts {
    /// The target.
    pub(crate) target: Target,
    /// The namespace.
    pub(crate) namespace: String,
    /// Progress lines.
    pub(crate) progress: Lines,
    who: Holder,
    liveness: ThisMachine,
    cancel: CancellationToken,
}

impl Parts {
    /// The library's view of it. The first Ctrl-C from now on asks the verb to stop, the second one ends the process.
    pub(crate) fn context(&self) -> Context<'_> {
        stop_on_interrupt(vec![self.cancel.clone()]);
        self.view()
    }

    /// The library's view of each of several targets: Ctrl-C as for one.
    pub(crate) fn contexts(parts: &[Self]) -> Vec<Context<'_>> {
        stop_on_interrupt(parts.iter().map(|one| one.cancel.clone()).collect());
        parts.iter().map(Self::view).collect()
    }

    /// The library's view of it for a verb that changes nothing: the first Ctrl-C ends the process, quietly.
    pub(crate) fn reading(&self) -> Context<'_> {
        tokio::spawn(async {
            if tokio::signal::ctrl_c().await.is_ok() {
                end_now();
            }
        });
        self.view()
    }

    /// The library's view of it for a verb that goes on until somebody ends it: the first Ctrl-C is its ordinary end, the
    /// second one ends the process.
    pub(crate) fn lasting(&self) -> Context<'_> {
        let cancel = self.cancel.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                cancel.cancel();
            }
            if tokio::signal::ctrl_c().await.is_ok() {
                end_now();
            }
        });
        self.view()
    }

    /// The library's view of it for a verb that leaves Ctrl-C to what it runs.
    pub(crate) fn view(&self) -> Context<'_> {
        Context {
            target: &self.target,
            namespace: &self.namespace,
            who: &self.who,
            clock: &jiff::Timestamp::now,
            liveness: &self.liveness,
            cancel: &self.cancel,
            progress: &self.progress,
        }
    }

    /// Ends the progress lines and hands the result on.
    pub(crate) fn finish<T>(&self, result: ActionResult<T>) -> Result<T, Failure> {
        self.progress.finish();
        Ok(result?)
    }
}

/// From now on the first Ctrl-C asks verbs to stop, and the second one ends the process.
fn stop_on_interrupt(cancels: Vec<CancellationToken>) {
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            eprintln!("stopping after what is under way; press Ctrl-C again to end at once");
            cancels.iter().for_each(CancellationToken::cancel);
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            end_now();
        }
    });
}

#[expect(clippy::exit, reason = "the user asked for it, and knows what is under way")]
fn end_now() {
    std::process::exit(i32::from(crate::exit::Exit::Interrupted.code()));
}
