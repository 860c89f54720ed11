//! Options of the Docker Engine.

use rhumb_backend::Scope;
use rhumb_backend::fields::Fields;
use rhumb_spec::Bytes;
use rhumb_spec::model::{Access, Container, Logging, Mount, MountSource, Nfs, Ulimit, Volume, Workload};
use serde_json::Value;

use super::World;
use super::environment::is_search_domain;
use super::naming::document_name;

/// Reads `parameters`. The list stays where one of them has no word: a patch replaces it as a whole.
pub(super) fn lift(
    fields: &mut Fields<'_>,
    id: &str,
    (container, workload): (&mut Container, &mut Workload),
    world: &mut World,
) {
    let pairs = |value: &Value| -> Option<Vec<(String, String)>> {
        let pair = |item: &Value| {
            let text = |key: &str| item.get(key)?.as_str().map(str::to_owned);
            (item.as_object()?.len() == 2).then_some((text("key")?, text("value")?))
        };
        value.as_array()?.iter().map(pair).collect()
    };
    let Some(pairs) = fields.get("parameters").and_then(pairs) else { return };
    let mut is_whole = true;
    for (key, value) in &pairs {
        is_whole &= add((id, key, value), (container, workload), world).is_some();
    }
    if is_whole {
        fields.take_whole("parameters");
    }
}

fn add(
    (id, key, value): (&str, &str, &str),
    (container, workload): (&mut Container, &mut Workload),
    world: &mut World,
) -> Option<()> {
    let owned = value.to_owned();
    let security = &mut container.security;
    match key {
        "entrypoint" if container.command.is_empty() => container.command.push(owned),
        "workdir" => container.working_dir = Some(owned).filter(|folder| folder.starts_with('/')),
        "user" => {
            let (user, group) =
                value.split_once(':').map_or((value, None), |(user, group)| (user, Some(group)));
            security.user = Some(user.to_owned()).filter(|user| !user.is_empty());
            security.group = group.map(str::to_owned);
            security.user.as_ref()?;
        }
        "read-only" => security.read_only_root = flag(value)?,
        "privileged" => security.privileged = flag(value)?,
        "cap-add" => security.capabilities.add.push(owned),
        "cap-drop" => security.capabilities.drop.push(owned),
        "sysctl" => {
            let (name, value) = value.split_once('=')?;
            security.sysctls.insert(name.to_owned(), value.to_owned());
        }
        "ulimit" => {
            let (name, limits) = value.split_once('=')?;
            let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
            let limit = Ulimit { soft: soft.parse().ok()?, hard: hard.parse().ok()? };
            security.ulimits.insert(name.to_owned(), limit);
        }
        "security-opt" => security.seccomp = Some(value.strip_prefix("seccomp=")?.to_owned()),
        "stop-signal" => container.stop.signal = Some(owned),
        "dns" => workload.dns.servers.push(owned),
        "dns-search" if is_search_domain(value) => workload.short_names = true,
        "dns-search" => workload.dns.search.push(owned),
        "dns-opt" | "dns-option" => workload.dns.options.push(owned),
        "add-host" => {
            let (name, address) = value.split_once(':')?;
            address.parse::<std::net::IpAddr>().ok()?;
            workload.extra_hosts.insert(name.to_owned(), address.to_owned());
        }
        "hostname" => workload.hostname = Some(owned),
        "log-driver" => logging(container).driver = owned,
        "log-opt" => {
            let (name, value) = value.split_once('=')?;
            logging(container).options.insert(name.to_owned(), value.to_owned());
        }
        "tmpfs" => tmpfs(value, container)?,
        "mount" => mount((id, value), container, world)?,
        _ => return None,
    }
    Some(())
}

fn flag(value: &str) -> Option<bool> {
    value.parse().ok()
}

fn logging(container: &mut Container) -> &mut Logging {
    container.logging.get_or_insert_default()
}

fn tmpfs(value: &str, container: &mut Container) -> Option<()> {
    let (at, options) = value.split_once(':').unwrap_or((value, ""));
    let mut mount = plain(MountSource::Tmpfs { size: None });
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some(("size", bytes)) => {
                mount.source = MountSource::Tmpfs { size: Some(size(bytes)?) };
            }
            Some(("mode", mode)) => mount.file_mode = Some(mode.to_owned()),
            None if option == "ro" => mount.read_only = true,
            None if option == "rw" => {}
            _ => return None,
        }
    }
    container.mounts.insert(at.to_owned(), mount);
    Some(())
}

