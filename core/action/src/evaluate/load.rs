//! Requests at a constant rate, and what becomes of them.
//!
//! The rate does not wait for answers: what is slow or silent makes no room for itself. Each request has a connection of
//! its own, so that each goes where the platform sends a new client; none is sent twice, and no redirect is followed.

use std::time::Duration;

use reqwest::{Client, StatusCode, Url};
use rhumb_backend::{Error, ErrorKind, Result};
use serde::Serialize;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::statistics::{quantile, rounded};

/// What became of the requests of one phase.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadCount {
    /// For how long requests were sent, in seconds: a little before the phase began until a little after it was done.
    pub seconds: f64,
    /// Requests that were sent.
    pub requests: usize,
    /// Those that were answered.
    pub answered: usize,
    /// Those that were not: the sum of the following four.
    pub lost: usize,
    /// Whole answers that did not come in time.
    pub timeouts: usize,
    /// Connections that were refused or broke.
    pub broken_connections: usize,
    /// Answers of 500 and above.
    pub server_errors: usize,
    /// Answers of 400 to 499 where there were none before the load began: so a proxy answers that has nobody behind it.
    pub refusals: usize,
    /// The longest time between two requests that were answered, by when they were sent, the ends of the load among them.
    pub worst_gap_seconds: f64,
    /// Half of the answers were not slower, in milliseconds from when the request was due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_milliseconds: Option<f64>,
    /// Of a hundred answers 99 were not slower.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_milliseconds: Option<f64>,
}

/// Where requests go, and how many.
#[derive(Clone, Debug)]
pub(super) struct Aim {
    pub(super) url: Url,
    /// Requests a second, at least one.
    pub(super) rate: u32,
    /// How long an answer may take.
    pub(super) timeout: Duration,
    /// Whether answers of 400 to 499 are the usual ones.
    pub(super) is_refused_as_ever: bool,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Answered,
    Late,
    Broken,
    Failed,
    Refused,
}

/// A request.
#[derive(Clone, Copy, Debug)]
struct Sent {
    /// When it was due, after the load began.
    due: Duration,
    /// From then until its fate was known.
    took: Duration,
    fate: Fate,
}

/// A load that goes on until it is stopped.
#[derive(Debug)]
pub(super) struct Load {
    stop: CancellationToken,
    sending: JoinHandle<(Vec<Sent>, Duration)>,
}

impl Load {
    /// Begins to send requests.
    ///
    /// # Errors
    /// When there can be no client, because the system's certificates cannot be read.
    pub(super) fn start(aim: Aim) -> Result<Self> {
        let (client, stop) = (client(aim.timeout)?, CancellationToken::new());
        let sending = tokio::spawn(send(client, aim, stop.clone()));
        Ok(Self { stop, sending })
    }

    /// Sends no more, and waits for what is under way.
    pub(super) async fn stop(self) -> LoadCount {
        self.stop.cancel();
        let (sent, covered) = self.sending.await.unwrap_or_default();
        count(&sent, covered)
    }
}

/// Asks once, to see whether somebody answers, and with which status.
pub(super) async fn ask_once(url: &Url, timeout: Duration) -> Result<StatusCode> {
    let operation = "look whether the workload answers";
    let answer = client(timeout)?.get(url.clone()).send().await;
    answer.map(|answer| answer.status()).map_err(|error| {
        let kind = if error.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Unreachable };
        Error::new(kind, operation, root(&error)).with("url", url.as_str())
    })
}

/// The innermost cause, which says what happened.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

fn client(timeout: Duration) -> Result<Client> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have been faster, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    Client::builder()
        .user_agent(concat!("rhumb/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .pool_max_idle_per_host(0)
        .http1_only()
        .no_proxy()
        .timeout(timeout)
        .build()
        .map_err(|error| Error::new(ErrorKind::Invalid, "prepare the load", root(&error)))
}

async fn send(client: Client, aim: Aim, stop: CancellationToken) -> (Vec<Sent>, Duration) {
    let started = Instant::now();
    let mut due = tokio::time::interval(Duration::from_secs(1) / aim.rate.max(1));
    due.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut flights, mut sent) = (JoinSet::new(), Vec::new());
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            due = due.tick() => {
                flights.spawn(request(client.clone(), aim.clone(), due, due.duration_since(started)));
            }
            Some(landed) = flights.join_next() => sent.extend(landed.ok()),
        }
    }
    let covered = started.elapsed();
    while let Some(landed) = flights.join_next().await {
        sent.extend(landed.ok());
    }
    (sent, covered)
}

async fn request(client: Client, aim: Aim, at: Instant, due: Duration) -> Sent {
    let fate = match whole(&client, &aim.url).await {
        Err(error) if error.is_timeout() => Fate::Late,
        Err(_) => Fate::Broken,
        Ok(status) if status.is_server_error() => Fate::Failed,
        Ok(status) if status.is_client_error() && !aim.is_refused_as_ever => Fate::Refused,
        Ok(_) => Fate::Answered,
    };
    Sent { due, took: at.elapsed(), fate }
}

/// An answer counts when all of it is there.
async fn whole(client: &Client, url: &Url) -> reqwest::Result<StatusCode> {
    let mut answer = client.get(url.clone()).send().await?;
    while answer.chunk().await?.is_some() {}
    Ok(answer.status())
}

