//! Patterns of models and types, each compiled once: a double holds every value of every call against them.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use regex::Regex;

/// A pattern, compiled when it is first asked for; none for one that has what this engine has not (look-around).
pub(crate) fn pattern(text: &str) -> Option<Arc<Regex>> {
    static COMPILED: LazyLock<Mutex<HashMap<String, Option<Arc<Regex>>>>> = LazyLock::new(Mutex::default);
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = compiled.get(text) {
        return known.clone();
    }
    let found = Regex::new(text).ok().map(Arc::new);
    compiled.insert(text.to_owned(), found.clone());
    found
}
