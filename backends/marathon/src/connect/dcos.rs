//! What the DC/OS CLI knows of the clusters that it is attached to.

use std::path::{Path, PathBuf};

use rhumb_backend::{Error, ErrorKind, Result};

use super::Environment;

/// The cluster that the DC/OS CLI is attached to.
#[derive(Clone, Default)]
pub(super) struct Attached {
    /// The cluster's address: `https://master.example`.
    pub(super) url: String,
    /// The token that `dcos auth login` got.
    pub(super) token: Option<String>,
    /// Whether certificates are checked, and by which authority: `true`, `false` or the path of a PEM file.
    pub(super) verify: Option<String>,
}

/// The cluster that the DC/OS CLI is attached to, as it decides itself: `DCOS_URL`, else the cluster that
/// `DCOS_CLUSTER` names by name or id, else the one whose folder has a file `attached`, else the only one.
///
/// Source: DC/OS CLI documentation, "Configuring the DC/OS CLI" and its environment variables; each cluster has a folder
/// `~/.dcos/clusters/<id>` with `dcos.toml`.
///
/// # Errors
/// `Invalid` when a configuration is there and cannot be read.
pub(super) fn attached(environment: &Environment) -> Result<Option<Attached>> {
    let of = |name: &str| environment.var(name).map(ToOwned::to_owned);
    if let Some(url) = of("DCOS_URL") {
        let (token, verify) = (of("DCOS_ACS_TOKEN"), of("DCOS_SSL_VERIFY"));
        return Ok(Some(Attached { url, token, verify }));
    }
    let Some(folder) = config_folder(environment) else { return Ok(None) };
    let mut clusters = clusters(&folder.join("clusters"));
    if let Some(wanted) = of("DCOS_CLUSTER") {
        clusters.retain(|cluster| is_called(cluster, &wanted));
    } else if clusters.iter().any(|cluster| cluster.join("attached").exists()) {
        clusters.retain(|cluster| cluster.join("attached").exists());
    }
    let [cluster] = clusters.as_slice() else { return Ok(None) };
    let config = read(cluster)?;
    let Some(url) = value(&config, "dcos_url") else { return Ok(None) };
    let token = of("DCOS_ACS_TOKEN").or_else(|| value(&config, "dcos_acs_token"));
    let verify = of("DCOS_SSL_VERIFY").or_else(|| value(&config, "ssl_verify"));
    Ok(Some(Attached { url, token, verify }))
}

fn config_folder(environment: &Environment) -> Option<PathBuf> {
    let named = environment.var("DCOS_DIR").map(PathBuf::from);
    named.or_else(|| environment.home.as_ref().map(|home| home.join(".dcos")))
}

/// The folders of the clusters that were set up, in the order of their ids. A folder that is not there has none.
fn clusters(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<_> =
        entries.map(|entry| entry.path()).filter(|path| path.join("dcos.toml").is_file()).collect();
    found.sort();
    found
}

fn is_called(cluster: &Path, wanted: &str) -> bool {
    let is_id = cluster.file_name().is_some_and(|id| id == wanted);
    let named = || read(cluster).ok().and_then(|config| section_value(&config, "cluster", "name"));
    is_id || named().as_deref() == Some(wanted)
}

fn read(cluster: &Path) -> Result<String> {
    let file = cluster.join("dcos.toml");
    std::fs::read_to_string(&file).map_err(|error| {
        Error::new(ErrorKind::Invalid, "read the DC/OS CLI's configuration", error.to_string())
            .with("file", file.display().to_string())
            .remedy(
                "name the address with the target's `url`, or set the cluster up anew (`dcos cluster setup`)",
            )
    })
}

fn value(config: &str, key: &str) -> Option<String> {
    section_value(config, "core", key)
}

/// A text or truth value of a section. The CLI writes nothing else there: `key = "text"`, one in a line.
fn section_value(config: &str, section: &str, key: &str) -> Option<String> {
    let mut current = "";
    for line in config.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            current = name.trim();
            continue;
        }
        let Some((name, written)) = line.split_once('=') else { continue };
        if current == section && name.trim() == key {
            let written = written.trim();
            return Some(written.trim_matches(['"', '\'']).to_owned()).filter(|text| !text.is_empty());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(home: &Path, id: &str, url: &str) -> PathBuf {
        let folder = home.join(".dcos/clusters").join(id);
        std::fs::create_dir_all(&folder).unwrap();
        let config = format!(
            "[cluster]\nname = \"{id}-name\"\n\n[core]\ndcos_url = \"{url}\"\ndcos_acs_token = \"t-{id}\"\n\
             ssl_verify = \"/ca-{id}.pem\"\n"
        );
        std::fs::write(folder.join("dcos.toml"), config).unwrap();
        folder
    }

    fn check(home: &Path, vars: &[(&str, &str)], expect: Option<(&str, Option<&str>)>) {
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let found = attached(&Environment { vars, home: Some(home.to_owned()) }).unwrap();
        let found = found.as_ref().map(|found| (found.url.as_str(), found.token.as_deref()));
        assert_eq!(found, expect);
    }

    #[test]
    fn the_order_is_that_of_the_dcos_cli() {
        let home = tempfile::tempdir().unwrap();
        check(home.path(), &[], None);
        cluster(home.path(), "a", "https://a");
        check(home.path(), &[], Some(("https://a", Some("t-a"))));
        let b = cluster(home.path(), "b", "https://b");
        check(home.path(), &[], None);
        std::fs::write(b.join("attached"), "").unwrap();
        check(home.path(), &[], Some(("https://b", Some("t-b"))));
        check(home.path(), &[("DCOS_ACS_TOKEN", "e")], Some(("https://b", Some("e"))));
        check(home.path(), &[("DCOS_CLUSTER", "a-name")], Some(("https://a", Some("t-a"))));
        check(home.path(), &[("DCOS_URL", "https://c")], Some(("https://c", None)));
    }
}
