//! What a misspelt word was probably meant to be.

/// The one of `candidates` that `word` was probably meant to be; none if nothing is near.
///
/// Case, `-` and `_` do not count.
pub fn suggest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain_word = plain(word);
    let length = plain_word.chars().count();
    // A third of the letters may be wrong, and one letter always.
    let allowed = (length / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&plain_word, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn plain(word: &str) -> String {
    // A word longer than any candidate costs time and cannot be near one.
    word.chars().take(64).filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::suggest;

    #[test]
    fn near_words_are_suggested() {
        let words = ["replicas", "dependsOn", "containers", "on", "env"];
        assert_eq!(suggest("replica", words), Some("replicas"));
        assert_eq!(suggest("depends_on", words), Some("dependsOn"));
        assert_eq!(suggest("contianers", words), Some("containers"));
        assert_eq!(suggest("enf", words), Some("env"));
    }

    #[test]
    fn far_words_are_not() {
        assert_eq!(suggest("volumes", ["replicas", "on", "env"]), None);
        assert_eq!(suggest("x", ["on", "a"]), None);
        assert_eq!(suggest("", ["on"]), None);
    }
}
