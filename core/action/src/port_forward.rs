//! `rhumb port-forward`: ports of this machine that lead to those of a workload.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use rhumb_backend::{Duplex, Error, ErrorKind, Interactive, Place, Retry, Scope};
use rhumb_spec::App;
use rhumb_spec::model::Workload;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::known::find_record;
use crate::running::{interactive, runtime};
use crate::{ActionResult, Context};

/// How long a connection waits for a replica that takes the place of one that is gone.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long until a replica is looked for again.
const LOOK: Duration = Duration::from_millis(500);

/// Which ports lead where.
#[derive(Clone, Debug)]
pub struct PortForwardRequest {
    /// The release.
    pub name: String,
    /// The workload, and the replica where one is meant. Else each connection goes to one that is ready.
    pub place: Place,
    /// The address of this machine.
    pub address: IpAddr,
    /// The ports.
    pub ports: Vec<PortPair>,
}

/// A port of this machine, and the one that it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortPair {
    /// The port of this machine; 0 means any that is free, none the same number.
    pub local: Option<u16>,
    /// The workload's port, by its name or number.
    pub remote: String,
}

/// What is told while ports are forwarded.
#[derive(Debug)]
pub enum Forwarding {
    /// A port of this machine leads to one of the workload from now on.
    Open {
        /// The address and port of this machine.
        local: SocketAddr,
        /// The workload's port, as it was asked for.
        remote: String,
        /// Its number.
        port: u16,
    },
    /// A connection was refused or broke.
    Broken {
        /// The workload's port, as it was asked for.
        remote: String,
        /// Why.
        why: String,
    },
}

/// Forwards ports until the verb is cancelled, which is its ordinary end.
///
/// # Errors
/// `NotFound` for a release, workload or named port that is not there; a port of this machine that is taken; what the
/// platform answers. That a connection fails is told, and the others go on.
pub async fn port_forward(
    context: &Context<'_>,
    request: &PortForwardRequest,
    tell: &(dyn Fn(&Forwarding) + Send + Sync),
) -> ActionResult<()> {
    let record = find_record(context, &request.name, None).await?;
    let scope = record.scope();
    let interactive = interactive(context, "forwarding ports")?;
    // A workload that is not there is told now and not at the first connection.
    runtime(context, "forwarding ports")?.tasks(&scope, Some(&request.place.workload)).await?;
    let mut doors = Vec::new();
    for pair in &request.ports {
        let door = Door::open(&record.app, request, pair).await?;
        tell(&Forwarding::Open { local: door.local, remote: door.remote.clone(), port: door.port });
        doors.push(door);
    }
    let road = Road { interactive, scope: &scope, place: &request.place, tell };
    tokio::select! {
        () = road.serve(&doors) => {}
        () = context.cancel.cancelled() => {}
    }
    Ok(())
}

/// A port of this machine that is listened at.
struct Door {
    listener: TcpListener,
    local: SocketAddr,
    remote: String,
    port: u16,
}

impl Door {
    async fn open(app: &App, request: &PortForwardRequest, pair: &PortPair) -> Result<Self, Error> {
        let workload = app.workloads.get(&request.place.workload);
        let port = number(&request.place.workload, workload, &pair.remote)?;
        let wanted = SocketAddr::new(request.address, pair.local.unwrap_or(port));
        let taken = |error: io::Error| {
            let operation = format!("listen on {wanted}");
            Error::new(ErrorKind::Platform, operation, error.to_string())
                .remedy(format!("another port of this machine: 0:{} takes any", pair.remote))
        };
        let listener = TcpListener::bind(wanted).await.map_err(taken)?;
        let local = listener.local_addr().map_err(taken)?;
        Ok(Self { listener, local, remote: pair.remote.clone(), port })
    }
}

/// The number of a workload's port.
fn number(name: &str, workload: Option<&Workload>, port: &str) -> Result<u16, Error> {
    if let Ok(number) = port.parse::<u16>()
        && number > 0
    {
        return Ok(number);
    }
    let ports =
        || workload.into_iter().flat_map(|workload| workload.containers.values()).flat_map(|one| &one.ports);
    if let Some((_, found)) = ports().find(|(name, _)| *name == port) {
        return Ok(found.port);
    }
    let known: Vec<_> = ports().map(|(name, port)| format!("{name} ({})", port.port)).collect();
    let error =
        Error::new(ErrorKind::NotFound, "forward the port", format!("the workload has no port {port}"));
    Err(error.with("workload", name).remedy(if known.is_empty() {
        "a number: it names no ports".to_owned()
    } else {
        format!("a number, or one of {}", known.join(", "))
    }))
}

/// The way from a connection of this machine to a replica.
struct Road<'a> {
    interactive: &'a dyn Interactive,
    scope: &'a Scope,
    place: &'a Place,
    tell: &'a (dyn Fn(&Forwarding) + Send + Sync),
}

