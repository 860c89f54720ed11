//! Credentials and secret material must come out nowhere.

use libtest_mimic::{Failed, Trial};
use rhumb_integration::ecs::{self, Fault, SECRET_KEY, Trouble};
use rhumb_integration::{ChartFolder, Ended, trial};
use serde_json::json;

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

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial::needs_ecs("ecs::no_secret_and_no_credential_comes_out", silence)]
}

fn silence() -> Result<(), Failed> {
    let double = ecs::double()?;
    let rhumb = ecs::rhumb(&double);
    let chart = ChartFolder::of(APP).with("values.yaml", "{ revision: one, password: '' }\n").with(
        "values.schema.json",
        r#"{ "type": "object", "properties": { "password": { "type": "string", "writeOnly": true } } }"#,
    );
    let set = format!("password={MATERIAL}");
    let deploy = |words: &[&str], more: &[&str]| {
        rhumb.run(&[words, &["shop", chart.argument(), "--set", &set], more].concat())
    };
    let mut ended = vec![
        deploy(&["template"], &[]),
        deploy(&["install"], &["--dry-run", "-o", "json"]),
        deploy(&["install"], &["--wait", "-o", "json"]),
        deploy(&["diff"], &["--set", "revision=two"]),
        deploy(&["upgrade"], &["--wait", "--set", "revision=two"]),
        rhumb.run(&["target", "check", "main"]),
    ];
    for run in &ended {
        trial::require(run.code == Some(0), &run.to_string())?;
    }
    for what in ["values", "manifest", "app", "notes", "losses", "all"] {
        ended.push(rhumb.run(&["get", what, "shop", "-o", "json"]));
    }
    for verb in ["status", "history", "ps", "logs"] {
        ended.push(rhumb.run(&[verb, "shop"]));
    }
    ended.push(rhumb.run(&["rollback", "shop", "1", "--wait", "-o", "json"]));
    // Errors of every kind, with whatever an error shows of its request.
    for trouble in [Trouble::Internal, Trouble::Reset, Trouble::Throttled] {
        for calls in ["secretsmanager:*", "ssm:*", "ecs:*", "*"] {
            double.fault(Fault { calls: calls.to_owned(), at: None, trouble });
            ended.push(deploy(&["upgrade"], &["--set", "revision=three", "--wait", "--timeout", "3s"]));
            ended.push(rhumb.run(&["target", "check", "main"]));
            double.heal();
        }
    }
    require_silence("the output", &ended.iter().map(Ended::all).collect::<Vec<_>>())?;
    let state: Vec<String> = [
        ecs::items(&double, "default", "shop")?.iter().map(|item| format!("{item:?}")).collect(),
        double.violations(),
        records(&double)?,
    ]
    .concat();
    require_silence("the account", &state)?;
    rhumb.succeed(&["upgrade", "shop", chart.argument(), "--set", &set, "--wait"])?;
    rhumb.succeed(&["uninstall", "shop", "--wait"])?;
    ecs::require_nothing_of(&double, "default", "shop").map_err(Failed::from)
}

/// The values of all parameters, the records among them.
fn records(double: &ecs::Double) -> Result<Vec<String>, Failed> {
    let names = double.inventory()?.into_iter().filter(|item| item.kind == "parameter").map(|item| item.name);
    let read = |name| double.moto_json("ssm", "AmazonSSM.GetParameter", &json!({ "Name": name }));
    Ok(names.map(|name| read(name).map(|answer| answer.to_string())).collect::<Result<_, _>>()?)
}

fn require_silence(place: &str, texts: &[String]) -> Result<(), Failed> {
    for canary in [MATERIAL, SECRET_KEY] {
        let found = texts.iter().find(|text| text.contains(canary));
        trial::require(found.is_none(), &format!("{canary} is in {place}: {found:?}"))?;
    }
    Ok(())
}