/// A size as Docker writes it: bytes, or with `k`, `m`, `g` in steps of 1024.
fn size(text: &str) -> Option<Bytes> {
    let (number, factor) = match text.as_bytes().last()?.to_ascii_lowercase() {
        b'k' => (&text[..text.len() - 1], 1 << 10),
        b'm' => (&text[..text.len() - 1], 1 << 20),
        b'g' => (&text[..text.len() - 1], 1 << 30),
        _ => (text, 1),
    };
    number.parse::<u64>().ok()?.checked_mul(factor).map(Bytes)
}

/// The document of a volume of a driver that a release called so: its name without the release's. Other names have no word,
/// since an app that says how a volume is made gives it the name of its release.
pub(super) fn own_volume(id: &str, volume: &str) -> Option<String> {
    let mut segments = id.trim_start_matches('/').split(['/', '.']);
    let scope = Scope::new(segments.next()?, segments.next()?);
    let name = volume.strip_prefix(&scope.stack())?.strip_prefix('-')?;
    (document_name(name) == name).then(|| name.to_owned())
}

/// A mount of a source that is written to.
pub(super) fn plain(source: MountSource) -> Mount {
    Mount { source, read_only: false, sub_path: None, file_mode: None, user: None, group: None }
}

/// Reads `--mount` of a volume with a driver.
fn mount((id, value): (&str, &str), container: &mut Container, world: &mut World) -> Option<()> {
    let mut source = None;
    let mut at = None;
    let mut mount = plain(MountSource::Tmpfs { size: None });
    let mut volume = Volume::default();
    for field in csv(value) {
        let (key, value) = field.split_once('=').unwrap_or((&field, ""));
        match key {
            "type" if value == "volume" => {}
            "src" | "source" => source = Some(value.to_owned()),
            "dst" | "target" | "destination" => at = Some(value.to_owned()),
            "volume-driver" => volume.class = Some(value.to_owned()),
            "volume-subpath" => mount.sub_path = Some(value.to_owned()),
            "readonly" => mount.read_only = matches!(value, "" | "true" | "1"),
            "volume-opt" => {
                let (name, value) = value.split_once('=')?;
                volume.options.insert(name.to_owned(), value.to_owned());
            }
            _ => return None,
        }
    }
    let source = source.and_then(|source| own_volume(id, &source))?;
    volume.class.as_ref()?;
    of_nfs(&mut volume);
    let name = world.volumes.add(&source, &source);
    world.app.volumes.insert(name.clone(), volume);
    mount.source = MountSource::Volume { name };
    container.mounts.insert(at?, mount);
    Some(())
}

/// Options of the local driver that are an NFS server's directory.
fn of_nfs(volume: &mut Volume) {
    let read = |volume: &Volume| {
        let text = |key: &str| volume.options.get(key).map(String::as_str);
        let is_nfs = volume.class.as_deref() == Some("local")
            && text("type") == Some("nfs")
            && volume.options.len() == 3;
        let options = text("o").filter(|_| is_nfs)?.strip_prefix("addr=")?;
        let (server, rest) =
            options.split_once(',').map_or((options, None), |(server, rest)| (server, Some(rest)));
        let path = text("device")?.strip_prefix(':')?;
        Some(Nfs { server: server.to_owned(), path: path.to_owned(), options: rest.map(str::to_owned) })
    };
    if let Some(nfs) = read(volume) {
        volume.nfs = Some(nfs);
        volume.class = None;
        volume.options.clear();
        volume.access = Access::Shared;
    }
}

/// The fields of a line of CSV.
fn csv(line: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut is_quoted = false;
    for character in line.chars() {
        match character {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => found.push(String::new()),
            other => {
                if let Some(field) = found.last_mut() {
                    field.push(other);
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_in_quotes_have_commas() {
        assert_eq!(csv("a=1,\"b=2,3\",c"), ["a=1", "b=2,3", "c"]);
        assert_eq!(size("64m"), Some(Bytes(64 << 20)));
        assert_eq!(size("m"), None);
    }
}
