//! Which cluster is meant, as whom, and where that is written.

use std::path::{Path, PathBuf};

use kube::config::{Config, ExecInteractiveMode, Kubeconfig, KubeconfigError};
use rhumb_backend::{Error, ErrorKind, Result};
use rhumb_spec::suggest;

use super::{Environment, Settings, proxy};

/// Where a pod finds what its service account may use.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const OPERATION: &str = "read the kubeconfig";

/// The cluster that is meant.
#[derive(Clone)]
pub(super) struct Chosen {
    /// How it is reached.
    pub(super) config: Config,
    /// The namespace that is named with it.
    pub(super) namespace: Option<String>,
    /// Who said so: `context prod, from KUBECONFIG`.
    pub(super) source: String,
}

/// Finds the cluster that is meant: in the target's kubeconfig, else in the files of `KUBECONFIG` merged into one, else
/// in `~/.kube/config`, else the one that this process runs in. In merged files, what comes first stays. Files that
/// are not there are passed over, except for the one that a target names. Relative paths in a file are relative to it.
///
/// Source: client-go, `tools/clientcmd/loader.go`.
///
/// # Errors
/// `Invalid` when a file cannot be read, or the context, its cluster or its user is not in it.
pub(super) fn choose(settings: &Settings, environment: &Environment) -> Result<Chosen> {
    let (files, said_by) = files(settings, environment);
    let mut merged = Kubeconfig::default();
    for file in &files {
        if settings.kubeconfig.is_none() && !file.exists() {
            continue;
        }
        let mut next = Kubeconfig::read_from(file).map_err(|error| unreadable(file, &error))?;
        next.current_context = next.current_context.filter(|name| !name.is_empty());
        merged = merged.merge(next).map_err(|error| unreadable(file, &error))?;
    }
    if merged.contexts.is_empty() && settings.context.is_none() {
        let inside = in_cluster(environment)?;
        return inside.ok_or_else(|| no_cluster(&files, &said_by));
    }
    let name = settings.context.clone().or_else(|| merged.current_context.clone());
    let name = name.ok_or_else(|| no_current(&merged, &said_by))?;
    of_context(merged, &name, &said_by, environment)
}

fn files(settings: &Settings, environment: &Environment) -> (Vec<PathBuf>, String) {
    if let Some(file) = &settings.kubeconfig {
        return (vec![file.clone()], format!("from {}", file.display()));
    }
    let listed: Vec<PathBuf> = environment
        .get("KUBECONFIG")
        .map(|list| std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty()).collect())
        .unwrap_or_default();
    if !listed.is_empty() {
        return (listed, "from KUBECONFIG".to_owned());
    }
    let usual = environment.home.as_deref().map(|home| home.join(".kube").join("config"));
    let said_by = usual.as_ref().map(|file| format!("from {}", file.display())).unwrap_or_default();
    (usual.into_iter().collect(), said_by)
}

fn of_context(
    mut merged: Kubeconfig,
    name: &str,
    said_by: &str,
    environment: &Environment,
) -> Result<Chosen> {
    let named = merged.contexts.iter().find(|context| context.name == name);
    let context = named.and_then(|named| named.context.clone()).ok_or_else(|| {
        let known: Vec<&str> = merged.contexts.iter().map(|context| context.name.as_str()).collect();
        missing("context", name, said_by, &known)
    })?;
    let clusters: Vec<&str> = merged.clusters.iter().map(|cluster| cluster.name.as_str()).collect();
    if !clusters.contains(&context.cluster.as_str()) {
        return Err(missing("cluster", &context.cluster, said_by, &clusters).with("context", name));
    }
    let users: Vec<&str> = merged.auth_infos.iter().map(|user| user.name.as_str()).collect();
    if let Some(user) = context.user.as_deref().filter(|user| !user.is_empty() && !users.contains(user)) {
        return Err(missing("user", user, said_by, &users).with("context", name));
    }
    let proxy_url = take_proxy(&mut merged, &context.cluster);
    quieten(&mut merged, environment);
    merged.current_context = Some(name.to_owned());
    let invalid = |error: KubeconfigError| wrong(&error, said_by).with("context", name);
    let mut config = Config::try_from(merged).map_err(invalid)?;
    config.proxy_url = proxy::proxy(proxy_url.as_deref(), &config.cluster_url, environment)?;
    let namespace = context.namespace.filter(|namespace| !namespace.is_empty());
    Ok(Chosen { config, namespace, source: format!("context {name}, {said_by}") })
}

