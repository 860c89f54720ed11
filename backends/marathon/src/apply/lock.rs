//! Deployments, and what they lock.

use rhumb_backend::{Cause, Error, Result, Scope};
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

    /// Whether it replaces what runs, so that what goes over it has to replace the rest.
    pub(crate) fn replaces(&self) -> bool {
        self.current_actions.iter().any(|current| current.action.starts_with("Restart"))
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

/// An app or pod that deployments hold.
#[derive(Clone, Copy)]
pub(crate) struct Held<'a> {
    pub(crate) server: &'a Server,
    pub(crate) scope: &'a Scope,
    pub(crate) native: &'a str,
    /// What is there, by which a deployment of ours is known that nothing was recorded of; none where somebody else changed
    /// it.
    pub(crate) there: Option<&'a Value>,
}

impl Held<'_> {
    /// The deployments that hold it, where every one of them is our own, to be cancelled.
    ///
    /// # Errors
    /// The lock, when one of them is somebody else's: nobody takes it away from them unasked.
    pub(crate) async fn by_us(&self, locked: Error) -> Result<Vec<Deployment>> {
        let holders = holders(self.server, self.native, &locked).await?;
        let is_own = |holder: &Deployment| {
            let is_marked = |there: &Value| is_of(holder, self.native, there) && is_ours(self.scope, there);
            self.server.began(&holder.id) || self.there.is_some_and(is_marked)
        };
        if let Some(foreign) = holders.iter().find(|holder| !is_own(holder)) {
            return Err(held(&locked, foreign));
        }
        Ok(holders)
    }
}

/// Their ids.
pub(crate) fn ids(deployments: Vec<Deployment>) -> Vec<String> {
    deployments.into_iter().map(|deployment| deployment.id).collect()
}

impl Work<'_> {
    /// The deployments that hold an app, where every one of them is our own, to be cancelled.
    ///
    /// # Errors
    /// As [`Held::by_us`].
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
        let there = there.or(read.as_ref()).filter(|_| !self.has_drifted());
        Held { server: self.server, scope: self.scope, native, there }.by_us(locked).await.map(ids)
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
    error.message =
        format!("a deployment that this release is not known to have begun holds it: {}", holder.shown());
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
