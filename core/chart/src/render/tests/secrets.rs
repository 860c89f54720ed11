use super::*;

#[test]
fn secret_values_are_not_compared_and_not_told() {
    let schema = ("values.schema.json", r#"{"properties": {"pw": {"writeOnly": true}}}"#);
    let check = |template: &str, expected: &str| {
        let problems =
            texts(&render(&[schema, ("templates/a.yaml", template)], "pw: hunter2\nuser: me").unwrap_err());
        assert!(problems[0].contains(expected) && problems[0].contains("templates/a.yaml:2"), "{problems:?}");
        assert!(!problems[0].contains("sealed-") && !problems[0].contains("hunter2"), "{problems:?}");
    };
    check("\n{% if values.pw == 'x' %}{% endif %}", "secret value cannot be compared");
    check("\n{% if 'x' != values.pw %}{% endif %}", "secret value cannot be compared");
    check("\n{% set p = values.pw %}{% if values.user == p %}{% endif %}", "secret value cannot be compared");
    check("\n{{ fail(message=values.pw) }}", "cannot go through `fail`");
    check("\n{{ values | dig(path=values.pw) }}", "there is nothing at `(secret)`");
    check("\n{{ file(path=values.pw) }}", "has no file `(secret)`");
    let fine = "a: {% if values.pw != '' and values.user == 'me' and values.pw != none %}yes{% endif %}";
    let rendered = render(&[schema, ("templates/a.yaml", fine)], "pw: hunter2\nuser: me").unwrap();
    assert_eq!(rendered.documents[0].text, "a: yes");
}
