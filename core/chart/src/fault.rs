//! What went wrong in a template, as people need to read it.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use rhumb_spec::{Diagnostic, Place, suggest};
use tera::{Error, ErrorKind, ReportError};

use crate::functions;
use crate::sealed::without_tokens;
use crate::source::segments;
use crate::strict::Strict;

/// Longest piece of a template that is shown.
const MAX_SHOWN: usize = 120;

/// The templates of an engine by the names that it knows them by.
pub(crate) type Sources = HashMap<String, Original>;

/// A template as its author wrote it.
pub(crate) struct Original {
    /// The file, as people know it.
    pub(crate) shown: String,
    pub(crate) text: Arc<str>,
    /// The text as the engine got it, to lead its places back.
    pub(crate) changed: Strict,
}

impl Original {
    /// The line and column, from 1, of a byte of the author's text.
    fn place(&self, offset: usize) -> Place {
        let before = &self.text[..offset];
        let line = before.rsplit('\n').next().unwrap_or_default();
        Place {
            file: self.shown.clone(),
            line: number(before.matches('\n').count() + 1),
            column: Some(number(line.chars().count() + 1)),
        }
    }
}

/// Turns an error of the template engine into diagnostics.
pub(crate) fn diagnose(error: &Error, sources: &Sources) -> Vec<Diagnostic> {
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => {
            vec![from_report(report, &error.to_string(), sources)]
        }
        ErrorKind::Msg(text) if text.starts_with("error: ") => from_text(text, sources),
        ErrorKind::CircularInclude { tpl, include_chain } => {
            let chain: Vec<&str> = include_chain.iter().map(|name| shown_name(name, sources)).collect();
            let file = shown_name(tpl, sources).to_owned();
            vec![
                Diagnostic::error("", "templates include one another in a circle")
                    .why(chain.join(" → "))
                    .at(file, 1),
            ]
        }
        _ => vec![Diagnostic::error("", without_tokens(&error.to_string()))],
    }
}

fn shown_name<'s>(name: &'s str, sources: &'s Sources) -> &'s str {
    sources.get(name).map_or(name, |source| &source.shown)
}

fn from_report(report: &ReportError, full: &str, sources: &Sources) -> Diagnostic {
    let source = sources.get(report.filename());
    let spot = source.map(|source| (&*source.text, source.changed.original(&report.span().range)));
    let mut problem = explain(report.message(), spot.as_ref());
    problem.place = source.zip(spot).map(|(source, (_, range))| source.place(range.start));
    let callers: Vec<String> = callers(full, sources).collect();
    if !callers.is_empty() {
        let before = problem.why.take().map_or_else(String::new, |why| format!("{why}\n"));
        problem.why = Some(format!("{before}called from {}", callers.join(", from ")));
    }
    problem
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// The places that the report names as callers.
fn callers<'s>(full: &'s str, sources: &'s Sources) -> impl Iterator<Item = String> + 's {
    full.lines().filter_map(|line| {
        let (file, line, _) = split_place(line.strip_prefix("note: called from ")?)?;
        Some(format!("{}:{line}", shown_name(file, sources)))
    })
}

/// Takes apart `file:line:column`.
fn split_place(text: &str) -> Option<(&str, u32, u32)> {
    let (rest, column) = text.trim().rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    Some((file, line.parse().ok()?, column.parse().ok()?))
}

/// Errors that the engine hands over as text only: what a template refers to and nobody defines.
fn from_text(text: &str, sources: &Sources) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for report in text.split("\n\nerror: ") {
        let report = report.strip_prefix("error: ").unwrap_or(report);
        let mut lines = report.lines();
        let message = lines.next().unwrap_or_default();
        let mut problem = explain(message, None);
        let place = lines.next().and_then(|line| split_place(line.trim().strip_prefix("--> ")?));
        problem.place = place.and_then(|(file, line, column)| {
            let source = sources.get(file)?;
            let offset = source.changed.offset(line, column)?;
            Some(source.place(source.changed.original(&(offset..offset)).start))
        });
        problems.push(problem);
    }
    problems
}

/// A template's text, and the bytes in it that a message is about.
type Spot<'s> = (&'s str, Range<usize>);