fn count(sent: &[Sent], covered: Duration) -> LoadCount {
    let of = |fate: Fate| sent.iter().filter(|sent| sent.fate == fate).count();
    let answered = of(Fate::Answered);
    let times: Vec<f64> = sent
        .iter()
        .filter(|sent| sent.fate == Fate::Answered)
        .map(|sent| sent.took.as_secs_f64() * 1000.0)
        .collect();
    LoadCount {
        seconds: rounded(covered.as_secs_f64()),
        requests: sent.len(),
        answered,
        lost: sent.len() - answered,
        timeouts: of(Fate::Late),
        broken_connections: of(Fate::Broken),
        server_errors: of(Fate::Failed),
        refusals: of(Fate::Refused),
        worst_gap_seconds: rounded(worst_gap(sent, covered).as_secs_f64()),
        p50_milliseconds: quantile(&times, 0.5).map(rounded),
        p99_milliseconds: quantile(&times, 0.99).map(rounded),
    }
}

fn worst_gap(sent: &[Sent], covered: Duration) -> Duration {
    let mut answered: Vec<Duration> =
        sent.iter().filter(|sent| sent.fate == Fate::Answered).map(|sent| sent.due).collect();
    answered.sort_unstable();
    let ends = answered.iter().copied().chain([covered]);
    let gaps = ends.scan(Duration::ZERO, |last, next| {
        let gap = next.saturating_sub(*last);
        *last = next;
        Some(gap)
    });
    gaps.max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    fn sent(due: u64, took: u64, fate: Fate) -> Sent {
        Sent { due: Duration::from_millis(due), took: Duration::from_millis(took), fate }
    }

    #[test]
    fn what_was_lost_is_counted_by_its_reason() {
        use Fate::{Answered, Broken, Failed, Late, Refused};
        let all = [
            sent(0, 3, Answered),
            sent(100, 5, Answered),
            sent(200, 1, Broken),
            sent(300, 2000, Late),
            sent(400, 2, Failed),
            sent(500, 2, Refused),
            sent(600, 9, Answered),
        ];
        let count = count(&all, Duration::from_millis(700));
        assert_eq!((count.requests, count.answered, count.lost), (7, 3, 4));
        let reasons = (count.timeouts, count.broken_connections, count.server_errors, count.refusals);
        assert_eq!(reasons, (1, 1, 1, 1));
        assert!((count.worst_gap_seconds - 0.5).abs() < 1e-9, "{count:?}");
        assert_eq!((count.p50_milliseconds, count.p99_milliseconds), (Some(5.0), Some(9.0)));
    }

    #[test]
    fn a_gap_may_be_at_the_beginning_or_the_end() {
        let gap = |all: &[Sent]| worst_gap(all, Duration::from_secs(3)).as_millis();
        assert_eq!(gap(&[]), 3000);
        assert_eq!(gap(&[sent(2500, 1, Fate::Answered)]), 2500);
        assert_eq!(gap(&[sent(0, 1, Fate::Answered), sent(900, 1, Fate::Answered)]), 2100);
    }

    /// A server that treats every tenth connection in another way each: broken, silent, 503, 404.
    async fn moody() -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move {
            let served = AtomicUsize::new(0);
            while let Ok((mut caller, _)) = listener.accept().await {
                let turn = served.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let _ = caller.read(&mut [0; 1024]).await;
                    let status = match turn % 10 {
                        0 => return,
                        1 => return tokio::time::sleep(Duration::from_secs(30)).await,
                        2 => "503 Service Unavailable",
                        3 => "404 Not Found",
                        4 => "302 Found",
                        _ => "200 OK",
                    };
                    let answer =
                        format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
                    let _ = caller.write_all(answer.as_bytes()).await;
                });
            }
        });
        url
    }

    async fn loaded(is_refused_as_ever: bool) -> LoadCount {
        let timeout = Duration::from_millis(300);
        let aim = Aim { url: moody().await, rate: 100, timeout, is_refused_as_ever };
        let load = Load::start(aim).unwrap();
        tokio::time::sleep(Duration::from_millis(995)).await;
        load.stop().await
    }

    #[tokio::test]
    async fn a_server_that_drops_some_is_found_out() {
        let count = loaded(false).await;
        // The rate is kept although every tenth request waits until it is given up.
        assert!((95..=101).contains(&count.requests), "{count:?}");
        let reasons = [count.timeouts, count.broken_connections, count.server_errors, count.refusals];
        assert!(reasons.iter().all(|reason| (9..=11).contains(reason)), "{count:?}");
        assert_eq!(count.lost, reasons.iter().sum::<usize>());
        assert_eq!(count.answered + count.lost, count.requests);
        assert!((0.04..0.5).contains(&count.worst_gap_seconds), "{count:?}");
    }

    #[tokio::test]
    async fn a_refusal_counts_as_an_answer_where_it_is_the_usual_one() {
        let count = loaded(true).await;
        assert_eq!(count.refusals, 0);
        assert!(count.answered >= 65, "{count:?}");
    }

    #[tokio::test]
    async fn nobody_there_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        drop(listener);
        let error = ask_once(&url, Duration::from_secs(1)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unreachable);
        assert!(error.message.contains("refused"), "{error}");
    }
}
