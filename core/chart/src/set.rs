//! The grammar of `--set` and its kin, as in Helm.

use std::fmt;

use serde_json::{Map, Value};

/// Largest index that may be set in a list; a slip of the finger shall not fill the memory.
const MAX_INDEX: usize = 65_536;
/// Deepest nesting of a key.
const MAX_DEPTH: usize = 30;

/// Reads the content of a file that `--set-file` names.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// How the text behind `=` becomes a value.
#[derive(Clone, Copy)]
pub enum SetMode<'a> {
    /// `true`, `false`, `null` and whole numbers are what they look like, the rest is text (`--set`).
    ///
    /// `1.10` and `007` are text, so that a version keeps the form it was written in.
    Typed,
    /// Everything is text (`--set-string`).
    Text,
    /// Text is read from the file that is named (`--set-file`).
    File(ReadFile<'a>),
    /// JSON (`--set-json`); an object without a key is merged at the top.
    Json,
}

impl fmt::Debug for SetMode<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Typed => "Typed",
            Self::Text => "Text",
            Self::File(_) => "File",
            Self::Json => "Json",
        })
    }
}

/// What is wrong with an expression. The values in it are not shown: one of them may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetError {
    /// The key at fault, as far as it was read.
    pub key: String,
    /// What is wrong there.
    pub reason: String,
}

impl fmt::Display for SetError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            formatter.write_str(&self.reason)
        } else {
            write!(formatter, "`{}`: {}", self.key, self.reason)
        }
    }
}

impl std::error::Error for SetError {}

/// Sets in `values` what the expression says: `a.b[0].c=1,d={x,y},e\.f=a\,b`.
///
/// A key that leads through text or a number, where it needs a map or a list, is refused.
pub fn set(values: &mut Map<String, Value>, expression: &str, mode: SetMode<'_>) -> Result<(), SetError> {
    if let (SetMode::Json, true) = (mode, expression.trim_start().starts_with('{')) {
        return set_object(values, expression);
    }
    let mut parser = Parser { rest: expression, key: String::new(), mode };
    while !parser.rest.is_empty() {
        parser.key.clear();
        parser.entry(values, 0)?;
    }
    Ok(())
}

fn set_object(values: &mut Map<String, Value>, expression: &str) -> Result<(), SetError> {
    match serde_json::from_str(expression) {
        Ok(Value::Object(object)) => {
            crate::merge::layer(values, object);
            Ok(())
        }
        Ok(_) => Err(SetError { key: String::new(), reason: "this is no JSON object".to_owned() }),
        Err(error) => Err(SetError { key: String::new(), reason: json_reason(&error) }),
    }
}

/// The place and category of a JSON error, without the text it is in.
fn json_reason(error: &serde_json::Error) -> String {
    format!("this is no JSON (character {})", error.column())
}

struct Parser<'a> {
    rest: &'a str,
    /// The key of the entry at hand, for errors.
    key: String,
    mode: SetMode<'a>,
}

