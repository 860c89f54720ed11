//! Volumes of drivers and of NFS servers, and what the Docker Engine mounts itself.

use rhumb_spec::model::{Access, Mount, MountSource, Volume};
use serde_json::{Map, Value};

use super::body::Body;
use super::container::Parameters;
use super::{Context, Part};

/// The provider of external volumes.
const PROVIDER: &str = "dvdi";
/// The option that names the driver of an external volume.
pub(crate) const DRIVER: &str = "dvdi/driver";

/// What a volume document is on Marathon.
pub(super) enum Storage<'a> {
    /// A persistent volume of an agent.
    Local { kind: &'a str },
    /// A volume of a driver.
    Driver { driver: &'a str },
    /// A directory of an NFS server, or a driver with options, which the Docker Engine mounts.
    Options { driver: &'a str, options: Vec<(String, String)> },
}

/// What a volume document is.
pub(super) fn storage(volume: &Volume) -> Storage<'_> {
    if let Some(nfs) = &volume.nfs {
        let address = format!("addr={}", nfs.server);
        let all = nfs.options.as_ref().map_or(address.clone(), |options| format!("{address},{options}"));
        let options = [("type", "nfs".to_owned()), ("o", all), ("device", format!(":{}", nfs.path))];
        let options = options.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        return Storage::Options { driver: volume.class.as_deref().unwrap_or("local"), options };
    }
    match volume.class.as_deref() {
        None => Storage::Local { kind: "root" },
        Some(kind @ ("root" | "path" | "mount")) => Storage::Local { kind },
        Some(driver) if volume.options.is_empty() => Storage::Driver { driver },
        Some(driver) => {
            let options = volume.options.iter().map(|(key, value)| (key.clone(), value.clone()));
            Storage::Options { driver, options: options.collect() }
        }
    }
}

/// `external` of a volume: the release's own is called `<namespace>-<release>-<volume>`.
///
/// Source: Marathon REST API, `DVDIExternalVolumeInfo`; sizes count in GiB.
pub(super) fn external(
    context: &Context<'_>,
    (name, document): (&str, &Volume),
    driver: &str,
    options: &[(String, String)],
) -> Value {
    let mut all = Map::new();
    all.insert(DRIVER.to_owned(), driver.into());
    all.extend(options.iter().map(|(key, value)| (format!("dvdi/{key}"), value.clone().into())));
    let mut body = Body::new();
    body.set_some("size", document.size.map(rhumb_spec::Bytes::as_gib_rounded_up));
    body.set("name", native_name(context, name, document)).set("provider", PROVIDER).set("options", all);
    if document.access == Access::Shared {
        body.set("shared", true);
    }
    body.into_value()
}

fn native_name(context: &Context<'_>, name: &str, document: &Volume) -> String {
    if document.external {
        return name.to_owned();
    }
    format!("{}-{name}", context.scope.stack())
}

/// The mounts that the Docker Engine makes itself: memory, and volumes with options of a driver.
///
/// Source: docs.docker.com, `docker container run`, `--tmpfs`, `--mount`; "Volumes", options of drivers.
pub(super) fn parameters(context: &Context<'_>, part: &Part<'_>, to: &mut Parameters) {
    for (at, mount) in &part.container.mounts {
        match &mount.source {
            MountSource::Tmpfs { size } => {
                to.add("tmpfs", tmpfs(at, mount, size.map(rhumb_spec::Bytes::get)));
            }
            MountSource::Volume { name } => {
                let Some(document) = context.app.volumes.get(name) else { continue };
                if let Storage::Options { driver, options } = storage(document) {
                    let source = native_name(context, name, document);
                    to.add("mount", option((at, mount), &source, driver, &options));
                }
            }
            _ => {}
        }
    }
}

fn tmpfs(at: &str, mount: &Mount, size: Option<u64>) -> String {
    let mut options: Vec<String> = Vec::new();
    options.extend(mount.read_only.then(|| "ro".to_owned()));
    options.extend(size.map(|size| format!("size={size}")));
    options.extend(mount.file_mode.as_ref().map(|mode| format!("mode={mode}")));
    if options.is_empty() { at.to_owned() } else { format!("{at}:{}", options.join(",")) }
}

fn option((at, mount): (&str, &Mount), source: &str, driver: &str, options: &[(String, String)]) -> String {
    let mut fields = vec!["type=volume".to_owned(), format!("src={source}"), format!("dst={at}")];
    fields.push(format!("volume-driver={driver}"));
    fields.extend(options.iter().map(|(key, value)| csv(&format!("volume-opt={key}={value}"))));
    fields.extend(mount.sub_path.as_ref().map(|sub| format!("volume-subpath={sub}")));
    fields.extend(mount.read_only.then(|| "readonly".to_owned()));
    fields.join(",")
}

/// A field with a comma in it stands in quotes, as `--mount` reads CSV.
fn csv(field: &str) -> String {
    if field.contains(',') { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.to_owned() }
}
