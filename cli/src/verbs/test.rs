//! `rhumb test`.

use std::time::Duration;

use clap::Args;
use rhumb_action::{AfterJob, TestRequest, Tested};

use super::Ended;
use crate::arguments::duration;
use crate::exit::Exit;
use crate::output::{emit, table};
use crate::session::Session;

/// Arguments of `rhumb test`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The release's name
    #[arg(value_name = "NAME")]
    name: String,
    /// Only this test; may be repeated
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// How long each may take
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    timeout: Duration,
    /// Keep the jobs, so that they can be looked at
    #[arg(long)]
    keep: bool,
}

/// Runs the tests of a release's chart.
pub(crate) async fn run(session: &Session, arguments: Arguments) -> Ended {
    let parts = session.parts(false)?;
    let request = TestRequest {
        name: arguments.name,
        only: arguments.only,
        timeout: arguments.timeout,
        after: if arguments.keep { AfterJob::Keep } else { AfterJob::Remove },
    };
    let tested = parts.finish(rhumb_action::test(&parts.context(), &request).await)?;
    emit(session.format(), &tested, || text(&tested))?;
    Ok(if tested.succeeded() { Exit::Success } else { Exit::NotReady })
}

fn text(tested: &Tested) -> String {
    if tested.tests.is_empty() {
        return "The chart has no tests: put jobs into templates/tests.\n".to_owned();
    }
    let rows = tested.tests.iter().map(|test| {
        let outcome = if test.succeeded { "passed" } else { "failed" };
        let seconds = format!("{:.1}s", test.took.as_secs_f64());
        [test.name.clone(), outcome.to_owned(), seconds, test.why.clone().unwrap_or_default()]
    });
    table(["TEST", "OUTCOME", "TOOK", "WHY"], rows)
}
