//! The container that writes files before the others start.

use rhumb_spec::model::Mount;
use serde_json::{Value, json};

use super::body::Body;
use super::{Context, logging, shell};

/// Its name.
pub(crate) const NAME: &str = "rhumb-files";
/// Where it has the folders that it writes to.
pub(crate) const ROOT: &str = "/rhumb";
/// The memory that is reserved for it on EC2, in MiB.
const MEMORY: u64 = 32;

/// How a file's bytes come to the container.
pub(super) enum Content {
    /// Nothing at all.
    Empty,
    /// As base64, from a parameter or a key of a secret.
    Base64(String),
    /// As they are, from something that exists already.
    Plain(String),
}

/// A file to write.
struct File {
    /// Below [`ROOT`].
    path: String,
    content: Content,
    mode: Option<String>,
    owner: Option<String>,
}

/// What is to be written for a task.
#[derive(Default)]
pub(super) struct Files {
    wanted: Vec<File>,
    /// Volumes, each a folder of files or one that everybody may write to.
    volumes: Vec<String>,
    open: Vec<String>,
    /// The parameters and keys of secrets that are read, each a variable.
    places: Vec<String>,
}

impl Files {
    /// Has everybody write to a volume of the task's own, which is the root user's at first.
    ///
    /// Source: Amazon ECS developer guide, "Use bind mounts with Amazon ECS".
    pub(super) fn open(&mut self, volume: &str) {
        if !self.volumes.iter().any(|known| known == volume) {
            self.volumes.push(volume.to_owned());
            self.open.push(volume.to_owned());
        }
    }

    /// The volume of a container's folder, a new one for each.
    pub(super) fn volume(&mut self) -> String {
        let name = format!("{NAME}-{}", self.volumes.len());
        self.volumes.push(name.clone());
        name
    }

    /// Adds a file to a volume, with the mode and owner that a mount wants.
    pub(super) fn add(&mut self, volume: &str, name: &str, content: Content, mount: &Mount) {
        if let Content::Base64(place) | Content::Plain(place) = &content
            && !self.places.contains(place)
        {
            self.places.push(place.clone());
        }
        let owner = match (mount.user, mount.group) {
            (None, None) => None,
            (Some(user), None) => Some(user.to_string()),
            (user, Some(group)) => {
                Some(format!("{}:{group}", user.map_or(String::new(), |user| user.to_string())))
            }
        };
        let path = format!("{volume}/{name}");
        self.wanted.push(File { path, content, mode: mount.file_mode.clone(), owner });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.volumes.is_empty()
    }

    fn variable(&self, place: &str) -> String {
        format!("F{}", self.places.iter().position(|known| known == place).unwrap_or_default())
    }

    /// A script that ends at the first thing that goes wrong, so that the others never start.
    fn script(&self) -> String {
        let opened = self
            .open
            .iter()
            .map(|volume| format!("chmod 0777 {}", shell::quote(&format!("{ROOT}/{volume}"))));
        let mut lines: Vec<String> = opened.collect();
        for file in &self.wanted {
            let path = format!("{ROOT}/{}", file.path);
            let word = shell::quote(&path);
            lines.push(match &file.content {
                Content::Empty => format!(": > {word}"),
                Content::Base64(place) => {
                    format!("printf %s \"${}\" | base64 -d > {word}", self.variable(place))
                }
                Content::Plain(place) => format!("printf %s \"${}\" > {word}", self.variable(place)),
            });
            lines.extend(file.owner.as_ref().map(|owner| format!("chown {owner} {word}")));
            lines.extend(file.mode.as_ref().map(|mode| format!("chmod {mode} {word}")));
        }
        lines.join("\n")
    }

    /// The container. `labels` are put on it, so that a change of what keeps its name changes the task definition.
    pub(super) fn container(&self, context: &Context<'_>, workload: &str, labels: Value) -> Value {
        let secret = |place: &String| json!({ "name": self.variable(place), "valueFrom": place });
        let mount =
            |volume: &String| json!({ "sourceVolume": volume, "containerPath": format!("{ROOT}/{volume}") });
        let mut body = Body::new();
        body.set("name", NAME).set("image", context.facts.init_image.clone());
        if !context.facts.is_fargate() {
            body.set("memoryReservation", MEMORY);
        }
        body.set("essential", false)
            .set("entryPoint", json!(["/bin/sh", "-ec"]))
            .set("command", json!([self.script()]))
            .set_filled("secrets", self.places.iter().map(secret).collect::<Vec<_>>())
            .set_filled("mountPoints", self.volumes.iter().map(mount).collect::<Vec<_>>())
            .set_filled("dockerLabels", labels)
            .set("logConfiguration", logging::default(context, workload));
        body.into_value()
    }
}