impl Parser<'_> {
    /// One `key=value` and the comma behind it, if there is one.
    fn entry(&mut self, into: &mut Map<String, Value>, depth: usize) -> Result<(), SetError> {
        if depth > MAX_DEPTH {
            return Err(self.refuse(&format!("a key has at most {MAX_DEPTH} parts")));
        }
        let (name, stop) = self.until(&['=', '[', ',', '.']);
        self.key.push_str(&name);
        match stop {
            None if name.is_empty() && depth == 0 => Ok(()),
            None | Some(',') => Err(self.refuse("it has no value")),
            Some(_) if name.is_empty() => Err(self.refuse("a part of the key is empty")),
            Some('=') => {
                let value = self.value()?;
                into.insert(name, value);
                Ok(())
            }
            Some('[') => {
                let slot = into.entry(name).or_insert(Value::Null);
                self.item(slot, depth)
            }
            Some(_) => {
                self.key.push('.');
                let inner = self.map(into.entry(name).or_insert(Value::Null))?;
                self.entry(inner, depth + 1)
            }
        }
    }

    /// What follows `[`: an index and the value of that item, of a key of it, or of an item in it.
    fn item(&mut self, slot: &mut Value, depth: usize) -> Result<(), SetError> {
        if depth > MAX_DEPTH {
            return Err(self.refuse(&format!("a key has at most {MAX_DEPTH} parts")));
        }
        let index = self.index()?;
        if slot.is_null() {
            *slot = Value::Array(Vec::new());
        }
        let Value::Array(list) = slot else {
            return Err(self.refuse(&format!("{} is there, and not a list", describe(slot))));
        };
        if list.len() <= index {
            list.resize(index + 1, Value::Null);
        }
        let slot = &mut list[index];
        let (between, stop) = self.until(&['[', '.', '=', ',']);
        match stop {
            _ if !between.is_empty() => Err(self.refuse("only `.`, `[` or `=` can follow an index")),
            Some('=') => {
                *slot = self.value()?;
                Ok(())
            }
            Some('[') => self.item(slot, depth + 1),
            Some('.') => {
                self.key.push('.');
                let inner = self.map(slot)?;
                self.entry(inner, depth + 1)
            }
            _ => Err(self.refuse("it has no value")),
        }
    }

    fn index(&mut self) -> Result<usize, SetError> {
        let (text, stop) = self.until(&[']']);
        self.key.extend(["[", text.as_str(), "]"]);
        if stop.is_none() {
            return Err(self.refuse("the index has no `]`"));
        }
        match text.parse() {
            Ok(index) if index <= MAX_INDEX => Ok(index),
            Ok(_) => Err(self.refuse(&format!("an index is at most {MAX_INDEX}"))),
            Err(_) => Err(self.refuse("an index is a whole number from 0")),
        }
    }

    fn map<'m>(&self, slot: &'m mut Value) -> Result<&'m mut Map<String, Value>, SetError> {
        if slot.is_null() {
            *slot = Value::Object(Map::new());
        }
        let kind = describe(slot);
        slot.as_object_mut().ok_or_else(|| self.refuse(&format!("{kind} is there, and not a map")))
    }

    /// What follows `=`, and the comma behind it.
    fn value(&mut self) -> Result<Value, SetError> {
        if let SetMode::Json = self.mode {
            return self.json();
        }
        if let Some(rest) = self.rest.strip_prefix('{') {
            self.rest = rest;
            return self.list();
        }
        let (text, _) = self.until(&[',']);
        self.scalar(text)
    }

    fn list(&mut self) -> Result<Value, SetError> {
        let mut items = Vec::new();
        loop {
            let (text, stop) = self.until(&[',', '}']);
            match stop {
                None => return Err(self.refuse("the list has no `}`")),
                Some('}') if text.is_empty() && items.is_empty() => break,
                Some(stop) => {
                    items.push(self.scalar(text)?);
                    if stop == '}' {
                        break;
                    }
                }
            }
        }
        self.end_of_value("a list")?;
        Ok(Value::Array(items))
    }

    fn json(&mut self) -> Result<Value, SetError> {
        let mut stream = serde_json::Deserializer::from_str(self.rest).into_iter::<Value>();
        let value = match stream.next() {
            Some(Ok(value)) => value,
            Some(Err(error)) => return Err(self.refuse(&json_reason(&error))),
            None => return Err(self.refuse("it has no value")),
        };
        self.rest = self.rest[stream.byte_offset()..].trim_start();
        self.end_of_value("JSON")?;
        Ok(value)
    }

    fn end_of_value(&mut self, kind: &str) -> Result<(), SetError> {
        match self.rest.strip_prefix(',') {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None if self.rest.is_empty() => Ok(()),
            None => Err(self.refuse(&format!("only a comma can follow {kind}"))),
        }
    }

    fn scalar(&self, text: String) -> Result<Value, SetError> {
        match self.mode {
            SetMode::Typed => Ok(typed(text)),
            SetMode::Text | SetMode::Json => Ok(Value::String(text)),
            SetMode::File(read) => read(&text).map(Value::String).map_err(|reason| self.refuse(&reason)),
        }
    }

    /// The text up to one of the characters, which is dropped. A backslash takes the next character as it is.
    fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let mut text = String::new();
        let mut characters = self.rest.chars();
        while let Some(character) = characters.next() {
            if character == '\\' {
                text.extend(characters.next());
            } else if stops.contains(&character) {
                self.rest = characters.as_str();
                return (text, Some(character));
            } else {
                text.push(character);
            }
        }
        self.rest = "";
        (text, None)
    }

    fn refuse(&self, reason: &str) -> SetError {
        SetError { key: self.key.clone(), reason: reason.to_owned() }
    }
}

