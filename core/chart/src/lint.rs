//! Everything that is wrong with a chart, at once.

use rhumb_spec::yaml::{Entry, Node, NodeKind};
use rhumb_spec::{Diagnostic, Severity};

use crate::chart::{Chart, VALUES_FILE};
use crate::files::Files;
use crate::ignore::{IGNORE_FILE, IgnoreRules};
use crate::metadata::METADATA_FILE;
use crate::render::Surroundings;
use crate::schema::ValuePath;
use crate::values::UserValues;

/// Looks for everything that is wrong with a chart: its files, its values, its templates and their documents.
///
/// The chart is tried with its defaults and what is given over them, in the surroundings that are given. What comes
/// later on the road is looked at as far as what came before allows. Errors come first.
pub fn lint(files: &Files, user: UserValues, around: &Surroundings) -> Vec<Diagnostic> {
    let mut found = ignore_file(files);
    match Chart::from_files(files.clone()) {
        Err(problems) => found.extend(problems),
        Ok(chart) => {
            chart.visit(&mut |chart| found.extend(about_files(chart)));
            found.extend(about_content(&chart, user, around));
        }
    }
    found.sort_by_key(|problem| {
        (problem.severity, problem.place.clone().map(|place| (place.file, place.line)))
    });
    found.dedup();
    found
}

fn ignore_file(files: &Files) -> Vec<Diagnostic> {
    let Some(Err(errors)) = files.text(IGNORE_FILE).map(IgnoreRules::parse) else { return Vec::new() };
    let describe = |(line, reason): (usize, String)| {
        Diagnostic::error("", format!("the pattern cannot be read: {reason}"))
            .at(IGNORE_FILE, u32::try_from(line).unwrap_or(u32::MAX))
    };
    errors.into_iter().map(describe).collect()
}

/// What is odd about one chart's files.
fn about_files(chart: &Chart) -> Vec<Diagnostic> {
    let folder = &chart.folder;
    let mut found = chart.metadata.warnings(&format!("{folder}{METADATA_FILE}"));
    if chart.metadata.deprecated {
        found.push(Diagnostic::note(
            "deprecated",
            format!("the chart `{}` is deprecated", chart.metadata.name),
        ));
    }
    for template in
        chart.templates.iter().filter(|template| !template.is_partial() && !template.is_rendered())
    {
        found.push(
            Diagnostic::warning("", "this file is neither rendered nor lent to other templates")
                .why("templates end in `.yaml`; files of components and partials begin with `_`")
                .remedy("another name, or a place outside of templates/")
                .at(format!("{folder}{}", template.path), 1),
        );
    }
    if let Some(node) = &chart.defaults_node {
        ambiguous_words(node, &ValuePath::default(), &format!("{folder}{VALUES_FILE}"), &mut found);
    }
    found
}

/// Warns of words that some readers of YAML take for booleans.
fn ambiguous_words(node: &Node, at: &ValuePath, file: &str, found: &mut Vec<Diagnostic>) {
    match &node.kind {
        NodeKind::Scalar { text, plain: true } if is_ambiguous(text) => found.push(
            Diagnostic::warning(
                at.to_string(),
                format!("`{text}` is text here, and a boolean to readers of YAML 1.1"),
            )
            .remedy(format!("true or false, or \"{text}\" in quotes"))
            .at(file, node.line),
        ),
        NodeKind::Scalar { .. } => {}
        NodeKind::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                ambiguous_words(item, &at.child(&index.to_string()), file, found);
            }
        }
        NodeKind::Mapping(entries) => {
            for Entry { key, value, .. } in entries {
                ambiguous_words(value, &at.child(key), file, found);
            }
        }
    }
}

fn is_ambiguous(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "yes" | "no" | "on" | "off" | "y" | "n")
}

/// What is wrong with the values, the templates and the documents.
fn about_content(chart: &Chart, user: UserValues, around: &Surroundings) -> Vec<Diagnostic> {
    let (values, mut found) = match chart.merge(user) {
        Ok(merged) => merged,
        Err(problems) => return problems,
    };
    found.extend(values.warnings().iter().cloned());
    found.extend(public_secrets(
        chart,
        &ValuePath::default(),
        &values.secrets().cloned().collect::<Vec<_>>(),
    ));
    let rendered = match chart.render(&values, around) {
        Ok(rendered) => rendered,
        Err(problems) => {
            found.extend(problems);
            return found;
        }
    };
    for parsed in [rendered.parse(), rendered.parse_tests()] {
        match parsed {
            Ok(parsed) if parsed.app == rhumb_spec::App::default() => {}
            Ok(parsed) => {
                found.extend(rendered.locate_all(parsed.warnings.clone()));
                found.extend(rendered.locate_all(parsed.verify()));
            }
            Err(problems) => found.extend(problems),
        }
    }
    found
}

