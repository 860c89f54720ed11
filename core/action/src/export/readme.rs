//! The page that tells what a folder is, how it is deployed, and what it lacks.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rhumb_chart::Metadata;
use rhumb_spec::Diagnostic;

use super::ExportedChart;

/// The page.
pub(super) fn page(exported: &ExportedChart, chart: &Metadata, platform: &str) -> String {
    let mut page = format!(
        "# {}\n\nThe chart {} {} as files for {}. Its own tools deploy them: rhumb is not needed any more.\n",
        exported.name,
        chart.name,
        chart.version,
        title(platform)
    );
    let _ = write!(page, "\n## Deploy\n\n{}\n", exported.deploying.trim());
    to_do(exported, &mut page);
    secrets(exported, &mut page);
    let losses = exported.losses.iter().map(|loss| format!("`{}`: {}", loss.path, loss.text));
    list("Other than the chart asks for", losses, &mut page);
    list("Other than a release", notes(&exported.notes), &mut page);
    page
}

fn title(platform: &str) -> &str {
    match platform {
        "kubernetes" => "Kubernetes",
        "swarm" => "Docker Swarm",
        "ecs" => "Amazon ECS",
        "marathon" => "Marathon",
        other => other,
    }
}

fn to_do(exported: &ExportedChart, page: &mut String) {
    let lines = exported.fill_in.iter().map(|file| format!("`{}`: {}", file.path, file.missing.join("; ")));
    list("Fill in before", lines, page);
}

fn secrets(exported: &ExportedChart, page: &mut String) {
    if exported.secret_files.is_empty() {
        return;
    }
    let files = exported.secret_files.iter().map(|path| format!("`{path}`"));
    list("Secrets: keep these files to yourself", files, page);
    if !exported.generated.is_empty() {
        let made: Vec<String> = exported.generated.iter().map(|name| format!("`{name}`")).collect();
        let _ = write!(page, "\nMade for this export, and known to nobody else: {}.\n", made.join(", "));
    }
}

/// The same about several objects once.
fn notes(notes: &[Diagnostic]) -> impl Iterator<Item = String> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for note in notes {
        let mut text = note.what.clone();
        if let Some(why) = &note.why {
            let _ = write!(text, ": {why}");
        }
        if let Some(remedy) = &note.remedy {
            let _ = write!(text, ". Instead: {remedy}");
        }
        let at = *places.entry(text.clone()).or_insert_with(|| {
            found.push((text, Vec::new()));
            found.len() - 1
        });
        found[at].1.extend((!note.path.is_empty()).then(|| format!("`{}`", note.path)));
    }
    found.into_iter().map(|(text, paths)| match paths.as_slice() {
        [] => text,
        paths => format!("{}: {text}", paths.join(", ")),
    })
}

fn list(heading: &str, lines: impl Iterator<Item = String>, page: &mut String) {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return;
    }
    let _ = write!(page, "\n## {heading}\n\n");
    for line in lines {
        let _ = writeln!(page, "- {line}");
    }
}
