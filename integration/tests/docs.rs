//! The manual holds together: every page is in its table of contents, and every relative link leads somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the project").to_path_buf()
}

fn pages(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the manual's folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.insert(path);
        }
    }
}

/// The targets of a page's links, outside fenced code.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        let mut rest = line;
        while let Some(at) = rest.find("](") {
            rest = &rest[at + 2..];
            let end = rest.find(')').unwrap_or(rest.len());
            found.push(rest[..end].to_owned());
        }
    }
    found
}

fn broken(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).expect("a page");
    let folder = page.parent().expect("a page lies in a folder");
    links(&text)
        .into_iter()
        .filter(|link| !link.contains("://") && !link.starts_with('#'))
        .filter(|link| !folder.join(link.split('#').next().unwrap_or_default()).exists())
        .map(|link| format!("{}: {link}", page.display()))
        .collect()
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut all = BTreeSet::from([root().join("README.md")]);
    pages(&root().join("docs/src"), &mut all);
    for chart in fs::read_dir(root().join("charts")).expect("the charts").flatten() {
        all.insert(chart.path().join("README.md"));
    }
    let broken: Vec<String> = all.iter().flat_map(|page| broken(page)).collect();
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let source = root().join("docs/src");
    let mut all = BTreeSet::new();
    pages(&source, &mut all);
    let summary = source.join("SUMMARY.md");
    let listed: BTreeSet<PathBuf> = links(&fs::read_to_string(&summary).expect("the summary"))
        .iter()
        .map(|link| source.join(link))
        .collect();
    all.remove(&summary);
    let missing: Vec<_> = all.difference(&listed).collect();
    assert!(missing.is_empty(), "pages that SUMMARY.md does not list: {missing:?}");
}
