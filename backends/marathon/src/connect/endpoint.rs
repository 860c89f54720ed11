//! Where the servers are, and who says so.

use std::fmt;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use reqwest::Url;
use rhumb_backend::{Error, ErrorKind, Result};

use super::dcos::{Attached, attached};
use super::{Environment, Settings};

/// Where the servers are, and who says so.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// Marathon's addresses, one for each of its masters, without a slash at the end.
    pub(crate) masters: Vec<Url>,
    /// The address of the DC/OS cluster that Marathon is a service of.
    pub(crate) cluster: Option<Url>,
    /// Who the servers are told that we are.
    pub(crate) credentials: Credentials,
    /// The PEM file of the authority that signed the servers' certificates.
    pub(crate) ca: Option<PathBuf>,
    /// Who named the address: `the target's url`.
    pub(crate) source: &'static str,
}

/// Who the servers are told that we are.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// Nobody.
    #[default]
    None,
    /// HTTP basic authentication.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// A DC/OS token.
    Token(String),
}

impl fmt::Debug for Credentials {
    /// Without password and token.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::None => "None",
            Self::Basic { .. } => "Basic(…)",
            Self::Token(_) => "Token(…)",
        })
    }
}

impl Endpoint {
    /// Finds the servers: the target's `url`, else `MARATHON_URL`, else the cluster that the DC/OS CLI is attached to, else
    /// `http://localhost:8080`, where Marathon listens if nobody says otherwise.
    ///
    /// Credentials of the environment and of the DC/OS CLI are only for the address that came with them.
    ///
    /// # Errors
    /// `Invalid` for addresses that are none, settings that contradict each other, and certificates that nobody checks.
    pub(crate) fn resolve(settings: &Settings, environment: &Environment) -> Result<Self> {
        let attached = attached(environment)?;
        let (masters, source, given) = place(settings, environment, attached.as_ref())?;
        let cluster = masters.first().and_then(cluster_of);
        let attached = attached.filter(|attached| is_same(attached, cluster.as_ref()));
        let credentials = credentials(settings, given, attached.as_ref())?;
        let ca = match (&settings.ca, &attached) {
            (Some(ca), _) => Some(ca.clone()),
            (None, Some(attached)) => authority(attached)?,
            (None, None) => None,
        };
        Ok(Self { masters, cluster, credentials, ca, source })
    }

    /// The addresses as people write them.
    pub(crate) fn shown(&self) -> String {
        self.masters.iter().map(|url| url.as_str().trim_end_matches('/')).collect::<Vec<_>>().join(", ")
    }
}

/// Marathon's addresses, who named them, and the credentials that came with them.
fn place(
    settings: &Settings,
    environment: &Environment,
    attached: Option<&Attached>,
) -> Result<(Vec<Url>, &'static str, Credentials)> {
    if let Some(url) = &settings.url {
        let (masters, given) = addresses(url, "the target's url")?;
        return Ok((masters, "the target's url", given));
    }
    if let Some(url) = environment.var("MARATHON_URL") {
        let (masters, given) = addresses(url, "MARATHON_URL")?;
        let of = |name: &str| environment.var(name).map(ToOwned::to_owned);
        let given = match (of("MARATHON_USER"), of("MARATHON_PASSWORD"), of("MARATHON_TOKEN")) {
            (_, _, Some(token)) => Credentials::Token(token),
            (Some(user), password, None) => {
                Credentials::Basic { user, password: password.unwrap_or_default() }
            }
            _ => given,
        };
        return Ok((masters, "MARATHON_URL", given));
    }
    if let Some(attached) = attached {
        let source = "the DC/OS CLI's attached cluster";
        let url = format!("{}/service/marathon", attached.url.trim_end_matches('/'));
        let (masters, given) = addresses(&url, source)?;
        return Ok((masters, source, given));
    }
    let source = "the default, since nothing else names an address";
    let (masters, given) = addresses("http://localhost:8080", source)?;
    Ok((masters, source, given))
}

/// Addresses with commas between them, and the credentials that stand in the first one that has some.
fn addresses(written: &str, source: &str) -> Result<(Vec<Url>, Credentials)> {
    let mut credentials = Credentials::None;
    let mut urls = Vec::new();
    for part in written.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let mut url = address(part, source)?;
        if !url.username().is_empty() && credentials == Credentials::None {
            let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
            let password = plain(url.password().unwrap_or_default());
            credentials = Credentials::Basic { user: plain(url.username()), password };
        }
        // They go into a header; an address is shown to people.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        urls.push(url);
    }
    if urls.is_empty() {
        return Err(invalid("the address is empty", source));
    }
    Ok((urls, credentials))
}

/// One address.
///
/// # Errors
/// `Invalid`. The text is not shown, since it may hold a password.
pub(super) fn address(written: &str, source: &str) -> Result<Url> {
    let whole = if written.contains("://") { written.to_owned() } else { format!("http://{written}") };
    let mut url =
        whole.parse::<Url>().map_err(|error| invalid(&format!("the address is none: {error}"), source))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(invalid(&format!("addresses of the kind {}:// are unknown", url.scheme()), source));
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    // Some copy the address of the API.
    url.set_path(path.strip_suffix("/v2").unwrap_or(&path));
    Ok(url)
}

fn invalid(message: &str, source: &str) -> Error {
    Error::new(ErrorKind::Invalid, "find Marathon", message.to_owned()).with("from", source).remedy(
        "use http://host:port, or https://host/service/marathon on DC/OS; several with commas between them",
    )
}

