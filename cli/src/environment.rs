//! The one place that reads the process's environment.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// What the process was started with.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    /// Every variable whose name and value are text.
    pub(crate) variables: BTreeMap<String, String>,
    /// The user's home.
    pub(crate) home: Option<PathBuf>,
    /// Standard input is a terminal.
    pub(crate) stdin_is_terminal: bool,
    /// Standard error is a terminal.
    pub(crate) stderr_is_terminal: bool,
}

impl Environment {
    /// Reads it once.
    pub(crate) fn read() -> Self {
        Self {
            variables: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            home: std::env::home_dir(),
            stdin_is_terminal: std::io::stdin().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
        }
    }

    /// A variable that is set to something.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Where the targets are kept: `RHUMB_CONFIG`, else `rhumb/config.yaml` in the user's configuration folder.
    pub(crate) fn config_file(&self) -> Option<PathBuf> {
        if let Some(path) = self.get("RHUMB_CONFIG") {
            return Some(PathBuf::from(path));
        }
        let base = self
            .get("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| self.home.as_deref().map(|home| home.join(".config")))?;
        Some(base.join("rhumb").join("config.yaml"))
    }

    /// Where the file-backed parts keep their state: `rhumb` in the user's state folder.
    pub(crate) fn state_folder(&self) -> Option<PathBuf> {
        let base = self
            .get("XDG_STATE_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| self.home.as_deref().map(|home| home.join(".local").join("state")))?;
        Some(base.join("rhumb"))
    }

    /// Replaces `${NAME}` by the variable's value; `$$` is a dollar.
    ///
    /// # Errors
    /// The name of a variable that is not set, or that a `${` has no end.
    pub(crate) fn expand(&self, text: &str) -> Result<String, String> {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            expanded.push_str(&rest[..at]);
            let tail = &rest[at + 1..];
            if let Some(after) = tail.strip_prefix('$') {
                expanded.push('$');
                rest = after;
            } else if let Some(after) = tail.strip_prefix('{') {
                let end = after.find('}').ok_or_else(|| format!("`${{` without an end in `{text}`"))?;
                let name = &after[..end];
                let value = self.variables.get(name);
                expanded
                    .push_str(value.ok_or_else(|| format!("the environment variable {name} is not set"))?);
                rest = &after[end + 1..];
            } else {
                expanded.push('$');
                rest = tail;
            }
        }
        expanded.push_str(rest);
        Ok(expanded)
    }

    /// A path with a leading `~/` replaced by the home.
    pub(crate) fn path(&self, text: &str) -> PathBuf {
        match (text.strip_prefix("~/"), self.home.as_deref()) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => Path::new(text).to_path_buf(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment {
            variables: variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            home: Some(PathBuf::from("/home/ada")),
            stdin_is_terminal: false,
            stderr_is_terminal: false,
        }
    }

    #[test]
    fn variables_are_expanded() {
        let environment = environment(&[("HOST", "10.0.0.1")]);
        assert_eq!(environment.expand("tcp://${HOST}:2376").unwrap(), "tcp://10.0.0.1:2376");
        assert_eq!(environment.expand("a$$b $c").unwrap(), "a$b $c");
        assert_eq!(environment.expand("${NONE}").unwrap_err(), "the environment variable NONE is not set");
        assert!(environment.expand("${HOST").is_err());
    }

    #[test]
    fn the_config_file_follows_the_usual_folders() {
        let path = |variables: &[(&str, &str)]| environment(variables).config_file().unwrap();
        assert_eq!(path(&[]), PathBuf::from("/home/ada/.config/rhumb/config.yaml"));
        assert_eq!(path(&[("XDG_CONFIG_HOME", "/etc/ada")]), PathBuf::from("/etc/ada/rhumb/config.yaml"));
        assert_eq!(path(&[("RHUMB_CONFIG", "/tmp/c.yaml")]), PathBuf::from("/tmp/c.yaml"));
    }
}
