//! What the helper's program does.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use rhumb_ferry::server::{Mounted, serve};
use rhumb_ferry::{Access, Identity};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "usage: rhumb-ferry serve [--listen ADDRESS] [--volumes FOLDER] [--secrets FOLDER] [--identity FILE] \
                     [--idle SECONDS] [--read-only]";

/// What the command line says.
struct Settings {
    listen: String,
    identity: PathBuf,
    mounted: Mounted,
}

/// Serves until nobody was connected for a while, or somebody stops it.
pub(crate) fn run(arguments: impl Iterator<Item = OsString>) -> Result<(), String> {
    let settings = parse(arguments)?;
    let about = |error: std::io::Error| format!("{}: {error}", settings.identity.display());
    let identity = Identity::new(std::fs::read_to_string(&settings.identity).map_err(about)?);
    let tls = identity.server_config().map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let listener = TcpListener::bind(&settings.listen).await;
        let listener = listener.map_err(|error| format!("cannot listen at {}: {error}", settings.listen))?;
        // As the first process of a container it would not be ended by the signal otherwise.
        let mut stop = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
        tokio::select! {
            served = serve(listener, tls, settings.mounted) => served.map_err(|error| error.to_string()),
            _ = stop.recv() => Ok(()),
        }
    })
}

fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Settings, String> {
    if arguments.next().as_deref() != Some("serve".as_ref()) {
        return Err(USAGE.to_owned());
    }
    let mut settings = Settings {
        listen: "0.0.0.0:7411".to_owned(),
        identity: "/ferry-identity".into(),
        mounted: Mounted {
            volumes: "/ferry".into(),
            secrets: "/ferry-secrets".into(),
            access: Access::ReadWrite,
            idle: Duration::from_mins(10),
        },
    };
    while let Some(name) = arguments.next() {
        if name == "--read-only" {
            settings.mounted.access = Access::ReadOnly;
            continue;
        }
        let value = arguments.next().ok_or(USAGE)?;
        let text = || value.to_str().ok_or(USAGE);
        match name.to_str() {
            Some("--listen") => text()?.clone_into(&mut settings.listen),
            Some("--identity") => settings.identity = value.into(),
            Some("--volumes") => settings.mounted.volumes = value.into(),
            Some("--secrets") => settings.mounted.secrets = value.into(),
            Some("--idle") => settings.mounted.idle = seconds(text()?)?,
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(settings)
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: Option<u64> = text.parse().ok().filter(|seconds| *seconds > 0);
    seconds.map(Duration::from_secs).ok_or_else(|| format!("--idle takes whole seconds, and not {text:?}"))
}
