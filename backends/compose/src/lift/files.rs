//! Configs and secrets.

use std::path::PathBuf;

use rhumb_backend::Material;
use rhumb_backend::fields::{Fields, leaves};
use rhumb_spec::model::{Config, Container, Mount, MountSource, Sealed, Secret};
use serde_json::Value;

use super::amounts::{octal, whole};
use super::volumes::{key, own_name, target};
use super::{World, external, scalar, text_pairs};

/// Reads the sections `configs` and `secrets`.
pub(super) fn lift(world: &mut World<'_>) {
    for (name, node) in world.section("configs") {
        let document = external::named(("configs", &name, node), world);
        let path = format!("config/{document}");
        world.entry(("config", &name, node), Some(path), |fields, world| {
            config(fields, (&name, &document), world);
        });
    }
    for (name, node) in world.section("secrets") {
        let document = external::named(("secrets", &name, node), world);
        let path = format!("secret/{document}");
        world.entry(("secret", &name, node), Some(path), |fields, world| {
            secret(fields, (&name, &document), world);
        });
    }
}

fn config(fields: &mut Fields<'_>, (name, document): (&str, &str), world: &mut World<'_>) {
    if let Some(labels) = external::lift(fields, ("config", name, document), world) {
        let found = Config { external: true, labels, ..Config::default() };
        world.app.configs.insert(document.to_owned(), found);
        return;
    }
    own_name(fields);
    let mut found =
        Config { labels: fields.take("labels", text_pairs).unwrap_or_default(), ..Config::default() };
    let text = match content(fields, ("config", name), world).map(String::from_utf8) {
        Some(Ok(text)) => text,
        Some(Err(_)) => {
            fields.lost("file", 1, "the content is no text");
            world.warn(
                format!("config/{name}"),
                "the content is no text and was left out",
                "`binary`, in base64",
            );
            String::new()
        }
        None => String::new(),
    };
    found.data.insert(key(name), text);
    world.app.configs.insert(document.to_owned(), found);
}

fn secret(fields: &mut Fields<'_>, (name, document): (&str, &str), world: &mut World<'_>) {
    if let Some(labels) = external::lift(fields, ("secret", name, document), world) {
        let found = Secret { external: true, labels, ..Secret::default() };
        world.app.secrets.insert(document.to_owned(), found);
        return;
    }
    own_name(fields);
    let mut found =
        Secret { labels: fields.take("labels", text_pairs).unwrap_or_default(), ..Secret::default() };
    let id = format!("compose/{document}");
    if let Some(bytes) = content(fields, ("secret", name), world) {
        world.material.insert(id.clone(), Material::new(bytes));
    }
    found.data.insert(key(name), Sealed::new(id));
    world.app.secrets.insert(document.to_owned(), found);
}

/// The content of a config or secret; none, and a warning, where it is not to be had.
fn content(fields: &mut Fields<'_>, (kind, name): (&str, &str), world: &mut World<'_>) -> Option<Vec<u8>> {
    let at = format!("{kind}/{name}");
    if let Some(text) = fields.take("content", scalar) {
        return Some(text.into_bytes());
    }
    if let Some(variable) = fields.take("environment", scalar) {
        let found = world.project.environment.get(&variable).cloned();
        if found.is_none() {
            missing(fields, (kind, "environment"));
            world.warn(at, format!("the variable `{variable}` is not set"), "give the content as a value");
        }
        return found.map(String::into_bytes);
    }
    let path = fields.take("file", scalar)?;
    let read = |whole: PathBuf| {
        world.project.reader.read(&whole).map_err(|why| format!("cannot read {}: {why}", whole.display()))
    };
    match world.project.located(&path).and_then(read) {
        Ok(bytes) => Some(bytes),
        Err(what) => {
            missing(fields, (kind, "file"));
            world.warn(at, what, "give the content as a value");
            None
        }
    }
}

/// A config without its content is empty; a secret must be given, or exist already.
fn missing(fields: &Fields<'_>, (kind, key): (&str, &str)) {
    if kind == "config" {
        fields.lost(key, 1, "its content was not to be had at the import, and the config is empty");
    }
}

/// Reads what a service is granted.
pub(super) fn granted(fields: &mut Fields<'_>, container: &mut Container, world: &mut World<'_>) {
    for section in ["configs", "secrets"] {
        let Some(Value::Array(items)) = fields.get(section).cloned() else { continue };
        fields.take_whole(section);
        for (index, item) in items.iter().enumerate() {
            let at = format!("{section}.{index}");
            if let Err(why) = grant(item, section, container, world) {
                fields.lost(&at, leaves(item), &why);
                continue;
            }
            for (key, value) in item.as_object().into_iter().flatten() {
                if !matches!(key.as_str(), "source" | "target" | "uid" | "gid" | "mode") {
                    fields.lost(&format!("{at}.{key}"), leaves(value), "no mount of an app has it");
                }
            }
        }
    }
}

fn grant(
    item: &Value,
    section: &'static str,
    container: &mut Container,
    world: &World<'_>,
) -> Result<(), String> {
    let text = |name: &str| item.get(name).and_then(scalar);
    let source = scalar(item).or_else(|| text("source")).ok_or("`source` is missing")?;
    let name = world.known(section, &source).filter(|_| is_declared(world, section, &source));
    let name = name.ok_or_else(|| format!("there is no `{source}` below `{section}`"))?;
    let is_config = section == "configs";
    let wanted = text("target").unwrap_or_else(|| source.clone());
    let path = match (wanted.starts_with('/'), is_config) {
        (true, _) => wanted,
        (false, true) => format!("/{wanted}"),
        (false, false) => format!("/run/secrets/{wanted}"),
    };
    let key = Some(key(&source));
    let mount = Mount {
        source: if is_config { MountSource::Config { name, key } } else { MountSource::Secret { name, key } },
        read_only: false,
        sub_path: None,
        file_mode: text("mode").map(|mode| octal(&mode)),
        user: item.get("uid").and_then(whole),
        group: item.get("gid").and_then(whole),
    };
    container.mounts.insert(target(&path)?, mount);
    Ok(())
}

fn is_declared(world: &World<'_>, section: &str, name: &str) -> bool {
    world.project.root.get(section).is_some_and(|section| section.get(name).is_some())
}
