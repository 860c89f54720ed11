//! `rhumb scale`: another number of replicas, without a new revision.

use std::time::Duration;

use futures_util::future::join_all;
use rhumb_backend::ObjectHealth;
use serde::Serialize;
use tokio::time::Instant;

use crate::hold::Hold;
use crate::roll::{Patience, recall, roll};
use crate::running::{running, runtime};
use crate::{ActionResult, Context, Wait};

/// What to scale.
#[derive(Clone, Debug)]
pub struct ScaleRequest {
    /// The release.
    pub name: String,
    /// Workloads, each with its number of replicas.
    pub workloads: Vec<(String, u32)>,
    /// Whether it waits until they are ready.
    pub wait: Wait,
    /// How long that may take.
    pub timeout: Duration,
}

/// What was scaled or restarted.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rolled {
    /// The release.
    pub name: String,
    /// The workloads.
    pub workloads: Vec<String>,
    /// How far they are; empty when nothing was waited for.
    pub health: Vec<ObjectHealth>,
}

/// Sets numbers of replicas. They stay until the chart's own numbers change.
///
/// # Errors
/// `NotFound`; `Busy`; what the platform answers; with [`Wait::Ready`] what keeps replicas from being ready.
pub async fn scale(context: &Context<'_>, request: &ScaleRequest) -> ActionResult<Rolled> {
    let scope = running(context, &request.name).await?;
    let runtime = runtime(context, "setting a number of replicas")?;
    let started = Instant::now();
    let hold = Hold::take(context, &scope).await?;
    let patience = Patience::new(request.wait, started, request.timeout);
    let result = async {
        recall(context, &scope).await?;
        let scaled =
            request.workloads.iter().map(|(workload, replicas)| runtime.scale(&scope, workload, *replicas));
        roll(context, &hold, &scope, join_all(scaled).await, patience).await
    };
    let result = result.await;
    hold.give_back().await;
    let workloads = request.workloads.iter().map(|(workload, _)| workload.clone()).collect();
    Ok(Rolled { name: request.name.clone(), workloads, health: result? })
}
