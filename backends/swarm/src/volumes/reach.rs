//! The way to a helper: the port of its node that the engine chose.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use rhumb_backend::{Duplex, Error, ErrorKind, Result, Retry, Scope};
use tokio::net::TcpStream;

use super::helper::{newest, service_name};
use crate::connect::{Address, Endpoint, Engine};
use crate::health;

const OPERATION: &str = "connect to the helper";
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens a connection to a helper.
pub(crate) async fn connect(
    engine: &Engine,
    scope: &Scope,
    name: &str,
    port: u16,
) -> Result<Box<dyn Duplex>> {
    let missing = |message: &str| {
        Error::new(ErrorKind::NotFound, OPERATION, message).with("helper", name).retry(Retry::Same)
    };
    let task = newest(engine, &service_name(scope, name)).await?;
    let task =
        task.filter(|task| task.status.state == "running").ok_or_else(|| missing("it does not run"))?;
    let ports = task.status.host.ports.iter().flatten();
    let published = ports.filter(|one| one.target == port && one.protocol == "tcp").map(|one| one.published);
    let published = published.into_iter().find(|port| *port > 0);
    let published = published.ok_or_else(|| missing("the engine does not say its port"))?;
    let nodes = health::nodes(engine).await?;
    let node =
        nodes.iter().find(|node| node.id() == task.node_id).ok_or_else(|| missing("its node is gone"))?;
    let host = host(node.address(), Endpoint::resolve(engine.settings(), engine.environment()).ok().as_ref());
    match tokio::time::timeout(PATIENCE, TcpStream::connect((host.as_str(), published))).await {
        Ok(Ok(stream)) => {
            // Questions are small, and each waits for its answer.
            let _ = stream.set_nodelay(true);
            Ok(Box::new(stream))
        }
        Ok(Err(error)) => Err(unreachable(name, &host, published, &error)),
        Err(_) => Err(unreachable(name, &host, published, &io::ErrorKind::TimedOut.into())),
    }
}

/// The address of a node. One that is only known as this machine, or as any, is where its engine is.
fn host(address: &str, endpoint: Option<&Endpoint>) -> String {
    let is_real = address.parse::<IpAddr>().is_ok_and(|ip| !ip.is_unspecified() && !ip.is_loopback());
    if is_real {
        return address.to_owned();
    }
    match endpoint.map(|endpoint| &endpoint.address) {
        Some(Address::Tcp(host) | Address::Ssh(host)) => {
            let host = host.rsplit_once('@').map_or(host.as_str(), |(_, host)| host);
            host.rsplit_once(':').map_or(host, |(host, _)| host).trim_matches(['[', ']']).to_owned()
        }
        _ => "127.0.0.1".to_owned(),
    }
}

fn unreachable(name: &str, host: &str, port: u16, error: &io::Error) -> Error {
    Error::new(ErrorKind::Unreachable, OPERATION, error.to_string())
        .with("helper", name)
        .with("address", format!("{host}:{port}"))
        .remedy("a way from here to the node's ports that the engine chooses (the kernel's `ip_local_port_range`), such as a VPN or a firewall's rule")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_without_an_address_of_its_own_is_where_its_engine_is() {
        let at = |address| Endpoint { address, tls: None, source: "a test".to_owned() };
        assert_eq!(host("10.0.0.7", None), "10.0.0.7");
        assert_eq!(host("0.0.0.0", None), "127.0.0.1");
        assert_eq!(host("127.0.0.1", Some(&at(Address::Ssh("me@manager:22".to_owned())))), "manager");
        assert_eq!(host("", Some(&at(Address::Tcp("[fe80::1]:2376".to_owned())))), "fe80::1");
    }
}
