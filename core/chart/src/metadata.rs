//! `Chart.yaml`: what a chart says about itself.

use std::collections::BTreeMap;

use rhumb_spec::yaml::{self, Entry, Node};
use rhumb_spec::{Diagnostic, Place, suggest};
use semver::Version;
use serde::{Serialize, Serializer};

use crate::version::VersionRange;

/// The file that makes a folder a chart.
pub const METADATA_FILE: &str = "Chart.yaml";

/// The version of the chart format that this program reads.
pub const API_VERSION: &str = "rhumb.dev/v1";

/// What a chart says about itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// The chart's name: lowercase letters, digits and dashes, at most 63 characters.
    pub name: String,
    /// The chart's own version.
    pub version: Version,
    /// The version of what the chart installs, in its own form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_version: Option<String>,
    /// One sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether the chart installs something.
    #[serde(rename = "type")]
    pub kind: ChartKind,
    /// Words to find it by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// The project's page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub home: Option<String>,
    /// Pages with the sources.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// An image for lists of charts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// Who keeps the chart.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub maintainers: Vec<Maintainer>,
    /// The charts it needs, vendored in `charts/`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
    /// The versions of rhumb that can read the chart.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub rhumb_version: Option<VersionRange>,
    /// Whether nobody should begin to use it.
    pub deprecated: bool,
    /// Notes of other tools.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// Whether a chart installs something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ChartKind {
    /// It installs an application.
    #[default]
    Application,
    /// It installs nothing and lends its components to other charts.
    Library,
}

/// Someone who keeps a chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Maintainer {
    /// Name.
    pub name: String,
    /// Address for mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A chart that another one needs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dependency {
    /// The name in its own `Chart.yaml`.
    pub name: String,
    /// The versions that will do.
    #[serde(serialize_with = "range_as_text")]
    pub version: VersionRange,
    /// Where it can be had. It is not fetched: the copy in `charts/` counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The name it goes by here, and the key of its values; the chart's own name if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Paths of values of which the first that is a boolean switches the dependency.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub condition: Vec<String>,
    /// Groups that `tags` in the values of the topmost chart switches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

impl Dependency {
    /// The key of its values.
    pub fn key(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }
}

#[expect(clippy::ref_option, reason = "the form that serde asks for")]
fn as_text<S: Serializer>(range: &Option<VersionRange>, serializer: S) -> Result<S::Ok, S::Error> {
    match range {
        Some(range) => serializer.collect_str(range),
        None => serializer.serialize_none(),
    }
}

fn range_as_text<S: Serializer>(range: &VersionRange, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(range)
}

const KEYS: [&str; 15] = [
    "apiVersion",
    "name",
    "version",
    "appVersion",
    "description",
    "type",
    "keywords",
    "home",
    "sources",
    "icon",
    "maintainers",
    "dependencies",
    "rhumbVersion",
    "deprecated",
    "annotations",
];
const MAINTAINER_KEYS: [&str; 3] = ["name", "email", "url"];
const DEPENDENCY_KEYS: [&str; 6] = ["name", "version", "repository", "alias", "condition", "tags"];

impl Metadata {
    /// Reads a `Chart.yaml`. `file` is how diagnostics name it.
    ///
    /// # Errors
    /// Everything that is wrong with it: what is no YAML, keys that do not exist, types, names, versions.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Diagnostic>> {
        let node = yaml::single_from_str(text).map_err(|error| vec![error.into_diagnostic(file)])?;
        let Some(node) = node else {
            return Err(vec![Diagnostic::error("", "the chart has no name and no version").at(file, 1)]);
        };
        let mut reader = Reader { file, problems: Vec::new() };
        match reader.metadata(&node) {
            Some(metadata) if reader.problems.is_empty() => Ok(metadata),
            _ => Err(reader.problems),
        }
    }

    /// What does not stop a chart, but should be put right.
    pub(crate) fn warnings(&self, file: &str) -> Vec<Diagnostic> {
        let missing = self.description.is_none().then(|| {
            Diagnostic::warning("description", "the chart does not say what it installs")
                .remedy("one sentence under `description`")
                .at(file, 1)
        });
        missing.into_iter().collect()
    }
}

