//! The Python that moto and the independent clients run in.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The Python to run: the one that `RHUMB_TEST_PYTHON` names, else the one that `integration/harness/aws/python.sh install` made,
/// else `python3`.
pub fn python() -> PathBuf {
    if let Some(named) = env::var_os("RHUMB_TEST_PYTHON") {
        return named.into();
    }
    let cache = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    let own = cache.map(|cache| cache.join("rhumb/python/bin/python3"));
    own.filter(|path| path.exists()).unwrap_or_else(|| "python3".into())
}

/// Whether the Python has all of these modules. They are looked for, not loaded.
pub fn has_modules(modules: &[&str]) -> bool {
    let find =
        "import sys, importlib.util as u\nsys.exit(not all(u.find_spec(name) for name in sys.argv[1:]))";
    let mut command = Command::new(python());
    command.args(["-I", "-c", find]).args(modules).stdin(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
