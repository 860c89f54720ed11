//! The text of a template, told apart into what is output and what is code.

use std::fmt::Write as _;

/// A piece of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Segment<'t> {
    /// Text that is output as it is.
    Text(&'t str),
    /// `{{ … }}` with its delimiters.
    Expression(&'t str),
    /// `{% … %}` or `{# … #}` with its delimiters.
    Silent(&'t str),
}

impl<'t> Segment<'t> {
    /// The template's own text.
    pub(crate) fn text(self) -> &'t str {
        match self {
            Self::Text(text) | Self::Expression(text) | Self::Silent(text) => text,
        }
    }
}

/// Splits a template into its segments; together they are the template.
pub(crate) fn segments(template: &str) -> Vec<Segment<'_>> {
    let mut segments = Vec::new();
    let mut rest = template;
    let mut raw = false;
    while !rest.is_empty() {
        let segment = next(rest, raw);
        if let Segment::Silent(tag) = segment {
            raw = tag_name(tag).map_or(raw, |name| name == "raw");
        }
        rest = &rest[segment.text().len()..];
        segments.push(segment);
    }
    segments
}

fn next(rest: &str, raw: bool) -> Segment<'_> {
    if raw {
        let end = rest.match_indices("{%").find(|(at, _)| tag_name(&rest[*at..]) == Some("endraw"));
        return match end {
            Some((0, _)) => Segment::Silent(&rest[..code_length(rest, "%}")]),
            Some((at, _)) => Segment::Text(&rest[..at]),
            None => Segment::Text(rest),
        };
    }
    if rest.starts_with("{{") {
        return Segment::Expression(&rest[..code_length(rest, "}}")]);
    }
    if rest.starts_with("{%") {
        return Segment::Silent(&rest[..code_length(rest, "%}")]);
    }
    if rest.starts_with("{#") {
        return Segment::Silent(&rest[..rest.find("#}").map_or(rest.len(), |at| at + 2)]);
    }
    let starts = ["{{", "{%", "{#"].iter().filter_map(|start| rest.find(start));
    Segment::Text(&rest[..starts.min().unwrap_or(rest.len())])
}

/// The first word of a tag.
fn tag_name(tag: &str) -> Option<&str> {
    let inside = tag.strip_prefix("{%")?.trim_start_matches('-').trim_start();
    let end = inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inside.len());
    Some(&inside[..end])
}

/// The length of a piece of code up to and with its end, which is not looked for inside strings.
fn code_length(code: &str, end: &str) -> usize {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in code.char_indices().skip(2) {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            None if matches!(c, '"' | '\'' | '`') => quote = Some(c),
            None if code[at..].starts_with(end) => return at + end.len(),
            _ => {}
        }
    }
    code.len()
}

const MARK_START: char = '\u{e000}';
const MARK_END: char = '\u{e001}';

/// A line of one of the files that a text was rendered from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The number of the file.
    pub(crate) file: usize,
    /// The line in it, from 1.
    pub(crate) line: u32,
}

/// Puts marks into a template, so that every piece of its output says which line it comes from.
///
/// White space that the template strips is stripped as before: a mark stands directly before what is output.
pub(crate) fn with_marks(template: &str, file: usize) -> String {
    let mut marked = String::with_capacity(template.len() * 2);
    let mut line = 1;
    for segment in segments(template) {
        match segment {
            Segment::Text(text) => mark_text(&mut marked, text, file, line),
            Segment::Expression(code) => {
                let (open, rest) = code.strip_prefix("{{-").map_or(("{{", &code[2..]), |rest| ("{{-", rest));
                let _ = write!(marked, "{open} \"{MARK_START}{file}:{line}{MARK_END}\" }}}}{{{{{rest}");
            }
            Segment::Silent(code) => marked.push_str(code),
        }
        line += lines_in(segment.text());
    }
    marked
}

fn mark_text(marked: &mut String, text: &str, file: usize, first_line: u32) {
    for (line, part) in (first_line..).zip(text.split_inclusive('\n')) {
        let (space, words) = part.split_at(part.len() - part.trim_start().len());
        marked.push_str(space);
        if !words.is_empty() {
            let _ = write!(marked, "{MARK_START}{file}:{line}{MARK_END}{words}");
        }
    }
}

