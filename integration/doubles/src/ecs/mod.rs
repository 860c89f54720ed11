//! A double of Amazon ECS, in front of moto for the services around it.
//!
//! It is one endpoint for all of AWS, as `AWS_ENDPOINT_URL` names one. ECS is answered here, as its API reference and developer guide say it
//! behaves: revisions, deployments that roll, tasks that start, fail and stop, a circuit breaker, names that drain. Every other service is
//! moto's, whose answers are thus an independent check of the calls. Each request is held against botocore's model of its
//! service, and each of the double's own answers too; what does not fit is kept for the test to fail with.
//!
//! It is quick where AWS is slow ([`Pace`]), and what becomes of tasks is a test's to say ([`Rule`]), as is what goes wrong with
//! calls ([`Fault`]).

mod api;
mod calls;
mod control;
mod effects;
mod engine;
mod error;
mod fates;
mod json;
mod models;
mod moto;
mod request;
mod server;
mod state;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

pub use calls::{Fault, Trouble};
pub use fates::{Fate, Rule};
pub use moto::{Account, Resource};
pub use state::Pace;

use calls::Counts;
use models::Models;
use moto::{Calls, Moto};
use state::State;

/// How a double starts.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Where it listens; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// How fast things happen.
    pub pace: Pace,
    /// How many container instances the cluster `default` has.
    pub instances: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 0)), pace: Pace::default(), instances: 0 }
    }
}

/// A double with an account of its own. It ends when the value is dropped.
#[derive(Debug)]
pub struct Double {
    inner: Arc<Inner>,
    url: String,
    ending: CancellationToken,
}

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    counts: Counts,
    models: Models,
    violations: Mutex<Vec<String>>,
    account: Account,
    moto: Arc<Moto>,
    moto_calls: Calls,
}

/// Doubles serve beside whatever runtime a test has.
static RUNTIME: LazyLock<io::Result<Runtime>> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build());

impl Double {
    /// Starts a double. Its account has what an operator makes once ([`Account`]), and a cluster `default` with Fargate's
    /// capacity providers.
    ///
    /// # Errors
    /// When there is no Python that has moto, or the address is taken.
    pub fn start(options: Options) -> io::Result<Self> {
        let moto = Moto::shared()?;
        let account = moto.account()?;
        let mut state = State::new(&account.account, &account.region, options.pace);
        let cluster = json!({ "clusterName": "default", "capacityProviders": ["FARGATE", "FARGATE_SPOT"] });
        api::answer(&mut state, "CreateCluster", &cluster)
            .map_err(|error| io::Error::other(error.message))?;
        api::join(&mut state, "default", options.instances);
        let inner = Arc::new(Inner {
            state: Mutex::new(state),
            counts: Counts::default(),
            models: Models::new(moto.models()),
            violations: Mutex::default(),
            moto_calls: Calls::new(Arc::clone(&moto), &account.account),
            account,
            moto,
        });
        let runtime = RUNTIME.as_ref().map_err(|error| io::Error::other(error.to_string()))?;
        let listener = std::net::TcpListener::bind(options.listen)?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        let ending = CancellationToken::new();
        let (serving, token) = (Arc::clone(&inner), ending.clone());
        runtime.spawn(async move {
            if let Ok(listener) = TcpListener::from_std(listener) {
                server::serve(serving, listener, token).await;
            }
        });
        Ok(Self { inner, url, ending })
    }

    /// Its address, for `AWS_ENDPOINT_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What its account has from the start.
    pub fn account(&self) -> &Account {
        &self.inner.account
    }

    /// moto's own address; its requests need the header `x-moto-account-id`.
    pub fn moto(&self) -> &str {
        self.inner.moto.url()
    }

    /// A target's settings that name all that the account has.
    pub fn settings(&self) -> Value {
        let account = self.account();
        json!({
            "region": account.region,
            "endpointUrl": self.url,
            "cluster": "default",
            "subnets": account.subnets,
            "securityGroups": [account.security_group],
            "executionRole": account.execution_role,
            "schedulerRole": account.scheduler_role,
            "infrastructureRole": account.infrastructure_role,
            "loadBalancer": account.load_balancer,
            "networkLoadBalancer": account.network_load_balancer,
            "discoveryNamespace": account.discovery_namespace,
            "fileSystem": account.file_system,
        })
    }

