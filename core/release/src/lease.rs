//! Who may change a release.
//!
//! A lease is a chain of links, and the highest holds. Nobody compares clocks of two machines: the holder changes its
//! link again and again, and a contender makes the next link only when it saw, on its own clock, no change for as long
//! as the link says, or when it knows that the holder's process is gone.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rhumb_backend::{Error, ErrorKind, Result, Retry, Scope};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use crate::lease_chain::{Chain, Holder, Life, Link, Liveness};
use crate::{EntryKind, Filter, Storage};

/// How long a holder may give no sign of life.
pub const DEFAULT_TTL: Duration = Duration::from_secs(30);

/// The longest that a link is believed when it says how long its holder may be silent.
const LONGEST_TTL: Duration = Duration::from_mins(10);

/// How a lease is taken.
#[derive(Clone, Copy)]
pub struct Acquire<'a> {
    /// Who takes it.
    pub holder: &'a Holder,
    /// Tells whether another holder is still there.
    pub liveness: &'a dyn Liveness,
    /// How long this holder may give no sign of life before others take over.
    pub ttl: Duration,
    /// How long to wait for a holder that is alive. One that may be dead is always waited for, until that is certain.
    pub patience: Duration,
    /// Told once for each holder that is waited for.
    pub waiting: Option<&'a (dyn Fn(&Holder) + Send + Sync)>,
}

impl<'a> Acquire<'a> {
    /// With the default TTL and no patience for holders that are alive.
    pub fn new(holder: &'a Holder, liveness: &'a dyn Liveness) -> Self {
        Self { holder, liveness, ttl: DEFAULT_TTL, patience: Duration::ZERO, waiting: None }
    }
}

impl fmt::Debug for Acquire<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Acquire")
            .field("holder", self.holder)
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}

/// The right to change a release, for as long as [`Lease::verify`] says so.
#[derive(Debug)]
pub struct Lease {
    storage: Arc<dyn Storage>,
    scope: Scope,
    number: u64,
    token: String,
    ttl: Duration,
    link: Mutex<Link>,
}

impl Lease {
    /// Takes the lease of a release. Dropping the future gives up.
    ///
    /// # Errors
    /// `Locked`, naming the holder, when one that is alive has it; what the storage answers.
    pub async fn acquire(storage: Arc<dyn Storage>, scope: &Scope, request: &Acquire<'_>) -> Result<Self> {
        let chain = Chain { storage: storage.as_ref(), scope };
        let link = contend(&chain, request).await?;
        let (number, token, ttl) = (link.number, link.token.clone(), link.ttl);
        Ok(Self { scope: scope.clone(), number, token, ttl, link: Mutex::new(link), storage })
    }

    /// Who holds the lease of a release, be it alive or not; none when it was given back or never taken.
    pub async fn holder(storage: &dyn Storage, scope: &Scope) -> Result<Option<Holder>> {
        let chain = Chain { storage, scope };
        match chain.links().await?.last() {
            Some(link) if !link.released => chain.holder(link.number).await.map(Some),
            _ => Ok(None),
        }
    }

    /// The release.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// How long this holder may give no sign of life.
    pub fn ttl(&self) -> Duration {
        self.ttl
    }

    /// Reads again whether the lease is still held.
    ///
    /// # Errors
    /// `Locked` when it is not, naming who has it now; what the storage answers.
    pub async fn verify(&self) -> Result<()> {
        match self.chain().links().await?.last() {
            Some(link) if self.is_ours(link) && !link.released => Ok(()),
            Some(link) => Err(self.lost(Some(link)).await),
            None => Err(self.lost(None).await),
        }
    }

    /// Gives a sign of life.
    ///
    /// # Errors
    /// `Locked` when the lease is lost; what the storage answers.
    pub async fn bump(&self) -> Result<()> {
        self.change(|link| link.counter += 1).await
    }

    /// Gives the lease back, so that the next one has it at once. One that was lost before is no error.
    ///
    /// # Errors
    /// What the storage answers. The lease then ends by itself after its TTL.
    pub async fn release(&self) -> Result<()> {
        match self.change(|link| link.released = true).await {
            Err(error) if error.kind == ErrorKind::Locked => Ok(()),
            result => result,
        }
    }

    /// Gives the lease back, and removes its link when the release has no revision left that could need a lease.
    ///
    /// # Errors
    /// What the storage answers. A link that stays does no harm.
    pub async fn release_and_tidy(&self) -> Result<()> {
        let of_release = Filter::from(&self.scope);
        let swept = self.sweep(&of_release).await;
        self.release().await?;
        if !swept? || !self.storage.list(EntryKind::Head, &of_release).await?.is_empty() {
            return Ok(());
        }
        let links = self.chain().links().await?;
        let ours: Vec<Link> = links.into_iter().filter(|link| link.number <= self.number).collect();
        self.chain().remove(&ours).await
    }

    /// Removes what calls that were cut short left, while nobody else may make anything; says whether no revision is left.
    async fn sweep(&self, of_release: &Filter) -> Result<bool> {
        if !self.storage.list(EntryKind::Head, of_release).await?.is_empty() {
            return Ok(false);
        }
        self.verify().await?;
        self.storage.sweep(&self.scope).await.map(|()| true)
    }

    async fn change(&self, change: impl Fn(&mut Link)) -> Result<()> {
        let mut held = self.link.lock().await;
        let mut wanted = held.clone();
        change(&mut wanted);
        let first = self.chain().write(&wanted).await;
        wanted.version = match first {
            Err(error) if is_stale(&error) => {
                // An earlier write of ours may have been carried out although its answer was lost.
                let found = self.ours().await?;
                wanted.counter = wanted.counter.max(found.counter + 1);
                wanted.version = found.version;
                self.write_again(&wanted).await?
            }
            result => result?,
        };
        *held = wanted;
        Ok(())
    }

