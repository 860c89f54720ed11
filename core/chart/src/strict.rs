//! Makes `a ~ b` refuse operands that are not defined, which Tera takes for empty text, and `a == b` and `a != b`
//! refuse secret values, in whose place they would compare tokens.
//!
//! Each operand gets a filter behind it that checks it. Places in the changed text are led back to the template.

use std::ops::Range;

use crate::source::{Segment, segments};

/// The filter that checks an operand of `~`.
pub(crate) const OPERAND: &str = "__operand";
/// The filter that checks what is compared.
pub(crate) const COMPARED: &str = "__compare";
const INSERT_OPERAND: &str = " | __operand";
const INSERT_COMPARED: &str = " | __compare";
/// The length of what is put in, in bytes, whichever it is.
const INSERTED: usize = INSERT_OPERAND.len();
const _: () = assert!(INSERTED == INSERT_COMPARED.len(), "places are led back by one length");

/// A template whose operators check their operands.
#[derive(Clone, Debug)]
pub(crate) struct Strict {
    pub(crate) text: String,
    /// Where a filter was put in, as offsets in the template, and which.
    inserted: Vec<(usize, &'static str)>,
}

impl Strict {
    /// Changes a template.
    pub(crate) fn new(template: &str) -> Self {
        let mut inserted = Vec::new();
        let mut start = 0;
        for segment in segments(template) {
            let code = segment.text();
            let is_code = match segment {
                Segment::Expression(_) => true,
                Segment::Silent(code) => code.starts_with("{%"),
                Segment::Text(_) => false,
            };
            if is_code && ["~", "==", "!="].iter().any(|operator| code.contains(operator)) {
                inserted.extend(operand_ends(code).into_iter().map(|(end, filter)| (start + end, filter)));
            }
            start += code.len();
        }
        inserted.sort_unstable();
        inserted.dedup();
        let mut text = template.to_owned();
        for (at, filter) in inserted.iter().rev() {
            text.insert_str(*at, filter);
        }
        Self { text, inserted }
    }

    /// The bytes of the template that bytes of the changed text come from.
    pub(crate) fn original(&self, changed: &Range<usize>) -> Range<usize> {
        self.original_offset(changed.start)..self.original_offset(changed.end)
    }

    fn original_offset(&self, changed: usize) -> usize {
        let mut shift = 0;
        for (at, _) in &self.inserted {
            if changed >= at + shift + INSERTED {
                shift += INSERTED;
            } else if changed > at + shift {
                return *at;
            } else {
                break;
            }
        }
        changed - shift
    }

