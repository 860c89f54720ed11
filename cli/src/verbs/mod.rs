//! The verbs, one file for each: its arguments, what it asks of the library, and how the result is printed.

pub(crate) mod adopt;
pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod completion;
pub(crate) mod create;
pub(crate) mod deploy;
pub(crate) mod diff;
pub(crate) mod evaluate;
pub(crate) mod exec;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod features;
mod foreign;
pub(crate) mod get;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod install;
pub(crate) mod lint;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod migrate;
pub(crate) mod package;
pub(crate) mod port_forward;
pub(crate) mod ps;
pub(crate) mod reference;
pub(crate) mod restart;
pub(crate) mod rollback;
pub(crate) mod run;
pub(crate) mod scale;
pub(crate) mod several;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod target;
pub(crate) mod template;
pub(crate) mod test;
pub(crate) mod uninstall;
pub(crate) mod upgrade;
pub(crate) mod version;

use crate::arguments::{Cli, Verb};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::no_page;
use crate::session::Session;

/// How a verb ends.
pub(crate) type Ended = Result<Exit, Failure>;

/// Carries out the verb.
pub(crate) fn run(cli: Cli, environment: Environment) -> Ended {
    let session = Session::new(cli.global, environment);
    if session.format().is_page() && !matches!(cli.verb, Verb::Compare(_) | Verb::Evaluate(_)) {
        return Err(no_page());
    }
    match cli.verb {
        Verb::Create(arguments) => create::run(&session, &arguments),
        Verb::Lint(arguments) => lint::run(&session, &arguments),
        Verb::Show(arguments) => show::run(&session, &arguments),
        Verb::Package(arguments) => package::run(&session, &arguments),
        Verb::Explain(arguments) => explain::run(&session, &arguments),
        Verb::Features(arguments) => features::run(&session, &arguments),
        Verb::Completion(arguments) => completion::run(&arguments),
        Verb::Version(arguments) => version::run(&session, &arguments),
        Verb::Reference(arguments) => reference::run(&arguments),
        online => Session::block_on(run_online(&session, online)),
    }
}

async fn run_online(session: &Session, verb: Verb) -> Ended {
    match verb {
        Verb::Template(arguments) => template::run(session, &arguments).await,
        Verb::Check(arguments) => check::run(session, &arguments).await,
        Verb::Compare(arguments) => compare::run(session, &arguments).await,
        Verb::Evaluate(arguments) => evaluate::run(session, arguments).await,
        Verb::Adopt(arguments) => Box::pin(adopt::run(session, arguments)).await,
        Verb::Install(arguments) => install::run(session, arguments).await,
        Verb::Upgrade(arguments) => upgrade::run(session, arguments).await,
        Verb::Diff(arguments) => diff::run(session, arguments).await,
        Verb::Rollback(arguments) => rollback::run(session, arguments).await,
        Verb::Uninstall(arguments) => uninstall::run(session, arguments).await,
        Verb::List(arguments) => list::run(session, arguments).await,
        Verb::Status(arguments) => status::run(session, arguments).await,
        Verb::History(arguments) => history::run(session, arguments).await,
        Verb::Get(arguments) => get::run(session, arguments).await,
        Verb::Export(arguments) => export::run(session, arguments).await,
        Verb::Import(arguments) => import::run(session, arguments).await,
        Verb::Migrate(arguments) => Box::pin(migrate::run(session, arguments)).await,
        Verb::Test(arguments) => test::run(session, arguments).await,
        Verb::Ps(arguments) => ps::run(session, arguments).await,
        Verb::Logs(arguments) => logs::run(session, arguments).await,
        Verb::Scale(arguments) => scale::run(session, arguments).await,
        Verb::Restart(arguments) => restart::run(session, arguments).await,
        Verb::Run(arguments) => run::run(session, arguments).await,
        Verb::Exec(arguments) => exec::run(session, arguments).await,
        Verb::PortForward(arguments) => port_forward::run(session, arguments).await,
        Verb::Target(arguments) => target::run(session, arguments).await,
        _ => Err(Failure::general("this verb has no target")),
    }
}