/// Warns of secret values that a chart brings along, where all can read them.
fn public_secrets(chart: &Chart, at: &ValuePath, secrets: &[ValuePath]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for path in secrets {
        let below = path.parts().strip_prefix(at.parts());
        let default = below.zip(chart.defaults_node.as_deref()).and_then(|(parts, node)| {
            parts.iter().try_fold(node, |node, part| match &node.kind {
                NodeKind::Sequence(items) => items.get(part.parse::<usize>().ok()?),
                _ => node.get(part),
            })
        });
        if let Some(node) = default.filter(|node| node.as_str().is_some_and(|text| !text.is_empty())) {
            found.push(
                Diagnostic::warning(
                    path.to_string(),
                    format!("the chart brings a secret value for `{path}`"),
                )
                .why("everyone who has the chart knows it")
                .remedy("an empty default and `required`, or `generate` in the Secret")
                .at(format!("{}{VALUES_FILE}", chart.folder), node.line),
            );
        }
    }
    for subchart in &chart.subcharts {
        found.extend(public_secrets(&subchart.chart, &at.child(&subchart.key), secrets));
    }
    found
}

/// Whether nothing found keeps the chart from being installed.
pub fn is_sound(found: &[Diagnostic]) -> bool {
    found.iter().all(|problem| problem.severity != Severity::Error)
}

#[cfg(test)]
pub(crate) fn sample() -> Surroundings {
    use crate::render::{Limits, ReleaseInfo};
    Surroundings {
        release: ReleaseInfo::install("release", "default"),
        platform: serde_json::json!({"name": "sample", "supports": {}}),
        sealing: crate::sealed::Sealing::Placeholder,
        limits: Limits::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let mut all = Files::new();
        for (path, text) in files {
            all.insert(path, *text).unwrap();
        }
        let found: Vec<String> = lint(&all, UserValues::new(), &sample())
            .iter()
            .map(|problem| {
                let place = problem.place.as_ref().map_or_else(String::new, ToString::to_string);
                format!("{} {place} {}", problem.severity, problem.what)
            })
            .collect();
        assert_eq!(found, expected);
    }

    const METADATA: (&str, &str) = ("Chart.yaml", "name: a\nversion: 1.0.0\ndescription: d\n");

    #[test]
    fn everything_wrong_is_found_at_once() {
        check(
            &[
                ("Chart.yaml", "name: a\nversion: 1.0.0\n"),
                ("values.yaml", "port: x\non: yes\npassword: hunter2\n"),
                (
                    "values.schema.json",
                    r#"{"properties": {"port": {"type": "integer"}, "password": {"writeOnly": true}}}"#,
                ),
                ("templates/a.yaml", "kind: Workload\nname: a\ncontainers:\n  a: { imag: x }\n"),
                (
                    "templates/b.yaml",
                    "kind: Config\nname: {{ values.port }}\ndata: { a: b }\ndependsOn: [c]\n",
                ),
                ("templates/helpers.tpl", "x"),
            ],
            &[
                "error templates/a.yaml:4 unknown key `imag`",
                "error templates/b.yaml:4 unknown key `dependsOn`",
                "error values.yaml:1:7 `port` must be of type integer, and is \"x\"",
                "warning Chart.yaml:1 the chart does not say what it installs",
                "warning templates/helpers.tpl:1 this file is neither rendered nor lent to other templates",
                "warning values.yaml:2 `yes` is text here, and a boolean to readers of YAML 1.1",
                "warning values.yaml:3 the chart brings a secret value for `password`",
            ],
        );
    }

    #[test]
    fn files_that_cannot_be_read_are_named() {
        check(
            &[METADATA, ("values.yaml", "a: [\n"), ("values.schema.json", "{"), (".rhumbignore", "[\n")],
            &[
                "error .rhumbignore:1 the pattern cannot be read: unclosed character class; missing ']'",
                "error values.schema.json:1:1 the schema is no JSON: EOF while parsing an object",
                "error values.yaml:1:4 not valid YAML: unclosed bracket '['",
            ],
        );
    }
}
