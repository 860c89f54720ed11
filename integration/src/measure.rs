//! Whole commands, measured beside those of peers, and the table of what came of it.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// One line of the table.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// What is measured, and in brackets the peer.
    pub what: String,
    /// Our figure.
    pub ours: String,
    /// The peer's figure.
    pub peer: String,
    /// Ours to the peer's.
    pub ratio: String,
    /// What it may be at most.
    pub bound: &'static str,
}

/// Runs a command and returns how long it took.
///
/// # Panics
/// When it fails.
pub fn timed(mut command: Command) -> Duration {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status().expect("the command starts");
    let time = start.elapsed();
    assert!(status.success(), "{command:?} ended with {status}");
    time
}

/// Runs a command and returns the most memory that it held, in MiB, looked at every two milliseconds.
///
/// # Panics
/// When it fails.
pub fn peak(mut command: Command) -> f64 {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the command starts");
    let file = format!("/proc/{}/status", child.id());
    let mut peak = 0.0;
    loop {
        if let Some(kibibytes) = high_water(&std::fs::read_to_string(&file).unwrap_or_default()) {
            peak = kibibytes / 1024.0;
        }
        if let Some(status) = child.try_wait().expect("the command is there") {
            assert!(status.success(), "{command:?} ended with {status}");
            return peak;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The highest resident size of a process so far, in KiB.
fn high_water(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// The middle one.
///
/// # Panics
/// When there is none.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// A line of paired runs, ours first: the medians, and the median of the ratios.
///
/// # Panics
/// When there is no pair.
pub fn paired(what: String, pairs: Vec<(Duration, Duration)>, bound: &'static str) -> Line {
    let mut ratios: Vec<f64> = pairs.iter().map(|(ours, peer)| factor(*ours, *peer)).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    let ratio = ratios[ratios.len() / 2];
    let (ours, peers): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    Line { what, ours: text(median(ours)), peer: text(median(peers)), ratio: format!("{ratio:.2}"), bound }
}

/// How many times the other.
pub fn factor(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

/// A ratio, and whether it is kept within a bound.
pub fn verdict(ratio: f64, bound: f64) -> String {
    format!("{ratio:.2}, {}", if ratio <= bound { "kept" } else { "**missed**" })
}

/// A time for people.
pub fn text(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// Prints the table in Markdown.
#[expect(clippy::print_stdout, reason = "the table is what benchmarks are for")]
pub fn print(lines: &[Line]) {
    println!("| what (peer) | rhumb | peer | ratio | at most |\n|---|---|---|---|---|");
    for Line { what, ours, peer, ratio, bound } in lines {
        println!("| {what} | {ours} | {peer} | {ratio} | {bound} |");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_kept_or_missed() {
        assert_eq!(verdict(1.3, 1.3), "1.30, kept");
        assert_eq!(verdict(1.31, 1.3), "1.31, **missed**");
    }

    #[test]
    fn the_peak_is_read() {
        assert_eq!(high_water("Name:\trhumb\nVmHWM:\t  2048 kB\n"), Some(2048.0));
        assert!(peak(Command::new("true")) < 100.0);
    }
}
