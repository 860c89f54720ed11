//! Subnets and security groups.

use std::collections::BTreeSet;

use rhumb_backend::Result;
use serde_json::{Value, json};

use super::{has_addresses, missing};
use crate::connect::Account;

/// Where tasks are on the network.
#[derive(Debug, Default)]
pub(super) struct Network {
    /// Ids of subnets: those of the target, else those of the account's default network.
    pub(super) subnets: Vec<String>,
    /// Their network.
    pub(super) vpc: Option<String>,
    /// They are the default network's, which reaches the world through public addresses only.
    pub(super) is_public: bool,
}

/// The network of tasks that have addresses of their own; nothing where they have none.
pub(super) async fn look(account: &Account) -> Result<Network> {
    let wanted = &account.settings().subnets;
    if wanted.is_empty() && !has_addresses(account.settings()) {
        return Ok(Network::default());
    }
    let found = subnets(account, wanted).await?;
    let ids: Vec<String> = texts(&found, "SubnetId");
    if let Some(absent) = wanted.iter().find(|id| !ids.contains(*id)) {
        return Err(missing("subnets", absent, SUBNETS));
    }
    let mut ids = if wanted.is_empty() { ids } else { wanted.clone() };
    if wanted.is_empty() {
        ids.sort();
    }
    let vpc = texts(&found, "VpcId").into_iter().next();
    Ok(Network { subnets: ids, vpc, is_public: wanted.is_empty() && !found.is_empty() })
}

/// How to find subnets.
pub(super) const SUBNETS: &str =
    "`aws ec2 describe-subnets` lists those of the region; set them with `--set subnets={subnet-…,subnet-…}`";

/// The subnets of these ids, or those of the account's default network where there are no ids. What is not there is
/// left out.
///
/// Source: Amazon EC2 API reference, `DescribeSubnets`: a filter finds what is there, where ids would be an error.
pub(super) async fn subnets(account: &Account, ids: &[String]) -> Result<Vec<Value>> {
    let filter = if ids.is_empty() {
        json!({ "Name": "default-for-az", "Values": ["true"] })
    } else {
        json!({ "Name": "subnet-id", "Values": ids })
    };
    account.all("ec2:DescribeSubnets", &json!({ "Filters": [filter] }), "Subnets").await
}

/// The security groups of these ids. What is not there is left out.
///
/// Source: Amazon EC2 API reference, `DescribeSecurityGroups`.
pub(super) async fn security_groups(account: &Account, ids: &[String]) -> Result<Vec<Value>> {
    let filter = json!({ "Name": "group-id", "Values": ids });
    account.all("ec2:DescribeSecurityGroups", &json!({ "Filters": [filter] }), "SecurityGroups").await
}

/// The networks that these are in.
pub(super) fn vpcs(found: &[Value]) -> BTreeSet<String> {
    texts(found, "VpcId").into_iter().collect()
}

pub(super) fn texts(found: &[Value], field: &str) -> Vec<String> {
    found.iter().filter_map(|item| item[field].as_str()).map(str::to_owned).collect()
}