/// Whether a text can name a chart or an alias: lowercase letters, digits and dashes, at most 63 characters.
pub fn is_chart_name(name: &str) -> bool {
    let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty()
        && name.len() <= 63
        && name.chars().all(inside)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

struct Reader<'a> {
    file: &'a str,
    problems: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn metadata(&mut self, node: &Node) -> Option<Metadata> {
        self.keys(node, "", &KEYS)?;
        if let Some((node, version)) =
            self.text(node, "", "apiVersion").filter(|(_, text)| *text != API_VERSION)
        {
            let what = format!("this program does not read charts of the format `{version}`");
            self.report(node, "apiVersion", what, Some(API_VERSION));
        }
        let name = self.name(node, "", "name");
        let version = self.version(node);
        Some(Metadata {
            app_version: self.owned(node, "", "appVersion"),
            description: self.owned(node, "", "description"),
            kind: self.kind(node),
            keywords: self.texts(node, "", "keywords"),
            home: self.owned(node, "", "home"),
            sources: self.texts(node, "", "sources"),
            icon: self.owned(node, "", "icon"),
            maintainers: self.each(node, "maintainers", Self::maintainer),
            dependencies: self.each(node, "dependencies", Self::dependency),
            rhumb_version: self.range(node, "", "rhumbVersion"),
            deprecated: self.flag(node, "deprecated"),
            annotations: self.annotations(node),
            name: name?,
            version: version?,
        })
    }

    fn version(&mut self, node: &Node) -> Option<Version> {
        let (at, text) = self.required(node, "", "version")?;
        Version::parse(text)
            .map_err(|error| {
                let what = format!("`{text}` is no version: {error}");
                self.report(at, "version", what, Some("three numbers, as in 1.2.3 (SemVer 2)"));
            })
            .ok()
    }

    fn kind(&mut self, node: &Node) -> ChartKind {
        match self.text(node, "", "type") {
            None | Some((_, "application")) => ChartKind::Application,
            Some((_, "library")) => ChartKind::Library,
            Some((at, other)) => {
                self.report(
                    at,
                    "type",
                    format!("there are no charts of type `{other}`"),
                    Some("application or library"),
                );
                ChartKind::Application
            }
        }
    }

    fn maintainer(&mut self, node: &Node, at: &str) -> Option<Maintainer> {
        self.keys(node, at, &MAINTAINER_KEYS)?;
        let (_, name) = self.required(node, at, "name")?;
        let (email, url) = (self.owned(node, at, "email"), self.owned(node, at, "url"));
        Some(Maintainer { name: name.to_owned(), email, url })
    }

    fn dependency(&mut self, node: &Node, at: &str) -> Option<Dependency> {
        self.keys(node, at, &DEPENDENCY_KEYS)?;
        let name = self.name(node, at, "name");
        let version = match node.get("version") {
            Some(_) => self.range(node, at, "version"),
            None => VersionRange::parse("*").ok(),
        };
        let alias = node.get("alias").and_then(|_| self.name(node, at, "alias"));
        let condition = self.text(node, at, "condition").map_or_else(Vec::new, |(_, text)| {
            text.split(',').map(|path| path.trim().to_owned()).filter(|path| !path.is_empty()).collect()
        });
        let (tags, repository) = (self.texts(node, at, "tags"), self.owned(node, at, "repository"));
        Some(Dependency { name: name?, version: version?, repository, alias, condition, tags })
    }

    fn name(&mut self, node: &Node, at: &str, key: &str) -> Option<String> {
        let (place, name) = self.required(node, at, key)?;
        if is_chart_name(name) {
            return Some(name.to_owned());
        }
        let what = format!("`{name}` cannot name a chart");
        let remedy = "lowercase letters, digits and dashes, at most 63, with no dash at either end";
        self.report(place, &join(at, key), what, Some(remedy));
        None
    }

    fn range(&mut self, node: &Node, at: &str, key: &str) -> Option<VersionRange> {
        let (place, text) = self.text(node, at, key)?;
        VersionRange::parse(text)
            .map_err(|error| {
                let remedy = "a range as in `^1.2`, `~1.2.3`, `1.x`, `>=1.2 <2` or `1.x || 2.x`";
                self.report(place, &join(at, key), error.to_string(), Some(remedy));
            })
            .ok()
    }

    fn flag(&mut self, node: &Node, key: &str) -> bool {
        match self.text(node, "", key) {
            Some((_, "true")) => true,
            None | Some((_, "false")) => false,
            Some((at, other)) => {
                self.report(at, key, format!("`{other}` is no boolean"), Some("true or false"));
                false
            }
        }
    }

    fn annotations(&mut self, node: &Node) -> BTreeMap<String, String> {
        let Some(node) = node.get("annotations").filter(|node| !node.is_null()) else {
            return BTreeMap::new();
        };
        let Some(entries) = node.as_mapping() else {
            self.mismatch(node, "annotations", "a mapping");
            return BTreeMap::new();
        };
        let keys = entries.iter().map(|Entry { key, .. }| key.to_string());
        keys.filter_map(|key| self.owned(node, "annotations", &key).map(|text| (key, text))).collect()
    }

    fn each<T>(&mut self, node: &Node, key: &str, read: fn(&mut Self, &Node, &str) -> Option<T>) -> Vec<T> {
        let Some(list) = node.get(key).filter(|node| !node.is_null()) else { return Vec::new() };
        let Some(items) = list.as_sequence() else {
            self.mismatch(list, key, "a list");
            return Vec::new();
        };
        let numbered = items.iter().enumerate();
        numbered.filter_map(|(index, item)| read(self, item, &format!("{key}[{index}]"))).collect()
    }

    fn texts(&mut self, node: &Node, at: &str, key: &str) -> Vec<String> {
        let path = join(at, key);
        let Some(list) = node.get(key).filter(|node| !node.is_null()) else { return Vec::new() };
        let Some(items) = list.as_sequence() else {
            self.mismatch(list, &path, "a list");
            return Vec::new();
        };
        let mut texts = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match item.as_str() {
                Some(text) => texts.push(text.to_owned()),
                None => self.mismatch(item, &format!("{path}[{index}]"), "text"),
            }
        }
        texts
    }

    fn owned(&mut self, node: &Node, at: &str, key: &str) -> Option<String> {
        self.text(node, at, key).map(|(_, text)| text.to_owned())
    }

    fn required<'n>(&mut self, node: &'n Node, at: &str, key: &str) -> Option<(&'n Node, &'n str)> {
        if node.get(key).is_none_or(Node::is_null) {
            self.report(node, &join(at, key), format!("`{key}` is missing"), None);
            return None;
        }
        self.text(node, at, key)
    }

    /// A scalar as it was written.
    fn text<'n>(&mut self, node: &'n Node, at: &str, key: &str) -> Option<(&'n Node, &'n str)> {
        let value = node.get(key).filter(|value| !value.is_null())?;
        let Some(text) = value.as_str() else {
            self.mismatch(value, &join(at, key), "text");
            return None;
        };
        Some((value, text))
    }

    /// Reports keys that do not exist. `None` if this is no mapping.
    fn keys(&mut self, node: &Node, at: &str, known: &[&str]) -> Option<()> {
        let Some(entries) = node.as_mapping() else {
            self.mismatch(node, at, "a mapping");
            return None;
        };
        for entry in entries.iter().filter(|entry| !known.contains(&&*entry.key)) {
            let meant = suggest(&entry.key, known.iter().copied());
            let remedy = meant.map_or_else(|| known.join(", "), |meant| format!("`{meant}`"));
            let mut problem = Diagnostic::error(join(at, &entry.key), format!("unknown key `{}`", entry.key))
                .remedy(remedy);
            problem.place = Some(self.place(entry.line, entry.column));
            self.problems.push(problem);
        }
        Some(())
    }

    fn mismatch(&mut self, node: &Node, path: &str, expected: &str) {
        let what = format!("{expected} is expected here, and this is {}", node.describe());
        self.report(node, path, what, None);
    }

    fn report(&mut self, node: &Node, path: &str, what: String, remedy: Option<&str>) {
        let mut problem = Diagnostic::error(path, what);
        problem.remedy = remedy.map(str::to_owned);
        problem.place = Some(self.place(node.line, node.column));
        self.problems.push(problem);
    }

    fn place(&self, line: u32, column: u32) -> Place {
        Place { file: self.file.to_owned(), line, column: Some(column) }
    }
}

