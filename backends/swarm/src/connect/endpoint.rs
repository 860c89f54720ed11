//! Which engine is meant.

use std::fmt;
use std::path::{Path, PathBuf};

use rhumb_backend::{Error, ErrorKind, Result};

use super::context::{self, unverified};
use super::{DockerConfig, Environment, Settings, TlsSettings};

/// Where an engine is, and who said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The address.
    pub address: Address,
    /// Certificates, when the connection is encrypted by TLS.
    pub tls: Option<TlsFiles>,
    /// Where the address was found: `the target's host`, `DOCKER_HOST`, `the docker context edge`.
    pub source: String,
}

/// The address of an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A socket in the file system.
    Unix(PathBuf),
    /// Host and port.
    Tcp(String),
    /// What `ssh` calls the host: `user@host:22`.
    Ssh(String),
}

/// Certificates of a TLS connection, as paths of PEM files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// The authority that signed the engine's certificate; none means those that the system trusts.
    pub ca: Option<PathBuf>,
    /// The client's certificate and key.
    pub client: Option<(PathBuf, PathBuf)>,
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(formatter, "unix://{}", path.display()),
            Self::Tcp(host) => write!(formatter, "tcp://{host}"),
            Self::Ssh(host) => write!(formatter, "ssh://{host}"),
        }
    }
}

impl Settings {
    /// Looks for what cannot be meant.
    ///
    /// # Errors
    /// `Invalid` when both host and context are set, or the host is an address of an unknown kind.
    pub fn verify(&self) -> Result<()> {
        if self.host.is_some() && self.context.is_some() {
            let message = "the target sets both `host` and `context`";
            return Err(Error::new(ErrorKind::Invalid, "find the Docker Engine", message)
                .remedy("remove one of them"));
        }
        let host = self.host.as_deref().unwrap_or(DEFAULT);
        parse(host, 0).map(|_| ()).map_err(|error| error.with("from", HOST))
    }
}

const HOST: &str = "the target's host";

const DEFAULT: &str = "unix:///var/run/docker.sock";

impl Endpoint {
    /// Finds the engine that is meant: the target's host or context, `DOCKER_HOST`, `DOCKER_CONTEXT`, the docker
    /// CLI's current context, the socket of this machine; in this order.
    ///
    /// # Errors
    /// `Invalid` for an address of an unknown kind, or host and context at once; `NotFound` for a context that is not
    /// stored; `Unsupported` for TLS without a check of the engine's certificate.
    ///
    /// Source: docker/cli, `cli/command/cli.go`, `resolveContextName` and `resolveDockerEndpoint`.
    pub fn resolve(settings: &Settings, environment: &Environment) -> Result<Self> {
        let folder = environment.docker_config(settings);
        settings.verify()?;
        match (&settings.host, &settings.context) {
            (Some(host), _) => {
                let tls = settings.tls.as_ref().map(|tls| tls_files(tls, "the target's tls")).transpose()?;
                Self::at(host, tls, HOST.to_owned())
            }
            (None, Some(name)) => from_context(folder.as_deref(), name, settings, "the target names it"),
            (None, None) => from_environment(settings, environment, folder.as_deref()),
        }
    }

    fn at(host: &str, tls: Option<TlsFiles>, source: String) -> Result<Self> {
        let port = if tls.is_some() { 2376 } else { 2375 };
        let address = parse(host, port).map_err(|error| error.with("from", source.clone()))?;
        let tls = tls.filter(|_| matches!(address, Address::Tcp(_)));
        Ok(Self { address, tls, source })
    }
}

