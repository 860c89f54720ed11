//! A double to be used by hand: `rhumb-double ecs [--listen 127.0.0.1:0] [--instances N]`.
//!
//! It prints what leads to it, and serves until it is ended.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is how it is found")]

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use rhumb_doubles::ecs;

const USAGE: &str = "usage: rhumb-double ecs [--listen ADDRESS:PORT] [--instances N]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &[String]) -> io::Result<()> {
    match arguments.split_first() {
        Some((platform, rest)) if platform == "ecs" => serve_ecs(rest),
        _ => Err(io::Error::other(USAGE)),
    }
}

fn serve_ecs(arguments: &[String]) -> io::Result<()> {
    let mut options = ecs::Options::default();
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if name == "--listen" => {
                options.listen = value.parse::<SocketAddr>().map_err(io::Error::other)?;
            }
            [name, value] if name == "--instances" => {
                options.instances = value.parse::<u32>().map_err(io::Error::other)?;
            }
            _ => return Err(io::Error::other(USAGE)),
        }
    }
    let double = ecs::Double::start(options)?;
    println!("export AWS_ENDPOINT_URL={} AWS_REGION={}", double.url(), double.account().region);
    println!("export AWS_ACCESS_KEY_ID=double AWS_SECRET_ACCESS_KEY=double");
    println!("# settings of a target: {}", double.settings());
    println!("# moto itself: {} with x-moto-account-id: {}", double.moto(), double.account().account);
    wait()
}

/// Serves until the process is ended.
fn wait() -> io::Result<()> {
    loop {
        std::thread::park();
    }
}
