mod secrets;

use serde_json::json;

use super::*;
use crate::values::UserValues;

const METADATA: (&str, &str) = ("Chart.yaml", "name: shop\nversion: 1.2.3\nappVersion: 1.10\n");

fn chart(files: &[(&str, &str)]) -> Chart {
    let mut all = Files::new();
    for (path, content) in [METADATA].iter().chain(files) {
        all.insert(path, *content).unwrap();
    }
    Chart::from_files(all).unwrap()
}

fn around(sealing: Sealing) -> Surroundings {
    Surroundings {
        release: ReleaseInfo::install("blue", "default"),
        platform: json!({"name": "memory", "features": {"cron": true}}),
        sealing,
        limits: Limits { output_bytes: 1 << 20 },
    }
}

fn render(files: &[(&str, &str)], user: &str) -> Result<Rendered, Vec<Diagnostic>> {
    let chart = chart(files);
    let mut values = UserValues::new();
    values.file("given.yaml", user).unwrap();
    let values = chart.values(values).unwrap();
    chart.render(&values, &around(Sealing::keyed([1; 32])))
}

fn check(template: &str, user: &str, expected: &str) {
    let rendered =
        render(&[("templates/a.yaml", template)], user).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!(rendered.documents[0].text, expected, "{template}");
}

