//! What the AWS CLI's files say.

use std::borrow::Cow;
use std::path::PathBuf;

use aws_config::profile::ProfileSet;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::os_shim_internal::{Env, Fs};
use rhumb_backend::{Error, ErrorKind, Result};

use super::{Environment, Settings};

/// The profile that is meant, and the files that it is in.
#[derive(Debug)]
pub(super) struct Profile {
    /// Its name.
    pub(super) name: String,
    pub(super) files: EnvConfigFiles,
    pub(super) region: Option<String>,
    pub(super) endpoint_url: Option<String>,
}

impl Profile {
    /// Reads the files.
    ///
    /// # Errors
    /// `Invalid` when they cannot be understood, or when a profile was named that is not in them.
    ///
    /// Source: AWS SDKs and Tools Reference Guide, "Location of the shared config and credentials files".
    pub(super) async fn read(settings: &Settings, environment: &Environment) -> Result<Self> {
        let files = files(environment).await;
        let variables: Vec<(&str, &str)> =
            environment.vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let env = Env::from_slice(&variables);
        let wanted = settings.profile.as_deref().or_else(|| environment.get("AWS_PROFILE"));
        let chosen = wanted.map(|name| Cow::Owned(name.to_owned()));
        // The text of the cause may quote a line of the credentials file.
        let loaded = aws_config::profile::load(&Fs::real(), &env, &files, chosen).await;
        let set = loaded.map_err(|_| {
            Error::new(ErrorKind::Invalid, "read the AWS CLI's files", "they cannot be understood")
                .remedy("see `aws configure list`, which names the file and the line")
        })?;
        if let Some(wanted) = wanted.filter(|name| set.get_profile(name).is_none()) {
            return Err(unknown(wanted, &set));
        }
        let get = |key: &str| set.get(key).map(str::to_owned);
        Ok(Self {
            name: set.selected_profile().to_owned(),
            region: get("region"),
            endpoint_url: get("endpoint_url"),
            files,
        })
    }
}

/// The files that are there. One that is not is none that is wrong, as in the AWS CLI.
async fn files(environment: &Environment) -> EnvConfigFiles {
    let place = |variable: &str, name: &str| {
        let given = environment.get(variable).map(|path| expanded(path, environment));
        given.or_else(|| environment.home.as_deref().map(|home| home.join(".aws").join(name)))
    };
    // The builder wants at least one file, also where there is no home to have one.
    let mut builder = EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Config, "");
    let places = [
        (EnvConfigFileKind::Config, place("AWS_CONFIG_FILE", "config")),
        (EnvConfigFileKind::Credentials, place("AWS_SHARED_CREDENTIALS_FILE", "credentials")),
    ];
    for (kind, path) in places {
        if let Some(path) = path
            && tokio::fs::try_exists(&path).await.unwrap_or(true)
        {
            builder = builder.with_file(kind, path);
        }
    }
    builder.build()
}

/// A path with a leading `~/` replaced by the home.
fn expanded(path: &str, environment: &Environment) -> PathBuf {
    match (path.strip_prefix("~/"), environment.home.as_deref()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

fn unknown(wanted: &str, set: &ProfileSet) -> Error {
    let mut known: Vec<&str> = set.profiles().collect();
    known.sort_unstable();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Error::new(
        ErrorKind::Invalid,
        "find the profile",
        format!("the AWS CLI's files have no such profile: {known}"),
    )
    .with("profile", wanted)
    .remedy(format!("`aws configure --profile {wanted}`, or another `profile` in the target's settings"))
}
