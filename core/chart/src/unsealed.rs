//! Warns of values that go into a Secret although no schema says that they are secret.

use std::collections::BTreeSet;

use rhumb_spec::Diagnostic;
use serde_json::{Map, Value};

use crate::render::RenderedFile;
use crate::schema::ValuePath;
use crate::seal::PlainEntry;
use crate::sealed::has_token;

/// Shorter texts are found in others by chance.
const MIN_CHARACTERS: usize = 4;

/// Finds the values that are in the data of secrets in clear; one warning for each value.
///
/// `values` are all values, with tokens for the secret ones, and `given` those that a release records. A value that a
/// chart brings counts where it is the whole of an entry, and one that was given wherever it is a word of one.
pub(crate) fn warnings(
    entries: &[PlainEntry],
    values: &Value,
    given: &Map<String, Value>,
    documents: &[RenderedFile],
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if !entries.is_empty() {
        let given = Value::Object(given.clone());
        search(entries, values, Some(&given), &ValuePath::default(), &mut found);
    }
    let mut told = BTreeSet::new();
    found.retain(|(path, _)| told.insert(path.clone()));
    found.into_iter().map(|(path, entry)| warning(&path, entry, documents)).collect()
}

fn search<'e>(
    entries: &'e [PlainEntry],
    value: &Value,
    given: Option<&Value>,
    at: &ValuePath,
    found: &mut Vec<(ValuePath, &'e PlainEntry)>,
) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                search(entries, value, given.and_then(|given| given.get(key)), &at.child(key), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                search(
                    entries,
                    item,
                    given.and_then(|given| given.get(index)),
                    &at.child(&index.to_string()),
                    found,
                );
            }
        }
        Value::String(text) if text.chars().count() >= MIN_CHARACTERS && !has_token(text) => {
            // The globals of a subchart are copies of those around it.
            if given.is_none() && at.parts().iter().skip(1).any(|part| part == "global") {
                return;
            }
            let holds = |entry: &&PlainEntry| match given {
                Some(_) => has_word(&entry.text, text),
                None => *entry.text == *text,
            };
            found.extend(entries.iter().find(holds).map(|entry| (at.clone(), entry)));
        }
        _ => {}
    }
}

/// Whether a text is in another, and not as a part of a longer word.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(start, _)| {
        let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let (before, after) = (&text[..start], &text[start + word.len()..]);
        let goes_on_before = is_word(before.chars().next_back()) && is_word(word.chars().next());
        let goes_on_after = is_word(after.chars().next()) && is_word(word.chars().next_back());
        !goes_on_before && !goes_on_after
    })
}

fn warning(path: &ValuePath, entry: &PlainEntry, documents: &[RenderedFile]) -> Diagnostic {
    let document = documents.iter().find(|document| document.file == entry.file);
    let line = document.map_or(entry.line, |document| document.line_after_sealing(entry.line));
    Diagnostic::warning(
        path.to_string(),
        format!(
            "`{path}` goes into the Secret `{}` as `{}`, and is not marked as secret",
            entry.secret, entry.key
        ),
    )
    .why("what is given for it is recorded in clear with the release's values")
    .remedy("mark it `writeOnly` in values.schema.json")
    .at(&entry.file, line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Chart;
    use crate::files::Files;
    use crate::lint::sample;
    use crate::values::UserValues;

    #[test]
    fn words_are_told_from_parts_of_words() {
        for (text, expected) in [
            ("hunter2", true),
            ("u:hunter2@h", true),
            ("hunter22", false),
            ("xhunter2", false),
            ("none", false),
        ] {
            assert_eq!(has_word(text, "hunter2"), expected, "{text}");
        }
        assert!(has_word("a$pw!b", "$pw!"));
    }

    fn check_unsealed(template: &str, user: &str, expected: &[&str]) {
        let files = [
            ("values.yaml", "own: brought\nhost: database\npw: ''\nkey: ''\n"),
            ("values.schema.json", r#"{"properties": {"pw": {"writeOnly": true}}}"#),
            ("templates/a.yaml", template),
        ];
        let mut all = Files::new();
        for (path, content) in [("Chart.yaml", "name: shop\nversion: 1.0.0\n")].iter().chain(&files) {
            all.insert(path, *content).unwrap();
        }
        let mut values = UserValues::new();
        values.file("given.yaml", user).unwrap();
        let chart = Chart::from_files(all).unwrap();
        let rendered = chart.render(&chart.values(values).unwrap(), &sample()).unwrap();
        let warnings = rendered.locate_all(rendered.parse().unwrap().warnings);
        let told: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), expected.len(), "{told:?}");
        for (told, expected) in told.iter().zip(expected) {
            assert!(expected.split(' ').all(|part| told.contains(part)), "{told}");
            assert!(!told.contains("letmein") && !told.contains("brought"), "{told}");
        }
    }

    #[test]
    fn values_that_go_into_a_secret_unsealed_are_told() {
        check_unsealed(
            "{% if values.pw %}\nkind: Secret\nname: s\ndata:\n  a: |\n    x\n    y\n  url: \"db://{{ values.key }}:{{ values.pw }}@{{ values.host }}\"\n{% endif %}",
            "pw: hunter2\nkey: letmein",
            &["`key` (templates/a.yaml:8) `s` as `url`"],
        );
        let secret = "kind: Secret\nname: s\ndata: { a: '{{ values.own }}', b: '{{ values.key }}' }\n";
        check_unsealed(secret, "key: abc", &["`own` (templates/a.yaml:3) `s` as `a`"]);
        check_unsealed("kind: Config\nname: s\ndata: { a: '{{ values.key }}' }\n", "key: letmein", &[]);
    }
}
