//! What the swarm is asked before lowering.

use std::collections::BTreeMap;

use futures_util::future::{join_all, try_join4};
use rhumb_backend::{Facts, ObjectId, Result, Survey};
use rhumb_spec::App;
use rhumb_spec::model::Mode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::connect::{Call, Engine};
use crate::facts::{NodeFact, SwarmFacts, Traefik};
use crate::health::{Node, nodes};
use crate::kind::Kind;
use crate::{NAME, images, names};

/// Asks for the engine's version, the nodes, the images, the helpers and the external objects that the app needs.
///
/// # Errors
/// What the engine answers.
pub(crate) async fn survey(engine: &Engine, app: &App, survey: &Survey<'_>) -> Result<Facts> {
    let api = engine.connected().await?.api;
    let previous: Option<SwarmFacts> = survey.previous.and_then(|previous| previous.read().ok());
    let previous = previous.as_ref().map(|previous| &previous.images);
    let images = async { Ok(images::look_up(engine, app, survey.resolve_image, previous).await) };
    let (nodes, images, helpers, external) =
        try_join4(nodes(engine), images, helpers(engine, app), external(engine, app)).await?;
    let mut nodes: Vec<_> = nodes.iter().map(Node::fact).collect();
    nodes.sort_by(|left, right| left.id.cmp(&right.id));
    let facts = SwarmFacts {
        api_version: api.to_string(),
        nodes,
        images: images.resolved,
        image_configs: images.configs,
        traefik: helpers.traefik,
        cronjob: helpers.cronjob,
        external,
    };
    Facts::from_data(NAME, true, &facts)
}

impl Node {
    fn fact(&self) -> NodeFact {
        NodeFact {
            id: self.id().to_owned(),
            hostname: self.name().to_owned(),
            role: self.role().to_owned(),
            labels: self.labels().clone(),
            availability: self.availability().to_owned(),
            os: self.os().to_owned(),
            arch: self.arch().to_owned(),
        }
    }
}

/// The ids of what the app takes for granted, by the id of the external object. What is not there is left out.
async fn external(engine: &Engine, app: &App) -> Result<BTreeMap<String, String>> {
    let wanted = names::externals(app);
    let lookups = wanted.iter().map(|id| async move {
        let found = find_external(engine, id).await?;
        Ok(found.map(|native| (id.as_str().to_owned(), native)))
    });
    let found: Result<Vec<Option<(String, String)>>> = join_all(lookups).await.into_iter().collect();
    Ok(found?.into_iter().flatten().collect())
}

async fn find_external(engine: &Engine, id: &ObjectId) -> Result<Option<String>> {
    let (Some(kind), Some((_, name))) = (Kind::of(id), names::external_parts(id)) else { return Ok(None) };
    let call = Call::get(kind.listing(), kind.path()).filters(&json!({ "name": [name] }));
    let documents = engine.json::<Vec<Value>>(call).await?;
    // The filter finds names that begin with, or hold, the one that is asked for.
    let has_name = |document: &&Value| {
        document.pointer("/Spec/Name").or_else(|| document.get("Name")).and_then(Value::as_str) == Some(name)
    };
    let found = documents.iter().find(has_name);
    let native = found.and_then(|document| document.get("ID").or_else(|| document.get("Id")));
    Ok(native.and_then(Value::as_str).map(ToOwned::to_owned))
}

