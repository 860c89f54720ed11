//! What ECS says at one moment of the services and jobs that are asked about.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{Receipt, Result, State};
use serde_json::{Value, json};

use super::{Verdict, job, judge, rollout};
use crate::connect::Account;
use crate::kind::Kind;
use crate::observe::{describe_services, describe_tasks, last_segment, list_tasks};
use crate::pages::{each, items, text};
use crate::rollout::Rollout;

/// What ECS says at one moment.
#[derive(Debug, Default)]
pub(super) struct Scene {
    /// Services by their ARN.
    services: BTreeMap<String, Value>,
    /// Tasks that have stopped, by the ARN of the service.
    stopped: BTreeMap<String, Vec<Value>>,
    /// How load balancers find the tasks of a service, by the service's ARN.
    targets: BTreeMap<String, Vec<Value>>,
    /// Tasks of jobs by their ARN.
    tasks: BTreeMap<String, Value>,
    /// Which containers end their task when they end, by the task definition's ARN.
    definitions: job::Definitions,
}

impl Scene {
    pub(super) async fn read(account: &Account, receipts: &[Receipt]) -> Result<Self> {
        let mut scene = Self::default();
        let of_kind = |kind: Kind| receipts.iter().filter(move |receipt| Kind::of(&receipt.id) == Some(kind));
        let names: BTreeSet<String> = of_kind(Kind::Service).map(|receipt| receipt.native.clone()).collect();
        for service in describe_services(account, &names.into_iter().collect::<Vec<_>>()).await? {
            let Some(arn) = text(&service, "serviceArn") else { continue };
            scene.services.insert(arn.to_owned(), service);
        }
        scene.look_closer(account, of_kind(Kind::Service)).await?;
        scene.read_jobs(account, of_kind(Kind::Task)).await?;
        Ok(scene)
    }

    /// Reads more of the services whose rollouts have not come to a good end.
    async fn look_closer(
        &mut self,
        account: &Account,
        receipts: impl Iterator<Item = &Receipt>,
    ) -> Result<()> {
        let mut open = Vec::new();
        for receipt in receipts {
            let Some(service) = self.services.get(&receipt.native) else { continue };
            let rollout = rollout(receipt)?;
            let verdict =
                judge::judge(&judge::Case { service, rollout: &rollout, stopped: &[], targets: &[] });
            let has_balancer = items(service, "loadBalancers").next().is_some();
            if verdict.state != State::Ready || has_balancer {
                open.push((receipt.native.clone(), verdict.state, target_groups(service)));
            }
        }
        let read = each(open, |(arn, state, groups)| async move {
            let stopped = if state == State::Ready { Vec::new() } else { stopped(account, &arn).await? };
            let targets = each(groups, |group| target_health(account, group)).await?;
            Ok((arn, stopped, targets.into_iter().flatten().collect::<Vec<_>>()))
        });
        for (arn, stopped, targets) in read.await? {
            self.stopped.insert(arn.clone(), stopped);
            self.targets.insert(arn, targets);
        }
        Ok(())
    }

    async fn read_jobs(&mut self, account: &Account, receipts: impl Iterator<Item = &Receipt>) -> Result<()> {
        let mut arns = BTreeSet::new();
        for receipt in receipts {
            arns.extend(rollout(receipt)?.tasks);
        }
        let tasks = describe_tasks(account, &arns.into_iter().collect::<Vec<_>>()).await?;
        self.definitions = job::definitions(account, &tasks.iter().collect::<Vec<_>>()).await?;
        let named = tasks.into_iter().filter_map(|task| Some((text(&task, "taskArn")?.to_owned(), task)));
        self.tasks = named.collect();
        Ok(())
    }

    /// What is made of the rollout of a service.
    pub(super) fn service(&self, receipt: &Receipt) -> Result<Verdict> {
        let Some(service) = self.services.get(&receipt.native) else {
            return Ok(Verdict::failed("the service is gone"));
        };
        let rollout = rollout(receipt)?;
        let none = Vec::new();
        Ok(judge::judge(&judge::Case {
            service,
            rollout: &rollout,
            stopped: self.stopped.get(&receipt.native).unwrap_or(&none),
            targets: self.targets.get(&receipt.native).unwrap_or(&none),
        }))
    }

    /// What is made of a job.
    pub(super) fn job(&self, receipt: &Receipt) -> Result<Verdict> {
        let Rollout { tasks, .. } = rollout(receipt)?;
        let found: Vec<&Value> = tasks.iter().filter_map(|arn| self.tasks.get(arn)).collect();
        Ok(job::judge(&found, tasks.len(), &self.definitions))
    }
}

fn target_groups(service: &Value) -> Vec<String> {
    let arns = items(service, "loadBalancers").filter_map(|item| text(item, "targetGroupArn"));
    arns.map(ToOwned::to_owned).collect()
}

async fn stopped(account: &Account, service: &str) -> Result<Vec<Value>> {
    let filter = json!({ "serviceName": last_segment(service), "desiredStatus": "STOPPED" });
    let arns = list_tasks(account, filter).await?;
    describe_tasks(account, &arns).await
}

/// A target group that is gone has nothing to tell, and one that may not be asked keeps nobody waiting.
async fn target_health(account: &Account, group: String) -> Result<Vec<Value>> {
    let body = json!({ "TargetGroupArn": group });
    match account.call("elbv2:DescribeTargetHealth", &body).await {
        Ok(answer) => Ok(items(&answer, "TargetHealthDescriptions").cloned().collect()),
        Err(error) if error.retry == rhumb_backend::Retry::Same => Err(error),
        Err(error) => {
            tracing::debug!(%error, "the health of targets is not known");
            Ok(Vec::new())
        }
    }
}
