//! `.rhumbignore`: which files of a folder are no part of the chart.

use globset::{GlobBuilder, GlobMatcher};

/// The file that lists what is left out.
pub const IGNORE_FILE: &str = ".rhumbignore";

/// The rules of a `.rhumbignore`, one on each line.
///
/// The grammar is that of `.helmignore`: `#` begins a comment, a trailing `/` means folders only, a `!` in front
/// brings back what an earlier line left out, a `/` elsewhere ties the pattern to the chart's root, and a pattern
/// without one matches in every folder. `**` matches across folders. The last rule that matches decides.
#[derive(Clone, Debug, Default)]
pub struct IgnoreRules {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    matcher: GlobMatcher,
    brings_back: bool,
    folders_only: bool,
    whole_path: bool,
}

impl IgnoreRules {
    /// Reads the rules.
    ///
    /// # Errors
    /// The line (from 1) and the reason, for each pattern that cannot be read.
    pub fn parse(text: &str) -> Result<Self, Vec<(usize, String)>> {
        let mut rules = Vec::new();
        let mut errors = Vec::new();
        for (index, line) in text.lines().enumerate() {
            match parse_rule(line.trim()) {
                Ok(rule) => rules.extend(rule),
                Err(reason) => errors.push((index + 1, reason)),
            }
        }
        if errors.is_empty() { Ok(Self { rules }) } else { Err(errors) }
    }

    /// Whether the file or folder at this path below the chart's root is left out.
    ///
    /// What is inside a folder that is left out need not be asked for.
    pub fn ignores(&self, path: &str, is_folder: bool) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.rules
            .iter()
            .rev()
            .filter(|rule| is_folder || !rule.folders_only)
            .find(|rule| rule.matcher.is_match(if rule.whole_path { path } else { name }))
            .is_some_and(|rule| !rule.brings_back)
    }

    /// Whether the file, or a folder that it is in, is left out.
    pub fn ignores_within(&self, path: &str) -> bool {
        let folders = path.match_indices('/').map(|(end, _)| &path[..end]);
        folders.into_iter().any(|folder| self.ignores(folder, true)) || self.ignores(path, false)
    }
}

fn parse_rule(line: &str) -> Result<Option<Rule>, String> {
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let (brings_back, pattern) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
    let (folders_only, pattern) = pattern.strip_suffix('/').map_or((false, pattern), |rest| (true, rest));
    let whole_path = pattern.contains('/');
    let pattern = pattern.strip_prefix('/').unwrap_or(pattern);
    let glob = GlobBuilder::new(pattern).literal_separator(true).build();
    let matcher = glob.map_err(|error| error.kind().to_string())?.compile_matcher();
    Ok(Some(Rule { matcher, brings_back, folders_only, whole_path }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rules: &str, ignored: &[&str], kept: &[&str]) {
        let rules = IgnoreRules::parse(rules).unwrap();
        for path in ignored {
            assert!(rules.ignores_within(path), "{path} is ignored");
        }
        for path in kept {
            assert!(!rules.ignores_within(path), "{path} is kept");
        }
    }

    #[test]
    fn rules_match_as_in_helmignore() {
        check("# comment\n\n*.tmp\n", &["a.tmp", "files/b.tmp"], &["a.txt", "# comment"]);
        check("/top.txt", &["top.txt"], &["files/top.txt"]);
        check("files/*.bak", &["files/a.bak"], &["files/x/a.bak", "a.bak"]);
        check("secret/", &["secret/a", "files/secret/b"], &["secret"]);
        check("*.md\n!README.md", &["NOTES.md"], &["README.md"]);
        check("docs/**", &["docs/a/b"], &["doc/a"]);
    }

    #[test]
    fn a_broken_pattern_is_named_by_its_line() {
        assert_eq!(IgnoreRules::parse("ok\n[a\n").unwrap_err()[0].0, 2);
    }
}
