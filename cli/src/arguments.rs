//! The command line: what every verb shares, and the list of verbs.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::verbs;

/// Helm for every orchestrator: one chart, real releases, on Docker Swarm and beyond.
#[derive(Debug, Parser)]
#[command(
    name = "rhumb",
    version,
    about,
    propagate_version = false,
    disable_version_flag = false,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Begin with `rhumb create mychart`, then `rhumb install NAME ./mychart --target memory`.",
    after_long_help = crate::exit::help()
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

impl Cli {
    /// The command line of the process; where it is none, the program ends with what is wrong.
    pub(crate) fn read() -> Self {
        Self::try_parse().unwrap_or_else(|error| {
            // Who does not listen is not told.
            let _ = error.print();
            let words: Vec<String> = std::env::args().collect();
            if let Some(tip) = tip(&words) {
                eprintln!("{tip}");
            }
            std::process::exit(error.exit_code())
        })
    }
}

/// What helps those who are used to the words of other programs.
fn tip(words: &[String]) -> Option<&'static str> {
    let has = |all: &[&str]| words.iter().any(|word| all.contains(&word.as_str()));
    let is_used = has(&["exec", "run"]) && has(&["-it", "-ti"]);
    is_used.then_some("  tip: -t names a target here; -iT passes standard input on and gives a terminal")
}

/// What every verb shares.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// The target: a name from the configuration, or `memory`, `kubernetes`, `swarm`, `ecs` or `marathon`. Several, or the
    /// name of a group of them, for install, upgrade, rollback, uninstall, status and list: all at once
    #[arg(
        short = 't',
        long = "target",
        global = true,
        env = "RHUMB_TARGET",
        hide_env_values = true,
        value_name = "NAME",
        value_delimiter = ',',
        help_heading = "Global options"
    )]
    pub(crate) targets: Vec<String>,
    /// The namespace of the release
    #[arg(
        short = 'n',
        long,
        global = true,
        env = "RHUMB_NAMESPACE",
        hide_env_values = true,
        value_name = "NAME",
        help_heading = "Global options"
    )]
    pub(crate) namespace: Option<String>,
    /// The context of the platform's own tool that is meant, instead of the target's
    #[arg(
        long,
        global = true,
        env = "RHUMB_CONTEXT",
        hide_env_values = true,
        value_name = "NAME",
        help_heading = "Global options"
    )]
    pub(crate) context: Option<String>,
    /// How results are printed
    #[arg(short = 'o', long, global = true, value_enum, default_value_t, help_heading = "Global options")]
    pub(crate) output: Format,
    /// The file with the targets [default: rhumb/config.yaml in the configuration folder]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub(crate) config: Option<PathBuf>,
    /// Print no colours. They are printed on terminals only, and never when `NO_COLOR` is set
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) no_color: bool,
    /// Print no progress
    #[arg(short = 'q', long, global = true, help_heading = "Global options")]
    pub(crate) quiet: bool,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
    /// For programs and people.
    Yaml,
    /// A page of text, of `compare` and `evaluate`.
    Markdown,
    /// A page for a browser, of `compare` and `evaluate`.
    Html,
}

