//! An account, and the calls and clients of its services.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::default_async_sleep;
use aws_smithy_runtime_api::client::http::{SharedHttpConnector, http_client_fn};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use rhumb_backend::{Error, ErrorKind, Result, reread};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::call::{self, Operation};
use super::credentials::{Chain, is_true};
use super::http::{self, ANSWER_TIMEOUT, CONNECT_TIMEOUT};
use super::profile::Profile;
use super::service::Fips;
use super::{Environment, Service, Settings};

/// Fields that tell where the next page begins, in answers and in requests.
///
/// Source: botocore's paginators of the services that we call.
const TOKENS: [(&str, &str); 3] =
    [("nextToken", "nextToken"), ("NextToken", "NextToken"), ("NextMarker", "Marker")];
/// The most pages of one list. More can only be a server that goes round in circles.
const MAX_PAGES: usize = 10_000;

/// An account in a region, connected to when it is first asked for something.
///
/// [`Account::call`] takes the JSON that the AWS CLI takes and returns what it would print: it is for requests that are
/// made of documents, and for answers that are compared with them. The SDK finds the credentials, signs and connects; its
/// own client is for what has no documents. Neither repeats a call.
#[derive(Debug)]
pub(crate) struct Account {
    settings: Settings,
    environment: Environment,
    connected: OnceCell<Connected>,
    identity: OnceCell<Identity>,
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The ARN of whoever calls.
    pub(crate) arn: String,
    /// The account's number.
    pub(crate) account: String,
    /// The partition, with which ARNs begin: `aws`, `aws-cn`.
    pub(crate) partition: String,
}

/// What there is once the settings, variables and files are read.
pub(super) struct Connected {
    pub(super) region: String,
    /// The profile's name, for people.
    pub(super) profile: String,
    pub(super) credentials: SharedCredentialsProvider,
    sdk: SdkConfig,
    pub(super) connector: SharedHttpConnector,
    endpoints: Endpoints,
}

impl fmt::Debug for Connected {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Connected").field("region", &self.region).finish_non_exhaustive()
    }
}

impl Account {
    /// The account that a target and the environment name.
    pub(crate) fn new(settings: Settings, environment: Environment) -> Self {
        Self { settings, environment, connected: OnceCell::new(), identity: OnceCell::new() }
    }

    /// What the target says.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What the process's environment says.
    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The cluster's name or ARN, as calls take it.
    pub(crate) fn cluster(&self) -> &str {
        self.settings.cluster.as_deref().unwrap_or("default")
    }

    /// The region: `eu-west-1`.
    ///
    /// # Errors
    /// `Invalid` when none is named, or what is named cannot be used.
    pub(crate) async fn region(&self) -> Result<&str> {
        Ok(self.connected().await?.region.as_str())
    }

    /// The name of the profile whose credentials and region are used where nothing else names them.
    pub(crate) async fn profile(&self) -> Result<&str> {
        Ok(self.connected().await?.profile.as_str())
    }

    /// Who calls. It is asked once.
    ///
    /// # Errors
    /// As for [`Account::call`].
    ///
    /// Source: AWS STS API reference, `GetCallerIdentity`, which needs no right.
    pub(crate) async fn identity(&self) -> Result<&Identity> {
        let ask = async || {
            let answer = self.call("sts:GetCallerIdentity", &Value::Null).await?;
            let text = |field: &str| answer[field].as_str().unwrap_or_default().to_owned();
            let arn = text("Arn");
            let partition = arn.split(':').nth(1).unwrap_or("aws").to_owned();
            Ok(Identity { account: text("Account"), partition, arn })
        };
        self.identity.get_or_try_init(ask).await
    }

    /// Where a service is asked: `https://ecs.eu-west-1.amazonaws.com`.
    pub(crate) async fn address(&self, service: Service) -> Result<String> {
        Ok(self.connected().await?.address(service))
    }

    /// Carries out an operation: signs the request, sends it and reads the answer. One that only
    /// reads is asked again when the answer is one that passes; one that changes something is sent once.
    ///
    /// `operation` is botocore's names of service and operation, as in [`crate::kind::Kind::call`]: `ecs:CreateService`,
    /// `elbv2:DescribeRules`, `ec2:DescribeSubnets`. `body` is what the AWS CLI takes with `--cli-input-json`, in the API's
    /// own casing; null is the same as `{}`. Fields that a service does not know go through unchanged where it takes JSON.
    /// The answer is what the AWS CLI would print. Operations of EventBridge Scheduler and EFS must be among those in
    /// `rest.rs`.
    ///
    /// # Errors
    /// What the service answers, with `retry` set to what may pass; `Unauthenticated` when there are no credentials;
    /// `Unreachable` and `Timeout`. No error quotes secret parts of `body`.
    pub(crate) async fn call(&self, operation: &'static str, body: &Value) -> Result<Value> {
        let (connected, operation) = (self.connected().await?, Operation::read(operation)?);
        if operation.only_reads() {
            return reread(|| call::send(connected, operation, body)).await;
        }
        call::send(connected, operation, body).await
    }

