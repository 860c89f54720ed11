//! Deployments, and what they lock.

use rhumb_backend::{Cause, Error, Result};
use serde::Deserialize;
use serde_json::Value;

use super::Work;
use crate::connect::{Call, Server};
use crate::document::{is_ours, text};
use crate::error::DEPLOYMENT;
use crate::observe::document;

/// A deployment that is under way.
///
/// Source: Marathon REST API, `DeploymentStepInfo`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Deployment {
    /// Its id.
    pub(crate) id: String,
    /// The version that it makes.
    pub(crate) version: String,
    /// The apps that it holds.
    pub(crate) affected_apps: Vec<String>,
    /// The pods that it holds.
    pub(crate) affected_pods: Vec<String>,
    /// What it is doing.
    pub(crate) current_actions: Vec<CurrentAction>,
    /// Its step, from 1.
    pub(crate) current_step: u32,
    /// How many steps it has.
    pub(crate) total_steps: u32,
}

/// What a deployment is doing with an app or pod.
///
/// Source: Marathon REST API, `DeploymentActionInfo`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CurrentAction {
    /// `StartApplication`, `ScaleApplication`, `RestartApplication`, …
    pub(crate) action: String,
    /// The app.
    pub(crate) app: Option<String>,
    /// The pod.
    pub(crate) pod: Option<String>,
}

impl Deployment {
    /// Whether it holds an app or pod.
    pub(crate) fn is_about(&self, native: &str) -> bool {
        self.affected_apps.iter().chain(&self.affected_pods).any(|affected| affected == native)
    }

    /// `97c1…, which does ScaleApplication`.
    fn shown(&self) -> String {
        let actions: Vec<&str> = self.current_actions.iter().map(|action| action.action.as_str()).collect();
        let doing =
            if actions.is_empty() { String::new() } else { format!(", which does {}", actions.join(", ")) };
        format!("{} of {}{doing}", self.id, self.version)
    }
}

/// Every deployment that is under way.
///
/// # Errors
/// What Marathon answers.
pub(crate) async fn deployments(server: &Server) -> Result<Vec<Deployment>> {
    server.json(Call::get("list the deployments", "/v2/deployments")).await
}

impl Work<'_> {
    /// The deployments that hold an app, where every one of them is our own, to be cancelled.
    ///
    /// # Errors
    /// The lock, when one of them is somebody else's: nobody takes it away from them unasked.
    pub(super) async fn ours(
        &self,
        native: &str,
        there: Option<&Value>,
        locked: Error,
    ) -> Result<Vec<String>> {
        let read = match there {
            Some(_) => None,
            None => document(self.server, self.kind, native).await?,
        };
        let there = there.or(read.as_ref());
        let holders = holders(self.server, native, &locked).await?;
        let is_own = |holder: &Deployment| {
            let by_mark =
                there.is_some_and(|there| is_of(holder, native, there) && is_ours(self.scope, there));
            self.server.began(&holder.id) || (by_mark && !self.has_drifted())
        };
        if let Some(foreign) = holders.iter().find(|holder| !is_own(holder)) {
            return Err(held(&locked, foreign));
        }
        let cancelled: Vec<String> = holders.into_iter().map(|holder| holder.id).collect();
        Ok(cancelled)
    }

    /// Whether somebody else changed what is there.
    fn has_drifted(&self) -> bool {
        self.step.changes.iter().any(|change| change.cause == Cause::Drift)
    }
}

/// The deployments that an error names, and what else holds the app. One that is over by now holds nothing.
async fn holders(server: &Server, native: &str, locked: &Error) -> Result<Vec<Deployment>> {
    let named: Vec<&str> =
        locked.context.iter().filter(|(key, _)| *key == DEPLOYMENT).map(|(_, id)| id.as_str()).collect();
    let all = deployments(server).await?;
    Ok(all
        .into_iter()
        .filter(|deployment| named.contains(&deployment.id.as_str()) || deployment.is_about(native))
        .collect())
}

/// Whether a deployment is that of the definition which is there, and of nothing else: our writes are of one app each, and
/// of its definition, not of its number of instances alone.
fn is_of(deployment: &Deployment, native: &str, there: &Value) -> bool {
    let version = text(there, "/version");
    let is_alone =
        deployment.is_about(native) && deployment.affected_apps.len() + deployment.affected_pods.len() == 1;
    let changed = text(there, "/versionInfo/lastConfigChangeAt").or(version);
    is_alone && version == Some(deployment.version.as_str()) && changed == version
}

fn held(locked: &Error, holder: &Deployment) -> Error {
    let mut error = locked.clone();
    error.message = format!("a deployment that this release did not begin holds it: {}", holder.shown());
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_deployment_is_told_by_the_version_that_it_makes() {
        let deployment = |apps: &[&str]| Deployment {
            version: "2026-01-01T00:00:00.000Z".to_owned(),
            affected_apps: apps.iter().map(|app| (*app).to_owned()).collect(),
            ..Deployment::default()
        };
        let app = |version: &str, changed: &str| json!({ "version": version, "versionInfo": { "lastConfigChangeAt": changed } });
        let (then, before) = ("2026-01-01T00:00:00.000Z", "2025-01-01T00:00:00.000Z");
        assert!(is_of(&deployment(&["/a"]), "/a", &app(then, then)));
        assert!(!is_of(&deployment(&["/a"]), "/a", &app(before, before)), "another version");
        assert!(!is_of(&deployment(&["/a"]), "/a", &app(then, before)), "somebody scaled it");
        assert!(!is_of(&deployment(&["/a", "/b"]), "/a", &app(then, then)), "a group of somebody's");
    }
}
