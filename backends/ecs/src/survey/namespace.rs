//! The Cloud Map namespace.

use rhumb_backend::Result;
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::missing;
use crate::connect::Account;
use crate::facts::Discovery;

/// The namespace that the target names; none where it names none.
///
/// # Errors
/// `Invalid` when there is none of this name; what Cloud Map answers.
pub(super) async fn look(account: &Account) -> Result<Option<Discovery>> {
    let Some(wanted) = account.settings().discovery_namespace.as_deref() else { return Ok(None) };
    let found = find(account, wanted).await?.map(|found| read(&found));
    match found {
        Some(found) => Ok(Some(found)),
        None => Err(missing("discoveryNamespace", wanted, creation(wanted))),
    }
}

/// The namespace that the cluster's services use where they name none; none where it has none.
pub(super) async fn of_cluster(account: &Account, cluster: &Cluster) -> Result<Option<Discovery>> {
    let Some(arn) = &cluster.namespace else { return Ok(None) };
    Ok(find(account, arn).await?.map(|found| read(&found)))
}

/// A namespace by its name, id or ARN.
///
/// Source: AWS Cloud Map API reference, `ListNamespaces`.
pub(super) async fn find(account: &Account, wanted: &str) -> Result<Option<Value>> {
    let namespaces = account.all("servicediscovery:ListNamespaces", &json!({}), "Namespaces").await?;
    let is_wanted = |found: &Value| ["Name", "Id", "Arn"].iter().any(|field| found[*field] == wanted);
    // A name may be there twice: as a namespace that is resolved, and as one that is only asked for.
    let mut matching: Vec<Value> = namespaces.into_iter().filter(is_wanted).collect();
    matching.sort_by_key(|found| found["Type"] != "DNS_PRIVATE");
    Ok(matching.into_iter().next())
}

fn read(found: &Value) -> Discovery {
    let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
    Discovery { id: text("Id"), arn: text("Arn"), name: text("Name") }
}

/// The command that makes one.
pub(super) fn creation(name: &str) -> String {
    format!("`aws servicediscovery create-private-dns-namespace --name {name} --vpc vpc-…`")
}
