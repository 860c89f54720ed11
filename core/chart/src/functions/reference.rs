//! The page of the manual that lists what templates can call.

use std::fmt::Write as _;

/// What a filter, function or test does, in one line.
struct Help {
    /// The call as it is written.
    call: &'static str,
    does: &'static str,
}

const fn help(call: &'static str, does: &'static str) -> Help {
    Help { call, does }
}

const TEXT: &[Help] = &[
    help("upper", "in upper case"),
    help("lower", "in lower case"),
    help("title", "every word with a capital letter"),
    help("capitalize", "the first letter in upper case, the rest in lower case"),
    help("kebab_case", "`someText` becomes `some-text`"),
    help("snake_case", "`someText` becomes `some_text`"),
    help("camel_case", "`some-text` becomes `someText`"),
    help("trim(pat=…)", "without white space, or `pat`, at both ends"),
    help("trim_start(pat=…)", "the same at the beginning only"),
    help("trim_end(pat=…)", "the same at the end only"),
    help("trim_prefix(prefix=…)", "without the prefix, if it begins with it"),
    help("trim_suffix(suffix=…)", "without the suffix, if it ends with it"),
    help("trunc(length=…)", "the first characters; with a negative length the last ones"),
    help("truncate(length=…, end=…)", "the first characters, and `…` or `end` where something is left out"),
    help("replace(from=…, to=…)", "every occurrence replaced"),
    help("split(pat=…)", "a list of the parts between"),
    help("repeat(times=…)", "several times in a row"),
    help("reverse", "text or a list from behind"),
    help("length", "how many characters, items or keys"),
    help("wordcount", "how many words"),
    help("indent(width=…, first=…, blank=…)", "every line but the first indented; `n` is short for `width`"),
    help("nindent(width=…)", "a new line, then every line indented; `n` is short for `width`"),
    help("quote", "in double quotes, for YAML and JSON"),
    help("squote", "in single quotes, for YAML"),
    help("to_string", "a number or boolean as text"),
    help("str", "any value as text"),
    help("regex_match(pattern=…)", "whether the regular expression matches somewhere"),
    help("regex_find(pattern=…)", "the first match, or empty text"),
    help("regex_replace(pattern=…, with=…)", "every match replaced; `$1` stands for a group"),
];

const ENCODE: &[Help] = &[
    help("to_yaml", "as YAML, safe for every reader; put `nindent` behind it"),
    help("to_json", "as JSON on one line"),
    help("to_pretty_json", "as JSON on several lines"),
    help("from_yaml", "the value that a YAML text says"),
    help("from_json", "the value that a JSON text says"),
    help("b64encode", "in base64"),
    help("b64decode", "the text that base64 stands for"),
    help("sha256", "the SHA-256 digest in hexadecimal digits"),
    help("url_encode", "fit for a part of a URL"),
];

const LOGIC: &[Help] = &[
    help(
        "default(value=…, boolean=…)",
        "`value`, where nothing is there; with `boolean=true` also for what is empty",
    ),
    help("required(message=…)", "the value, or an error with this message where nothing is there"),
    help("ternary(yes=…, no=…)", "one of two values, by a condition"),
    help("semver_compare(range=…)", "whether a version is in a range, as in `^1.2 || 3.x`"),
    help("tpl(…)", "text that is a template, rendered; arguments become variables in it"),
];

const COLLECTIONS: &[Help] = &[
    help(
        "merge(over=…, under=…)",
        "two maps as one, in depth: `over` wins over the value, the value over `under`",
    ),
    help("pick(keys=…)", "only these keys of a map"),
    help("omit(keys=…)", "all but these keys of a map"),
    help("has_key(key=…)", "whether a map has the key"),
    help("dig(path=…, default=…)", "the value at a path of keys, as in `a.b.0`"),
    help("concat(with=…)", "two lists in a row"),
    help("append(item=…)", "a list with one more item"),
    help("without(items=…)", "a list without these items"),
    help("compact", "a list without what is empty"),
];

