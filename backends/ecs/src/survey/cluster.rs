//! The cluster.

use rhumb_backend::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::connect::Account;

/// A cluster as it was found.
#[derive(Debug)]
pub(super) struct Cluster {
    /// Its name, also where the target has its ARN.
    pub(super) name: String,
    /// `ACTIVE`, or on its way there or away.
    pub(super) status: String,
    /// How many container instances it has.
    pub(super) instances: u32,
    pub(super) capacity_providers: Vec<String>,
    /// The ARN of the namespace that Service Connect uses where a service names none.
    pub(super) namespace: Option<String>,
}

/// The cluster; none when the account has none of this name.
///
/// Source: Amazon ECS API reference, `DescribeClusters`.
pub(super) async fn look(account: &Account) -> Result<Option<Cluster>> {
    let request = json!({ "clusters": [account.cluster()] });
    let answer = account.call("ecs:DescribeClusters", &request).await?;
    let found = answer.pointer("/clusters/0").filter(|cluster| cluster["status"] != "INACTIVE");
    Ok(found.map(read))
}

fn read(cluster: &Value) -> Cluster {
    let text = |field: &str| cluster[field].as_str().unwrap_or_default().to_owned();
    let providers = cluster["capacityProviders"].as_array().into_iter().flatten();
    let count = cluster["registeredContainerInstancesCount"].as_u64().unwrap_or_default();
    let namespace = cluster.pointer("/serviceConnectDefaults/namespace").and_then(Value::as_str);
    Cluster {
        name: text("clusterName"),
        status: text("status"),
        instances: u32::try_from(count).unwrap_or(u32::MAX),
        capacity_providers: providers.filter_map(Value::as_str).map(str::to_owned).collect(),
        namespace: namespace.map(str::to_owned),
    }
}

/// The same, where it must be there.
///
/// # Errors
/// `Invalid` when it is not.
pub(super) async fn found(account: &Account) -> Result<Cluster> {
    look(account).await?.ok_or_else(|| {
        Error::new(ErrorKind::Invalid, "find the cluster", "the account has none of this name in the region")
            .with("cluster", account.cluster())
            .remedy(format!("{}, or another `cluster` in the target's settings", creation(account.cluster())))
    })
}

/// The command that makes it.
pub(super) fn creation(name: &str) -> String {
    format!("`aws ecs create-cluster --cluster-name {name}`")
}