    /// Decides what becomes of tasks from now on.
    pub fn rule(&self, rule: Rule) {
        self.inner.state().rules.push(rule);
    }

    /// Lets tasks run again as they do by themselves.
    pub fn forget_rules(&self) {
        self.inner.state().rules.clear();
    }

    /// Lets something go wrong.
    pub fn fault(&self, fault: Fault) {
        self.inner.counts.fault(fault);
    }

    /// Lets nothing go wrong any more.
    pub fn heal(&self) {
        self.inner.counts.heal();
    }

    /// How many calls met a fault.
    pub fn met(&self) -> u32 {
        self.inner.counts.met()
    }

    /// Lets calls of a pattern as in [`Fault::calls`] take so long at least.
    pub fn delay(&self, calls: &str, latency: Duration) {
        self.inner.counts.delay(calls, latency);
    }

    /// How often each operation was called, by `service:Operation`.
    pub fn calls(&self) -> BTreeMap<String, u32> {
        self.inner.counts.counts()
    }

    /// The calls that change something.
    pub fn writes(&self) -> BTreeMap<String, u32> {
        let reads = ["Describe", "List", "Get", "Batch", "Search"];
        let is_write = |name: &String| {
            let operation = name.split_once(':').map_or(name.as_str(), |(_, operation)| operation);
            !reads.iter().any(|read| operation.starts_with(read))
        };
        self.calls().into_iter().filter(|(name, _)| is_write(name)).collect()
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        self.inner.counts.forget();
    }

    /// The most calls that were being answered at once, by `service:Operation`; of all under `*`.
    pub fn most_at_once(&self) -> BTreeMap<String, u32> {
        self.inner.counts.most_at_once()
    }

    /// Requests, and answers of its own, that do not fit botocore's models.
    pub fn violations(&self) -> Vec<String> {
        self.inner.violations()
    }

    /// What ECS answers to a call, past all counts, faults and models.
    ///
    /// # Errors
    /// The error's code and message.
    pub fn ecs(&self, operation: &str, input: &Value) -> Result<Value, String> {
        let answer = api::answer(&mut self.inner.state(), operation, input);
        answer.map_err(|error| format!("{}: {}", error.code, error.message))
    }

    /// What there is in the services beside ECS, as boto3 reads it from moto.
    ///
    /// # Errors
    /// When boto3 fails, which ends it.
    pub fn inventory(&self) -> io::Result<Vec<Resource>> {
        self.inner.moto.inventory(&self.account().account)
    }

    /// What a JSON service of moto answers to a call on this account; `target` as in `X-Amz-Target`.
    ///
    /// # Errors
    /// What moto says.
    pub fn moto_json(&self, service: &str, target: &str, body: &Value) -> Result<Value, String> {
        wait(self.inner.moto_calls.json(service, target, body))
    }

    /// What a service of moto that takes forms answers to a call on this account.
    ///
    /// # Errors
    /// What moto says.
    pub fn moto_query(&self, service: &str, parameters: &[(&str, &str)]) -> Result<String, String> {
        wait(self.inner.moto_calls.query(service, parameters))
    }
}

/// Waits for a call, on a thread of its own, since the test's may be a runtime's.
fn wait<T: Send>(call: impl Future<Output = Result<T, String>> + Send) -> Result<T, String> {
    let runtime = RUNTIME.as_ref().map_err(ToString::to_string)?;
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| runtime.block_on(call));
        thread.join().unwrap_or_else(|_| Err("the call panicked".to_owned()))
    })
}

impl Drop for Double {
    fn drop(&mut self) {
        self.ending.cancel();
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, found: Vec<String>) {
        let mut violations = self.violations.lock().unwrap_or_else(PoisonError::into_inner);
        for one in found {
            if !violations.contains(&one) {
                violations.push(one);
            }
        }
    }

    fn violations(&self) -> Vec<String> {
        self.violations.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
