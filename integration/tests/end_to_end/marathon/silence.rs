//! Credentials and secret material must come out nowhere.

use std::fs;

use libtest_mimic::{Failed, Trial};
use rhumb_integration::marathon::{self, Double, Fault, FaultRule, Options};
use rhumb_integration::{ChartFolder, Ended, Rhumb, trial};
use serde_json::{Value, json};

const APP: &str = "
kind: Workload
name: web
containers:
  web:
    image: rhumb-demo:1
    env: { PASSWORD: { secret: web, key: password }, REVISION: '{{ values.revision }}' }
    mounts: { /run/web: { secret: web } }
---
kind: Secret
name: web
data: { password: '{{ values.password }}' }
";

const MATERIAL: &str = "canary-in-a-secret-Ju4n";
const PASSWORD: &str = "canary-in-a-password-Kd6w";
const TOKEN: &str = "canary-in-a-token-Vc9q";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("marathon::no_secret_and_no_password_comes_out", || {
            silence(
                Options { user: Some(("ada".to_owned(), PASSWORD.to_owned())), ..Options::default() },
                |settings| {
                    settings["user"] = json!("ada");
                    settings["password"] = json!(PASSWORD);
                },
            )
        }),
        Trial::test("marathon::no_token_comes_out", || {
            silence(Options { token: Some(TOKEN.to_owned()), ..Options::default() }, |settings| {
                settings["token"] = json!(TOKEN);
            })
        }),
    ]
}

/// The program, with a target `main` in its home's file of targets.
fn program(double: &Double, credentials: impl FnOnce(&mut Value)) -> Result<Rhumb, Failed> {
    let rhumb = marathon::rhumb(double);
    let mut settings = marathon::settings(double);
    credentials(&mut settings);
    let folder = rhumb.home().join(".config/rhumb");
    fs::create_dir_all(&folder)?;
    let config = json!({ "targets": { "main": { "backend": "marathon", "settings": settings } } });
    fs::write(folder.join("config.yaml"), config.to_string())?;
    Ok(rhumb)
}

fn silence(options: Options, credentials: impl FnOnce(&mut Value)) -> Result<(), Failed> {
    let double = marathon::double_of(options)?;
    let rhumb = program(&double, credentials)?;
    let chart = ChartFolder::of(APP).with("values.yaml", "{ revision: one, password: '' }\n").with(
        "values.schema.json",
        r#"{ "type": "object", "properties": { "password": { "type": "string", "writeOnly": true } } }"#,
    );
    let set = format!("password={MATERIAL}");
    let main = ["--target", "main"];
    let deploy = |words: &[&str], more: &[&str]| {
        rhumb.run(&[words, &["shop", chart.argument(), "--set", &set], &main, more].concat())
    };
    let mut ended = vec![
        deploy(&["template"], &[]),
        deploy(&["install"], &["--dry-run", "-o", "json"]),
        deploy(&["install"], &["--wait", "-o", "json"]),
        deploy(&["diff"], &["--set", "revision=two"]),
        deploy(&["upgrade"], &["--wait", "--set", "revision=two"]),
    ];
    for run in &ended {
        trial::require(run.code == Some(0), &run.to_string())?;
    }
    ended.push(rhumb.run(&["target", "check", "main"]));
    for what in ["values", "manifest", "app", "notes", "losses", "all"] {
        ended.push(rhumb.run(&[&["get", what, "shop", "-o", "json"], &main[..]].concat()));
    }
    for verb in ["status", "history", "ps", "logs"] {
        ended.push(rhumb.run(&[&[verb, "shop"], &main[..]].concat()));
    }
    ended.push(rhumb.run(&[&["rollback", "shop", "1", "--wait", "-o", "json"], &main[..]].concat()));
    // Errors of every kind, with whatever an error shows of its request.
    for fault in [Fault::Status(401), Fault::Status(422), Fault::Status(500), Fault::Reset] {
        for path in ["/secrets/", "/v2/apps", ""] {
            double.fail(FaultRule { method: None, ..FaultRule::on("", path, fault) });
            ended.push(deploy(&["upgrade"], &["--set", "revision=three", "--wait", "--timeout", "3s"]));
            ended.push(rhumb.run(&["target", "check", "main"]));
            double.heal();
        }
    }
    // Who is not known is told so, in words without what was tried.
    ended.push(marathon::rhumb(&double).run(&["list"]));
    require_silence("the output", &ended.iter().map(Ended::all).collect::<Vec<_>>())?;
    require_silence("Marathon", &state(&double))?;
    let again = deploy(&["upgrade"], &["--wait"]);
    trial::require(again.code == Some(0), &again.to_string())?;
    rhumb.succeed(&[&["uninstall", "shop", "--wait"], &main[..]].concat())?;
    marathon::require_nothing_of(&double, "default", "shop").map_err(Failed::from)
}

/// Everything that Marathon itself shows, the records among it.
fn state(double: &Double) -> Vec<String> {
    let state = double.state();
    let ids = state["specs"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let specs = ids.filter_map(|id| double.spec(id)).map(|spec| spec.to_string());
    specs.chain(double.violations()).chain([state.to_string()]).collect()
}

fn require_silence(place: &str, texts: &[String]) -> Result<(), Failed> {
    for canary in [MATERIAL, PASSWORD, TOKEN] {
        let found = texts.iter().find(|text| text.contains(canary));
        trial::require(found.is_none(), &format!("{canary} is in {place}: {found:?}"))?;
    }
    Ok(())
}
