//! The calls of ECS.

mod clusters;
mod definition_rules;
mod definitions;
mod fargate;
mod paging;
mod service_rules;
mod services;
mod settings;
mod show;
mod tags;
mod tasks;
mod update;

use serde_json::Value;

use super::error::{Answer, ApiError};
use super::state::State;

pub(super) use clusters::join;
pub(super) use tasks::{New, place};

/// Answers a call.
pub(super) fn answer(state: &mut State, operation: &str, input: &Value) -> Answer {
    match operation {
        "CreateCluster" => clusters::create(state, input),
        "UpdateCluster" | "UpdateClusterSettings" => clusters::update(state, input),
        "PutClusterCapacityProviders" => clusters::put_capacity_providers(state, input),
        "DeleteCluster" => clusters::delete(state, input),
        "DescribeClusters" => Ok(clusters::describe(state, input)),
        "ListClusters" => clusters::list_all(state, input),
        "DescribeCapacityProviders" => Ok(clusters::describe_capacity_providers(state, input)),
        "DescribeContainerInstances" => clusters::describe_instances(state, input),
        "ListContainerInstances" => clusters::list_instances(state, input),
        "RegisterTaskDefinition" => definitions::register(state, input),
        "DeregisterTaskDefinition" => definitions::deregister(state, input),
        "DeleteTaskDefinitions" => definitions::delete(state, input),
        "DescribeTaskDefinition" => definitions::describe(state, input),
        "ListTaskDefinitions" => definitions::list_all(state, input),
        "ListTaskDefinitionFamilies" => definitions::list_families(state, input),
        "CreateService" => services::create(state, input),
        "UpdateService" => update::update(state, input),
        "DeleteService" => services::delete(state, input),
        "DescribeServices" => services::describe(state, input),
        "ListServices" => services::list_all(state, input),
        "RunTask" => tasks::run(state, input),
        "StopTask" => tasks::stop(state, input),
        "DescribeTasks" => tasks::describe(state, input),
        "ListTasks" => tasks::list_all(state, input),
        "ExecuteCommand" => tasks::execute(state, input),
        "TagResource" => tags::tag(state, input),
        "UntagResource" => tags::untag(state, input),
        "ListTagsForResource" => tags::list_all(state, input),
        "ListAccountSettings" => Ok(settings::list_all(state, input)),
        "PutAccountSetting" | "PutAccountSettingDefault" => Ok(settings::put(state, input)),
        other => Err(ApiError::new("UnknownOperationException", format!("the double has no {other}"))),
    }
}
