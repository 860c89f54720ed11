//! `rhumb logs`.

use clap::Args;
use rhumb_action::LogsRequest;
use rhumb_backend::{LogLine, LogQuery, LogStream};
use tokio::sync::mpsc;

use super::Ended;
use crate::arguments::{Format, duration};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// Arguments of `rhumb logs`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The release's name
    #[arg(value_name = "NAME")]
    name: String,
    /// Only this workload
    #[arg(value_name = "WORKLOAD")]
    workload: Option<String>,
    /// Go on as new lines come
    #[arg(short = 'f', long)]
    follow: bool,
    /// Only the last so many lines of each replica
    #[arg(long, value_name = "NUMBER")]
    tail: Option<u64>,
    /// Only lines of the last while: 10m, 2h
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    since: Option<std::time::Duration>,
    /// Print the time of each line
    #[arg(long)]
    timestamps: bool,
    /// Print the lines without the names of their replicas
    #[arg(long)]
    no_prefix: bool,
}

/// Prints what a release prints.
pub(crate) async fn run(session: &Session, arguments: Arguments) -> Ended {
    let parts = session.parts(false)?;
    let since = arguments.since.map(|age| {
        let seconds = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
        jiff::Timestamp::now().as_second().saturating_sub(seconds)
    });
    let query = LogQuery {
        workload: arguments.workload.clone(),
        follow: arguments.follow,
        tail: arguments.tail,
        since,
    };
    let request = LogsRequest { name: arguments.name.clone(), query };
    let (sender, mut receiver) = mpsc::channel(256);
    let context = parts.reading();
    let reading = rhumb_action::logs(&context, &request, sender);
    let printing = async {
        while let Some(line) = receiver.recv().await {
            print_line(session, &arguments, &line)?;
        }
        Ok::<(), Failure>(())
    };
    let (read, printed) = tokio::join!(reading, printing);
    parts.progress.finish();
    read?;
    printed?;
    Ok(Exit::Success)
}

fn print_line(session: &Session, arguments: &Arguments, line: &LogLine) -> Result<(), Failure> {
    if session.format() != Format::Table {
        let json = serde_json::to_string(line).map_err(|error| Failure::general(error.to_string()))?;
        return crate::output::print(&(json + "\n"));
    }
    let mut text = String::new();
    if !arguments.no_prefix {
        text.push_str(&session.paint().dim(&line.task));
        text.push_str(" | ");
    }
    if let Some(time) = line.time.as_deref().filter(|_| arguments.timestamps) {
        text.push_str(time);
        text.push(' ');
    }
    text.push_str(&line.text);
    text.push('\n');
    match line.stream {
        LogStream::Stdout => crate::output::print(&text),
        LogStream::Stderr => {
            eprint!("{text}");
            Ok(())
        }
    }
}
