//! Environment variables, and the files and commands that bring secrets into them.

use indexmap::IndexMap;
use rhumb_spec::model::{EnvFrom, EnvSource, EnvValue, Kind, Mode, SelfField};
use rhumb_spec::{Diagnostic, Feature};
use serde_json::{Value, json};

use super::files::File;
use super::shell::quote;
use super::template::{ORDINAL, ORDINAL_LIMIT, literal};
use super::{Context, ENV_SECRET, Report, Site, network};
use crate::names::FileKind;

/// What a container's variables become.
#[derive(Default)]
pub(super) struct Environment {
    /// `ContainerSpec.Env`.
    pub(super) env: Vec<String>,
    /// Files of secrets that variables need.
    pub(super) secrets: Vec<Value>,
    /// The command and its arguments, where they are not what the app says.
    pub(super) command: Option<(Vec<String>, Vec<String>)>,
}

/// The value of a variable on its way.
enum Variable<'a> {
    /// The text, in which what is no template is [`literal`].
    Text(String),
    /// The content of a secret's file.
    Secret { file: &'a File, secret: String, key: String },
}

/// How secrets become variables.
///
/// A shell in front of the command reads the files (`wrapper`), where the command is known: from `command`, or from
/// the image's configuration where the asked engine has it, which a choice then keeps. Elsewhere a variable
/// `NAME_FILE` tells the image where the file is (`file`), a convention that many public images follow. The
/// annotation [`ENV_SECRET`] decides instead. What was found without one is a choice and kept.
enum Way {
    Wrapper { entrypoint: Vec<String>, args: Vec<String> },
    File,
}

/// Turns a container's variables into those of a task.
pub(super) fn environment(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Environment {
    let mut variables: IndexMap<String, Variable<'_>> = IndexMap::new();
    for (index, from) in site.container.env_from.iter().enumerate() {
        let path = site.in_container(&format!("envFrom.{index}"));
        for (name, variable) in whole(context, from, &path, report) {
            variables.shift_remove(&name);
            variables.insert(name, variable);
        }
    }
    for (name, value) in &site.container.env {
        let path = site.in_container(&format!("env.{name}"));
        variables.shift_remove(name);
        if let Some(variable) = variable(context, site, value, &path, report) {
            variables.insert(name.clone(), variable);
        }
    }
    finish(context, site, &variables, report)
}

fn variable<'a>(
    context: &'a Context<'_>,
    site: &Site<'_>,
    value: &EnvValue,
    path: &str,
    report: &mut Report,
) -> Option<Variable<'a>> {
    let source = match value {
        EnvValue::Text(text) => return Some(Variable::Text(literal(text).into_owned())),
        EnvValue::From(source) => source,
    };
    match source {
        EnvSource::Config { name, key } => {
            let text = config_text(context, name, key, path, report)?;
            Some(Variable::Text(literal(text).into_owned()))
        }
        EnvSource::Secret { name, key } => {
            let file = context.files.find(FileKind::Secret, name, key)?;
            Some(Variable::Secret { file, secret: name.clone(), key: key.clone() })
        }
        EnvSource::Address { workload, port, format } => {
            let (host, number) = network::address(context.checked, workload, port)?;
            let text = format.as_deref().unwrap_or("{host}:{port}");
            let text = text.replace("{host}", host).replace("{port}", &number.to_string());
            Some(Variable::Text(literal(&text).into_owned()))
        }
        EnvSource::Own(SelfField::Ordinal) => ordinal(site, path, report),
    }
}

fn ordinal<'a>(site: &Site<'_>, path: &str, report: &mut Report) -> Option<Variable<'a>> {
    if !matches!(site.workload.mode, Mode::Replicated | Mode::Stateful) {
        report.refuse(
            Diagnostic::error(path, "only replicas of a fixed number are numbered")
                .why("Swarm tells tasks of other modes apart by their node or by their run")
                .remedy("`mode: replicated` or `mode: stateful`"),
        );
        return None;
    }
    if site.workload.replicas.is_some_and(|replicas| replicas > ORDINAL_LIMIT) {
        report.refuse(
            Diagnostic::error(
                path,
                format!("no more than {ORDINAL_LIMIT} replicas can be told their number"),
            )
            .why("it is computed from the last three digits of the task's slot")
            .remedy("fewer replicas, or two workloads"),
        );
    }
    Some(Variable::Text(ORDINAL.to_owned()))
}

