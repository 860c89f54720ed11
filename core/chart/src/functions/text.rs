//! Filters on text.

use tera::{Error, Kwargs, TeraResult, Value};

use super::{Filter, bounds, text_of};

pub(super) const FILTERS: &[Filter] = &[
    Filter::new("upper", &[], |value, _| Ok(text_of("upper", value)?.to_uppercase().into())),
    Filter::new("lower", &[], |value, _| Ok(text_of("lower", value)?.to_lowercase().into())),
    Filter::new("title", &[], |value, _| Ok(title(&text_of("title", value)?).into())),
    Filter::new("capitalize", &[], |value, _| Ok(capitalized(&text_of("capitalize", value)?).into())),
    Filter::new("kebab_case", &[], |value, _| Ok(words(&text_of("kebab_case", value)?).join("-").into())),
    Filter::new("snake_case", &[], |value, _| Ok(words(&text_of("snake_case", value)?).join("_").into())),
    Filter::new("camel_case", &[], |value, _| Ok(camel(&text_of("camel_case", value)?).into())),
    Filter::keeping("trim", &["pat"], |value, arguments| trim("trim", value, arguments, true, true)),
    Filter::new("trim_start", &["pat"], |value, arguments| trim("trim_start", value, arguments, true, false)),
    Filter::new("trim_end", &["pat"], |value, arguments| trim("trim_end", value, arguments, false, true)),
    Filter::new("trim_prefix", &["prefix"], |value, arguments| {
        let text = text_of("trim_prefix", value)?;
        Ok(text.strip_prefix(arguments.must_get::<&str>("prefix")?).unwrap_or(&text).into())
    }),
    Filter::new("trim_suffix", &["suffix"], |value, arguments| {
        let text = text_of("trim_suffix", value)?;
        Ok(text.strip_suffix(arguments.must_get::<&str>("suffix")?).unwrap_or(&text).into())
    }),
    Filter::new("trunc", &["length"], trunc),
    Filter::new("truncate", &["length", "end"], truncate),
    Filter::new("replace", &["from", "to"], |value, arguments| {
        let (from, to) = (arguments.must_get::<&str>("from")?, arguments.must_get::<&str>("to")?);
        let text = text_of("replace", value)?;
        bounds::check(
            "replace",
            text.matches(from).count().saturating_mul(to.len()).saturating_add(text.len()),
        )?;
        Ok(text.replace(from, to).into())
    }),
    Filter::new("split", &["pat"], |value, arguments| {
        let text = text_of("split", value)?;
        Ok(text.split(arguments.must_get::<&str>("pat")?).map(Value::from).collect::<Vec<_>>().into())
    }),
    Filter::new("repeat", &["times"], |value, arguments| {
        let (text, times) = (text_of("repeat", value)?, arguments.must_get::<usize>("times")?);
        bounds::check("repeat", times.saturating_mul(text.len()))?;
        Ok(text.repeat(times).into())
    }),
    Filter::new("reverse", &[], |value, _| match value.as_str() {
        Some(text) => Ok(text.chars().rev().collect::<String>().into()),
        None => value.reverse(),
    }),
    Filter::new("length", &[], |value, _| match value.as_str() {
        Some(text) => Ok(text.chars().count().into()),
        None => {
            value.len().map(Value::from).ok_or_else(|| Error::message("`length` takes text, a list or a map"))
        }
    }),
    Filter::new("wordcount", &[], |value, _| {
        Ok(text_of("wordcount", value)?.split_whitespace().count().into())
    }),
    Filter::keeping("nindent", &["width", "n"], nindent),
    Filter::keeping("indent", &["width", "n", "first", "blank"], indent),
    Filter::keeping("quote", &[], |value, _| Ok(double_quoted(&text_of("quote", value)?).into())),
    Filter::keeping("squote", &[], |value, _| {
        Ok(format!("'{}'", text_of("squote", value)?.replace('\'', "''")).into())
    }),
    Filter::keeping("to_string", &[], |value, _| Ok(text_of("to_string", value)?.into())),
    Filter::keeping("str", &[], |value, _| Ok(value.to_string().into())),
    Filter::new("regex_match", &["pattern"], |value, arguments| {
        Ok(pattern(arguments)?.is_match(&text_of("regex_match", value)?).into())
    }),
    Filter::new("regex_find", &["pattern"], |value, arguments| {
        let text = text_of("regex_find", value)?;
        Ok(pattern(arguments)?.find(&text).map_or("", |found| found.as_str()).into())
    }),
    Filter::new("regex_replace", &["pattern", "with"], |value, arguments| {
        let text = text_of("regex_replace", value)?;
        replace_all(&pattern(arguments)?, &text, arguments.must_get("with")?).map(Value::from)
    }),
];

/// Replaces every match; `$1` in `with` is the text of the first group.
fn replace_all(pattern: &regex::Regex, text: &str, with: &str) -> TeraResult<String> {
    let mut replaced = String::new();
    let mut at = 0;
    for groups in pattern.captures_iter(text) {
        let Some(whole) = groups.get(0) else { continue };
        replaced.push_str(&text[at..whole.start()]);
        groups.expand(with, &mut replaced);
        bounds::check("regex_replace", replaced.len())?;
        at = whole.end();
    }
    replaced.push_str(&text[at..]);
    Ok(replaced)
}