impl fmt::Debug for Road<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Road").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Road<'_> {
    /// Takes connections at every door, for ever.
    async fn serve(&self, doors: &[Door]) {
        let mut connections = FuturesUnordered::new();
        let mut callers: FuturesUnordered<_> = doors.iter().map(next).collect();
        loop {
            tokio::select! {
                Some((door, taken)) = callers.next() => {
                    callers.push(next(door));
                    match taken {
                        Ok(caller) => connections.push(self.carry(door, caller)),
                        Err(error) => {
                            self.broken(door, error.to_string());
                            // Out of files, most likely: others have to end first.
                            tokio::time::sleep(LOOK).await;
                        }
                    }
                }
                Some(()) = connections.next() => {}
            }
        }
    }

    async fn carry(&self, door: &Door, mut caller: TcpStream) {
        let mut replica = match self.connect(door.port).await {
            Ok(replica) => replica,
            Err(error) => return self.broken(door, error.to_string()),
        };
        // Small messages are not to wait for others.
        let _ = caller.set_nodelay(true);
        match tokio::io::copy_bidirectional(&mut caller, &mut replica).await {
            Err(error) if !is_hang_up(&error) => self.broken(door, error.to_string()),
            _ => {}
        }
    }

    /// A connection to a replica; another one's, where the one before is gone and this one is on its way.
    async fn connect(&self, port: u16) -> Result<Box<dyn Duplex>, Error> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.interactive.connect(self.scope, self.place, port).await {
                Err(error) if passes(&error) && Instant::now() < deadline => tokio::time::sleep(LOOK).await,
                other => return other,
            }
        }
    }

    fn broken(&self, door: &Door, why: String) {
        (self.tell)(&Forwarding::Broken { remote: door.remote.clone(), why });
    }
}

async fn next(door: &Door) -> (&Door, io::Result<TcpStream>) {
    (door, door.listener.accept().await.map(|(caller, _)| caller))
}

fn passes(error: &Error) -> bool {
    error.retry == Retry::Same || matches!(error.kind, ErrorKind::NotFound | ErrorKind::Conflict)
}

/// Callers end as they like.
fn is_hang_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use rhumb_backend::{Exec, Streams};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[test]
    fn ports_have_names_and_numbers() {
        let workload: Workload = serde_json::from_value(serde_json::json!({
            "containers": { "web": { "image": "x", "ports": { "http": { "port": 8080, "protocol": "tcp" } } } },
        }))
        .unwrap();
        let check = |port: &str| number("web", Some(&workload), port).map_err(|error| error.remedy.unwrap());
        assert_eq!(check("http"), Ok(8080));
        assert_eq!(check("9090"), Ok(9090));
        assert_eq!(check("admin"), Err("a number, or one of http (8080)".to_owned()));
        assert!(check("0").is_err());
        assert!(number("web", None, "http").is_err());
    }

    /// Replicas that answer whatever they are sent, of which the first is gone.
    struct Echo(Mutex<u32>);

    #[async_trait]
    impl Interactive for Echo {
        async fn exec(&self, _: &Scope, _: &Place, _: &Exec, _: Streams) -> rhumb_backend::Result<i32> {
            Err(Error::new(ErrorKind::Unsupported, "run", "nothing runs here"))
        }

        async fn connect(&self, _: &Scope, _: &Place, _: u16) -> rhumb_backend::Result<Box<dyn Duplex>> {
            let mut asked = self.0.lock().unwrap();
            *asked += 1;
            if *asked == 1 {
                return Err(Error::new(ErrorKind::NotFound, "connect", "none of its replicas runs"));
            }
            let (near, mut far) = tokio::io::duplex(64);
            tokio::spawn(async move {
                let mut bytes = [0; 64];
                while let Ok(read @ 1..) = far.read(&mut bytes).await {
                    far.write_all(&bytes[..read]).await.unwrap();
                }
            });
            Ok(Box::new(near))
        }
    }

    #[tokio::test]
    async fn many_connections_are_carried_and_a_replica_that_is_gone_is_waited_for() {
        let place = Place { workload: "web".to_owned(), ..Place::default() };
        let request = PortForwardRequest {
            name: "shop".to_owned(),
            place: place.clone(),
            address: IpAddr::from([127, 0, 0, 1]),
            ports: Vec::new(),
        };
        let pair = PortPair { local: Some(0), remote: "80".to_owned() };
        let door = Door::open(&App::default(), &request, &pair).await.unwrap();
        let again = PortPair { local: Some(door.local.port()), remote: "80".to_owned() };
        let taken = Door::open(&App::default(), &request, &again).await.err().unwrap();
        assert!(taken.operation.contains("listen on 127.0.0.1:"), "{taken}");
        let (local, scope, echo) = (door.local, Scope::new("default", "shop"), Echo(Mutex::new(0)));
        let road =
            Road { interactive: &echo, scope: &scope, place: &place, tell: &|told| panic!("{told:?}") };
        let doors = [door];
        let callers = async {
            let mut both = Vec::new();
            for word in [b"one", b"two"] {
                let mut caller = TcpStream::connect(local).await.unwrap();
                caller.write_all(word).await.unwrap();
                both.push((caller, word));
            }
            for (mut caller, word) in both {
                let mut answer = [0; 3];
                caller.read_exact(&mut answer).await.unwrap();
                assert_eq!(&answer, word);
            }
        };
        tokio::select! {
            () = road.serve(&doors) => panic!("it serves for ever"),
            () = callers => {}
        }
    }
}