fn config_text<'a>(
    context: &'a Context<'_>,
    name: &str,
    key: &str,
    path: &str,
    report: &mut Report,
) -> Option<&'a String> {
    let config = context.app.configs.get(name)?;
    let refusal = |why: &str| {
        Diagnostic::error(path, format!("the key {key} of {} cannot be a variable", Kind::Config.path(name)))
            .why(why)
            .remedy("the config mounted as a file")
    };
    if config.external {
        report.refuse(refusal(
            "the text is copied into the service, and that of an external config is not known here",
        ));
    } else if config.binary.contains_key(key) {
        report.refuse(refusal("it is bytes and not text"));
    }
    config.data.get(key)
}

/// Every key of a config or secret as a variable.
fn whole<'a>(
    context: &'a Context<'_>,
    from: &EnvFrom,
    path: &str,
    report: &mut Report,
) -> Vec<(String, Variable<'a>)> {
    let prefix = from.prefix.as_deref().unwrap_or("");
    let mut found = Vec::new();
    if let Some(config) = from.config.as_ref().and_then(|name| context.app.configs.get(name)) {
        report.diagnostics.extend(config.external.then(|| keys_unknown(path, "config")));
        let texts = config.data.iter();
        found.extend(
            texts.map(|(key, text)| (format!("{prefix}{key}"), Variable::Text(literal(text).into_owned()))),
        );
    }
    if let Some((name, secret)) =
        from.secret.as_ref().and_then(|name| context.app.secrets.get_key_value(name))
    {
        report.diagnostics.extend(secret.external.then(|| keys_unknown(path, "secret")));
        for (key, file) in context.files.of(FileKind::Secret, name) {
            let variable = Variable::Secret { file, secret: name.clone(), key: key.clone() };
            found.push((format!("{prefix}{key}"), variable));
        }
    }
    found
}

fn keys_unknown(path: &str, kind: &str) -> Diagnostic {
    Diagnostic::error(path, format!("the keys of an external {kind} are not known here"))
        .why(format!("a {kind} of Swarm holds one value under one name"))
        .remedy("`env` with each key by name")
}

fn finish(
    context: &Context<'_>,
    site: &Site<'_>,
    variables: &IndexMap<String, Variable<'_>>,
    report: &mut Report,
) -> Environment {
    let mut out = Environment::default();
    if !variables.values().any(|variable| matches!(variable, Variable::Secret { .. })) {
        out.env = variables.iter().filter_map(|(name, variable)| text_of(name, variable)).collect();
        return out;
    }
    let way = way(context, site, report);
    let mut exports = Vec::new();
    for (name, variable) in variables {
        out.env.extend(text_of(name, variable));
        let Variable::Secret { file, secret, key } = variable else { continue };
        let target = format!("{secret}.{key}");
        let reference = secret_file(file, &target);
        if !out.secrets.contains(&reference) {
            out.secrets.push(reference);
        }
        let path = format!("/run/secrets/{target}");
        match way {
            Way::File => out.env.push(format!("{name}_FILE={path}")),
            Way::Wrapper { .. } => {
                let field = site.in_container(&format!("env.{name}"));
                report.diagnostics.extend((!is_shell_name(name)).then(|| no_shell_name(&field, name)));
                exports.push((name.as_str(), path));
            }
        }
    }
    out.command = wrapped(way, &exports);
    out
}

/// The command behind the shell that exports secrets.
fn wrapped(way: Way, exports: &[(&str, String)]) -> Option<(Vec<String>, Vec<String>)> {
    let Way::Wrapper { entrypoint, args } = way else { return None };
    let exports: Vec<(&str, &str)> = exports.iter().map(|(name, path)| (*name, path.as_str())).collect();
    let mut command = vec!["/bin/sh".to_owned(), "-c".to_owned(), wrapper_script(&exports), "sh".to_owned()];
    command.extend(entrypoint);
    Some((command, args))
}

fn text_of(name: &str, variable: &Variable<'_>) -> Option<String> {
    match variable {
        Variable::Text(text) => Some(format!("{name}={text}")),
        Variable::Secret { .. } => None,
    }
}

/// The shell script that reads each variable from its file and then becomes the command that follows it.
pub(crate) fn wrapper_script(exports: &[(&str, &str)]) -> String {
    let lines = exports.iter().map(|(name, path)| {
        let path = quote(path);
        format!("{name}=\"$(cat {path})\" || exit 1; export {name}; ")
    });
    lines.chain(["exec \"$@\"".to_owned()]).collect()
}

fn secret_file(file: &File, target: &str) -> Value {
    json!({
        "File": { "Name": target, "UID": "0", "GID": "0", "Mode": 0o444 },
        "SecretID": file.reference(),
        "SecretName": file.name,
    })
}

