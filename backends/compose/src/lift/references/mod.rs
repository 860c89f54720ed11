//! Who speaks to whom: siblings are reached at ports that nobody declared.

use std::collections::BTreeSet;

use rhumb_spec::model::{EnvValue, MountSource, Protocol};

use super::{World, ports};

pub(super) mod told;

/// The ports that well-known images listen on, by the image's name without registry and tag.
const KNOWN: &[(&str, u16)] = &[
    ("postgres", 5432),
    ("mysql", 3306),
    ("mariadb", 3306),
    ("mongo", 27017),
    ("redis", 6379),
    ("valkey", 6379),
    ("memcached", 11211),
    ("rabbitmq", 5672),
    ("nats", 4222),
    ("nginx", 80),
    ("httpd", 80),
    ("elasticsearch", 9200),
    ("zookeeper", 2181),
    ("whoami", 80),
    ("redis-stack-server", 6379),
    ("keydb", 6379),
    ("dragonfly", 6379),
    ("postgis", 5432),
    ("pgvector", 5432),
    ("timescaledb", 5432),
    ("percona", 3306),
    ("cassandra", 9042),
    ("couchdb", 5984),
    ("neo4j", 7687),
    ("influxdb", 8086),
    ("opensearch", 9200),
    ("meilisearch", 7700),
    ("qdrant", 6333),
    ("minio", 9000),
    ("etcd", 2379),
    ("cp-kafka", 9092),
    ("kafka", 9092),
    ("cp-zookeeper", 2181),
    ("ollama", 11434),
    ("mailpit", 1025),
    ("mailhog", 1025),
    ("caddy", 80),
];

/// The texts in which workloads name hosts, each with the workload that has it: values of variables, commands, and the
/// files that are mounted.
pub(super) fn texts(world: &World<'_>) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for (name, workload) in &world.app.workloads {
        for container in workload.containers.values() {
            let values = container.env.values().filter_map(|value| match value {
                EnvValue::Text(text) => Some(text),
                EnvValue::From(_) => None,
            });
            let files = container.mounts.values().filter_map(|mount| match &mount.source {
                MountSource::Config { name, .. } => world.app.configs.get(name),
                _ => None,
            });
            let files = files.flat_map(|config| config.data.values());
            let all = values.chain(&container.command).chain(&container.args).chain(files);
            found.extend(all.map(|text| (name.clone(), text.clone())));
        }
    }
    found
}

/// Exposes ports to siblings that Compose leaves open: every port of a container is reached there, and no platform opens
/// a port that nobody names.
pub(super) fn expose(world: &mut World<'_>) {
    let texts = texts(world);
    let services: Vec<String> = world.chosen.iter().cloned().collect();
    for service in services {
        let Some(document) = world.known("services", &service) else { continue };
        let networks = world.app.workloads.get(&document).map(|workload| workload.networks.values());
        let aliases = networks.into_iter().flatten().flat_map(|attachment| attachment.aliases.clone());
        let own = [service.clone(), document.clone(), tasks(&service)];
        let names: Vec<String> = own.into_iter().chain(aliases).collect();
        // What a service says of itself, as brokers do, is what it tells its siblings.
        let of = |name: &String| texts.iter().flat_map(|(_, text)| ports_of(text, name)).collect::<Vec<_>>();
        let found: BTreeSet<u16> = names.iter().flat_map(of).collect();
        add(&service, &document, found, world);
    }
    told::lift(&texts, world);
}

/// The name by which Swarm leads to each replica of a service.
fn tasks(service: &str) -> String {
    format!("tasks.{service}")
}

