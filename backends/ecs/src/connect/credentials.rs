//! Who calls: credentials as the AWS CLI finds them.

use std::time::{Duration, SystemTime};

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::{StaticConfiguration, WebIdentityTokenCredentialsProvider};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use tokio::sync::Mutex;

use super::profile::Profile;
use super::{Environment, Settings};

/// Credentials that end sooner than this are asked for anew.
const MARGIN: Duration = Duration::from_mins(1);

/// Credentials as the AWS CLI finds them, asked for once and again when they are about to end.
///
/// In order: those in variables, unless the target names a profile; a web identity's token; the profile, with all that
/// one can name (keys, a role, SSO, a process); those of a container; those of the machine.
///
/// Source: AWS CLI user guide, "Configuration settings and precedence".
#[derive(Debug)]
pub(super) struct Chain {
    chain: CredentialsProviderChain,
    held: Mutex<Option<Credentials>>,
}

impl Chain {
    pub(super) fn new(
        settings: &Settings,
        environment: &Environment,
        profile: &Profile,
        config: &ProviderConfig,
    ) -> Self {
        let of_profile = ProfileFileCredentialsProvider::builder()
            .configure(config)
            .profile_files(profile.files.clone())
            .profile_name(profile.name.clone())
            .with_custom_provider("Environment", Variables(variables(environment)))
            .build();
        let chain = if settings.profile.is_some() {
            CredentialsProviderChain::first_try("Profile", of_profile)
        } else {
            let chain = CredentialsProviderChain::first_try("Environment", Variables(variables(environment)));
            let chain = match web_identity(environment) {
                Some(identity) => {
                    let builder = WebIdentityTokenCredentialsProvider::builder().configure(config);
                    chain.or_else("WebIdentityToken", builder.static_configuration(identity).build())
                }
                None => chain,
            };
            let chain = chain.or_else("Profile", of_profile);
            let chain =
                chain.or_else("Container", EcsCredentialsProvider::builder().configure(config).build());
            if is_true(environment.get("AWS_EC2_METADATA_DISABLED")) {
                chain
            } else {
                chain.or_else("Machine", ImdsCredentialsProvider::builder().configure(config).build())
            }
        };
        Self { chain, held: Mutex::default() }
    }

    async fn credentials(&self) -> provider::Result {
        let mut held = self.held.lock().await;
        if let Some(credentials) = held.as_ref().filter(|credentials| is_fresh(credentials)) {
            return Ok(credentials.clone());
        }
        let credentials = self.chain.provide_credentials().await?;
        *held = Some(credentials.clone());
        Ok(credentials)
    }
}

impl ProvideCredentials for Chain {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

fn is_fresh(credentials: &Credentials) -> bool {
    credentials.expiry().is_none_or(|end| end > SystemTime::now() + MARGIN)
}

/// Whether a variable of the AWS CLI's is set to yes.
pub(super) fn is_true(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.eq_ignore_ascii_case("true") || text == "1")
}

/// Credentials in variables; none when they are not there.
#[derive(Clone, Debug)]
struct Variables(Option<Credentials>);

impl ProvideCredentials for Variables {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let found = self.0.clone();
        future::ProvideCredentials::ready(
            found.ok_or_else(|| CredentialsError::not_loaded("no credentials in variables")),
        )
    }
}

fn variables(environment: &Environment) -> Option<Credentials> {
    let key = environment.get("AWS_ACCESS_KEY_ID")?;
    let secret = environment.get("AWS_SECRET_ACCESS_KEY")?;
    let token = environment.get("AWS_SESSION_TOKEN").map(str::to_owned);
    Some(Credentials::new(key, secret, token, None, "Environment"))
}

fn web_identity(environment: &Environment) -> Option<StaticConfiguration> {
    Some(StaticConfiguration {
        web_identity_token_file: environment.get("AWS_WEB_IDENTITY_TOKEN_FILE")?.into(),
        role_arn: environment.get("AWS_ROLE_ARN")?.to_owned(),
        session_name: environment.get("AWS_ROLE_SESSION_NAME").unwrap_or("rhumb").to_owned(),
    })
}
