use serde_json::json;
use tera::Context;

use super::*;

fn render(template: &str) -> Result<String, String> {
    let mut tera = Tera::new();
    tera.autoescape_on(Vec::<&str>::new());
    register(&mut tera);
    tera.add_raw_template("t", template).map_err(|error| error.to_string())?;
    let mut context = Context::new();
    let token = format!("rhumb-sealed-{}", "0".repeat(32));
    context.insert(
        "v",
        &json!({
            "text": "Hello World", "n": 7, "f": 1.5, "empty": "", "nothing": null, "yes": true, "secret": token,
            "map": {"b": {"x": 1}, "a": "no"}, "list": [3, 1, 2], "lines": "one\n\ntwo\n",
        }),
    );
    tera.render("t", &context).map_err(|error| error.to_string())
}

fn check(expression: &str, expected: &str) {
    assert_eq!(render(&format!("{{{{ {expression} }}}}")).as_deref(), Ok(expected), "{expression}");
}

fn check_refused(expression: &str, reason: &str) {
    let error = render(&format!("{{{{ {expression} }}}}")).unwrap_err();
    assert!(error.contains(reason), "{expression}: {error}");
}

#[test]
fn text_is_changed() {
    check("v.text | upper", "HELLO WORLD");
    check("v.text | kebab_case", "hello-world");
    check("'fooBar_baz qux2' | snake_case", "foo_bar_baz_qux2");
    check("'foo-bar baz' | camel_case", "fooBarBaz");
    check("'hello wORLD' | title", "Hello World");
    check("' x ' | trim", "x");
    check("'a-b-' | trim_suffix(suffix='-')", "a-b");
    check("'v1.2' | trim_prefix(prefix='v')", "1.2");
    check("v.text | trunc(length=5)", "Hello");
    check("v.text | trunc(length=-5)", "World");
    check("'äöü' | trunc(length=2)", "äö");
    check("v.text | replace(from='World', to='You')", "Hello You");
    check("'a,b' | split(pat=',') | last", "b");
    check("v.lines | nindent(width=2)", "\n  one\n\n  two");
    check("v.lines | nindent(n=2) | trim", "one\n\n  two");
    check("v.lines | indent(width=2)", "one\n\n  two\n");
    check("v.lines | indent(n=2, first=true, blank=true)", "  one\n  \n  two\n");
    check_refused("v.lines | indent", "needs a `width`");
    check("v.n | quote", "\"7\"");
    check("'a\"b' | quote", "\"a\\\"b\"");
    check("`it's` | squote", "'it''s'");
    check("'web-12' | regex_match(pattern='^[a-z]+-[0-9]+$')", "true");
    check("'web-12' | regex_find(pattern='[0-9]+')", "12");
    check("'a1b2' | regex_replace(pattern='[0-9]', with='_')", "a_b_");
    check("v.f | to_string", "1.5");
    check("'ab' | reverse", "ba");
    check("v.list | reverse | join(sep=',')", "2,1,3");
    check("v.text | length", "11");
}