fn is_shell_name(name: &str) -> bool {
    name.chars().enumerate().all(|(index, character)| {
        character == '_' || character.is_ascii_alphabetic() || (index > 0 && character.is_ascii_digit())
    })
}

fn no_shell_name(path: &str, name: &str) -> Diagnostic {
    Diagnostic::error(path, format!("a shell cannot export `{name}`"))
        .why("on Swarm a shell in front of the command reads the secret into the variable")
        .remedy(format!("a name of letters, digits and `_`; or the annotation `{ENV_SECRET}: file`"))
}

fn way(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Way {
    let choice = format!("env-secret/{}", site.name);
    let kept = report.choices.text(&choice).filter(|_| site.container.command.is_empty()).map(str::to_owned);
    let annotated = site.workload.annotations.get(ENV_SECRET).cloned();
    let known = known_command(context, site, report);
    let asked = annotated.or_else(|| kept.filter(|way| way == "file" || known.is_some()));
    let asked = asked.as_deref();
    let path = site.in_container("env");
    match (asked, known) {
        (None | Some("wrapper"), Some((entrypoint, args))) => {
            let text = "secrets are exported by /bin/sh in front of the command, so the image must have it";
            report.lose(Feature::EnvSecret, path, text);
            report.choices.set(choice, "wrapper");
            Way::Wrapper { entrypoint, args }
        }
        (None | Some("file"), _) => {
            let text = "secrets are files, and NAME_FILE holds the path of each: the image must read it";
            report.lose(Feature::EnvSecret, path, text);
            report.choices.set(choice, "file");
            Way::File
        }
        (Some("wrapper"), None) => {
            report.refuse(
                Diagnostic::error(path, "the command that the shell would start is not known")
                    .why("the app names no `command`, and the asked engine does not have the image")
                    .remedy(format!("`command`, or the annotation `{ENV_SECRET}: file`")),
            );
            Way::File
        }
        (Some(_), _) => {
            let path = site.at(&format!("annotations.{ENV_SECRET}"));
            report.refuse(Diagnostic::error(path, "it is `wrapper` or `file`"));
            Way::File
        }
    }
}

/// What the container starts: the app's own command, else the image's.
///
/// What was found in an image is kept as a choice, because the engine that is asked next may not have the image.
fn known_command(
    context: &Context<'_>,
    site: &Site<'_>,
    report: &mut Report,
) -> Option<(Vec<String>, Vec<String>)> {
    let container = site.container;
    if !container.command.is_empty() {
        return Some((container.command.clone(), container.args.clone()));
    }
    let choice = format!("command/{}", site.name);
    let of_image = match context.facts.image_configs.get(&container.image) {
        Some(config) => Some((config.entrypoint.clone(), config.cmd.clone())),
        None => kept_command(report.choices.get(&choice), &container.image),
    };
    let (entrypoint, cmd) = of_image?;
    let kept = json!({ "image": container.image, "entrypoint": entrypoint, "cmd": cmd });
    report.choices.set(choice, kept);
    let args = if container.args.is_empty() { cmd } else { container.args.clone() };
    (!entrypoint.is_empty() || !args.is_empty()).then_some((entrypoint, args))
}

/// The command of a choice, where it was made for an image of the same repository.
fn kept_command(choice: Option<&Value>, image: &str) -> Option<(Vec<String>, Vec<String>)> {
    let choice = choice?;
    let is_same =
        choice.get("image").and_then(Value::as_str).is_some_and(|kept| repository(kept) == repository(image));
    let list = |key: &str| -> Option<Vec<String>> { serde_json::from_value(choice.get(key)?.clone()).ok() };
    is_same.then(|| Some((list("entrypoint")?, list("cmd")?))).flatten()
}

/// An image's name without tag and digest.
fn repository(image: &str) -> &str {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    match name.rsplit_once(':') {
        Some((before, tag)) if !tag.contains('/') => before,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_have_neither_tag_nor_digest() {
        for image in ["reg:5000/team/web", "reg:5000/team/web:1", "reg:5000/team/web:1@sha256:00"] {
            assert_eq!(repository(image), "reg:5000/team/web");
        }
    }

    #[test]
    fn the_wrapper_stops_where_a_file_is_missing() {
        let script = wrapper_script(&[("A", "/run/secrets/db.a"), ("B", "/run/secrets/db.b")]);
        assert_eq!(
            script,
            "A=\"$(cat /run/secrets/db.a)\" || exit 1; export A; B=\"$(cat /run/secrets/db.b)\" || exit 1; export B; \
             exec \"$@\""
        );
    }
}