fn add(service: &str, document: &str, found: BTreeSet<u16>, world: &mut World<'_>) {
    let mut guessed = None;
    let mut hidden = Vec::new();
    if let Some(workload) = world.app.workloads.get_mut(document)
        && let Some((name, mut container)) = workload.containers.pop()
    {
        for port in found {
            ports::internal((port, Protocol::Tcp), (&mut container, workload));
            let exposed = workload.expose.get(&ports::name_of(port, Protocol::Tcp));
            if exposed.is_some_and(|expose| expose.internal_port.unwrap_or(expose.port) != port) {
                hidden.push(port);
            }
        }
        if workload.expose.is_empty()
            && let Some(port) = known(&container.image)
        {
            ports::internal((port, Protocol::Tcp), (&mut container, workload));
            guessed = Some(port);
        }
        workload.containers.insert(name, container);
    }
    if let Some(port) = guessed {
        let what = format!(
            "no port of it is named; port {port} is exposed to siblings, as images of this name listen there"
        );
        world.warn(
            format!("service/{service}.expose"),
            what,
            "another port in the chart, where the image has one",
        );
    }
    for port in hidden {
        let what = format!(
            "siblings reach it at port {port}, and it is exposed at the number that it is published at"
        );
        world.warn(
            format!("service/{service}.ports"),
            what,
            "the published number in the siblings, or the same number",
        );
    }
}

/// The port that a well-known image listens on.
pub(super) fn known(image: &str) -> Option<u16> {
    let name = image.rsplit('/').next().unwrap_or(image).split([':', '@']).next()?;
    KNOWN.iter().find(|(known, _)| *known == name).map(|(_, port)| *port)
}

/// The ports that a text names behind a host: `db:5432`.
fn ports_of(text: &str, host: &str) -> Vec<u16> {
    let found = mentions(text, host).filter_map(|(_, after)| {
        let after = after.strip_prefix(':')?;
        let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        after[..end].parse::<u16>().ok().filter(|port| *port > 0)
    });
    found.collect()
}

/// Whether a text names a host: it is nothing but its name, or has it behind `//` or `@`, or before a port.
pub(super) fn is_host(text: &str, host: &str) -> bool {
    !host.is_empty() && text == host || mentions(text, host).any(is_called)
}

/// Whether a name with this before and behind it is that of a host.
pub(super) fn is_called((before, after): (&str, &str)) -> bool {
    let has_port = after.strip_prefix(':').is_some_and(|port| port.starts_with(|c: char| c.is_ascii_digit()));
    let keys = ["host=", "server=", "source=", "addr=", "address="];
    let is_end = |key: &&str| {
        let at = before.len().checked_sub(key.len());
        at.and_then(|at| before.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(key))
    };
    before.ends_with("//") || before.ends_with('@') || has_port || keys.iter().any(is_end)
}

/// Whether a text has a name, and not as a part of a longer one.
pub(super) fn is_mentioned(text: &str, name: &str) -> bool {
    mentions(text, name).next().is_some()
}

/// What stands before and behind a name, wherever it is no part of a longer one.
fn mentions<'t>(text: &'t str, name: &'t str) -> impl Iterator<Item = (&'t str, &'t str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let around = text.match_indices(name).map(|(at, _)| (&text[..at], &text[at + name.len()..]));
    around.filter(move |(before, after)| {
        !name.is_empty() && !before.ends_with(is_part) && !after.starts_with(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_behind_hosts_are_found() {
        assert_eq!(ports_of("mysql://root:db@db:3306/db:x?a=mydb:1", "db"), [3306]);
        assert_eq!(known("docker.io/library/postgres:15-alpine"), Some(5432));
        assert_eq!(known("mypostgres"), None);
    }

    #[test]
    fn hosts_are_told_from_words() {
        for text in [
            "mongodb",
            "mongodb://mongodb/x",
            "a:b@mongodb",
            "wait mongodb:27017 x",
            "Data Source=mongodb,1;x",
        ] {
            assert!(is_host(text, "mongodb"), "{text}");
        }
        for text in ["mongodb://db", "my-mongodb:1", "a mongodb b", "mongodb.example.com:80", ""] {
            assert!(!is_host(text, "mongodb"), "{text}");
        }
        assert!(!is_host("", ""));
    }
}