    /// The same; none when the service says that the thing is not there.
    pub(crate) async fn find(&self, operation: &'static str, body: &Value) -> Result<Option<Value>> {
        match self.call(operation, body).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Every item of a list, page by page: what is under `items` in the answers.
    ///
    /// # Errors
    /// As for [`Account::call`]; `Platform` when the pages do not end.
    pub(crate) async fn all(&self, operation: &'static str, body: &Value, items: &str) -> Result<Vec<Value>> {
        let mut request = if body.is_null() { Value::Object(serde_json::Map::new()) } else { body.clone() };
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        for _ in 0..MAX_PAGES {
            let mut answer = self.call(operation, &request).await?;
            if let Some(Value::Array(page)) = answer.get_mut(items).map(Value::take) {
                found.extend(page);
            }
            let next = TOKENS.iter().find_map(|(told, asked)| {
                let token = answer.get(told)?.as_str().filter(|token| !token.is_empty())?;
                Some((*asked, token.to_owned()))
            });
            let Some((field, token)) = next else { return Ok(found) };
            if !seen.insert(token.clone()) {
                break;
            }
            request[field] = Value::String(token);
        }
        Err(Error::new(ErrorKind::Platform, "list", "the pages do not end").with("call", operation))
    }

    /// The SDK's client of Systems Manager.
    pub(crate) async fn ssm(&self) -> Result<aws_sdk_ssm::Client> {
        let connected = self.connected().await?;
        let mut config = aws_sdk_ssm::config::Builder::from(&connected.sdk);
        config.set_endpoint_url(connected.endpoints.own(Service::Ssm));
        Ok(aws_sdk_ssm::Client::from_conf(config.build()))
    }

    async fn connected(&self) -> Result<&Connected> {
        self.connected.get_or_try_init(|| Connected::new(&self.settings, &self.environment)).await
    }
}

impl Connected {
    async fn new(settings: &Settings, environment: &Environment) -> Result<Self> {
        let profile = Profile::read(settings, environment).await?;
        let region = region(settings, environment, &profile)?;
        let connector = http::connector(environment).await?;
        let shared = connector.clone();
        let client = http_client_fn(move |_, _| shared.clone());
        let provider = ProviderConfig::empty()
            .with_http_client(client.clone())
            .with_region(Some(Region::new(region.clone())))
            .with_retry_config(RetryConfig::standard());
        let provider = match default_async_sleep() {
            Some(sleep) => provider.with_sleep_impl(sleep),
            None => provider,
        };
        let chain = Chain::new(settings, environment, &profile, &provider);
        let credentials = SharedCredentialsProvider::new(chain);
        let endpoints = Endpoints::new(settings, environment, &profile);
        let mut sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.clone()))
            .credentials_provider(credentials.clone())
            .http_client(client)
            .retry_config(RetryConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .read_timeout(ANSWER_TIMEOUT)
                    .operation_attempt_timeout(CONNECT_TIMEOUT + ANSWER_TIMEOUT)
                    .build(),
            )
            .use_fips(endpoints.fips == Fips::On);
        sdk.set_sleep_impl(default_async_sleep());
        Ok(Self { region, profile: profile.name, credentials, sdk: sdk.build(), connector, endpoints })
    }

    pub(super) fn address(&self, service: Service) -> String {
        let own = self.endpoints.own(service);
        own.unwrap_or_else(|| service.address(&self.region, self.endpoints.fips))
    }
}

/// Source: AWS CLI user guide, "Configuration settings and precedence".
fn region(settings: &Settings, environment: &Environment, profile: &Profile) -> Result<String> {
    let named = settings.region.as_deref();
    let named =
        named.or_else(|| environment.get("AWS_REGION")).or_else(|| environment.get("AWS_DEFAULT_REGION"));
    let region = named.map(str::to_owned).or_else(|| profile.region.clone()).ok_or_else(|| {
        let why = format!("neither the target, AWS_REGION nor the profile `{}` names one", profile.name);
        Error::new(ErrorKind::Invalid, "find the region", why).remedy(
            "`region` in the target's settings: `rhumb target add NAME --backend ecs --set region=eu-west-1`",
        )
    })?;
    let is_region =
        region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if is_region && !region.is_empty() {
        return Ok(region);
    }
    Err(Error::new(ErrorKind::Invalid, "use the region", "it is no name of a region")
        .with("region", region)
        .remedy("a name like `eu-west-1`"))
}

/// Addresses in the place of AWS's own.
#[derive(Clone, Debug, Default)]
struct Endpoints {
    of_all: Option<String>,
    of_services: BTreeMap<String, String>,
    fips: Fips,
}

impl Endpoints {
    /// Source: AWS SDKs and Tools Reference Guide, "Service-specific endpoints" and "Dual-stack and FIPS endpoints".
    fn new(settings: &Settings, environment: &Environment, profile: &Profile) -> Self {
        let fips = if is_true(environment.get("AWS_USE_FIPS_ENDPOINT")) { Fips::On } else { Fips::Off };
        let own = Self { of_all: settings.endpoint_url.clone(), of_services: BTreeMap::new(), fips };
        if own.of_all.is_some() || is_true(environment.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")) {
            return own;
        }
        let of_all = environment.get("AWS_ENDPOINT_URL").map(str::to_owned);
        let of_services = environment
            .vars
            .iter()
            .filter(|(name, address)| name.starts_with("AWS_ENDPOINT_URL_") && !address.is_empty());
        Self {
            of_all: of_all.or_else(|| profile.endpoint_url.clone()),
            of_services: of_services.map(|(name, address)| (name.clone(), address.clone())).collect(),
            fips,
        }
    }

    fn own(&self, service: Service) -> Option<String> {
        self.of_services.get(&service.variable()).or(self.of_all.as_ref()).cloned()
    }
}