const NUMBERS: &[Help] = &[
    help("add(n=…)", "the sum"),
    help("sub(n=…)", "the difference"),
    help("mul(n=…)", "the product"),
    help("div(n=…)", "the quotient; of whole numbers without what is left over"),
    help("mod(n=…)", "what division leaves over"),
    help("max(n=…)", "the larger one"),
    help("min(n=…)", "the smaller one"),
];

const FUNCTIONS: &[Help] = &[
    help(
        "include(name=…, …)",
        "another file of `templates/`, rendered, as text; further arguments become variables in it",
    ),
    help("file(path=…)", "the text of a file of the chart"),
    help("file_base64(path=…)", "a file of the chart in base64"),
    help("glob(pattern=…)", "the text files whose paths match, as a map from path to text"),
    help("coalesce(values=…)", "the first of a list that is there and not empty"),
    help("ternary(condition=…, yes=…, no=…)", "one of two values"),
    help("dict(…)", "a map of the arguments"),
    help("list(items=…)", "a list"),
    help("fail(message=…)", "an error with this message"),
];

/// The sections of the page, and whether their entries are called behind a `|`.
const SECTIONS: [(&str, bool, &[Help]); 6] = [
    ("Text", true, TEXT),
    ("Encoding", true, ENCODE),
    ("Choosing", true, LOGIC),
    ("Maps and lists", true, COLLECTIONS),
    ("Numbers", true, NUMBERS),
    ("Functions", false, FUNCTIONS),
];

/// What templates can call, as a page in Markdown.
pub fn functions_page() -> String {
    let mut page = "# Template functions\n\nGenerated by `rhumb reference`.\n\nTemplates are written in \
                    [Tera](https://keats.github.io/tera/), whose own filters, tests and functions are there, too. A \
                    value that is not defined and an argument that does not exist are errors, and a secret value goes \
                    only through those that leave it whole.\n"
        .to_owned();
    for (title, is_filter, entries) in SECTIONS {
        let _ = write!(page, "\n## {title}\n\n| call | gives |\n|---|---|\n");
        let before = if is_filter { "x \\| " } else { "" };
        for Help { call, does } in entries {
            let _ = writeln!(page, "| `{before}{call}` | {does} |");
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::functions::{FILTER_TABLES, FUNCTIONS as FUNCTION_NAMES};

    fn parts(call: &str) -> (&str, BTreeSet<&str>) {
        let (name, arguments) = call.split_once('(').unwrap_or((call, ""));
        let arguments =
            arguments.trim_end_matches(')').split(", ").filter_map(|argument| argument.strip_suffix("=…"));
        (name, arguments.collect())
    }

    #[test]
    fn every_filter_is_listed_with_its_arguments() {
        let listed: Vec<(&str, BTreeSet<&str>)> = SECTIONS
            .iter()
            .filter(|section| section.1)
            .flat_map(|section| section.2)
            .map(|help| parts(help.call))
            .collect();
        for filter in FILTER_TABLES.into_iter().flatten() {
            let mut arguments: BTreeSet<&str> = filter.arguments.iter().copied().collect();
            if arguments.contains("width") {
                arguments.remove("n");
            }
            let found = listed.iter().find(|(name, _)| *name == filter.name);
            assert_eq!(found, Some(&(filter.name, arguments)), "{}", filter.name);
        }
        let own: usize = FILTER_TABLES.iter().map(|table| table.len()).sum();
        assert_eq!(listed.len(), own + 1, "tpl is registered by the engine, and nothing else is");
    }

    #[test]
    fn every_function_is_listed() {
        let listed: BTreeSet<&str> = FUNCTIONS.iter().map(|help| parts(help.call).0).collect();
        let built_in = ["range", "throw"];
        let known: BTreeSet<&str> =
            FUNCTION_NAMES.into_iter().filter(|name| !built_in.contains(name)).collect();
        assert_eq!(listed, known);
    }
}