fn join(at: &str, key: &str) -> String {
    if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_refused(text: &str, expected: &[&str]) {
        let problems = Metadata::parse(METADATA_FILE, text).unwrap_err();
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(texts, expected, "{text}");
    }

    #[test]
    fn everything_is_read_as_written() {
        let metadata = Metadata::parse(
            METADATA_FILE,
            "apiVersion: rhumb.dev/v1\nname: shop\nversion: 1.2.3\nappVersion: 1.10\ntype: library\n\
             keywords: [a, 1.0]\nmaintainers: [{name: Ann, email: a@b.c}]\nrhumbVersion: '>=0.1'\n\
             dependencies:\n- {name: redis, version: 1.x, alias: cache, condition: 'cache.enabled, x.y', tags: [db]}\n\
             - name: common\nannotations: {a: yes}\ndeprecated: true\n",
        )
        .unwrap();
        assert_eq!(metadata.app_version.as_deref(), Some("1.10"));
        assert_eq!(metadata.kind, ChartKind::Library);
        assert_eq!(metadata.keywords, ["a", "1.0"]);
        assert_eq!(metadata.dependencies[0].key(), "cache");
        assert_eq!(metadata.dependencies[0].condition, ["cache.enabled", "x.y"]);
        assert!(metadata.dependencies[1].version.contains(&Version::new(9, 0, 0)));
        assert_eq!(metadata.annotations["a"], "yes");
        assert!(metadata.deprecated);
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        check_refused(
            "nmae: shop\nversion: 1.2\ntype: thing\ndependencies:\n- nam: redis\n  version: latest\nkeywords: x\n",
            &[
                "error: unknown key `nmae`\n  --> nmae (Chart.yaml:1:1)\n  use: `name`",
                "error: `name` is missing\n  --> name (Chart.yaml:1:1)",
                "error: `1.2` is no version: unexpected end of input while parsing minor version number\n  \
                 --> version (Chart.yaml:2:10)\n  use: three numbers, as in 1.2.3 (SemVer 2)",
                "error: there are no charts of type `thing`\n  --> type (Chart.yaml:3:7)\n  \
                 use: application or library",
                "error: a list is expected here, and this is text\n  --> keywords (Chart.yaml:7:11)",
                "error: unknown key `nam`\n  --> dependencies[0].nam (Chart.yaml:5:3)\n  use: `name`",
                "error: `name` is missing\n  --> dependencies[0].name (Chart.yaml:5:3)",
                "error: `latest` is no version condition\n  --> dependencies[0].version (Chart.yaml:6:12)\n  \
                 use: a range as in `^1.2`, `~1.2.3`, `1.x`, `>=1.2 <2` or `1.x || 2.x`",
            ],
        );
        check_refused("", &["error: the chart has no name and no version\n  --> Chart.yaml:1"]);
    }

    #[test]
    fn names_are_fit_for_every_platform() {
        for name in ["a", "web-2", "0a"] {
            assert!(is_chart_name(name), "{name}");
        }
        for name in ["", "-a", "a-", "A", "a_b", "a.b", "../x", &"a".repeat(64)] {
            assert!(!is_chart_name(name), "{name}");
        }
    }
}
