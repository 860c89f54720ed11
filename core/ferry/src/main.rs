//! The helper's program.
#![cfg_attr(
    target_os = "linux",
    expect(clippy::print_stderr, reason = "a program of its own, whose log is read where it runs")
)]

#[cfg(target_os = "linux")]
mod program;

#[cfg(target_os = "linux")]
fn main() {
    if let Err(why) = program::run(std::env::args_os().skip(1)) {
        eprintln!("rhumb-ferry: {why}");
        std::process::exit(1);
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {}
