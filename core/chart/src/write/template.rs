//! Text of documents as text of templates.

use rhumb_spec::App;
use serde_json::Value;

/// How many marks are tried. A text that holds them all would be larger than any chart.
const MOST: usize = 1 << 24;

/// What stands for expressions while a document is written as YAML.
pub(super) struct Tokens {
    mark: String,
    expressions: Vec<String>,
}

impl Tokens {
    /// Tokens that no text of the app has in it.
    pub(super) fn of(app: &App) -> Self {
        let text = serde_json::to_string(app).unwrap_or_default();
        let mark = (0..MOST).map(|count| format!("rhumbValue{count}x")).find(|mark| !text.contains(mark));
        Self { mark: mark.unwrap_or_default(), expressions: Vec::new() }
    }

    /// The text that stands for an expression.
    pub(super) fn stand_for(&mut self, expression: &str) -> Value {
        self.expressions.push(expression.to_owned());
        format!("{}{}e", self.mark, self.expressions.len() - 1).into()
    }

    /// A document's YAML as a template that renders it, with the expressions in their places.
    pub(super) fn template(&self, yaml: &str) -> String {
        let escaped = escape(yaml);
        let mut text = String::with_capacity(escaped.len());
        let mut rest = escaped.as_str();
        while let Some((before, after)) = rest.split_once(&self.mark) {
            let Some((digits, behind)) = after.split_once('e') else { break };
            let Some(expression) = digits.parse().ok().and_then(|at: usize| self.expressions.get(at)) else {
                break;
            };
            text.push_str(before);
            text.push_str("{{ ");
            text.push_str(expression);
            text.push_str(" }}");
            rest = behind;
        }
        text.push_str(rest);
        text
    }
}

/// Text that a template renders as it is: what begins a tag is put out by a tag.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        escaped.push_str(&rest[..at]);
        let tail = &rest[at..];
        if let Some(tag) = ["{{", "{%", "{#"].into_iter().find(|tag| tail.starts_with(tag)) {
            escaped.push_str("{{ \"");
            escaped.push_str(tag);
            escaped.push_str("\" }}");
            rest = &tail[2..];
        } else {
            escaped.push('{');
            rest = &tail[1..];
        }
    }
    escaped.push_str(rest);
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_in_text_are_put_out() {
        assert_eq!(escape("a {b} c"), "a {b} c");
        assert_eq!(escape("{{ x }}"), "{{ \"{{\" }} x }}");
        assert_eq!(escape("{{{%"), "{{ \"{{\" }}{{ \"{%\" }}");
    }

    #[test]
    fn expressions_come_back() {
        let mut tokens = Tokens::of(&App::default());
        let one = tokens.stand_for("values.a");
        let text = format!("b: {}\nc: {{{{ x }}}}\n", one.as_str().unwrap());
        assert_eq!(tokens.template(&text), "b: {{ values.a }}\nc: {{ \"{{\" }} x }}\n");
    }
}