    async fn write_again(&self, wanted: &Link) -> Result<String> {
        match self.chain().write(wanted).await {
            Err(error) if is_stale(&error) => {
                let found = self.ours().await?;
                let done = found.counter >= wanted.counter && found.released == wanted.released;
                if done { Ok(found.version) } else { Err(error) }
            }
            result => result,
        }
    }

    /// Our link as it is stored.
    async fn ours(&self) -> Result<Link> {
        match self.chain().find(self.number).await?.filter(|found| self.is_ours(found)) {
            Some(link) => Ok(link),
            None => Err(self.lost(None).await),
        }
    }

    fn chain(&self) -> Chain<'_> {
        Chain { storage: self.storage.as_ref(), scope: &self.scope }
    }

    fn is_ours(&self, link: &Link) -> bool {
        link.number == self.number && link.token == self.token
    }

    async fn lost(&self, link: Option<&Link>) -> Error {
        let message = match link {
            Some(link) if self.is_ours(link) => "it was given back".to_owned(),
            Some(link) => match self.chain().holder(link.number).await {
                Ok(holder) => format!("it was taken over by {holder}"),
                Err(_) => "it was taken over".to_owned(),
            },
            None => "it was removed".to_owned(),
        };
        Error::new(ErrorKind::Locked, "keep the lease", message)
            .with("release", release_name(&self.scope))
            .remedy(
                "nothing more was changed; see `rhumb status`, and run the command again when the other one ended",
            )
            .retry(Retry::Never)
    }
}

fn is_stale(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::Conflict | ErrorKind::NotFound)
}

/// What a contender saw, and when it began to be so.
struct Seen {
    link: Link,
    holder: Holder,
    since: Instant,
}

async fn contend(chain: &Chain<'_>, request: &Acquire<'_>) -> Result<Link> {
    let deadline = Instant::now() + request.patience;
    let token = uuid::Uuid::now_v7().to_string();
    let mut seen: Option<Seen> = None;
    loop {
        let links = chain.links().await?;
        let next = match links.last() {
            None => Some(1),
            Some(highest) if highest.released => Some(highest.number + 1),
            Some(highest) => {
                let verdict = look(chain, request, &mut seen, highest).await?;
                if verdict == Life::Alive && Instant::now() >= deadline {
                    return Err(locked(chain.scope, highest, seen.as_ref().map(|seen| &seen.holder)));
                }
                (verdict == Life::Gone).then_some(highest.number + 1)
            }
        };
        if let Some(number) = next {
            let link = Link {
                number,
                token: token.clone(),
                ttl: request.ttl.min(LONGEST_TTL),
                counter: 0,
                released: false,
                version: String::new(),
            };
            if let Some(link) = claim(chain, request, link).await? {
                return Ok(link);
            }
            continue;
        }
        sleep(pause(links.last(), deadline)).await;
    }
}

/// Makes the link and sees whether it is the highest. Older links are removed then.
async fn claim(chain: &Chain<'_>, request: &Acquire<'_>, link: Link) -> Result<Option<Link>> {
    let Some(link) = chain.forge(link, request.holder).await? else { return Ok(None) };
    let links = chain.links().await?;
    let Some((highest, older)) = links.split_last() else { return Ok(None) };
    if highest.number != link.number || highest.token != link.token {
        return Ok(None);
    }
    if let Err(error) = chain.remove(older).await {
        tracing::warn!(%error, "old links of a lease stay");
    }
    Ok(Some(link))
}

/// What is known of the highest link's holder: alive, gone or silent as long as it may be, or not known yet.
async fn look(
    chain: &Chain<'_>,
    request: &Acquire<'_>,
    seen: &mut Option<Seen>,
    highest: &Link,
) -> Result<Life> {
    let same = |seen: &&mut Seen| seen.link.number == highest.number && seen.link.token == highest.token;
    let Some(known) = seen.as_mut().filter(same) else {
        let first = seen.is_none();
        let holder = chain.holder(highest.number).await?;
        if let Some(tell) = request.waiting {
            tell(&holder);
        }
        let life = request.liveness.life(&holder);
        *seen = Some(Seen { link: highest.clone(), holder, since: Instant::now() });
        // A link that was made while we looked has a holder that is alive.
        return Ok(if first || life == Life::Gone { life } else { Life::Alive });
    };
    if known.link.version != highest.version {
        known.link = highest.clone();
        known.since = Instant::now();
        return Ok(Life::Alive);
    }
    if known.since.elapsed() >= highest.ttl.min(LONGEST_TTL) {
        return Ok(Life::Gone);
    }
    Ok(request.liveness.life(&known.holder))
}

/// How long a contender sleeps before it looks again.
fn pause(highest: Option<&Link>, deadline: Instant) -> Duration {
    let ttl = highest.map_or(DEFAULT_TTL, |link| link.ttl);
    let usual = (ttl / 20).clamp(Duration::from_millis(20), Duration::from_secs(1));
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { usual } else { usual.min(left) }
}

fn locked(scope: &Scope, link: &Link, holder: Option<&Holder>) -> Error {
    let holder = holder.map_or_else(|| "somebody".to_owned(), Holder::to_string);
    let silence = link.ttl.as_secs_f64();
    Error::new(ErrorKind::Locked, "take the lease", format!("it is held by {holder}"))
        .with("release", release_name(scope))
        .remedy(format!(
            "wait until that command ends; if it is dead, the lease is free {silence} s after its last sign of life"
        ))
        .retry(Retry::Never)
}

fn release_name(scope: &Scope) -> String {
    format!("{}/{}", scope.namespace, scope.release)
}