fn texts(problems: &[Diagnostic]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

fn check_refused(files: &[(&str, &str)], user: &str, expected: &[&str]) {
    let problems = render(files, user).and_then(|rendered| rendered.parse().map(|_| ())).unwrap_err();
    assert_eq!(texts(&problems), expected);
}

#[test]
fn templates_see_values_release_chart_platform_and_files() {
    check(
        "a: {{ values.x.y }} {{ release.name }} {{ release.revision }} {{ release.isInstall }} {{ release.service }}\n\
         b: {{ chart.name }} {{ chart.version }} {{ chart.appVersion }} {{ platform.features.cron }}",
        "x: {y: 1}",
        "a: 1 blue 1 true rhumb\nb: shop 1.2.3 1.10 true",
    );
    let files = [
        (
            "templates/a.yaml",
            "a: {{ file(path='files/x.txt') | quote }} {{ file_base64(path='files/x.txt') }}\n\
          b: {{ glob(pattern='files/*') | keys | join(sep=',') }} {{ files['files/x.txt'] | quote }}",
        ),
        ("files/x.txt", "hi"),
        ("files/deep/y.txt", "no"),
    ];
    let rendered = render(&files, "").unwrap();
    assert_eq!(rendered.documents[0].text, "a: \"hi\" aGk=\nb: files/x.txt \"hi\"");
}

#[test]
fn partials_and_components_are_shared() {
    let files = [
        (
            "templates/_parts.tera",
            "{% component Labels(name, extra=\"none\") %}name: {{ name }}\nextra: {{ extra }}{% endcomponent Labels %}",
        ),
        ("templates/_name.tera", "{{ release.name }}-{{ values.x }}-{{ suffix }}"),
        ("templates/_plain.tera", "plain: {{ values.x }}\n"),
        (
            "templates/a.yaml",
            "labels:{{ <Labels name=\"web\" /> | nindent(width=2) }}\n\
             full: {{ include(name='_name.tera', suffix='z') | upper }}\n{% include \"_plain.tera\" %}",
        ),
    ];
    let rendered = render(&files, "x: 1").unwrap();
    assert_eq!(rendered.documents[0].text, "labels:\n  name: web\n  extra: none\nfull: BLUE-1-Z\nplain: 1\n");
    assert_eq!(rendered.documents.len(), 1);
}

#[test]
fn text_in_values_can_be_a_template() {
    check("a: {{ values.t | tpl(x=2) }}", "t: '{{ release.name }}{{ x }}'", "a: blue2");
    check_refused(
        &[("templates/a.yaml", "a: {{ values.t | tpl }}")],
        "t: '{{ values.t | tpl }}'",
        &["error: `include` and `tpl` are nested more than 12 deep\n  --> templates/a.yaml:1:18\n  \
           why: called from templates/a.yaml:1"],
    );
}

#[test]
fn what_is_not_defined_is_named_with_its_place() {
    check_refused(
        &[
            ("templates/a.yaml", "a: 1\nimage: {{ values.imag.tag }}\n"),
            ("templates/b.yaml", "{{ valuse.x }}"),
            ("templates/c.yaml", "x: {{ values.nope | upper }}"),
            ("templates/d.yaml", "{% for i in values.none %}{% endfor %}"),
            ("templates/e.yaml", "{{ values.list[7] }}"),
            ("templates/f.yaml", "ok: {{ 'x' ~ values.image.tag }}\nx: {{ 'ä' ~ 'b' ~ values.nope ~ 1 }}"),
            ("templates/g.yaml", "x: {{ 'a' ~ 'b' }} {{ values.nope }}"),
        ],
        "image: {tag: 1}\nlist: []",
        &[
            "error: `values.imag` is not defined\n  --> values.imag (templates/a.yaml:2:18)\n  \
             why: in `{{ values.imag.tag }}`\n  use: `image`, which is there",
            "error: `valuse` is not defined\n  --> valuse (templates/b.yaml:1:4)\n  why: in `{{ valuse.x }}`\n  \
             use: `values`, which is there",
            "error: `values.nope` is not defined\n  --> values.nope (templates/c.yaml:1:21)\n  \
             why: in `{{ values.nope | upper }}`\n  use: where it may be missing, `a?.b | default(value=…)`",
            "error: `values.none` is not defined\n  --> values.none (templates/d.yaml:1:13)\n  \
             why: in `{% for i in values.none %}`\n  use: where it may be missing, `a?.b | default(value=…)`",
            "error: `values.list[7]` is not defined\n  --> values.list[7] (templates/e.yaml:1:4)\n  \
             why: in `{{ values.list[7] }}`\n  use: where it may be missing, `a?.b | default(value=…)`",
            "error: `values.nope` is not defined\n  --> values.nope (templates/f.yaml:2:30)\n  \
             why: in `{{ 'ä' ~ 'b' ~ values.nope ~ 1 }}`\n  use: where it may be missing, `a?.b | default(value=…)`",
            "error: `values.nope` is not defined\n  --> values.nope (templates/g.yaml:1:30)\n  \
             why: in `{{ values.nope }}`\n  use: image, list; where it may be missing, `a?.b | default(value=…)`",
        ],
    );
}

#[test]
fn all_errors_of_syntax_are_told_at_once() {
    check_refused(
        &[
            ("templates/a.yaml", "a: {{ values. }}"),
            ("templates/b.yaml", "x: 1\n{% if x %}"),
            ("templates/c.yaml", "ok: 1"),
        ],
        "",
        &[
            "error: found `}}` but expected identifier\n  --> templates/a.yaml:1:15\n  why: in `{{ values. }}`",
            "error: unexpected end of input\n  --> templates/b.yaml:2:9\n  why: in `{% if x %}`",
        ],
    );
    check_refused(
        &[(
            "templates/a.yaml",
            "a: {{ values | toYaml }}\nb: {{ 1 | b64enc }}\nc: {{ now() }}\n{% include 'x' %}",
        )],
        "",
        &[
            "error: there is no filter called `toYaml`\n  --> templates/a.yaml:1:16\n  use: `to_yaml`",
            "error: there is no filter called `b64enc`\n  --> templates/a.yaml:2:11\n  use: `b64encode`",
            "error: there is no function called `now`\n  --> templates/a.yaml:3:7",
            "error: there is no template called `x`\n  --> templates/a.yaml:4:12",
        ],
    );
}

#[test]
fn errors_in_partials_name_both_places() {
    let files = [
        ("templates/_p.tera", "ok\n{{ values.nope }}"),
        ("templates/a.yaml", "a:\n  {% include \"_p.tera\" %}"),
        ("templates/b.yaml", "\nb: {{ include(name='_p.tera') }}"),
    ];
    check_refused(
        &files,
        "",
        &[
            "error: `values.nope` is not defined\n  --> values.nope (templates/_p.tera:2:11)\n  \
             why: in `{{ values.nope }}`\n       called from templates/a.yaml:2\n  \
             use: where it may be missing, `a?.b | default(value=…)`",
            "error: `values.nope` is not defined\n  --> values.nope (templates/_p.tera:2:11)\n  \
             why: in `{{ values.nope }}`\n       called from templates/b.yaml:2\n  \
             use: where it may be missing, `a?.b | default(value=…)`",
        ],
    );
}

#[test]
fn endless_output_is_stopped() {
    let template =
        "{% for a in range(end=1000) %}{% for b in range(end=1000) %}{{ a }}{{ b }}{% endfor %}{% endfor %}";
    check_refused(
        &[("templates/a.yaml", template)],
        "",
        &["error: the templates render to more than 1 MiB\n  --> templates/a.yaml:1\n  \
           why: a loop in a template may have no end, or a value may be far too large\n  \
           use: a bound for each `range(end=…)`, and values of the size that was meant"],
    );
}

const WORKLOAD: &str = "kind: Workload\nname: web\ncontainers:\n  web:\n";

#[test]
fn documents_become_an_app() {
    let template = format!(
        "{{% for name in values.names %}}---\nkind: Config\nname: {{{{ name }}}}\ndata: {{x: y}}\n{{% endfor %}}---\n{WORKLOAD}    image: nginx:{{{{ values.tag }}}}\n"
    );
    let rendered = render(&[("templates/a.yaml", &template)], "names: [a, b]\ntag: '1.10'").unwrap();
    let parsed = rendered.parse().unwrap();
    assert_eq!(parsed.app.configs.len(), 2);
    assert_eq!(parsed.app.workloads.len(), 1);
}

#[test]
fn errors_in_documents_are_at_the_templates_line() {
    let template = "{# a comment\nof two lines #}\n{%- for name in values.names %}\n---\nkind: Config\nname: {{ name }}\n\
                    dta:\n  x: y\n{%- endfor %}\n";
    let problems =
        render(&[("templates/a.yaml", template)], "names: [a, b, c]").unwrap().parse().unwrap_err();
    assert_eq!(problems.len(), 3);
    for problem in &problems {
        let place = problem.place.as_ref().unwrap();
        assert_eq!((place.file.as_str(), place.line), ("templates/a.yaml", 7), "{problem}");
    }
}

#[test]
fn broken_yaml_is_shown_as_rendered_and_placed_in_the_template() {
    let files = [
        ("templates/_p.tera", "{% component Ports(port) %}ports:\n  a: {{ port }}{% endcomponent Ports %}"),
        (
            "templates/a.yaml",
            "{% if true %}\nx: {{ values.list | to_yaml | nindent(width=2) }}\n{% endif %}\nb: {{ values.text }}\n",
        ),
        ("templates/b.yaml", "a: 1\n{{ <Ports port={values.text} /> }}\n"),
    ];
    let problems = render(&files, "list: [1, 2, 3]\ntext: 'a: b'").unwrap().parse().unwrap_err();
    let found: Vec<String> =
        problems.iter().map(|problem| problem.place.as_ref().unwrap().to_string()).collect();
    assert_eq!(found, ["templates/a.yaml:4", "templates/_p.tera:2"]);
    assert_eq!(problems[0].why.as_deref(), Some("line 7 of the rendered text is `b: a: b`"));
}

const SECRETS: (&str, &str) = (
    "values.schema.json",
    r#"{"properties": {"password": {"type": "string", "writeOnly": true}, "key": {"writeOnly": true}}}"#,
);

fn render_secret(template: &str, user: &str, sealing: Sealing) -> Result<Rendered, Vec<Diagnostic>> {
    let chart = chart(&[SECRETS, ("templates/a.yaml", template)]);
    let mut values = UserValues::new();
    values.file("given.yaml", user).unwrap();
    chart.render(&chart.values(values).unwrap(), &around(sealing))
}

const SECRET: &str = "---\nkind: Config\nname: c\ndata: {a: \"x\"}\n---\n# comment\nkind: Secret\nname: db\ndata:\n  \
                      password: {{ values.password }}\n  url: \"postgres://app:{{ values.password }}@db/\"\n  \
                      plain: literal\n  number: 007\nlabels: {version: 1.10}\nstableName: true\n";

#[test]
fn secret_data_is_sealed() {
    let sealing = Sealing::keyed([1; 32]);
    let rendered = render_secret(SECRET, "password: 'can\"ary\n\n  two'", sealing.clone()).unwrap();
    let text = &rendered.documents[0].text;
    let id = |material: &str| sealing.id("", material.as_bytes());
    let password = "can\"ary\ntwo";
    assert_eq!(
        *text,
        format!(
            "---\nkind: Config\nname: c\ndata: {{a: \"x\"}}\n---\nkind: Secret\nname: db\ndata:\n  password: sealed:{}\n  \
             url: sealed:{}\n  plain: sealed:{}\n  number: sealed:{}\nlabels:\n  version: 1.10\nstableName: true\n",
            id(password),
            id(&format!("postgres://app:{password}@db/")),
            id("literal"),
            id("007"),
        )
    );
    assert_eq!(rendered.vault.get(&id(password)), Some(password.as_bytes()));
    assert_eq!(rendered.vault.len(), 4);
    assert!(!format!("{rendered:?}").contains("ary"));
    let app = rendered.parse().unwrap().app;
    assert_eq!(app.secrets["db"].data["password"].id(), id(password));
}

#[test]
fn placeholders_reveal_nothing() {
    let one = render_secret(SECRET, "password: canary", Sealing::Placeholder).unwrap();
    let other = render_secret(SECRET, "password: other", Sealing::Placeholder).unwrap();
    assert_eq!(one.documents, other.documents);
}

#[test]
fn errors_in_sealed_documents_are_at_the_templates_line() {
    let template =
        "{% set x = 1 %}\nkind: Secret\ndata:\n  a: |\n    one\n    two\n  b: c\nname: s\nlabls: {}\n";
    let problems = render_secret(template, "", Sealing::Placeholder).unwrap().parse().unwrap_err();
    assert_eq!(problems[0].place.as_ref().unwrap().line, 9, "{problems:?}");
}

fn check_secret_refused(template: &str, what: &str, line: u32) {
    for sealing in [Sealing::Placeholder, Sealing::keyed([1; 32])] {
        let problems = render_secret(template, "password: canary-12\nkey: canary-34", sealing).unwrap_err();
        assert!(problems[0].what.contains(what), "{template}: {problems:?}");
        assert_eq!(
            problems[0].place.as_ref().map(|place| place.line),
            Some(line),
            "{template}: {problems:?}"
        );
        assert!(!format!("{problems:?}").contains("canary"), "{problems:?}");
    }
}

#[test]
fn secret_values_are_refused_everywhere_else() {
    let outside = "used outside of a Secret's data";
    check_secret_refused("kind: Config\nname: c\ndata:\n  a: {{ values.password }}\n", outside, 4);
    check_secret_refused("# {{ values.password }}\na: 1\n", outside, 1);
    check_secret_refused("kind: Secret\nname: s\nlabels: {a: '{{ values.password }}'}\n", outside, 3);
    check_secret_refused("kind: Secret\nname: s\ntemplate:\n  a: '{{ values.password }}'\n", outside, 4);
    check_secret_refused("kind: Secret\nname: '{{ values.password }}'\n", outside, 2);
    check_secret_refused("kind: Secret\nname: s\ndata:\n  '{{ values.password }}': x\n", outside, 4);
    check_secret_refused(
        "kind: Config\nname: c\n---\nkind: Secret\nname: s\n---\nx: {{ values.password }}\n",
        outside,
        7,
    );
    check_secret_refused("x: {{ values | to_json }}\n", outside, 1);
    check_secret_refused("\nx: {{ values.password[2:40] }}\n", outside, 2);
    check_secret_refused("a: {{ values.password | sha256 }}\n", "cannot go through `sha256`", 1);
    check_secret_refused(
        "kind: Secret\nname: s\ndata:\n  a: {{ values.password[0:20] }}\n",
        "was changed on its way",
        4,
    );
    check_secret_refused("a: {{ include(name=values.password) }}\n", "", 1);
}

#[test]
fn notes_hold_no_secrets() {
    let chart = chart(&[SECRETS, ("NOTES.txt", "Hello\n{{ values.password }}"), ("templates/a.yaml", "")]);
    let mut values = UserValues::new();
    values.file("given.yaml", "password: canary").unwrap();
    let problems = chart.render(&chart.values(values).unwrap(), &around(Sealing::Placeholder)).unwrap_err();
    assert_eq!(problems[0].place.as_ref().unwrap().to_string(), "NOTES.txt:2");
    let values =
        chart.values(UserValues::from_stored(json!({"password": ""}).as_object().unwrap().clone())).unwrap();
    let rendered = chart.render(&values, &around(Sealing::Placeholder)).unwrap();
    assert_eq!(rendered.notes.as_deref(), Some("Hello\n"));
    assert!(rendered.documents.is_empty());
}

#[test]
fn a_value_sealed_before_keeps_its_id() {
    let chart = chart(&[
        SECRETS,
        ("templates/a.yaml", "kind: Secret\nname: s\ndata: {a: {{ values.password }}}\n"),
        (
            "templates/b.yaml",
            "{% if values.key | default(value='') %}kind: Secret\nname: t\ndata: {a: 'x{{ values.key }}'}\n{% endif %}",
        ),
    ]);
    let stored = |json: Json| UserValues::from_stored(json.as_object().unwrap().clone());
    let sealed = json!({"password": {"$sealed": "abc"}});
    let values = chart.values(stored(sealed)).unwrap();
    let rendered = chart.render(&values, &around(Sealing::keyed([1; 32]))).unwrap();
    assert_eq!(rendered.documents[0].text, "kind: Secret\nname: s\ndata:\n  a: sealed:abc\n");
    assert!(rendered.vault.is_empty());
    let values = chart.values(stored(json!({"password": "x", "key": {"$sealed": "abc"}}))).unwrap();
    let problems = chart.render(&values, &around(Sealing::keyed([1; 32]))).unwrap_err();
    assert_eq!(problems[0].what, "the secret value `key` is not known any more");
}

#[test]
fn what_is_stored_brings_the_same_ids_back() {
    let sealing = Sealing::keyed([9; 32]);
    let chart =
        chart(&[SECRETS, ("templates/a.yaml", "kind: Secret\nname: s\ndata: {a: {{ values.password }}}\n")]);
    let mut user = UserValues::new();
    user.file("given.yaml", "password: canary").unwrap();
    let first = chart.values(user).unwrap();
    let stored = first.sealed_json(&sealing).as_object().unwrap().clone();
    let second = chart.values(UserValues::from_stored(stored)).unwrap();
    let render = |values: &Values| chart.render(values, &around(sealing.clone())).unwrap().documents;
    assert_eq!(render(&first), render(&second));
}

#[test]
fn subcharts_render_with_their_own_values() {
    let files = [
        ("charts/redis/Chart.yaml", "name: redis\nversion: 2.0.0\n"),
        ("charts/redis/values.yaml", "port: 6379\n"),
        (
            "charts/redis/templates/r.yaml",
            "{% include \"_name.tera\" %}: {{ values.port }} {{ values.global.x }} {{ chart.version }}",
        ),
        ("charts/redis/templates/_name.tera", "redis"),
        ("charts/common/Chart.yaml", "name: common\nversion: 1.0.0\ntype: library\n"),
        (
            "charts/common/templates/_lib.tera",
            "{% component Lib.Shout(text) %}{{ text | upper }}{% endcomponent Lib.Shout %}",
        ),
        ("charts/common/templates/never.yaml", "never: rendered"),
        ("templates/_name.tera", "parent"),
        (
            "templates/a.yaml",
            "{% include \"_name.tera\" %}: {{ <Lib.Shout text=\"hi\" /> }} {{ values.redis.port }}",
        ),
        ("values.yaml", "redis: {port: 1}\nglobal: {x: g}\n"),
    ];
    let rendered = render(&files, "").unwrap();
    let found: Vec<(&str, &str)> =
        rendered.documents.iter().map(|document| (document.file.as_str(), document.text.as_str())).collect();
    assert_eq!(
        found,
        [("templates/a.yaml", "parent: HI 1"), ("charts/redis/templates/r.yaml", "redis: 1 g 2.0.0")]
    );
}

#[test]
fn a_component_of_ones_own_wins_over_that_of_another_chart() {
    let files = [
        ("charts/one/Chart.yaml", "name: one\nversion: 1.0.0\n"),
        ("charts/one/templates/_c.tera", "{% component Who() %}one{% endcomponent Who %}"),
        ("charts/one/templates/a.yaml", "who: {{ <Who /> }}"),
        ("charts/two/Chart.yaml", "name: two\nversion: 1.0.0\n"),
        ("charts/two/templates/_c.tera", "{% component Who() %}two{% endcomponent Who %}"),
        ("charts/two/templates/a.yaml", "who: {{ <Who /> }}"),
        ("templates/_c.tera", "{% component Who() %}top{% endcomponent Who %}"),
        ("templates/a.yaml", "who: {{ <Who /> }}"),
    ];
    let rendered = render(&files, "").unwrap();
    let found: Vec<&str> = rendered.documents.iter().map(|document| document.text.as_str()).collect();
    assert_eq!(found, ["who: top", "who: one", "who: two"]);
}

#[test]
fn a_chart_that_is_there_twice_renders_twice() {
    let files = [
        ("charts/db/Chart.yaml", "name: db\nversion: 1.0.0\n"),
        ("charts/db/values.yaml", "x: 1\n"),
        ("charts/db/templates/a.yaml", "kind: Confg\nname: {{ values.x }}"),
    ];
    let mut all = Files::new();
    let metadata =
        "name: shop\nversion: 1.0.0\ndependencies: [{name: db, alias: one}, {name: db, alias: two}]\n";
    for (path, content) in files.iter().chain(&[("Chart.yaml", metadata)]) {
        all.insert(path, *content).unwrap();
    }
    let chart = Chart::from_files(all).unwrap();
    let mut user = UserValues::new();
    user.file("v", "two: {x: 2}").unwrap();
    let rendered = chart.render(&chart.values(user).unwrap(), &around(Sealing::Placeholder)).unwrap();
    let files: Vec<&str> = rendered.documents.iter().map(|document| document.file.as_str()).collect();
    assert_eq!(files, ["charts/db/templates/a.yaml", "charts/two/templates/a.yaml"]);
    assert!(rendered.documents[1].text.contains("name: 2"));
    let problems = rendered.parse().unwrap_err();
    let places: Vec<String> =
        problems.iter().map(|problem| problem.place.as_ref().unwrap().to_string()).collect();
    assert_eq!(places, ["charts/db/templates/a.yaml:1", "charts/db/templates/a.yaml:1"]);
}

#[test]
fn tests_of_the_release_are_kept_apart() {
    let files = [
        ("templates/a.yaml", "kind: Config\nname: a\n"),
        ("templates/tests/t.yaml", "kind: Workload\nname: t\nmode: job\ncontainers: {t: {image: x}}\n"),
    ];
    let rendered = render(&files, "").unwrap();
    assert_eq!(rendered.parse().unwrap().app.workloads.len(), 0);
    assert_eq!(rendered.parse_tests().unwrap().app.workloads.len(), 1);
}

#[test]
fn recursion_is_stopped_before_the_stack_is() {
    let files = [
        ("templates/_x.tera", "{{ <Deep d={0} /> }}"),
        (
            "templates/_deep.tera",
            "{% component Deep(d) %}{% if d < 18 %}{{ <Deep d={d + 1} /> }}{% else %}\
             {{ include(name='_x.tera') }}{% endif %}{% endcomponent Deep %}",
        ),
        ("templates/a.yaml", "{{ <Deep d={0} /> }}"),
    ];
    let problems = render(&files, "").unwrap_err();
    assert!(problems[0].what.contains("nested more than 12 deep"), "{problems:?}");
}

#[test]
fn texts_that_grow_without_bound_are_refused_at_their_line() {
    let grow = "{% set a = 'x' %}\n{% for i in range(end=60) %}{% set_global a = a ~ a %}{% endfor %}";
    for (template, user, line) in
        [(grow, "", ":2:"), ("{{ values.t | tpl }}", &*format!("t: {}", json!(grow)), ":1:")]
    {
        let problems = texts(&render(&[("templates/a.yaml", template)], user).unwrap_err());
        assert!(problems[0].contains("16 MiB") && problems[0].contains(line), "{problems:?}");
    }
}
