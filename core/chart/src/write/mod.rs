//! From an app back to a chart: its documents as templates, and what people change as values.
//!
//! Values are made of images, replicas, resources, ports that are published, the hosts of routes, the sizes of volumes,
//! secret data, and the variables of whoever wrote the app. Everything else stands in the templates as it is in the app, so that the chart with its defaults renders the same app.

mod page;
mod place;
mod secret;
mod template;
mod value;
mod variable;

use std::collections::{BTreeMap, BTreeSet};

use rhumb_spec::model::{Container, ExposeAs, Kind, Resources, Workload};
use rhumb_spec::yaml::WriteError;
use rhumb_spec::{App, Variables};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::files::{FileError, Files};
use crate::schema::SCHEMA_FILE;
use crate::{METADATA_FILE, VALUES_FILE};
use place::Places;
use template::Tokens;
use value::Extracted;

/// What a chart is written of.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    /// The chart's name.
    pub name: &'a str,
    /// One sentence on what it is.
    pub description: &'a str,
    /// The app.
    pub app: &'a App,
    /// The ids of secret data of which the material is empty text: they need no value.
    pub empty: &'a BTreeSet<String>,
    /// The variables in its texts.
    pub variables: &'a Variables,
}

/// A chart that was written.
#[derive(Clone, Debug)]
pub struct Written {
    /// Its files.
    pub files: Files,
    /// The paths of secret values, each with the id of its material. No file has the material.
    pub secrets: Vec<(Vec<String>, String)>,
    /// The paths of values that must be given, each with one that would do.
    pub required: Vec<(Vec<String>, String)>,
}

/// Why a chart cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftError {
    /// A document cannot be written as YAML.
    Text(WriteError),
    /// A file cannot be part of a chart.
    File(String, FileError),
}

impl std::fmt::Display for DraftError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(error) => write!(formatter, "a document cannot be written as YAML: {error}"),
            Self::File(path, error) => {
                write!(formatter, "the file {path} cannot be part of a chart: {error}")
            }
        }
    }
}

impl std::error::Error for DraftError {}

impl From<WriteError> for DraftError {
    fn from(error: WriteError) -> Self {
        Self::Text(error)
    }
}

/// Writes an app as a chart.
///
/// # Errors
/// Documents and files that no chart can have.
pub fn write(draft: &Draft<'_>) -> Result<Written, DraftError> {
    let mut writer = Writer {
        draft: *draft,
        values: Extracted::default(),
        tokens: Tokens::of(draft.app),
        texts: BTreeMap::new(),
        paths: variable::Paths::new(),
        required: Vec::new(),
    };
    let places = Places::of(draft.app);
    writer.documents(&places)?;
    let mut files = Files::new();
    let mut add = |path: &str, text: String| {
        files.insert(path, text).map_err(|error| DraftError::File(path.to_owned(), error))
    };
    add(METADATA_FILE, page::metadata(draft))?;
    add(VALUES_FILE, writer.values.text()?)?;
    add(SCHEMA_FILE, writer.values.schema())?;
    add("README.md", page::readme(draft, &writer.values))?;
    add(".rhumbignore", page::ignored())?;
    for (path, text) in writer.texts {
        add(&path, text)?;
    }
    Ok(Written { files, secrets: writer.values.secrets, required: writer.required })
}

struct Writer<'a> {
    draft: Draft<'a>,
    values: Extracted,
    tokens: Tokens,
    /// The templates, by their path.
    texts: BTreeMap<String, String>,
    paths: variable::Paths,
    required: Vec<(Vec<String>, String)>,
}

