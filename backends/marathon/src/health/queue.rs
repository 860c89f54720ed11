//! What waits to be placed, and why nothing takes it.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::Patience;
use crate::document::text;

/// How long nothing may take a task although agents offer what they have.
const UNPLACEABLE: Duration = Duration::from_secs(15);

/// Something that waits to be placed.
///
/// Source: Marathon REST API, `QueueObject`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Waiting {
    app: Value,
    pod: Value,
    count: u32,
    delay: Delay,
    since: Option<String>,
    processed_offers_summary: Offers,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Delay {
    time_left_seconds: u64,
}

/// Source: Marathon REST API, `ProcessedOffersSummary`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Offers {
    unused_offers_count: u64,
    last_used_offer_at: Option<String>,
    #[serde(rename = "rejectSummaryLastOffers")]
    declined: Vec<Declined>,
}

/// Source: Marathon REST API, `DeclinedOfferStep`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Declined {
    reason: String,
    #[serde(rename = "declined")]
    refused: u64,
    processed: u64,
}

/// What keeps a task from being placed.
pub(super) struct Obstacle {
    pub(super) message: String,
    pub(super) remedy: &'static str,
    /// It has been so for so long that it will not pass by itself.
    pub(super) is_lasting: bool,
}

impl Waiting {
    /// Whether it is about an app or pod.
    pub(super) fn is_about(&self, native: &str) -> bool {
        [&self.app, &self.pod].iter().any(|document| text(document, "/id") == Some(native))
    }

    /// Why it waits; none when nothing is known against it.
    pub(super) fn obstacle(&self, rollout: &str, patience: &Patience) -> Option<Obstacle> {
        if self.count == 0 {
            return None;
        }
        if self.delay.time_left_seconds > 0 {
            let message = format!(
                "after failures, Marathon waits for {} s before the next task",
                self.delay.time_left_seconds
            );
            return Some(Obstacle { message, remedy: "", is_lasting: false });
        }
        let offers = &self.processed_offers_summary;
        let Some(step) = offers.declined.iter().find(|step| step.is_all()) else {
            patience.ends(rollout, "unplaceable");
            return None;
        };
        let is_refused = offers.unused_offers_count > 0 && offers.last_used_offer_at.is_none();
        let is_lasting =
            is_refused && patience.has_lasted(rollout, "unplaceable", self.since.as_deref(), UNPLACEABLE);
        let (what, remedy) = explained(&step.reason);
        let message =
            format!("no agent takes a task: {what} ({} of {} offers)", step.refused, step.processed);
        Some(Obstacle { message, remedy, is_lasting })
    }
}

impl Declined {
    fn is_all(&self) -> bool {
        self.processed > 0 && self.refused == self.processed
    }
}

/// Source: Marathon, `NoOfferMatchReason`.
fn explained(reason: &str) -> (&str, &'static str) {
    match reason {
        "InsufficientCpus" => ("none has so many CPUs free", "ask for fewer CPUs, or add agents"),
        "InsufficientMemory" => ("none has so much memory free", "ask for less memory, or add agents"),
        "InsufficientDisk" => ("none has so much disk free", "ask for smaller volumes, or add agents"),
        "InsufficientGpus" => ("none has so many GPUs free", "ask for fewer GPUs, or add agents with some"),
        "InsufficientPorts" => ("the ports of the host are taken", "choose other ports of the host, or none"),
        "UnfulfilledConstraint" => (
            "none is as the constraints ask",
            "change the placement in the chart, or give the agents the attributes that it asks for",
        ),
        "UnfulfilledRole" => {
            ("none offers resources of a role that is accepted", "change the accepted resource roles")
        }
        "NoCorrespondingReservationFound" => (
            "the agent with its persistent volume does not offer it",
            "bring that agent back, or remove the volume with its data and have it made anew",
        ),
        "AgentMaintenance" => ("the agents are under maintenance", "end the maintenance, or add agents"),
        "DeclinedScarceResources" => {
            ("what is left is kept for tasks that need GPUs", "add agents without GPUs")
        }
        other => (other, "see `/v2/queue` of Marathon for what every agent lacks"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn obstacle(item: &Value) -> Option<(String, bool)> {
        let waiting: Waiting = serde_json::from_value(item.clone()).unwrap();
        assert!(waiting.is_about("/a"));
        waiting.obstacle("/a", &Patience::default()).map(|found| (found.message, found.is_lasting))
    }

    #[test]
    fn what_every_offer_lacks_is_told() {
        let mut item = json!({
            "app": { "id": "/a" }, "count": 1, "since": "2020-01-01T00:00:00Z",
            "delay": { "timeLeftSeconds": 0, "overdue": true },
            "processedOffersSummary": {
                "processedOffersCount": 4, "unusedOffersCount": 4,
                "rejectSummaryLastOffers": [
                    { "reason": "UnfulfilledRole", "declined": 0, "processed": 2 },
                    { "reason": "InsufficientCpus", "declined": 2, "processed": 2 },
                ],
            },
        });
        let text = "no agent takes a task: none has so many CPUs free (2 of 2 offers)";
        assert_eq!(obstacle(&item), Some((text.to_owned(), true)));
        item["since"] = json!("2999-01-01T00:00:00Z");
        assert_eq!(obstacle(&item), Some((text.to_owned(), false)), "it has not been so for long");
        item["delay"]["timeLeftSeconds"] = json!(7);
        assert!(obstacle(&item).unwrap().0.contains("7 s"));
        item["count"] = json!(0);
        assert_eq!(obstacle(&item), None);
    }
}