/// The DC/OS cluster whose service an address is: what is before `/service/`.
///
/// Source: DC/OS documentation, Admin Router, "service endpoint".
fn cluster_of(url: &Url) -> Option<Url> {
    let (before, _) = url.path().split_once("/service/")?;
    let mut cluster = url.clone();
    cluster.set_path(before);
    Some(cluster)
}

/// Whether the address is of the cluster that the DC/OS CLI is attached to.
fn is_same(attached: &Attached, cluster: Option<&Url>) -> bool {
    let other = attached.url.parse::<Url>().ok();
    let origin = |url: &Url| (url.scheme().to_owned(), url.host_str().map(ToOwned::to_owned), url.port());
    cluster.is_some_and(|cluster| other.is_some_and(|other| origin(&other) == origin(cluster)))
}

fn credentials(settings: &Settings, given: Credentials, attached: Option<&Attached>) -> Result<Credentials> {
    let conflict = |message: &str| Err(invalid(message, "the target"));
    match (&settings.token, &settings.user, &settings.password) {
        (Some(_), Some(_), _) => conflict("the target sets both `token` and `user`"),
        (None, None, Some(_)) => conflict("the target sets `password` and no `user`"),
        (Some(token), None, _) => Ok(Credentials::Token(token.clone())),
        (None, Some(user), password) => {
            let password = password.clone().unwrap_or_default();
            Ok(Credentials::Basic { user: user.clone(), password })
        }
        (None, None, None) if given != Credentials::None => Ok(given),
        (None, None, None) => {
            let token = attached.and_then(|attached| attached.token.clone());
            Ok(token.map_or(Credentials::None, Credentials::Token))
        }
    }
}

/// The authority that the DC/OS CLI trusts for the cluster.
fn authority(attached: &Attached) -> Result<Option<PathBuf>> {
    match attached.verify.as_deref().filter(|_| attached.url.starts_with("https:")) {
        None | Some("true" | "True" | "1") => Ok(None),
        Some("false" | "False" | "0") => Err(Error::new(
            ErrorKind::Invalid,
            "find Marathon",
            "the DC/OS CLI is told not to check the cluster's certificate, and without a check the token is open to \
             whoever is on the way",
        )
        .with("from", "core.ssl_verify of the DC/OS CLI")
        .remedy("save the cluster's authority from <cluster>/ca/dcos-ca.crt, and name the file with the target's `ca`")),
        Some(file) => Ok(Some(PathBuf::from(file))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn environment(vars: &[(&str, &str)], home: &Path) -> Environment {
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Environment { vars, home: Some(home.to_owned()) }
    }

    fn check(settings: &Settings, vars: &[(&str, &str)], expect: &str) {
        let text = match Endpoint::resolve(settings, &environment(vars, Path::new("/nowhere"))) {
            Ok(endpoint) => {
                format!("{} as {:?} from {}", endpoint.shown(), endpoint.credentials, endpoint.source)
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(text, expect);
    }

    fn at(url: &str) -> Settings {
        Settings { url: Some(url.to_owned()), ..Settings::default() }
    }

    #[test]
    fn the_target_goes_before_the_environment() {
        let vars = [("MARATHON_URL", "http://u:p%40@m1:8080/,m2:8080/v2"), ("DCOS_URL", "https://c")];
        check(&at("http://t:1"), &vars, "http://t:1 as None from the target's url");
        check(&Settings::default(), &vars, "http://m1:8080, http://m2:8080 as Basic(…) from MARATHON_URL");
        check(
            &Settings::default(),
            &vars[1..],
            "https://c/service/marathon as None from the DC/OS CLI's attached cluster",
        );
        check(
            &Settings::default(),
            &[],
            "http://localhost:8080 as None from the default, since nothing else names an address",
        );
    }

    #[test]
    fn a_token_goes_only_to_the_cluster_that_it_came_with() {
        let vars = [("DCOS_URL", "https://c"), ("DCOS_ACS_TOKEN", "secret")];
        check(&at("https://c/service/mom"), &vars, "https://c/service/mom as Token(…) from the target's url");
        check(&at("https://d/service/mom"), &vars, "https://d/service/mom as None from the target's url");
        check(
            &at("http://c/service/marathon"),
            &vars,
            "http://c/service/marathon as None from the target's url",
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let both = Settings { user: Some("u".into()), token: Some("t".into()), ..at("http://t") };
        check(&both, &[], "cannot find Marathon (from the target): the target sets both `token` and `user`");
        check(
            &at("ftp://t"),
            &[],
            "cannot find Marathon (from the target's url): addresses of the kind ftp:// are unknown",
        );
        check(
            &Settings::default(),
            &[("DCOS_URL", "https://c"), ("DCOS_SSL_VERIFY", "false")],
            "cannot find Marathon (from core.ssl_verify of the DC/OS CLI): the DC/OS CLI is told not to check the \
             cluster's certificate, and without a check the token is open to whoever is on the way",
        );
    }

    #[test]
    fn nothing_secret_is_shown() {
        let settings = Settings { password: Some("canary".into()), user: Some("u".into()), ..at("http://t") };
        let endpoint = Endpoint::resolve(&settings, &Environment::default()).unwrap();
        let given = Credentials::Basic { user: "u".into(), password: "canary".into() };
        assert_eq!(endpoint.credentials, given);
        assert!(!format!("{endpoint:?}{settings:?}").contains("canary"));
        let endpoint = Endpoint::resolve(&at("http://u:canary@t"), &Environment::default()).unwrap();
        assert!(!format!("{endpoint:?}").contains("canary"));
        let error = Endpoint::resolve(&at("http://u:canary@t:port"), &Environment::default()).unwrap_err();
        assert!(!format!("{error:?}").contains("canary"));
    }
}
