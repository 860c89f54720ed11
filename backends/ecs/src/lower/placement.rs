//! Where tasks go.

use rhumb_spec::Diagnostic;
use serde_json::{Value, json};

use super::body::Body;
use super::{Report, Site};

/// `runtimePlatform` of a task definition.
///
/// Source: Amazon ECS API reference, `RuntimePlatform`.
pub(super) fn platform(site: &Site<'_>, report: &mut Report) -> Option<Value> {
    let placement = &site.workload.placement;
    let mut refuse = |field: &str, word: &str, known: &str| {
        report.refuse(
            Diagnostic::error(site.at(&format!("placement.{field}")), format!("ECS does not know `{word}`"))
                .why("a task definition names the platform that its images are for")
                .remedy(known.to_owned()),
        );
        None
    };
    let arch = placement.arch.as_deref().and_then(|arch| match arch {
        "amd64" | "x86_64" => Some("X86_64"),
        "arm64" | "aarch64" => Some("ARM64"),
        other => refuse("arch", other, "`amd64` or `arm64`"),
    });
    let os = placement.os.as_deref().and_then(|os| match os {
        "linux" => Some("LINUX"),
        "windows" => Some("WINDOWS_SERVER_2022_CORE"),
        other => refuse("os", other, "`linux` or `windows`"),
    });
    let mut body = Body::new();
    body.set_some("cpuArchitecture", arch).set_some("operatingSystemFamily", os);
    let value = body.into_value();
    (value != json!({})).then_some(value)
}