impl Format {
    /// Whether it is a page, which few verbs print.
    pub(crate) const fn is_page(self) -> bool {
        matches!(self, Self::Markdown | Self::Html)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make a new chart that lints and installs
    Create(verbs::create::Arguments),
    /// Show everything that is wrong with a chart, at once
    Lint(verbs::lint::Arguments),
    /// Show what a chart says of itself
    Show(verbs::show::Arguments),
    /// Make one file of a chart
    Package(verbs::package::Arguments),
    /// Make a chart of what runs or lies in files already
    Import(verbs::import::Arguments),
    /// Write a chart as the platform's own files, for its own tools
    Export(verbs::export::Arguments),
    /// Render a chart and show what a platform would make of it
    Template(verbs::template::Arguments),
    /// Show what each platform makes of a chart, side by side
    Compare(verbs::compare::Arguments),
    /// Tell what a feature or a field of charts becomes on each platform, with sources
    Explain(verbs::explain::Arguments),
    /// Fail when a platform refuses or loses what it did not before
    Check(verbs::check::Arguments),
    /// Measure the same script on live targets: install, update under load, scale, recovery, uninstall
    Evaluate(verbs::evaluate::Arguments),
    /// Install a chart as a release
    Install(verbs::install::Arguments),
    /// Make a release of what runs already, in place and without a restart
    Adopt(verbs::adopt::Arguments),
    /// Upgrade a release to another chart or other values
    Upgrade(verbs::upgrade::Arguments),
    /// Show what an upgrade would change on the target
    Diff(verbs::diff::Arguments),
    /// Bring back an earlier revision, as a new one
    Rollback(verbs::rollback::Arguments),
    /// Remove a release
    #[command(visible_aliases = ["delete", "un"])]
    Uninstall(verbs::uninstall::Arguments),
    /// List releases
    #[command(visible_alias = "ls")]
    List(verbs::list::Arguments),
    /// Show a release: what is recorded, how it runs, what differs
    Status(verbs::status::Arguments),
    /// List the revisions of a release
    #[command(visible_alias = "hist")]
    History(verbs::history::Arguments),
    /// Show what is recorded of a revision
    Get(verbs::get::Arguments),
    /// Move a release, with its secrets and data, from one platform to another
    Migrate(verbs::migrate::Arguments),
    /// Run the tests of a release's chart
    Test(verbs::test::Arguments),
    /// List the replicas of a release
    Ps(verbs::ps::Arguments),
    /// Print what a release prints
    Logs(verbs::logs::Arguments),
    /// Set the number of replicas
    Scale(verbs::scale::Arguments),
    /// Replace every replica by an equal one
    Restart(verbs::restart::Arguments),
    /// Run one command in a container like those of a workload
    Run(verbs::run::Arguments),
    /// Run a command in a container that runs, and end as it ends
    Exec(verbs::exec::Arguments),
    /// Let ports of this machine lead to a workload's, until Ctrl-C
    PortForward(verbs::port_forward::Arguments),
    /// Manage the places that releases go to
    Target(verbs::target::Arguments),
    /// Explain a feature of charts, or list them all with what the target makes of them
    Features(verbs::features::Arguments),
    /// Print a completion script for a shell
    Completion(verbs::completion::Arguments),
    /// Print the version
    Version(verbs::version::Arguments),
    /// Write the reference pages of the manual
    #[command(hide = true)]
    Reference(verbs::reference::Arguments),
}

/// What goes into a chart.
#[derive(Clone, Debug, Args)]
pub(crate) struct ChartArguments {
    #[command(flatten)]
    pub(crate) values: ValueArguments,
    /// Leave out a feature that the target does not have; may be repeated
    #[arg(long, value_name = "FEATURE", value_delimiter = ',')]
    pub(crate) accept_loss: Vec<rhumb_spec::Feature>,
    /// Which image tags are resolved to digests
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    pub(crate) resolve_image: Resolve,
}

/// Values, in the precedence of Helm: files first, then `--set-json`, `--set`, `--set-string` and `--set-file`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ValueArguments {
    /// A file with values, or - for standard input; may be repeated, later ones win
    #[arg(short = 'f', long = "values", value_name = "FILE")]
    pub(crate) values: Vec<PathBuf>,
    /// Values on the command line: a.b=1,c[0]=x
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Values that are always text
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set_string: Vec<String>,
    /// Values read from files: key=path
    #[arg(long, value_name = "KEY=FILE")]
    pub(crate) set_file: Vec<String>,
    /// Values in JSON: key='{"a":1}'
    #[arg(long, value_name = "KEY=JSON")]
    pub(crate) set_json: Vec<String>,
}

/// Which image tags are resolved to digests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Resolve {
    /// Every one.
    #[default]
    Always,
    /// Those that the revision before did not have.
    Changed,
    /// None.
    Never,
}

/// How something is deployed.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct DeployArguments {
    /// Wait until everything is ready
    #[arg(long)]
    pub(crate) wait: bool,
    /// How long everything may take: 90s, 5m
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// Wait, and take back what was done when it fails
    #[arg(long)]
    pub(crate) atomic: bool,
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How many revisions are kept; 0 keeps all
    #[arg(long, value_name = "NUMBER", default_value_t = rhumb_action::DEFAULT_HISTORY, env = "RHUMB_MAX_HISTORY", hide_env_values = true)]
    pub(crate) history_max: u32,
    /// Remove this object and make it anew where it cannot be changed: service/web, or a workload's name
    #[arg(long, value_name = "OBJECT")]
    pub(crate) replace: Vec<String>,
    /// Take over objects that bear the release's names and nobody's marks
    #[arg(long)]
    pub(crate) take_ownership: bool,
    /// Take fields that another writer set on the platform, instead of ending with an error that names it
    #[arg(long)]
    pub(crate) force_conflicts: bool,
    /// What the record says of this revision
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// With several targets: wait until it is ready on all, and take it back everywhere when it fails on one. Nothing is
    /// begun before every target would take it
    #[arg(long)]
    pub(crate) all_or_nothing: bool,
}

/// A duration as people write it.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let parsed: rhumb_spec::Duration =
        text.parse().map_err(|error: rhumb_spec::DurationError| error.to_string())?;
    Ok(parsed.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_a_terminal_in_the_words_of_others_is_told() {
        let tip = |line: &str| tip(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert!(tip("rhumb exec -it shop web -- sh").is_some_and(|tip| tip.contains("-iT")));
        assert_eq!(tip("rhumb exec -iT shop web -- sh"), None);
        assert_eq!(tip("rhumb logs -it shop"), None);
    }
}