#[test]
fn values_are_encoded_and_decoded() {
    check("v.map | to_yaml", "b:\n  x: 1\na: \"no\"");
    check("v.map | to_json", r#"{"b":{"x":1},"a":"no"}"#);
    check("'a: [1, no]' | from_yaml | to_json", r#"{"a":[1,"no"]}"#);
    check("'{\"a\": 1}' | from_json | get(key='a')", "1");
    check("'hi' | b64encode", "aGk=");
    check("'aGk=' | b64decode", "hi");
    check("'hi' | sha256", "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4");
    check("'a b/ü' | url_encode", "a%20b%2F%C3%BC");
    check_refused("'a: [' | from_yaml", "not valid YAML");
    check_refused("'!' | b64decode", "no base64");
}

#[test]
fn values_are_chosen() {
    check("v.nope | default(value='d')", "d");
    check("v.nothing | default(value='d')", "d");
    check("v.empty | default(value='d')", "");
    check("v.empty | default(value='d', boolean=true)", "d");
    check("v.n | required(message='say n')", "7");
    check("v.yes | ternary(yes='y', no='n')", "y");
    check("ternary(condition=v.empty, yes='y', no='n')", "n");
    check("coalesce(values=[v.nope, v.nothing, v.empty, v.n])", "7");
    check("'1.2.3' | semver_compare(range='^1.1 || 3.x')", "true");
    check_refused("v.nope | required(message='say what')", "say what");
    check_refused("v.empty | required(message='say what')", "say what");
    check_refused("fail(message='not so')", "not so");
    check_refused("coalesce(values=[v.nope])", "none of the values");
}

#[test]
fn maps_and_lists_are_put_together() {
    check("v.map | merge(over={'b': {'y': 2}, 'a': 'yes'}) | to_json", r#"{"b":{"x":1,"y":2},"a":"yes"}"#);
    check("v.map | merge(under={'a': 'z', 'c': 3}) | to_json", r#"{"a":"no","c":3,"b":{"x":1}}"#);
    check("v.map | pick(keys=['a', 'zz']) | to_json", r#"{"a":"no"}"#);
    check("v.map | omit(keys=['a']) | to_json", r#"{"b":{"x":1}}"#);
    check("v.map | has_key(key='b')", "true");
    check("v.map | dig(path='b.x')", "1");
    check("v.map | dig(path='b.q.z', default=9)", "9");
    check("v.list | concat(with=[4]) | append(item=5) | without(items=[1]) | to_json", "[3,2,4,5]");
    check("dict(a=1, b=v.n) | to_json", r#"{"a":1,"b":7}"#);
    check("list(items=['', 'x']) | compact | to_json", r#"["x"]"#);
}

#[test]
fn numbers_are_reckoned_with() {
    check("v.n | add(n=1) | mul(n=2)", "16");
    check("v.n | div(n=2)", "3");
    check("v.n | mod(n=4)", "3");
    check("v.f | add(n=1)", "2.5");
    check("v.n | max(n=9)", "9");
    check("v.n | min(n=9)", "7");
    check_refused("v.n | div(n=0)", "no result");
    check_refused("v.text | add(n=1)", "takes numbers");
}

#[test]
fn what_is_not_defined_is_refused_at_every_depth() {
    check_refused("v.nope | upper", "`upper` is not defined");
    check_refused("v.text | default(value=v.nope)", "`value` of `default` is not defined");
    check_refused("{'a': [v.nope]} | to_yaml", "given to `to_yaml` is not defined");
    check_refused("v.text | trunc(len=3)", "has no argument `len`; it has `length`");
    check_refused("v.text | upper(x=1)", "it has none");
    check_refused("v.map | upper", "takes text, and this is a map");
}

#[test]
fn secrets_are_not_bent() {
    for expression in [
        "v.secret | b64encode",
        "v.secret | sha256",
        "v.secret | trunc(length=3)",
        "v.secret | upper",
        "v.secret | length",
        "'x' | replace(from='x', to=v.secret)",
        "v.secret | regex_match(pattern='a')",
        "fail(message=v.secret)",
        "fail(message='no ' ~ v.secret)",
        "throw(message=v.secret)",
        "v.empty | required(message=v.secret)",
    ] {
        check_refused(expression, "secret value cannot go through");
    }
    for expression in ["v.secret | quote", "v.secret | default(value='')", "{'a': v.secret} | to_yaml"] {
        assert!(
            render(&format!("{{{{ {expression} }}}}")).unwrap().contains("rhumb-sealed-"),
            "{expression}"
        );
    }
}

#[test]
fn texts_do_not_grow_without_bound() {
    let double = "{% set a = 'x' %}{% for i in range(end=60) %}{% set_global a = A %}{% endfor %}";
    for (doubled, name) in [
        ("a | __operand ~ a | __operand", "`~`"),
        ("a | regex_replace(pattern='.+', with='$0$0')", "`regex_replace`"),
        ("a | repeat(times=2)", "`repeat`"),
        ("[a, a] | to_json", "`to_json`"),
        ("[a, a] | join(sep='')", "`join`"),
    ] {
        let error = render(&double.replace('A', doubled)).unwrap_err();
        assert!(error.contains(name) && error.contains("16 MiB"), "{doubled}: {error}");
    }
    check_refused("'\n' | repeat(times=100000) | indent(width=1000)", "16 MiB");
    check_refused("'x' | repeat(times=999) | replace(from='x', to='y' | repeat(times=99999))", "16 MiB");
    check_refused("'x' | repeat(times=99999999)", "16 MiB");
    let joined = "{% set a = 'x' | repeat(times=1000000) %}{% for i in range(end=999) %}{% set b = a | __operand ~ 1 %}{% endfor %}";
    assert!(render(joined).unwrap_err().contains("more than 512 MiB"));
}