/// Takes the proxy out of the kubeconfig: the library's own rules for it are not kubectl's.
fn take_proxy(kubeconfig: &mut Kubeconfig, cluster: &str) -> Option<String> {
    let named = kubeconfig.clusters.iter_mut().find(|named| named.name == cluster)?;
    named.cluster.as_mut()?.proxy_url.take()
}

/// Where nobody can answer, a program for credentials is told so; what it prints is then part of the error.
fn quieten(kubeconfig: &mut Kubeconfig, environment: &Environment) {
    if environment.is_interactive {
        return;
    }
    for user in &mut kubeconfig.auth_infos {
        if let Some(exec) = user.auth_info.as_mut().and_then(|user| user.exec.as_mut()) {
            exec.interactive_mode = Some(ExecInteractiveMode::Never);
        }
    }
}

/// The cluster that this process runs in, if it does.
///
/// Source: client-go, `rest/config.go`, `InClusterConfig`.
fn in_cluster(environment: &Environment) -> Result<Option<Chosen>> {
    let folder = Path::new(SERVICE_ACCOUNT);
    let (Some(host), Some(port)) =
        (environment.get("KUBERNETES_SERVICE_HOST"), environment.get("KUBERNETES_SERVICE_PORT"))
    else {
        return Ok(None);
    };
    if !folder.join("token").exists() {
        return Ok(None);
    }
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let url = format!("https://{host}:{port}").parse().map_err(|_| {
        Error::new(ErrorKind::Invalid, "connect to the cluster", "KUBERNETES_SERVICE_HOST is no address")
    })?;
    let mut config = Config::new(url);
    config.root_cert_file = Some(folder.join("ca.crt"));
    config.auth_info.token_file = Some(folder.join("token").display().to_string());
    let of_pod = || std::fs::read_to_string(folder.join("namespace")).ok().map(|text| text.trim().to_owned());
    let namespace = environment.get("POD_NAMESPACE").map(ToOwned::to_owned).or_else(of_pod);
    config.proxy_url = proxy::proxy(None, &config.cluster_url, environment)?;
    Ok(Some(Chosen { config, namespace, source: "the cluster that this runs in".to_owned() }))
}

fn unreadable(file: &Path, error: &KubeconfigError) -> Error {
    wrong(error, &file.display().to_string()).with("file", file.display().to_string())
}

/// What is wrong with a kubeconfig, without what it holds: a snippet of it may hold a token.
fn wrong(error: &KubeconfigError, said_by: &str) -> Error {
    let message = match error {
        KubeconfigError::ReadConfig(why, _) => why.to_string(),
        KubeconfigError::Parse(why) => {
            let place = why.location().map(|at| format!(" at line {}", at.line())).unwrap_or_default();
            format!("it is no kubeconfig{place}")
        }
        KubeconfigError::KindMismatch | KubeconfigError::ApiVersionMismatch => {
            format!("{error} ({said_by})")
        }
        other => other.to_string(),
    };
    Error::new(ErrorKind::Invalid, OPERATION, message)
        .remedy("`kubectl config view` shows what kubectl reads of it")
}

fn missing(what: &str, name: &str, said_by: &str, known: &[&str]) -> Error {
    let error = Error::new(ErrorKind::Invalid, OPERATION, format!("there is no {what} `{name}` ({said_by})"));
    let nearest = suggest(name, known.iter().copied());
    let list = known.join(", ");
    match (nearest, known) {
        (Some(nearest), _) => error.remedy(format!("did you mean `{nearest}`? There are: {list}")),
        (None, []) => error.remedy(format!("add the {what} with `kubectl config set-{what}`")),
        (None, _) => error.remedy(format!("one of: {list}")),
    }
}

fn no_current(merged: &Kubeconfig, said_by: &str) -> Error {
    let known: Vec<&str> = merged.contexts.iter().map(|context| context.name.as_str()).collect();
    Error::new(ErrorKind::Invalid, OPERATION, format!("it has no current context ({said_by})"))
        .remedy(format!("--context NAME with one of: {}; or `kubectl config use-context`", known.join(", ")))
}

fn no_cluster(files: &[PathBuf], said_by: &str) -> Error {
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let looked = if names.is_empty() { "there is no home folder".to_owned() } else { names.join(", ") };
    let message = format!("no cluster is configured: {looked} names none ({said_by})");
    Error::new(ErrorKind::Invalid, OPERATION, message)
        .remedy("set KUBECONFIG, or `kubeconfig` of the target, to a file that names one")
}

#[cfg(test)]
mod tests;