fn from_environment(
    settings: &Settings,
    environment: &Environment,
    folder: Option<&Path>,
) -> Result<Endpoint> {
    if let Some(host) = environment.var("DOCKER_HOST") {
        let tls = environment_tls(settings, environment, folder)?;
        return Endpoint::at(host, tls, "DOCKER_HOST".to_owned());
    }
    if let Some(name) = environment.var("DOCKER_CONTEXT").filter(|name| *name != "default") {
        return from_context(folder, name, settings, "DOCKER_CONTEXT");
    }
    if environment.var("DOCKER_CONTEXT").is_none() {
        let config = DockerConfig::load(folder)?;
        if let Some(name) = config.current_context.filter(|name| !name.is_empty() && name != "default") {
            return from_context(folder, &name, settings, "the docker CLI's current context");
        }
    }
    Endpoint::at(DEFAULT, None, "the default".to_owned())
}

fn from_context(folder: Option<&Path>, name: &str, settings: &Settings, why: &str) -> Result<Endpoint> {
    if name == "default" {
        return Endpoint::at(DEFAULT, None, format!("the docker context default ({why})"));
    }
    let found = context::load(folder, name)?;
    let tls = settings.tls.clone().or(found.tls);
    let tls = tls.map(|tls| tls_files(&tls, "the context's certificates")).transpose()?;
    Endpoint::at(&found.host, tls, format!("the docker context {name} ({why})"))
}

/// `DOCKER_TLS_VERIFY` with the certificates in `DOCKER_CERT_PATH`, unless the target has its own.
fn environment_tls(
    settings: &Settings,
    environment: &Environment,
    folder: Option<&Path>,
) -> Result<Option<TlsFiles>> {
    if let Some(tls) = &settings.tls {
        return tls_files(tls, "the target's tls").map(Some);
    }
    if environment.var("DOCKER_TLS_VERIFY").is_none() {
        return if environment.var("DOCKER_TLS").is_some() {
            Err(unverified().with("from", "DOCKER_TLS"))
        } else {
            Ok(None)
        };
    }
    let folder =
        environment.var("DOCKER_CERT_PATH").map(PathBuf::from).or_else(|| folder.map(Path::to_owned));
    let folder = folder.unwrap_or_default();
    let client = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
    let tls =
        TlsSettings { ca: Some(folder.join("ca.pem")), cert: client("cert.pem"), key: client("key.pem") };
    tls_files(&tls, "DOCKER_TLS_VERIFY").map(Some)
}

fn tls_files(tls: &TlsSettings, source: &str) -> Result<TlsFiles> {
    let invalid = |message: String| {
        Error::new(ErrorKind::Invalid, "find the certificates for the Docker Engine", message)
            .with("from", source)
    };
    for path in [&tls.ca, &tls.cert, &tls.key].into_iter().flatten() {
        std::fs::File::open(path).map_err(|error| invalid(format!("{}: {error}", path.display())))?;
    }
    let client = match (&tls.cert, &tls.key) {
        (Some(cert), Some(key)) => Some((cert.clone(), key.clone())),
        (None, None) => None,
        _ => return Err(invalid("a client certificate needs its key, and a key its certificate".to_owned())),
    };
    Ok(TlsFiles { ca: tls.ca.clone(), client })
}

fn parse(host: &str, port: u16) -> Result<Address> {
    let invalid = |message: &str| {
        Error::new(ErrorKind::Invalid, "find the Docker Engine", message)
            .with("address", host)
            .remedy("use unix:///path, tcp://host:port or ssh://user@host")
    };
    let (scheme, rest) = host.split_once("://").unwrap_or(("tcp", host));
    let rest = if scheme == "unix" { rest } else { rest.trim_end_matches('/') };
    match scheme {
        _ if rest.is_empty() => Err(invalid("the address is empty")),
        "unix" => Ok(Address::Unix(PathBuf::from(rest))),
        "tcp" | "http" | "https" => Ok(Address::Tcp(with_port(rest, port))),
        "ssh" if rest.contains('/') => Err(invalid("an ssh:// address has no path")),
        "ssh" => Ok(Address::Ssh(rest.to_owned())),
        "npipe" => Err(invalid("named pipes are for engines on Windows, which cannot be reached from here")),
        _ => Err(invalid("addresses of this kind are unknown")),
    }
}

