//! Which image a tag stands for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use rhumb_backend::ResolveImage;
use rhumb_spec::App;
use serde::Deserialize;

use crate::connect::{Call, Engine};
use crate::facts::ImageConfig;
use crate::registry_auth;

/// What is known of an app's images, by the names that the app gives them.
#[derive(Debug, Default)]
pub(crate) struct Images {
    /// Names with their digests, where these are known.
    pub(crate) resolved: BTreeMap<String, String>,
    /// What images that the engine has start by themselves.
    pub(crate) configs: BTreeMap<String, ImageConfig>,
}

/// A registry that does not answer must not hold up a release.
const REGISTRY_TIMEOUT: Duration = Duration::from_secs(8);

const AT_ONCE: usize = 16;

/// Looks up every image of an app once: in the engine itself, and then in its registry for the digest.
///
/// An image that the engine has and that came from no registry is used as it is. So is one whose registry does not
/// answer or does not know it: each node then finds out for itself, as after `docker stack deploy`.
pub(crate) async fn look_up(
    engine: &Engine,
    app: &App,
    resolve: ResolveImage,
    previous: Option<&BTreeMap<String, String>>,
) -> Images {
    let lookups = names(app).into_iter().map(|name| async move {
        let known = previous.and_then(|previous| previous.get(&name));
        let local = local(engine, &name).await;
        let resolved = match (resolve, known) {
            (ResolveImage::Never, _) => None,
            (ResolveImage::Changed, Some(known)) => Some(known.clone()),
            (ResolveImage::Changed | ResolveImage::Always, known) => {
                // A registry that is away for a moment must not bring back the bare tag, and with it new tasks.
                digest(engine, &name, local.as_ref()).await.or_else(|| known.cloned())
            }
        };
        (name, resolved, local)
    });
    let mut images = Images::default();
    let mut lookups = stream::iter(lookups).buffer_unordered(AT_ONCE);
    while let Some((name, resolved, local)) = lookups.next().await {
        images.resolved.extend(resolved.map(|resolved| (name.clone(), resolved)));
        images.configs.extend(local.map(|local| (name, local.into_config())));
    }
    images
}

fn names(app: &App) -> BTreeSet<String> {
    let containers = app
        .workloads
        .values()
        .flat_map(|workload| workload.init_containers.values().chain(workload.containers.values()));
    containers.map(|container| container.image.clone()).filter(|image| !image.is_empty()).collect()
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LocalImage {
    #[serde(default)]
    repo_digests: Option<Vec<String>>,
    #[serde(default)]
    config: Option<LocalConfig>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct LocalConfig {
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    healthcheck: Option<LocalHealthcheck>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct LocalHealthcheck {
    test: Option<Vec<String>>,
}

impl LocalImage {
    fn is_from_a_registry(&self) -> bool {
        self.repo_digests.as_ref().is_some_and(|digests| !digests.is_empty())
    }

    fn into_config(self) -> ImageConfig {
        let config = self.config.unwrap_or_default();
        let test = config.healthcheck.and_then(|healthcheck| healthcheck.test).unwrap_or_default();
        ImageConfig {
            entrypoint: config.entrypoint.unwrap_or_default(),
            cmd: config.cmd.unwrap_or_default(),
            healthcheck: test.first().is_some_and(|kind| kind != "NONE"),
        }
    }
}

async fn local(engine: &Engine, name: &str) -> Option<LocalImage> {
    let call = Call::get("look at the image", format!("/images/{name}/json")).timeout(REGISTRY_TIMEOUT);
    engine.find(call).await.unwrap_or_else(|error| {
        tracing::debug!(image = name, %error, "the engine does not tell about the image");
        None
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Distribution {
    descriptor: Descriptor,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: String,
}

async fn digest(engine: &Engine, name: &str, local: Option<&LocalImage>) -> Option<String> {
    let made_here = local.is_some_and(|image| !image.is_from_a_registry());
    if name.contains('@') || made_here {
        return None;
    }
    let auth = registry_auth::for_image(engine, name).await.unwrap_or_else(|error| {
        tracing::warn!(image = name, %error, "the registry is asked without credentials");
        None
    });
    let call = Call::get("resolve the image", format!("/distribution/{name}/json"));
    match engine.json::<Distribution>(call.auth(auth).timeout(REGISTRY_TIMEOUT)).await {
        Ok(found) => Some(format!("{}@{}", tagged(name), found.descriptor.digest)),
        Err(error) => {
            tracing::warn!(image = name, %error, "the image is used by its tag, which each node resolves for itself");
            None
        }
    }
}

/// A name without a tag means `latest`.
fn tagged(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    if last.contains(':') { name.to_owned() } else { format!("{name}:latest") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_no_tag() {
        assert_eq!(tagged("nginx"), "nginx:latest");
        assert_eq!(tagged("r.example:5000/web"), "r.example:5000/web:latest");
        assert_eq!(tagged("r.example:5000/web:1"), "r.example:5000/web:1");
    }

    #[test]
    fn images_made_here_came_from_no_registry() {
        let image: LocalImage =
            serde_json::from_str(r#"{"RepoDigests": [], "Config": {"Entrypoint": ["/demo"], "Cmd": null}}"#)
                .unwrap();
        assert!(!image.is_from_a_registry());
        let expect = ImageConfig { entrypoint: vec!["/demo".to_owned()], ..ImageConfig::default() };
        assert_eq!(image.into_config(), expect);
    }
}