    /// The offset in the changed text of a line and column, both from 1.
    pub(crate) fn offset(&self, line: u32, column: u32) -> Option<usize> {
        let line_index = usize::try_from(line).ok()?.checked_sub(1)?;
        let before: usize = self.text.split_inclusive('\n').take(line_index).map(str::len).sum();
        let column_index = usize::try_from(column).ok()?.checked_sub(1)?;
        let within = self.text.get(before..)?.char_indices().nth(column_index).map(|(at, _)| at)?;
        Some(before + within)
    }
}

/// Where the operands of each operator in a piece of code end, and the filter that checks them.
fn operand_ends(code: &str) -> Vec<(usize, &'static str)> {
    let tokens = tokens(code);
    let text = |index: usize| tokens.get(index).map(|token: &Range<usize>| &code[token.clone()]);
    let mut ends = Vec::new();
    for index in 0..tokens.len() {
        let before = index.checked_sub(1);
        let filter = match text(index) {
            Some("~") => INSERT_OPERAND,
            Some("==" | "!=")
                if !text(index + 1).is_some_and(is_nothing)
                    && !before.and_then(text).is_some_and(is_nothing) =>
            {
                INSERT_COMPARED
            }
            _ => continue,
        };
        let left = before.and_then(|before| tokens.get(before)).map(|token| token.end);
        let right = operand_end(code, &tokens[index + 1..]);
        ends.extend(left.into_iter().chain(right).map(|end| (end, filter)));
    }
    ends
}

/// Whether a literal says that nothing is there, which may be asked of a secret value, too.
fn is_nothing(literal: &str) -> bool {
    matches!(literal, "\"\"" | "''" | "``" | "none" | "None" | "null")
}

/// Where the operand ends that begins with the first token.
fn operand_end(code: &str, tokens: &[Range<usize>]) -> Option<usize> {
    let text = |index: usize| tokens.get(index).map(|token| &code[token.clone()]);
    let mut index = 0;
    while matches!(text(index), Some("-" | "not")) {
        index += 1;
    }
    index = match text(index)? {
        "(" | "[" | "{" | "<" => after_group(code, tokens, index),
        _ => index + 1,
    };
    loop {
        index = match text(index) {
            Some("." | "?." | "|") => index + 2,
            Some("[" | "?[" | "(") => after_group(code, tokens, index),
            _ => break,
        };
    }
    tokens.get(index.checked_sub(1)?).map(|token| token.end)
}

/// The index behind the group that begins at `index`.
fn after_group(code: &str, tokens: &[Range<usize>], index: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(index) {
        match &code[token.clone()] {
            "(" | "[" | "?[" | "{" => depth += 1,
            "<" if at == index => depth += 1,
            ")" | "]" | "}" | "/>" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// The tokens of a piece of code, without its delimiters, as far as operands need to be told apart.
fn tokens(code: &str) -> Vec<Range<usize>> {
    // Code without an end is an error of syntax, which the engine reports.
    let end = ["}}", "%}"].iter().find_map(|end| code.strip_suffix(end)).map_or(code.len(), str::len);
    let mut tokens = Vec::new();
    let mut at = 2;
    while at < end {
        let rest = &code[at..end];
        let length = token_length(rest);
        if !rest.starts_with(char::is_whitespace) {
            tokens.push(at..at + length);
        }
        at += length;
    }
    tokens
}

fn token_length(rest: &str) -> usize {
    let first = rest.chars().next().unwrap_or(' ');
    let run = |matches: fn(char) -> bool| rest.find(|c: char| !matches(c)).unwrap_or(rest.len());
    match first {
        '"' | '\'' | '`' => string_length(rest, first),
        _ if first.is_whitespace() => run(char::is_whitespace),
        _ if first.is_ascii_digit() => run(|c| c.is_ascii_digit() || c == '.'),
        _ if first.is_ascii_alphabetic() || first == '_' => run(|c| c.is_ascii_alphanumeric() || c == '_'),
        _ if ["?.", "?[", "/>", "==", "!="].iter().any(|pair| rest.starts_with(pair)) => 2,
        _ => first.len_utf8(),
    }
}

fn string_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if !escaped && c == quote {
            return at + quote.len_utf8();
        }
        escaped = !escaped && c == '\\';
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(template: &str, expected: &str) {
        let strict = Strict::new(template);
        assert_eq!(strict.text.replace(INSERT_OPERAND, "§").replace(INSERT_COMPARED, "¤"), expected);
        for (offset, _) in template.char_indices() {
            let shift = strict.inserted.iter().filter(|(at, _)| *at <= offset).count() * INSERTED;
            assert_eq!(strict.original_offset(offset + shift), offset, "{template} at {offset}");
        }
    }

    #[test]
    fn operands_are_told_apart() {
        check("~ {{ a ~ b }} {# a ~ b #}", "~ {{ a§ ~ b§ }} {# a ~ b #}");
        check(
            "{{ \"a ~ b\" ~ x.y[1]?.z(a=1) | f(b=2) ~ 'q' }}",
            "{{ \"a ~ b\"§ ~ x.y[1]?.z(a=1) | f(b=2)§ ~ 'q'§ }}",
        );
        check("{% if (a ~ b) == c ~ -1.5 %}", "{% if (a§ ~ b§)¤ == c¤§ ~ -1.5§ %}");
        check(
            "{{ [a ~ {\"k\": b ~ c}] ~ <Comp x={a ~ b} /> }}",
            "{{ [a§ ~ {\"k\": b§ ~ c§}§]§ ~ <Comp x={a§ ~ b§} />§ }}",
        );
        check("{% raw %}{{ a ~ b }}{% endraw %}", "{% raw %}{{ a ~ b }}{% endraw %}");
        check("{{ a ~ b if c ~ d else e }}", "{{ a§ ~ b§ if c§ ~ d§ else e }}");
        check("{% if a.b | f(x=1) != 'x' and c %}", "{% if a.b | f(x=1)¤ != 'x'¤ and c %}");
        check("{% if a == \"\" or '' != b or c == none %}", "{% if a == \"\" or '' != b or c == none %}");
        check("{% set x = a >= b %}{{ f(a=b) }}", "{% set x = a >= b %}{{ f(a=b) }}");
        check("{{- a ~ b -}}", "{{- a§ ~ b§ -}}");
        check("{{ a ~", "{{ a§ ~");
        check("{{ a ~ €", "{{ a§ ~ €§");
        check("{{}}{%%}{{", "{{}}{%%}{{");
    }

    #[test]
    fn lines_and_columns_become_offsets() {
        let strict = Strict::new("ä: {{ a ~ b }}\n{{ c }}");
        let offset = strict.offset(2, 4).unwrap();
        assert_eq!(&strict.text[offset..=offset], "c");
    }

    proptest! {
        #[test]
        fn any_text_is_taken(template in r#"([{}%#~=!|()\[\]"' ab.\-\n€]|raw|\{\{|\}\}|\{%|%\}){0,24}"#) {
            let strict = Strict::new(&template);
            let without = |text: &str| text.replace(INSERT_OPERAND, "").replace(INSERT_COMPARED, "");
            prop_assert_eq!(without(&strict.text), without(&template));
            let whole = strict.original(&(0..strict.text.len()));
            prop_assert_eq!(whole, 0..template.len());
        }
    }
}