fn lines_in(text: &str) -> u32 {
    u32::try_from(text.matches('\n').count()).unwrap_or(u32::MAX)
}

/// Takes the marks out of a text, and says for each of its lines where it comes from.
///
/// A line without a mark of its own belongs to the last mark above it.
pub(crate) fn read_marks(marked: &str) -> (String, Vec<Option<Mark>>) {
    let mut text = String::with_capacity(marked.len());
    let mut lines = Vec::new();
    let mut last = None;
    for line in marked.split_inclusive('\n') {
        let before = last;
        let mut first = None;
        for (index, piece) in line.split(MARK_START).enumerate() {
            let mark = (index > 0).then(|| piece.split_once(MARK_END)).flatten();
            let Some((mark, rest)) = mark.and_then(|(mark, rest)| Some((parse_mark(mark)?, rest))) else {
                text.push_str(piece);
                continue;
            };
            text.push_str(rest);
            last = Some(mark);
            first = first.or(last);
        }
        lines.push(first.or(before));
    }
    (text, lines)
}

fn parse_mark(text: &str) -> Option<Mark> {
    let (file, line) = text.split_once(':')?;
    Some(Mark { file: file.parse().ok()?, line: line.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check_segments(template: &str, expected: &[Segment<'_>]) {
        assert_eq!(segments(template), expected);
        assert_eq!(segments(template).iter().map(|segment| segment.text()).collect::<String>(), template);
    }

    #[test]
    fn code_is_told_from_text() {
        use Segment::{Expression, Silent, Text};
        check_segments(
            "a: {{ \"}}\" ~ x }}\n{#- {{ no }} #}{% if y == '%}' -%} z",
            &[
                Text("a: "),
                Expression("{{ \"}}\" ~ x }}"),
                Text("\n"),
                Silent("{#- {{ no }} #}"),
                Silent("{% if y == '%}' -%}"),
                Text(" z"),
            ],
        );
        check_segments(
            "{%- raw -%}{{ a }}{% b %}{% endraw %}{{ c }}",
            &[Silent("{%- raw -%}"), Text("{{ a }}{% b %}"), Silent("{% endraw %}"), Expression("{{ c }}")],
        );
        check_segments("{{ open", &[Expression("{{ open")]);
    }

    #[test]
    fn marks_name_the_line_of_every_piece() {
        let marked = with_marks("a: 1\n\n  {%- if x %}\n  b: {{- y -}}\n{% endif %}", 3);
        let (text, lines) = read_marks(&marked.replace("{{-", "").replace("-}}", "").replace("}}{{", ""));
        assert!(text.contains("a: 1"));
        assert_eq!(lines[0], Some(Mark { file: 3, line: 1 }));
        assert_eq!(lines[3], Some(Mark { file: 3, line: 4 }));
    }

    #[test]
    fn lines_without_a_mark_belong_to_the_one_above() {
        let (text, lines) =
            read_marks("\u{e000}0:2\u{e001}a: \u{e000}1:9\u{e001}\n  x\n  y\n\u{e000}0:3\u{e001}b\n");
        assert_eq!(text, "a: \n  x\n  y\nb\n");
        let found: Vec<_> = lines.iter().map(|mark| mark.map(|mark| (mark.file, mark.line))).collect();
        assert_eq!(found, [Some((0, 2)), Some((1, 9)), Some((1, 9)), Some((0, 3))]);
    }

    proptest! {
        #[test]
        fn marks_are_put_in_and_taken_out(template in r#"([{}%#"' ab\-\n€]|raw|endraw|\{#|#\}|\{%|%\}){0,24}"#) {
            prop_assert_eq!(segments(&template).iter().map(|segment| segment.text()).collect::<String>(), template.clone());
            let (text, lines) = read_marks(&with_marks(&template, 7));
            prop_assert_eq!(lines.len(), text.split_inclusive('\n').count());
            if !template.contains("{{") {
                prop_assert_eq!(text, template);
            }
        }
    }
}
