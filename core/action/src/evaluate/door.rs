//! Where a workload is reached from here.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use reqwest::Url;
use rhumb_backend::{Entrance, Error, ErrorKind, Place, PortOf, Scope};
use rhumb_spec::Diagnostic;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::load::{Aim, Load, LoadCount, ask_once};
use super::{EvaluateRequest, LoadRequest, Subject};
use crate::running::{interactive, runtime};
use crate::{ActionError, ActionResult, Context, Forwarding, PortForwardRequest, PortPair, port_forward};

/// How long somebody may take to answer after everything is ready: a load balancer looks first.
const ANSWER: Duration = Duration::from_secs(10);
/// Time between two tries.
const TRY: Duration = Duration::from_millis(250);
/// How long one try may take.
const ONE_TRY: Duration = Duration::from_secs(2);
/// How long a port of this machine may take to be opened.
const OPEN: Duration = Duration::from_secs(5);
/// Requests a second through a tunnel, each connection of which takes several calls of the platform's API.
const TUNNEL_RATE: u32 = 5;
/// How long requests are sent before a phase begins.
const LEAD: Duration = Duration::from_millis(500);
/// How long requests are sent after it is done: old replicas may still be on their way out.
const TAIL: Duration = Duration::from_millis(1500);

/// Where requests were sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Way {
    /// The address; that of a tunnel's end here is another in each phase.
    pub url: String,
    /// What leads on from there: `the node port of node1`.
    pub via: String,
    /// Requests a second.
    pub rate: u32,
}

/// A way to a workload that somebody has answered on.
#[derive(Clone, Debug)]
pub(super) struct Door {
    pub(super) way: Way,
    leads: Leads,
    is_refused_as_ever: bool,
}

#[derive(Clone, Debug)]
enum Leads {
    Straight(Url),
    /// Through the platform's API, to a port of a container.
    Tunnel(u16),
}

/// What a way leads to.
#[derive(Clone, Copy)]
pub(super) struct Behind<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) scope: &'a Scope,
    pub(super) subject: &'a Subject,
    pub(super) request: &'a LoadRequest,
}

impl EvaluateRequest {
    /// The URL that was given for a target.
    fn url(&self, target: &str, scope: &Scope) -> ActionResult<Option<Url>> {
        let own = self.load.urls.iter().find(|(name, _)| name.as_deref() == Some(target));
        let given = own.or_else(|| self.load.urls.iter().find(|(name, _)| name.is_none()));
        let Some((_, template)) = given else { return Ok(None) };
        let filled = template
            .replace("{target}", target)
            .replace("{release}", &scope.release)
            .replace("{namespace}", &scope.namespace);
        let found = Url::parse(&filled).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        found.map(Some).ok_or_else(|| {
            ActionError::of(
                Diagnostic::error("", format!("`{filled}` is no address that requests can go to"))
                    .remedy("--url http://HOST:PORT/PATH, or TARGET=http://… for one target"),
            )
        })
    }

    /// Whether every URL that was given can be one.
    ///
    /// # Errors
    /// `Diagnostics`.
    pub(super) fn verify_urls(&self, context: &Context<'_>, release: &str) -> ActionResult<()> {
        self.url(&context.target.name, &context.scope(release)).map(drop)
    }
}