fn pattern(arguments: &Kwargs) -> TeraResult<regex::Regex> {
    let pattern = arguments.must_get::<&str>("pattern")?;
    let built = regex::RegexBuilder::new(pattern).size_limit(1 << 20).build();
    built.map_err(|error| Error::message(format!("`{pattern}` is no regular expression: {error}")))
}

fn trim(name: &str, value: &Value, arguments: &Kwargs, start: bool, end: bool) -> TeraResult<Value> {
    let text = text_of(name, value)?;
    let pat = arguments.get::<&str>("pat")?;
    let trimmed = text.as_str();
    let trimmed = match pat {
        Some(pat) if start => trimmed.trim_start_matches(pat),
        None if start => trimmed.trim_start(),
        _ => trimmed,
    };
    let trimmed = match pat {
        Some(pat) if end => trimmed.trim_end_matches(pat),
        None if end => trimmed.trim_end(),
        _ => trimmed,
    };
    Ok(trimmed.into())
}

/// The first characters, or with a negative length the last ones, as in Helm.
fn trunc(value: &Value, arguments: &Kwargs) -> TeraResult<Value> {
    let text = text_of("trunc", value)?;
    let length = arguments.must_get::<i64>("length")?;
    let count = usize::try_from(length.unsigned_abs()).unwrap_or(usize::MAX);
    let skipped = if length < 0 { text.chars().count().saturating_sub(count) } else { 0 };
    Ok(text.chars().skip(skipped).take(count).collect::<String>().into())
}

fn truncate(value: &Value, arguments: &Kwargs) -> TeraResult<Value> {
    let text = text_of("truncate", value)?;
    let length = arguments.must_get::<usize>("length")?;
    let end = arguments.get::<&str>("end")?.unwrap_or("…");
    Ok(match text.char_indices().nth(length) {
        Some((at, _)) => format!("{}{end}", &text[..at]).into(),
        None => text.into(),
    })
}

/// A new line, and the text with every line indented.
fn nindent(value: &Value, arguments: &Kwargs) -> TeraResult<Value> {
    let text = text_of("nindent", value)?;
    let indent = indentation("nindent", &text, arguments)?;
    let mut lines = String::with_capacity(text.len() + indent.len() * 4);
    for line in text.trim_end_matches('\n').split('\n') {
        lines.push('\n');
        if !line.is_empty() {
            lines.push_str(&indent);
            lines.push_str(line);
        }
    }
    Ok(lines.into())
}

/// The text with every line but the first indented; blank ones are left alone.
fn indent(value: &Value, arguments: &Kwargs) -> TeraResult<Value> {
    let text = text_of("indent", value)?;
    let indent = indentation("indent", &text, arguments)?;
    let first = arguments.get::<bool>("first")?.unwrap_or(false);
    let blank = arguments.get::<bool>("blank")?.unwrap_or(false);
    let mut lines = String::with_capacity(text.len() + indent.len() * 4);
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let wanted = if index == 0 { first } else { blank || !line.trim_end_matches('\n').is_empty() };
        if wanted {
            lines.push_str(&indent);
        }
        lines.push_str(line);
    }
    Ok(lines.into())
}

/// The spaces that `width`, or `n` for short, asks for before the lines of a text.
fn indentation(name: &str, text: &str, arguments: &Kwargs) -> TeraResult<String> {
    let width = match arguments.get::<usize>("width")? {
        Some(width) => width,
        None => arguments
            .must_get::<usize>("n")
            .map_err(|_| Error::message(format!("`{name}` needs a `width`")))?,
    };
    let lines = text.matches('\n').count() + 1;
    bounds::check(name, lines.saturating_mul(width).saturating_add(text.len()))?;
    Ok(" ".repeat(width))
}

/// A double-quoted scalar, which YAML and JSON read alike.
fn double_quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

fn capitalized(word: &str) -> String {
    let mut characters = word.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(characters.flat_map(char::to_lowercase)).collect()
}

fn title(text: &str) -> String {
    let mut at_start = true;
    let mut titled = String::with_capacity(text.len());
    for c in text.chars() {
        if at_start {
            titled.extend(c.to_uppercase());
        } else {
            titled.extend(c.to_lowercase());
        }
        at_start = !c.is_alphanumeric() && c != '\'';
    }
    titled
}

fn camel(text: &str) -> String {
    let mut words = words(text).into_iter();
    let first = words.next().unwrap_or_default();
    words.fold(first, |camel, word| camel + &capitalized(&word))
}

/// The words of `some-text`, `some_text`, `Some text` or `someText`, in lower case.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before_lower = false;
    for c in text.chars() {
        let begins = !c.is_alphanumeric() || (c.is_uppercase() && before_lower);
        if begins && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        before_lower = c.is_lowercase() || c.is_numeric();
    }
    words.retain(|word| !word.is_empty());
    words
}
