//! A chart becomes one file.

use rhumb_spec::Diagnostic;
use rhumb_spec::yaml;

use crate::archive;
use crate::chart::Chart;
use crate::files::Files;
use crate::metadata::{METADATA_FILE, Metadata};

/// What a packaged chart says in place of what its files say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageVersions {
    /// The chart's version.
    pub version: Option<String>,
    /// The version of what it installs.
    pub app_version: Option<String>,
}

/// A packaged chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// `<name>-<version>.tgz`.
    pub file_name: String,
    /// The archive. The same files give the same bytes.
    pub archive: Vec<u8>,
    /// What the chart says about itself.
    pub metadata: Metadata,
}

/// Packages the files of a chart.
///
/// # Errors
/// What keeps the files from being a chart, and a version that is none.
pub fn package(files: &Files, versions: &PackageVersions) -> Result<Package, Vec<Diagnostic>> {
    let files = with_versions(files, versions)?;
    let metadata = Chart::from_files(files.clone())?.metadata;
    let archive = archive::pack(&metadata.name, &files)
        .map_err(|error| vec![Diagnostic::error("", format!("the archive cannot be made: {error}"))])?;
    Ok(Package { file_name: format!("{}-{}.tgz", metadata.name, metadata.version), archive, metadata })
}

fn with_versions(files: &Files, versions: &PackageVersions) -> Result<Files, Vec<Diagnostic>> {
    let Some(text) = files.text(METADATA_FILE).filter(|_| *versions != PackageVersions::default()) else {
        return Ok(files.clone());
    };
    let mut text = text.to_owned();
    for (key, value) in [("version", &versions.version), ("appVersion", &versions.app_version)] {
        if let Some(value) = value {
            text = with_key(&text, key, value)?;
        }
    }
    let mut changed = Files::new();
    for (path, content) in files.iter() {
        let content = if path == METADATA_FILE { text.as_bytes() } else { content };
        changed.insert(path, content).map_err(|error| vec![Diagnostic::error(path, error.to_string())])?;
    }
    Ok(changed)
}

/// Sets a key of a mapping in block style, and leaves everything around it as it was written.
fn with_key(text: &str, key: &str, value: &str) -> Result<String, Vec<Diagnostic>> {
    let node = yaml::single_from_str(text).map_err(|error| vec![error.into_diagnostic(METADATA_FILE)])?;
    let quoted = serde_json::Value::String(value.to_owned());
    let Some(entry) = node.as_ref().and_then(|node| node.entry(key)) else {
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        return Ok(format!("{text}{end}{key}: {quoted}\n"));
    };
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let index = usize::try_from(entry.line).unwrap_or(1) - 1;
    let in_block_style = entry.column == 1 && entry.value.line == entry.line;
    match lines.get_mut(index).filter(|_| in_block_style) {
        Some(line) => *line = format!("{key}: {quoted}"),
        None => {
            return Err(vec![
                Diagnostic::error(key, format!("`{key}` cannot be replaced here"))
                    .remedy(format!("a line of its own: `{key}: {value}`"))
                    .at(METADATA_FILE, entry.line),
            ]);
        }
    }
    Ok(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::create::create;

    #[test]
    fn a_package_is_the_chart() {
        let files = create("shop").unwrap();
        let package = package(&files, &PackageVersions::default()).unwrap();
        assert_eq!(package.file_name, "shop-0.1.0.tgz");
        assert_eq!(archive::unpack(&package.archive).unwrap(), files);
    }

    #[test]
    fn versions_can_be_given() {
        let versions =
            PackageVersions { version: Some("2.0.0-rc.1".to_owned()), app_version: Some("1.10".to_owned()) };
        let package = package(&create("shop").unwrap(), &versions).unwrap();
        assert_eq!(package.file_name, "shop-2.0.0-rc.1.tgz");
        let chart = Chart::from_files(archive::unpack(&package.archive).unwrap()).unwrap();
        assert_eq!(chart.metadata().app_version.as_deref(), Some("1.10"));
        assert!(chart.files().text(METADATA_FILE).unwrap().contains("# The chart's own version"));
    }

    #[test]
    fn a_version_that_is_none_is_refused() {
        let versions = PackageVersions { version: Some("two".to_owned()), app_version: None };
        assert!(package(&create("shop").unwrap(), &versions).unwrap_err()[0].what.contains("no version"));
    }
}
