//! A double to be used by hand: `rhumb-double ecs [--listen 127.0.0.1:0] [--instances N]` or `rhumb-double marathon
//! [--listen 127.0.0.1:0] [--types FOLDER]`.
//!
//! It prints what leads to it, and serves until it is ended.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is how it is found")]

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use rhumb_doubles::{ecs, marathon};

const USAGE: &str = "usage: rhumb-double ecs [--listen ADDRESS:PORT] [--instances N]
       rhumb-double marathon [--listen ADDRESS:PORT] [--types FOLDER-OF-RAML]";

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
        Some((platform, rest)) if platform == "marathon" => serve_marathon(rest),
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

fn serve_marathon(arguments: &[String]) -> io::Result<()> {
    let mut options = marathon::Options::default();
    options.parts.insert(marathon::Part::Chronos);
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if name == "--listen" => {
                options.listen = value.parse::<SocketAddr>().map_err(io::Error::other)?;
            }
            [name, folder] if name == "--types" => options = options.checked_by(folder),
            _ => return Err(io::Error::other(USAGE)),
        }
    }
    let double = marathon::Double::start(options)?;
    println!("export MARATHON_URL={}", double.url());
    println!(
        "# Metronome, Chronos and the secret store answer there too; what it is told is under /_double/"
    );
    wait()
}

/// Serves until the process is ended.
fn wait() -> io::Result<()> {
    loop {
        std::thread::park();
    }
}
