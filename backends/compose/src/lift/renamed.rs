//! Services whose names are none of DNS: they get another, and siblings call them by it.

use std::collections::BTreeSet;

use rhumb_spec::model::{Container, EnvValue, ProbeAction};

use super::World;
use super::references::is_called;
use super::references::told::some_of;

/// What the names of variables have in them that hold a host and nothing else.
const HOSTS: [&str; 9] = ["HOST", "ADDR", "SERVER", "ENDPOINT", "URL", "URI", "BROKER", "PEER", "UPSTREAM"];

/// Writes the new names of services where variables, commands and checks call them.
pub(super) fn lift(world: &mut World<'_>) {
    for service in world.chosen.clone() {
        let Some(document) = world.known("services", &service).filter(|document| *document != service) else {
            continue;
        };
        let names = (service.as_str(), document.as_str());
        let mut callers = BTreeSet::new();
        for (owner, workload) in &mut world.app.workloads {
            let containers = workload.containers.values_mut();
            let changed = containers.map(|container| rename(container, names)).sum::<usize>();
            if changed > 0 {
                callers.insert(owner.clone());
            }
        }
        let callers: BTreeSet<&str> = callers.iter().map(String::as_str).collect();
        let (what, remedy) = if callers.is_empty() {
            (
                format!("`{service}` is called {document}, and its siblings must call it so, too"),
                "the new name where siblings name it",
            )
        } else {
            (
                format!("`{service}` is called {document}, and {} calls it so now", some_of(&callers)),
                "the new name wherever else it is called, as in files",
            )
        };
        world.warn(format!("service/{service}"), what, remedy);
    }
}

/// Renames a host in the texts of a container. Returns how many of them changed.
fn rename(container: &mut Container, names: (&str, &str)) -> usize {
    let mut changed = 0;
    let mut put = |text: &mut String, new: Option<String>| {
        if let Some(new) = new {
            *text = new;
            changed += 1;
        }
    };
    for (key, value) in &mut container.env {
        let EnvValue::Text(text) = value else { continue };
        let key = key.to_ascii_uppercase();
        let is_host =
            text == names.0 && !key.ends_with("NAME") && HOSTS.iter().any(|word| key.contains(word));
        let new = if is_host { Some(names.1.to_owned()) } else { replaced(text, names) };
        put(text, new);
    }
    let probes = [&mut container.probes.ready, &mut container.probes.live].into_iter().flatten();
    let commands = probes.filter_map(|probe| match &mut probe.action {
        ProbeAction::Exec(command) => Some(command),
        _ => None,
    });
    for words in commands.chain([&mut container.command, &mut container.args]) {
        for index in 0..words.len() {
            let is_host = words[index] == names.0
                && index
                    .checked_sub(1)
                    .is_some_and(|before| matches!(words[before].as_str(), "-h" | "--host"));
            let new = if is_host { Some(names.1.to_owned()) } else { replaced(&words[index], names) };
            put(&mut words[index], new);
        }
    }
    changed
}

/// The text with a host's new name wherever it is called; none where it is nowhere.
fn replaced(text: &str, (old, new): (&str, &str)) -> Option<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut found = String::new();
    let mut done = 0;
    for (at, _) in text.match_indices(old) {
        let (before, after) = (&text[..at], &text[at + old.len()..]);
        let is_whole = !before.ends_with(is_part) && !after.starts_with(is_part);
        if is_whole && is_called((before, after)) {
            found.push_str(&text[done..at]);
            found.push_str(new);
            done = at + old.len();
        }
    }
    found.push_str(&text[done..]);
    (done > 0).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_renamed_and_words_are_not() {
        let names = ("my_db", "my-db");
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(replaced(text, names).as_deref(), expected, "{text}");
        };
        check("postgres://a:my_db@my_db:5432/my_db", Some("postgres://a:my_db@my-db:5432/my_db"));
        check("Server=my_db,1433;Database=my_db", Some("Server=my-db,1433;Database=my_db"));
        check("http://my_db/x http://my_db.x/", Some("http://my-db/x http://my_db.x/"));
        for text in ["my_db", "the my_db one", "//not_my_db:1", "my_db_2:1"] {
            check(text, None);
        }
    }
}