fn with_port(host: &str, port: u16) -> String {
    let after_brackets = host.rsplit_once(']').map_or(host, |(_, rest)| rest);
    if after_brackets.contains(':') { host.to_owned() } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(vars: &[(&str, &str)], folder: &Path) -> Environment {
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Environment { vars, home: Some(folder.to_owned()) }
    }

    fn check(settings: &Settings, vars: &[(&str, &str)], folder: &Path, expect: &str) {
        let text = match Endpoint::resolve(settings, &environment(vars, folder)) {
            Ok(endpoint) => format!("{} from {}", endpoint.address, endpoint.source),
            Err(error) => error.to_string(),
        };
        assert_eq!(text, expect);
    }

    #[test]
    fn the_order_is_that_of_the_docker_cli() {
        let home = tempfile::tempdir().unwrap();
        let docker = home.path().join(".docker");
        context::store(&docker, "edge", "ssh://admin@edge:2222");
        context::store(&docker, "lab", "tcp://lab");
        std::fs::write(docker.join("config.json"), r#"{"currentContext": "lab"}"#).unwrap();
        let none = Settings::default();
        let host = Settings { host: Some("unix:///run/a.sock".to_owned()), ..Settings::default() };
        let context = Settings { context: Some("edge".to_owned()), ..Settings::default() };
        let all = [("DOCKER_HOST", "tcp://h:1"), ("DOCKER_CONTEXT", "edge")];
        check(&host, &all, home.path(), "unix:///run/a.sock from the target's host");
        check(
            &context,
            &all,
            home.path(),
            "ssh://admin@edge:2222 from the docker context edge (the target names it)",
        );
        check(&none, &all, home.path(), "tcp://h:1 from DOCKER_HOST");
        check(
            &none,
            &all[1..],
            home.path(),
            "ssh://admin@edge:2222 from the docker context edge (DOCKER_CONTEXT)",
        );
        check(
            &none,
            &[],
            home.path(),
            "tcp://lab:2375 from the docker context lab (the docker CLI's current context)",
        );
        check(
            &none,
            &[("DOCKER_CONTEXT", "default")],
            home.path(),
            "unix:///var/run/docker.sock from the default",
        );
        check(&none, &[], &home.path().join("empty"), "unix:///var/run/docker.sock from the default");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let both = Settings { host: Some("a".into()), context: Some("b".into()), ..Settings::default() };
        check(
            &both,
            &[],
            home.path(),
            "cannot find the Docker Engine: the target sets both `host` and `context`",
        );
        check(
            &Settings::default(),
            &[("DOCKER_HOST", "npipe:////./pipe/docker_engine")],
            home.path(),
            "cannot find the Docker Engine (address npipe:////./pipe/docker_engine) (from DOCKER_HOST): named pipes \
             are for engines on Windows, which cannot be reached from here",
        );
        check(
            &Settings::default(),
            &[("DOCKER_HOST", "tcp://h:1"), ("DOCKER_TLS", "1")],
            home.path(),
            "cannot connect to the Docker Engine (from DOCKER_TLS): TLS without a check of the engine's certificate \
             is open to whoever is on the way",
        );
    }

    #[test]
    fn tls_takes_its_files_from_the_certificate_path() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().to_str().unwrap();
        let vars = [("DOCKER_HOST", "tcp://h:2376"), ("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", path)];
        let resolve = || Endpoint::resolve(&Settings::default(), &environment(&vars, home.path()));
        let error = resolve().unwrap_err();
        assert!(error.message.contains("ca.pem"), "{error}");
        for name in ["ca.pem", "cert.pem", "key.pem"] {
            std::fs::write(home.path().join(name), "").unwrap();
        }
        let file = |name: &str| home.path().join(name);
        let files = TlsFiles { ca: Some(file("ca.pem")), client: Some((file("cert.pem"), file("key.pem"))) };
        assert_eq!(resolve().unwrap().tls, Some(files));
    }
}
