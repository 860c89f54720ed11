//! `rhumb port-forward`.

use std::net::IpAddr;

use clap::Args;
use rhumb_action::{Forwarding, PortForwardRequest, PortPair};
use rhumb_backend::Place;

use super::Ended;
use crate::exit::Exit;
use crate::session::Session;

/// Arguments of `rhumb port-forward`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The release's name
    #[arg(value_name = "NAME")]
    name: String,
    /// The workload
    #[arg(value_name = "WORKLOAD")]
    workload: String,
    /// Ports of the workload, by name or number, each with the port of this machine before it where that is another:
    /// http, 8080:http, 0:5432 (any that is free)
    #[arg(value_name = "[LOCAL:]REMOTE", required = true, value_parser = pair)]
    ports: Vec<PortPair>,
    /// The address of this machine that is listened at
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    address: IpAddr,
    /// Only this replica, by the name that `rhumb ps` shows [default: one that is ready, for each connection anew]
    #[arg(long, value_name = "NAME")]
    task: Option<String>,
}

fn pair(text: &str) -> Result<PortPair, String> {
    let Some((local, remote)) = text.split_once(':') else {
        return Ok(PortPair { local: None, remote: text.to_owned() });
    };
    let local = match local {
        "" => 0,
        local => local.parse().map_err(|_| format!("`{local}` is no port of this machine"))?,
    };
    if remote.is_empty() {
        return Err("write it as LOCAL:REMOTE: 8080:http".to_owned());
    }
    Ok(PortPair { local: Some(local), remote: remote.to_owned() })
}

/// Forwards ports until Ctrl-C.
pub(crate) async fn run(session: &Session, arguments: Arguments) -> Ended {
    let parts = session.parts(false)?;
    let workload = arguments.workload.clone();
    let request = PortForwardRequest {
        name: arguments.name,
        place: Place { workload: arguments.workload, task: arguments.task, container: None },
        address: arguments.address,
        ports: arguments.ports,
    };
    let tell = |told: &Forwarding| match told {
        Forwarding::Open { local, remote, port } => {
            let number = if *remote == port.to_string() { String::new() } else { format!(" ({port})") };
            // Whoever reads the line may be gone, and the ports still lead there.
            let _ = crate::output::print(&format!("Forwarding from {local} → {workload}:{remote}{number}\n"));
        }
        Forwarding::Broken { remote, why } => {
            eprintln!("a connection to {workload}:{remote} failed: {why}");
        }
    };
    parts.finish(rhumb_action::port_forward(&parts.lasting(), &request, &tell).await)?;
    Ok(Exit::Success)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read() {
        let check = |text: &str, local: Option<u16>, remote: &str| {
            assert_eq!(pair(text), Ok(PortPair { local, remote: remote.to_owned() }));
        };
        check("http", None, "http");
        check("8080:http", Some(8080), "http");
        check(":5432", Some(0), "5432");
        assert!(pair("x:80").is_err() && pair("80:").is_err() && pair("70000:80").is_err());
    }
}
