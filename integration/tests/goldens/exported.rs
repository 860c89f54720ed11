//! What first-party charts are exported to, held against files that people who leave would recognise. Secrets are left
//! out, as those that are made differ from run to run.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use rhumb_action::{
    ActionError, ChartInputs, Existing, ExportRequest, FactsFrom, SecretFiles, ValueInput, ValueInputs,
};
use rhumb_backend::Backend;

use super::{CASES, backends, root};

/// Which of the cases are exported.
const EXPORTED: &[(&str, &str)] = &[
    ("web", "default"),
    ("web", "full"),
    ("redis", "default"),
    ("postgres", "default"),
    ("sock-shop", "default"),
];

pub(super) fn request(chart: &str, values: &[&str], out: PathBuf, secrets: SecretFiles) -> ExportRequest {
    ExportRequest {
        name: None,
        namespace: "default".to_owned(),
        inputs: ChartInputs {
            chart: root().join("charts").join(chart),
            values: ValueInputs(values.iter().map(|text| ValueInput::Set((*text).to_owned())).collect()),
            ..ChartInputs::default()
        },
        facts: FactsFrom::Defaults,
        out,
        existing: Existing::Keep,
        secrets,
    }
}

/// The files as one text, or what is refused.
async fn text(backend: &dyn Backend, chart: &str, values: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("out");
    let request = request(chart, values, out.clone(), SecretFiles::LeftOut);
    match rhumb_action::export(backend, &request, jiff::Timestamp::UNIX_EPOCH).await {
        Ok(_) => folder_text(&out),
        Err(ActionError::Diagnostics(found)) => {
            found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n") + "\n"
        }
        Err(error) => panic!("{chart}: {error}"),
    }
}

fn folder_text(out: &Path) -> String {
    let mut paths = Vec::new();
    collect(out, &mut paths);
    paths.sort();
    let mut text = String::new();
    for path in paths {
        let name = path.strip_prefix(out).expect("it lies there").display();
        let content = fs::read_to_string(&path).expect("a text file");
        let _ = writeln!(text, "=== {name}\n{}", content.trim_end());
    }
    text
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() { collect(&path, found) } else { found.push(path) }
    }
}

#[tokio::test]
async fn first_party_charts_are_exported_as_they_were() {
    let mut stale = Vec::new();
    for backend in backends().iter().filter(|backend| backend.export().is_some()) {
        let cases = CASES.iter().filter(|(chart, case, _)| EXPORTED.contains(&(chart, case)));
        for (chart, case, values) in cases {
            let path =
                root().join(format!("integration/goldens/{chart}/{case}.{}.export.txt", backend.name()));
            let text = text(backend.as_ref(), chart, values).await;
            assert!(!text.contains("canary"), "a secret value reached the files of {chart}");
            assert!(
                !text.contains("rhumb.dev/"),
                "a mark of ours is in the files of {chart} for {}",
                backend.name()
            );
            if std::env::var_os("RHUMB_BLESS").is_some() {
                fs::write(&path, &text).expect("a golden file");
            }
            if fs::read_to_string(&path).unwrap_or_default() != text {
                stale.push(path.display().to_string());
            }
        }
    }
    let told = stale.join("\n");
    assert!(stale.is_empty(), "not as before (look at it, then run with RHUMB_BLESS=1):\n{told}");
}