/// What runs in the swarm for those that need it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Helpers {
    traefik: Option<Traefik>,
    cronjob: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Service {
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Spec {
    #[serde(default)]
    task_template: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Network {
    id: String,
    name: String,
    #[serde(default)]
    ingress: bool,
}

/// Looks for helpers that this app needs, and for none otherwise: a swarm may have many services.
async fn helpers(engine: &Engine, app: &App) -> Result<Helpers> {
    let has_cron = app.workloads.values().any(|workload| workload.mode == Mode::Cron);
    if app.routes.is_empty() && !has_cron {
        return Ok(Helpers::default());
    }
    let services =
        engine.json::<Vec<Service>>(Call::get(Kind::Service.listing(), Kind::Service.path())).await?;
    let networks =
        engine.json::<Vec<Network>>(Call::get(Kind::Network.listing(), Kind::Network.path())).await?;
    let templates = services.iter().map(|service| &service.spec.task_template);
    Ok(Helpers {
        traefik: templates.clone().find_map(|template| traefik(template, &networks)),
        cronjob: templates.clone().any(|template| repository(template) == "swarm-cronjob"),
    })
}

/// The last part of the image's name: `traefik` of `docker.io/library/traefik:v3@sha256:…`.
fn repository(template: &Value) -> &str {
    let image = template.pointer("/ContainerSpec/Image").and_then(Value::as_str).unwrap_or_default();
    let last = image.split('@').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    last.split(':').next().unwrap_or_default()
}

/// How Traefik is set up, if this is the template of one that watches the swarm.
fn traefik(template: &Value, networks: &[Network]) -> Option<Traefik> {
    if repository(template) != "traefik" {
        return None;
    }
    let options = Options::of(template);
    let named = ["providers.swarm.network", "providers.docker.network"];
    let named = named.iter().find_map(|option| options.get(option)).map(ToOwned::to_owned);
    let defaults = Traefik::default();
    Some(Traefik {
        network: named.or_else(|| first_network(template, networks)).unwrap_or(defaults.network),
        http: options.entry_point(80).unwrap_or(defaults.http),
        https: options.entry_point(443).unwrap_or(defaults.https),
        labels: options.demanded_labels(),
    })
}

fn first_network(template: &Value, networks: &[Network]) -> Option<String> {
    let attached =
        template.get("Networks")?.as_array()?.iter().filter_map(|network| network.get("Target")?.as_str());
    let mut known = attached.filter_map(|target| networks.iter().find(|network| network.id == target));
    known.find(|network| !network.ingress).map(|network| network.name.clone())
}

/// What Traefik was started with: `--name=value` arguments and `TRAEFIK_NAME=value` variables, names in lower case.
struct Options(BTreeMap<String, String>);

impl Options {
    fn of(template: &Value) -> Self {
        let list = |pointer: &str| {
            let items = template.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
            items.filter_map(Value::as_str)
        };
        let arguments = list("/ContainerSpec/Args").chain(list("/ContainerSpec/Command"));
        let arguments = arguments.filter_map(|argument| argument.strip_prefix("--")).map(ToOwned::to_owned);
        let variables = list("/ContainerSpec/Env").filter_map(|variable| variable.strip_prefix("TRAEFIK_"));
        let variables = variables.filter_map(|variable| {
            let (name, value) = variable.split_once('=')?;
            Some(format!("{}={value}", name.replace('_', ".")))
        });
        let pairs = arguments.chain(variables).map(|option| {
            let (name, value) = option.split_once('=').unwrap_or((&option, "true"));
            (name.to_ascii_lowercase(), value.to_owned())
        });
        Self(pairs.collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The entry point that listens on a port: `entrypoints.web.address=:80`.
    fn entry_point(&self, port: u16) -> Option<String> {
        self.0.iter().find_map(|(name, address)| {
            let entry_point = name.strip_prefix("entrypoints.")?.strip_suffix(".address")?;
            let bare = address.split('/').next()?;
            (bare.rsplit(':').next()? == port.to_string()).then(|| entry_point.to_owned())
        })
    }

    /// The labels that a simple constraint demands: ``Label(`a`,`b`) && Label(`c`,`d`)``. One that may be met in
    /// several ways, or by a lack of something, demands none that could be known here.
    fn demanded_labels(&self) -> BTreeMap<String, String> {
        let constraints = ["providers.swarm.constraints", "providers.docker.constraints"];
        let Some(constraints) = constraints.iter().find_map(|name| self.get(name)) else {
            return BTreeMap::new();
        };
        if constraints.contains("||") || constraints.contains('!') {
            return BTreeMap::new();
        }
        let pairs = constraints.split("&&").filter_map(|part| {
            let inner = part.trim().strip_prefix("Label(")?.strip_suffix(')')?;
            let (key, value) = inner.split_once(',')?;
            let bare = |text: &str| text.trim().trim_matches(['`', '"', '\'']).to_owned();
            Some((bare(key), bare(value)))
        });
        pairs.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traefik_is_read_from_how_it_was_started() {
        let template = json!({
            "ContainerSpec": {
                "Image": "docker.io/library/traefik:v3.1@sha256:00",
                "Args": [
                    "--providers.swarm=true",
                    "--providers.swarm.constraints=Label(`zone`, `public`)",
                    "--entryPoints.Plain.address=:80/tcp",
                    "--entrypoints.secure.address=0.0.0.0:443",
                ],
                "Env": ["TRAEFIK_LOG_LEVEL=INFO"],
            },
            "Networks": [{ "Target": "i" }, { "Target": "n" }],
        });
        let network =
            |id: &str, name: &str, ingress| Network { id: id.to_owned(), name: name.to_owned(), ingress };
        let networks = [network("i", "ingress", true), network("n", "edge", false)];
        let expect = Traefik {
            network: "edge".to_owned(),
            http: "plain".to_owned(),
            https: "secure".to_owned(),
            labels: [("zone".to_owned(), "public".to_owned())].into(),
        };
        assert_eq!(traefik(&template, &networks), Some(expect));
    }

    #[test]
    fn another_image_is_no_traefik() {
        let template = json!({ "ContainerSpec": { "Image": "traefik/whoami:v1" } });
        assert_eq!(traefik(&template, &[]), None);
    }
}