impl Writer<'_> {
    fn documents(&mut self, places: &Places) -> Result<(), DraftError> {
        let app = self.draft.app;
        self.begin();
        for (name, config) in &app.configs {
            self.document(Kind::Config, name, json(config), places)?;
        }
        for (name, secret) in &app.secrets {
            let path = places.of_document(Kind::Secret, name);
            let text = secret::text(name, secret, self.draft.empty, &mut self.values)?;
            self.push(path, &text);
        }
        for (name, volume) in &app.volumes {
            let mut fields = json(volume);
            if let Some(size) = &volume.size {
                let path = self.values.group("volumes", name, "size");
                let token = self.extract(&path, size.to_string().into(), "| quote");
                fields.insert("size".to_owned(), token);
            }
            self.document(Kind::Volume, name, fields, places)?;
        }
        for (name, network) in &app.networks {
            self.document(Kind::Network, name, json(network), places)?;
        }
        for (name, workload) in &app.workloads {
            let fields = self.workload(name, workload);
            self.document(Kind::Workload, name, fields, places)?;
        }
        for (name, route) in &app.routes {
            let mut fields = json(route);
            if let Some(host) = &route.host {
                let path = self.values.group("routes", name, "host");
                let token = self.extract(&path, host.clone().into(), "| quote");
                fields.insert("host".to_owned(), token);
            }
            self.document(Kind::Route, name, fields, places)?;
        }
        for (name, native) in &app.natives {
            self.document(Kind::Native, name, json(native), places)?;
        }
        Ok(())
    }

    fn workload(&mut self, name: &str, workload: &Workload) -> Map<String, Value> {
        let mut fields = json(workload);
        if let Some(replicas) = workload.replicas {
            let path = self.values.of_workload(name, None, "replicas");
            let token = self.extract(&path, replicas.into(), "");
            fields.insert("replicas".to_owned(), token);
        }
        self.published(name, workload, &mut fields);
        let is_one = workload.containers.len() == 1 && workload.init_containers.is_empty();
        let groups = [("initContainers", &workload.init_containers), ("containers", &workload.containers)];
        let mut fields = self.with_variables(name, fields);
        for (group, containers) in groups {
            for (container, content) in containers {
                let part = (!is_one).then_some(container.as_str());
                let place = fields
                    .get_mut(group)
                    .and_then(|group| group.get_mut(container))
                    .and_then(Value::as_object_mut);
                if let Some(place) = place {
                    self.container((name, part), content, place);
                }
            }
        }
        fields
    }

    /// Makes values of a container's image, where no variable stands in it, and of its resources.
    fn container(
        &mut self,
        (workload, part): (&str, Option<&str>),
        content: &Container,
        place: &mut Map<String, Value>,
    ) {
        if place.get("image").and_then(Value::as_str) == Some(&content.image) {
            let image = self.values.of_workload(workload, part, "image");
            let image = self.extract(&image, content.image.clone().into(), "| quote");
            place.insert("image".to_owned(), image);
        }
        if content.resources != Resources::default() {
            let path = self.values.of_workload(workload, part, "resources");
            let resources = self.extract(&path, Value::Object(json(&content.resources)), "| to_json");
            place.insert("resources".to_owned(), resources);
        }
    }

    /// Makes values of the ports that are reached from outside.
    fn published(&mut self, name: &str, workload: &Workload, fields: &mut Map<String, Value>) {
        for (port, expose) in &workload.expose {
            if expose.kind == ExposeAs::Internal {
                continue;
            }
            let path = self.values.port(name, port);
            let token = self.extract(&path, expose.port.into(), "");
            let place = fields.get_mut("expose").and_then(|all| all.get_mut(port));
            if let Some(Value::Object(place)) = place {
                place.insert("port".to_owned(), token);
            }
        }
    }

    /// Makes a value of the chart, and gives what stands for it in the template.
    fn extract(&mut self, path: &[String], value: Value, filter: &str) -> Value {
        let expression = format!("values.{} {filter}", path.join("."));
        self.values.set(path, value);
        self.tokens.stand_for(expression.trim_end())
    }

    fn document(
        &mut self,
        kind: Kind,
        name: &str,
        fields: Map<String, Value>,
        places: &Places,
    ) -> Result<(), DraftError> {
        let mut document = Map::new();
        document.insert("kind".to_owned(), kind.as_str().into());
        document.insert("name".to_owned(), name.into());
        document.extend(fields);
        let text = self.tokens.template(&rhumb_spec::yaml::to_string(&Value::Object(document))?);
        self.push(places.of_document(kind, name), &text);
        Ok(())
    }

    fn push(&mut self, path: String, text: &str) {
        let file = self.texts.entry(path).or_default();
        if !file.is_empty() {
            file.push_str("---\n");
        }
        file.push_str(text);
    }
}

fn json(value: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests;