fn typed(text: String) -> Value {
    match text.to_ascii_lowercase().as_str() {
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        "null" => return Value::Null,
        "0" => return Value::from(0),
        _ => {}
    }
    match text.parse::<i64>() {
        Ok(number) if !text.starts_with(['0', '+']) && !text.starts_with("-0") => Value::from(number),
        _ => Value::String(text),
    }
}

fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn check(expression: &str, expected: &Value) {
        check_on(json!({}), expression, SetMode::Typed, expected);
    }

    #[expect(clippy::needless_pass_by_value, reason = "reads better in the tables")]
    fn check_on(base: Value, expression: &str, mode: SetMode<'_>, expected: &Value) {
        let mut values = base.as_object().unwrap().clone();
        set(&mut values, expression, mode).unwrap_or_else(|error| panic!("{expression}: {error}"));
        assert_eq!(&Value::Object(values), expected, "{expression}");
    }

    fn check_refused(expression: &str, mode: SetMode<'_>, reason: &str) {
        let mut values = json!({"text": "x", "list": [1]}).as_object().unwrap().clone();
        let error = set(&mut values, expression, mode).unwrap_err().to_string();
        assert!(error.contains(reason), "{expression}: {error}");
    }

    // The table of Helm's own tests of this grammar.
    #[test]
    fn expressions_mean_what_they_mean_in_helm() {
        check("name1=null,f=false,t=true", &json!({"name1": null, "f": false, "t": true}));
        check("name1=value1", &json!({"name1": "value1"}));
        check("name1=value1,name2=value2,", &json!({"name1": "value1", "name2": "value2"}));
        check("name1=,name2=value2", &json!({"name1": "", "name2": "value2"}));
        check("leading_zeros=00009", &json!({"leading_zeros": "00009"}));
        check("zero_int=0", &json!({"zero_int": 0}));
        check("long_int=1234567890", &json!({"long_int": 1_234_567_890}));
        check("negative=-5,signed=+5", &json!({"negative": -5, "signed": "+5"}));
        check("boolean=True", &json!({"boolean": true}));
        check("is_null=null", &json!({"is_null": null}));
        check("float=1.5,version=1.10", &json!({"float": "1.5", "version": "1.10"}));
        check("name1=one\\,two,name2=three\\,four", &json!({"name1": "one,two", "name2": "three,four"}));
        check("name1=one\\=two,name2=three\\=four", &json!({"name1": "one=two", "name2": "three=four"}));
        check("name1=one two three", &json!({"name1": "one two three"}));
        check("outer.inner=value", &json!({"outer": {"inner": "value"}}));
        check("outer.middle.inner=value", &json!({"outer": {"middle": {"inner": "value"}}}));
        check("a.b=1,a.c=2", &json!({"a": {"b": 1, "c": 2}}));
        check("name1={value1,value2}", &json!({"name1": ["value1", "value2"]}));
        check("name1={1021,902}", &json!({"name1": [1021, 902]}));
        check("name1={},name2={}", &json!({"name1": [], "name2": []}));
        check("name1.name2={value1,value2}", &json!({"name1": {"name2": ["value1", "value2"]}}));
        check("a={b,c\\,d,e\\}}", &json!({"a": ["b", "c,d", "e}"]}));
        check("list[0]=foo,list[3]=bar", &json!({"list": ["foo", null, null, "bar"]}));
        check("list[0].foo=bar,list[0].hello=world", &json!({"list": [{"foo": "bar", "hello": "world"}]}));
        check("list[0].foo.bar=1,list[1]=x", &json!({"list": [{"foo": {"bar": 1}}, "x"]}));
        check("nested[0][0]=a,nested[1][1]=b", &json!({"nested": [["a"], [null, "b"]]}));
        check("a.b[0].c=1", &json!({"a": {"b": [{"c": 1}]}}));
        check(r"a\.b\/c=x", &json!({"a.b/c": "x"}));
        check("url=http://h/?a=b", &json!({"url": "http://h/?a=b"}));
        check("", &json!({}));
    }

    #[test]
    fn expressions_build_on_what_is_there() {
        let base = json!({"list": [{"a": 1, "b": 2}, 5], "map": {"keep": 1}, "gone": null});
        check_on(
            base,
            "list[0].a=9,map.new=x,gone.back=1",
            SetMode::Typed,
            &json!({"list": [{"a": 9, "b": 2}, 5], "map": {"keep": 1, "new": "x"}, "gone": {"back": 1}}),
        );
    }

    #[test]
    fn text_stays_text() {
        check_on(
            json!({}),
            "a=true,b=1,c=null,d={1,2}",
            SetMode::Text,
            &json!({"a": "true", "b": "1", "c": "null", "d": ["1", "2"]}),
        );
    }

    #[test]
    fn files_are_read_by_the_reader() {
        let read: ReadFile<'_> = &|path| {
            if path == "x.txt" { Ok("content,\n".to_owned()) } else { Err("no such file".to_owned()) }
        };
        check_on(json!({}), "a.b=x.txt", SetMode::File(read), &json!({"a": {"b": "content,\n"}}));
        check_refused("a=y.txt", SetMode::File(read), "no such file");
    }

    #[test]
    fn json_is_taken_whole() {
        check_on(
            json!({}),
            r#"a.b={"c": [1, "x,y"]},d=null,e[1]=2.5"#,
            SetMode::Json,
            &json!({"a": {"b": {"c": [1, "x,y"]}}, "d": null, "e": [null, 2.5]}),
        );
        check_on(
            json!({"a": {"keep": 1}}),
            r#"{"a": {"new": 2}}"#,
            SetMode::Json,
            &json!({"a": {"keep": 1, "new": 2}}),
        );
        check_refused("a={nope}", SetMode::Json, "no JSON");
        check_refused("a=1 2", SetMode::Json, "only a comma");
    }

    #[test]
    fn what_means_nothing_is_refused() {
        check_refused("name", SetMode::Typed, "no value");
        check_refused("a,b=1", SetMode::Typed, "`a`: it has no value");
        check_refused("a.b", SetMode::Typed, "`a.b`: it has no value");
        check_refused("a.=1", SetMode::Typed, "empty");
        check_refused("=1", SetMode::Typed, "empty");
        check_refused("a={1,2", SetMode::Typed, "no `}`");
        check_refused("a={1}2", SetMode::Typed, "only a comma");
        check_refused("list[x]=1", SetMode::Typed, "`list[x]`: an index");
        check_refused("list[-1]=1", SetMode::Typed, "an index");
        check_refused("list[70000]=1", SetMode::Typed, "at most 65536");
        check_refused("list[0", SetMode::Typed, "no `]`");
        check_refused("list[0]x=1", SetMode::Typed, "follow an index");
        check_refused("list[0]", SetMode::Typed, "no value");
        check_refused("text.a=1", SetMode::Typed, "text is there, and not a map");
        check_refused("text[0]=1", SetMode::Typed, "text is there, and not a list");
        check_refused(&format!("{}z=1", "a.".repeat(40)), SetMode::Typed, "at most 30 parts");
    }

    #[test]
    fn errors_do_not_show_values() {
        for expression in ["a=canary,b", "text.a=canary", "a={canary"] {
            let mut values = json!({"text": "canary"}).as_object().unwrap().clone();
            let error = set(&mut values, expression, SetMode::Typed).unwrap_err();
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(expression in r"[a-c.=,\[\]{}0-9\\]{0,24}") {
            let _ = set(&mut Map::new(), &expression, SetMode::Typed);
            let _ = set(&mut Map::new(), &expression, SetMode::Json);
        }

        #[test]
        fn any_text_can_be_set_with_escapes(key in r"[^\x00]{1,8}", value in r"[^\x00]{0,12}") {
            let escape = |text: &str| text.chars().flat_map(|c| ['\\', c]).collect::<String>();
            let mut values = Map::new();
            set(&mut values, &format!("{}={}", escape(&key), escape(&value)), SetMode::Text).unwrap();
            prop_assert_eq!(values.get(&key), Some(&Value::String(value)));
        }
    }
}