/// Says what an engine's message means, with the expression at fault.
fn explain(message: &str, at: Option<&Spot<'_>>) -> Diagnostic {
    let message = &*without_tokens(message);
    let excerpt = at.and_then(|(source, range)| excerpt(source, range.start));
    let mut problem = undefined(message, at).or_else(|| unknown(message)).unwrap_or_else(|| {
        let mut first = message.trim_end_matches('.').to_owned();
        if let Some(c) = first.get(..1).filter(|c| c.chars().all(|c| c.is_ascii_uppercase())) {
            first.replace_range(..1, &c.to_ascii_lowercase());
        }
        Diagnostic::error("", first)
    });
    if message.contains("Found `}}`") && excerpt.as_ref().is_some_and(|code| code.contains("}}}")) {
        problem.remedy =
            Some("a space between the end of a map and that of the expression: `} }}`".to_owned());
    }
    if let Some(excerpt) = excerpt {
        problem.why = Some(format!("in `{excerpt}`"));
    }
    problem
}

/// The code that a byte of the template belongs to.
fn excerpt(source: &str, at: usize) -> Option<String> {
    let mut start = 0;
    let segment = segments(source).into_iter().find(|segment| {
        start += segment.text().len();
        at < start
    })?;
    let text = segment.text();
    let code = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown = match code.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &code[..end]),
        None => code,
    };
    text.starts_with('{').then_some(shown)
}

fn undefined(message: &str, at: Option<&Spot<'_>>) -> Option<Diagnostic> {
    let named = ["Field `", "Variable `"].iter().find_map(|start| message.strip_prefix(start));
    if let Some((name, rest)) = named.and_then(|rest| rest.split_once("` is not defined")) {
        let path = at.map_or(name, |(source, range)| &source[chain_start(source, range.start)..range.end]);
        let problem = Diagnostic::error(path, format!("`{path}` is not defined"));
        let known: Vec<&str> =
            rest.split_once(": ").map_or_else(Vec::new, |(_, names)| names.split(", ").collect());
        return Some(match suggest(name, known.iter().copied()) {
            Some(meant) => problem.remedy(format!("`{meant}`, which is there")),
            None if known.is_empty() => problem.remedy(OPTIONAL),
            None => problem.remedy(format!("{}; {OPTIONAL}", known.join(", "))),
        });
    }
    let (source, range) = at?;
    if message.starts_with("the value given to `") {
        let before = source[..range.start].trim_end();
        let before = before.strip_suffix('|').unwrap_or(before).trim_end();
        let path = &before[chain_start(before, before.len())..];
        let path = if path.is_empty() { "one side of `~` or `|`" } else { path };
        return Some(Diagnostic::error(path, format!("`{path}` is not defined")).remedy(OPTIONAL));
    }
    let tells = ["is undefined", "`undefined`", "undefined value"].iter().any(|tell| message.contains(tell));
    tells.then(|| {
        let end = chain_end(source, range.start).max(if message.contains("render") { range.end } else { 0 });
        let path = &source[chain_start(source, range.start)..end];
        Diagnostic::error(path, format!("`{path}` is not defined")).remedy(OPTIONAL)
    })
}

const OPTIONAL: &str = "where it may be missing, `a?.b | default(value=…)`";

/// Where the chain `a.b["c"]` that goes on at `at` begins.
fn chain_start(source: &str, at: usize) -> usize {
    let is_part = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '?' | '[' | ']');
    at - source[..at].chars().rev().take_while(is_part).count()
}

/// Where the chain `a.b` that begins at `at` ends.
fn chain_end(source: &str, at: usize) -> usize {
    let is_part = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '?' | '[' | ']');
    at + source[at..].chars().take_while(is_part).map(char::len_utf8).sum::<usize>()
}

fn unknown(message: &str) -> Option<Diagnostic> {
    let rest = message.strip_prefix("Unknown ")?;
    let (kind, name) = rest.split_once(" `")?;
    let name = name.strip_suffix('`')?;
    let problem = Diagnostic::error("", format!("there is no {kind} called `{name}`"));
    let known: Vec<&str> = match kind {
        "filter" => functions::filter_names().collect(),
        "function" => functions::FUNCTIONS.to_vec(),
        _ => Vec::new(),
    };
    let meant = suggest(name, known.iter().copied()).or_else(|| helm_name(name));
    Some(match meant {
        Some(meant) => problem.remedy(format!("`{meant}`")),
        None => problem,
    })
}

/// What a function of Helm is called here, where its name is another one altogether.
fn helm_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "b64enc" => "b64encode",
        "b64dec" => "b64decode",
        "sha256sum" => "sha256",
        "toString" => "to_string",
        "kebabcase" => "kebab_case",
        "camelcase" => "camel_case",
        "snakecase" => "snake_case",
        "hasKey" => "has_key",
        "urlquery" => "url_encode",
        "mergeOverwrite" => "merge(over=…)",
        "tpl" => "… | tpl",
        "printf" => "a ~ b",
        _ => return None,
    })
}