impl Behind<'_> {
    /// Finds a way that somebody answers on: the one that was given, else an exposed port, else a tunnel.
    ///
    /// # Errors
    /// Why there is none, and what to do.
    pub(super) async fn door(self, request: &EvaluateRequest) -> ActionResult<Door> {
        if let Some(url) = request.url(&self.context.target.name, self.scope)? {
            let given = [(url, "--url".to_owned())];
            return Ok(self.answering(&given).await?);
        }
        let Some((name, number)) = &self.subject.port else {
            let why = format!("`{}` exposes no port", self.subject.workload);
            let error = Error::new(ErrorKind::Unsupported, "find a way to the workload", why);
            return Err(error.remedy("another one with --workload, or --url").into());
        };
        let port = PortOf { name, number: *number };
        let found = runtime(self.context, "finding a way")?
            .entrances(self.scope, &self.subject.workload, port)
            .await?;
        let entrances: Vec<(Url, String)> =
            found.into_iter().filter_map(|entrance| self.straight(entrance)).collect();
        let straight = if entrances.is_empty() { None } else { Some(self.answering(&entrances).await) };
        match straight {
            Some(Ok(door)) => Ok(door),
            Some(Err(error)) => self.tunnel(*number).await.map_err(|_| error.into()),
            None => self.tunnel(*number).await,
        }
    }

    fn straight(&self, entrance: Entrance) -> Option<(Url, String)> {
        let Entrance { host, port, via } = entrance;
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        let url = Url::parse(&format!("http://{host}:{port}{}", self.request.path)).ok()?;
        Some((url, via))
    }

    /// The first of these that answers, tried until some time is over.
    async fn answering(&self, candidates: &[(Url, String)]) -> rhumb_backend::Result<Door> {
        let deadline = Instant::now() + ANSWER;
        loop {
            let mut last = None;
            for (url, via) in candidates {
                match ask_once(url, ONE_TRY).await {
                    Ok(status) if !status.is_server_error() => {
                        let way = Way { url: url.to_string(), via: via.clone(), rate: self.request.rate };
                        let is_refused_as_ever = status.is_client_error();
                        return Ok(Door { way, leads: Leads::Straight(url.clone()), is_refused_as_ever });
                    }
                    Ok(status) => last = Some(unwell(url, &status.to_string())),
                    Err(error) => last = last.or(Some(error)),
                }
            }
            let is_over = Instant::now() >= deadline || self.context.cancel.is_cancelled();
            match last {
                Some(error) if is_over => {
                    return Err(
                        error.remedy("--url with an address that is reached from here; --rate 0 for no load")
                    );
                }
                _ => tokio::time::sleep(TRY).await,
            }
        }
    }

    /// A tunnel over the platform's API, where it has one.
    async fn tunnel(self, number: u16) -> ActionResult<Door> {
        let inside = interactive(self.context, "reaching a port from here")?;
        inside.connect(self.scope, &self.place(), number).await?;
        let url = format!("http://{}:{number}{}", self.subject.workload, self.request.path);
        let way = Way {
            url,
            via: "a tunnel over the platform's API, as of `rhumb port-forward`".to_owned(),
            rate: self.request.rate.min(TUNNEL_RATE),
        };
        Ok(Door { way, leads: Leads::Tunnel(number), is_refused_as_ever: false })
    }

    fn place(&self) -> Place {
        Place { workload: self.subject.workload.clone(), ..Place::default() }
    }

    /// Does something while requests are sent, and for a little before and after.
    pub(super) async fn under_load<T>(
        self,
        door: &Door,
        work: impl Future<Output = T>,
    ) -> (T, rhumb_backend::Result<LoadCount>) {
        match &door.leads {
            Leads::Straight(url) => loaded(self.aim(door, url.clone()), work).await,
            Leads::Tunnel(number) => self.through_tunnel(door, *number, work).await,
        }
    }

    fn aim(&self, door: &Door, url: Url) -> Aim {
        Aim {
            url,
            rate: door.way.rate,
            timeout: self.request.timeout,
            is_refused_as_ever: door.is_refused_as_ever,
        }
    }

    async fn through_tunnel<T>(
        self,
        door: &Door,
        number: u16,
        work: impl Future<Output = T>,
    ) -> (T, rhumb_backend::Result<LoadCount>) {
        let (opened, mut told) = mpsc::unbounded_channel::<SocketAddr>();
        let tell = move |event: &Forwarding| {
            if let Forwarding::Open { local, .. } = event {
                // Whoever waits for it may have given up.
                let _ = opened.send(*local);
            }
        };
        let request = PortForwardRequest {
            name: self.scope.release.clone(),
            place: self.place(),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            ports: vec![PortPair { local: Some(0), remote: number.to_string() }],
        };
        let tunnel = async {
            // What ends it shows as lost requests; the work goes on.
            let _ = port_forward(self.context, &request, &tell).await;
            std::future::pending::<std::convert::Infallible>().await
        };
        let sending = async {
            let local = tokio::time::timeout(OPEN, told.recv()).await.ok().flatten();
            let url =
                local.and_then(|local| Url::parse(&format!("http://{local}{}", self.request.path)).ok());
            match url {
                Some(url) => loaded(self.aim(door, url), work).await,
                None => (work.await, Err(no_tunnel())),
            }
        };
        tokio::select! {
            result = sending => result,
            never = tunnel => match never {},
        }
    }
}

fn unwell(url: &Url, status: &str) -> Error {
    let operation = "look whether the workload answers";
    Error::new(ErrorKind::Platform, operation, format!("it answers {status}")).with("url", url.as_str())
}

fn no_tunnel() -> Error {
    Error::new(
        ErrorKind::Unreachable,
        "open a tunnel to the workload",
        "no port of this machine could be opened",
    )
}

async fn loaded<T>(aim: Aim, work: impl Future<Output = T>) -> (T, rhumb_backend::Result<LoadCount>) {
    let load = match Load::start(aim) {
        Ok(load) => load,
        Err(error) => return (work.await, Err(error)),
    };
    tokio::time::sleep(LEAD).await;
    let done = work.await;
    tokio::time::sleep(TAIL).await;
    (done, Ok(load.stop().await))
}
