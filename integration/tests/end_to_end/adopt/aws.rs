//! Services that AWS's own client made, adopted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use rhumb_doubles::python;
use rhumb_integration::ecs::{self, Double};
use rhumb_integration::{Rhumb, trial};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{change, is_empty};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial::needs_ecs("ecs_services_are_adopted_in_place", in_place),
        trial::needs_ecs("an_ecs_service_is_adopted_alone", alone),
        trial::needs_ecs("ecs_services_that_others_have_are_refused", refused),
        trial::needs_ecs("an_adoption_of_ecs_services_that_was_killed_is_made_again", killed),
        trial::needs_ecs("task_definitions_of_others_are_adopted_as_services", of_others),
    ]
}

/// Services that run, and a folder for their chart.
struct Bench {
    folder: TempDir,
    double: Double,
    rhumb: Rhumb,
    /// The ARNs of what was made.
    made: Value,
}

impl Bench {
    fn new(files: &[PathBuf], services: usize) -> Result<Self, Failed> {
        let (folder, double) = (tempfile::tempdir()?, ecs::double()?);
        let made = made(&double, files)?;
        let bench = Self { folder, rhumb: ecs::rhumb(&double), double, made };
        trial::eventually("the services to be steady", || {
            let found = bench.services()?;
            let is_steady = |service: &&Value| {
                service["deployments"].as_array().is_some_and(|all| all.len() == 1)
                    && service["deployments"][0]["rolloutState"] == "COMPLETED"
            };
            let steady = found.values().filter(is_steady).count();
            if steady == services { Ok(()) } else { Err(format!("{steady} of {services} are steady")) }
        })?;
        bench.double.forget_calls();
        Ok(bench)
    }

    fn shop() -> Result<Self, Failed> {
        Self::new(&[], 2)
    }

    fn chart(&self) -> String {
        self.folder.path().join("chart").display().to_string()
    }

    fn ask(&self, operation: &str, input: &Value) -> Result<Value, String> {
        self.double.ecs(operation, input)
    }

    /// The active services by their names.
    fn services(&self) -> Result<BTreeMap<String, Value>, String> {
        let listed = self.ask("ListServices", &json!({ "cluster": "default", "maxResults": 100 }))?;
        let names = listed["serviceArns"].clone();
        if names.as_array().is_none_or(Vec::is_empty) {
            return Ok(BTreeMap::new());
        }
        let asked = json!({ "cluster": "default", "services": names, "include": ["TAGS"] });
        let described = self.ask("DescribeServices", &asked)?;
        let active = described["services"].as_array().cloned().unwrap_or_default().into_iter();
        let active = active.filter(|service| service["status"] == "ACTIVE");
        Ok(active
            .map(|service| (service["serviceName"].as_str().unwrap_or_default().to_owned(), service))
            .collect())
    }

    /// Which deployment each service is in, what it runs, and its tasks: what a restart would change.
    fn running(&self) -> Result<BTreeMap<String, Value>, String> {
        let mut found = BTreeMap::new();
        for (name, service) in self.services()? {
            let asked = json!({ "cluster": "default", "serviceName": name, "desiredStatus": "RUNNING" });
            let mut tasks =
                self.ask("ListTasks", &asked)?["taskArns"].as_array().cloned().unwrap_or_default();
            tasks.sort_by_key(ToString::to_string);
            let deployments = service["deployments"].as_array().cloned().unwrap_or_default();
            let ids: Vec<&Value> = deployments.iter().map(|deployment| &deployment["id"]).collect();
            found.insert(name, json!([ids, service["taskDefinition"], tasks]));
        }
        Ok(found)
    }

    /// A task definition, without what ECS writes into it.
    fn definition(&self, name: &str) -> Result<Value, String> {
        let mut found = self.ask("DescribeTaskDefinition", &json!({ "taskDefinition": name }))?;
        let definition = found["taskDefinition"].as_object_mut().ok_or("no definition")?;
        for field in ["taskDefinitionArn", "revision", "registeredAt"] {
            definition.remove(field);
        }
        Ok(found["taskDefinition"].take())
    }

    /// The names of what there is of a kind beside ECS.
    fn names(&self, kind: &str) -> Result<Vec<String>, Failed> {
        let items = self.double.inventory()?.into_iter().filter(|item| item.kind == kind);
        Ok(items.map(|item| item.name).collect())
    }
}

fn made(double: &Double, files: &[PathBuf]) -> Result<Value, Failed> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/end_to_end/adopt/legacy.py");
    let mut settings = double.settings();
    settings["vpc"] = double.account().vpc.clone().into();
    settings["listener"] = double.account().listener.clone().into();
    let output = Command::new(python())
        .args(["-I", script, double.url(), &settings.to_string()])
        .args(files)
        .stdin(Stdio::null())
        .output()?;
    trial::require(output.status.success(), &String::from_utf8_lossy(&output.stderr))?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Nothing but tags, the schedule that is pinned, and the record was written.
fn require_marks_only(double: &Double) -> Result<(), Failed> {
    let marks = ["TagResource", "AddTags", "UpdateSchedule"];
    let is_mark = |name: &String| {
        name.starts_with("ssm:") || name.split(':').nth(1).is_some_and(|operation| marks.contains(&operation))
    };
    let others: Vec<String> = double.writes().into_keys().filter(|name| !is_mark(name)).collect();
    trial::require(others.is_empty(), &format!("the adoption called {others:?}"))
}

fn in_place() -> Result<(), Failed> {
    let bench = Bench::shop()?;
    let (rhumb, chart) = (&bench.rhumb, bench.chart());
    let before = bench.running()?;
    let shown = rhumb.succeed(&["adopt", "shop", "--out", &chart, "--dry-run"])?;
    trial::require(shown.contains("would be adopted, with 3 replicas"), &shown)?;
    let writes = bench.double.writes();
    trial::require(writes.is_empty(), &format!("a dry run wrote: {writes:?}"))?;
    let said = rhumb.succeed(&["adopt", "shop", &chart])?;
    trial::require(said.contains("3 replicas run on") && said.contains("nothing was restarted"), &said)?;
    require_marks_only(&bench.double)?;
    trial::require(bench.running()? == before, "tasks were restarted")?;
    is_empty(&rhumb.json(&["diff", "shop", &chart])?)?;
    let status = rhumb.json(&["status", "shop"])?;
    trial::require(status["recorded"]["status"] == "deployed", &status.to_string())?;
    trial::require(status["drift"].as_array().is_none_or(Vec::is_empty), &status.to_string())?;
    let replicas = rhumb.json(&["ps", "shop"])?;
    trial::require(replicas.as_array().is_some_and(|all| all.len() == 3), &replicas.to_string())?;

    upgraded(&bench, &before)?;
    rhumb.succeed(&["rollback", "shop", "1", "--wait", "--timeout", "60s"])?;
    let back = bench.services()?;
    trial::require(back["web"]["taskDefinition"] == bench.made["front"], &back["web"].to_string())?;
    trial::require(
        bench.running()?["API_v1"] == before["API_v1"],
        "the rollback restarted the other service",
    )?;
    is_empty(
        &rhumb
            .json(&["diff", "shop", "--revision", "1"])
            .or_else(|_| rhumb.json(&["rollback", "shop", "1", "--dry-run"]))?,
    )?;
    trial::require_whole_history(&rhumb.json(&["history", "shop"])?, 3)?;
    removed(&bench)
}

/// One field of one container changes, and every other field of the task stays, whether a chart has words for it or not.
fn upgraded(bench: &Bench, before: &BTreeMap<String, Value>) -> Result<(), Failed> {
    let (rhumb, chart) = (&bench.rhumb, bench.chart());
    change(&chart, "COLOUR: blue", "COLOUR: green", "web")?;
    let plan = rhumb.json(&["diff", "shop", &chart])?;
    let ids: Vec<&str> = plan["plan"]["steps"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|step| step["id"].as_str())
        .collect();
    trial::require(ids == ["task-definition/web", "service/web"], &plan["plan"].to_string())?;
    rhumb.succeed(&["upgrade", "shop", &chart, "--wait", "--timeout", "60s"])?;
    let running = bench.running()?;
    trial::require(running["web"] != before["web"], "the upgrade did not reach web")?;
    trial::require(running["API_v1"] == before["API_v1"], "the upgrade restarted the other service")?;
    let mut expect = bench.definition("front:1")?;
    expect["containerDefinitions"][0]["environment"][0]["value"] = "green".into();
    let found = bench.definition("front:2")?;
    trial::require(found == expect, &format!("{found:#}\ninstead of\n{expect:#}"))?;
    Ok(())
}

/// What the release had goes, and what it only used stays.
fn removed(bench: &Bench) -> Result<(), Failed> {
    bench.rhumb.succeed(&["uninstall", "shop", "--wait"])?;
    trial::require(bench.services()?.is_empty(), "a service is left")?;
    for kind in
        ["target-group", "listener-rule", "scalable-target", "scaling-policy", "schedule", "discovery"]
    {
        let left = bench.names(kind)?;
        trial::require(left.is_empty(), &format!("{kind} is left: {left:?}"))?;
    }
    trial::require(bench.names("log-group")? == ["/ecs/front"], "the log group is not as it was")?;
    trial::require(bench.names("secret")? == ["prod/token"], "the secret is not as it was")?;
    trial::require(bench.names("parameter")? == ["/shop/size"], "the parameter is not as it was")?;
    trial::require(bench.definition("front:1")?["status"] == "ACTIVE", "what was there is deregistered")?;
    let later = bench.definition("front:2");
    trial::require(
        later.is_err() || later.is_ok_and(|of| of["status"] != "ACTIVE"),
        "the release's revision is left",
    )?;
    ecs::require_nothing_of(&bench.double, "default", "shop")?;
    ecs::require_no_violations(&bench.double).map_err(Failed::from)
}

/// One service of the cluster by its name, under another name; the rest is nobody's.
fn alone() -> Result<(), Failed> {
    let bench = Bench::shop()?;
    let (rhumb, chart, before) = (&bench.rhumb, bench.chart(), bench.running()?);
    let missing = rhumb.run(&["adopt", "backend", "--service", "nobody", "--out", &chart]);
    missing.expect_texts(&["the cluster has no service nobody"])?;
    rhumb.succeed(&["adopt", "backend", "--service", "API_v1", "--out", &chart])?;
    trial::require(bench.running()? == before, "tasks were restarted")?;
    is_empty(&rhumb.json(&["diff", "backend", &chart])?)?;
    let tags = bench.services()?["web"]["tags"].to_string();
    trial::require(!tags.contains("rhumb.dev"), &tags)?;
    let other = bench.folder.path().join("other").display().to_string();
    let again = rhumb.run(&["adopt", "second", "--out", &other]);
    again.expect_code(3)?.expect_texts(&["belongs to the release backend"])?;
    rhumb.succeed(&["scale", "backend", "api-v1=2", "--wait"])?;
    trial::require(bench.services()?["API_v1"]["desiredCount"] == 2, "it was not scaled")?;
    is_empty(&rhumb.json(&["diff", "backend", &chart])?)?;
    rhumb.succeed(&["uninstall", "backend", "--wait"])?;
    let left: Vec<String> = bench.services()?.into_keys().collect();
    trial::require(left == ["web"], &format!("{left:?}"))
}

/// What a stack of CloudFormation has, and a service that ECS does not deploy.
fn refused() -> Result<(), Failed> {
    let bench = Bench::shop()?;
    let (rhumb, chart, before) = (&bench.rhumb, bench.chart(), bench.running()?);
    rhumb.succeed(&["import", "ecs", "--out", &chart])?;
    in_stack(&bench)?;
    let owned = rhumb.run(&["adopt", "shop", &chart]);
    owned.expect_code(3)?.expect_texts(&[
        "target-group/web-front belongs to the CloudFormation stack legacy",
        "DeletionPolicy: Retain",
    ])?;
    let calls = "cloudformation:*".to_owned();
    bench.double.fault(ecs::Fault { calls, at: None, trouble: ecs::Trouble::Denied });
    let shown = rhumb.run(&["adopt", "shop", &chart, "--dry-run"]);
    shown
        .expect_code(0)?
        .expect_texts(&["made by the CloudFormation stack legacy, which may still have it"])?;
    bench.double.heal();
    form(&bench, "cloudformation", &[("Action", "DeleteStack"), ("StackName", "legacy")])?;
    rhumb.succeed(&["adopt", "shop", &chart, "--dry-run"])?;

    let outside = json!({
        "cluster": "default", "serviceName": "outside", "taskDefinition": "api", "desiredCount": 0,
        "deploymentController": { "type": "EXTERNAL" }, "launchType": "FARGATE",
        "networkConfiguration": bench.services()?["web"]["networkConfiguration"],
    });
    bench.ask("CreateService", &outside)?;
    let other = bench.folder.path().join("other").display().to_string();
    let adopted = rhumb.run(&["adopt", "outside", "--service", "outside", "--out", &other]);
    adopted
        .expect_code(3)?
        .expect_texts(&["ECS does not deploy it", "its deployment controller is EXTERNAL"])?;
    let writes = bench.double.writes();
    trial::require(writes.is_empty(), &format!("it wrote although it refused: {writes:?}"))?;
    trial::require(bench.running()?["web"] == before["web"], "tasks were restarted")
}

/// Tags the target group as CloudFormation does, of a stack that has a resource of that name.
fn in_stack(bench: &Bench) -> Result<(), Failed> {
    let template = json!({ "Resources": { "Group": { "Type": "AWS::SNS::Topic" } } }).to_string();
    let create = [("Action", "CreateStack"), ("StackName", "legacy"), ("TemplateBody", &template)];
    let made = form(bench, "cloudformation", &create)?;
    let id = made.split_once("<StackId>").and_then(|(_, rest)| rest.split_once("</StackId>"));
    let (id, _) = id.ok_or("the stack has no id")?;
    let group = bench.made["group"].as_str().unwrap_or_default();
    for (key, value) in [("stack-id", id), ("stack-name", "legacy"), ("logical-id", "Group")] {
        let key = format!("aws:cloudformation:{key}");
        let tag = [("Tags.member.1.Key", key.as_str()), ("Tags.member.1.Value", value)];
        let add = [("Action", "AddTags"), ("ResourceArns.member.1", group)];
        form(bench, "elasticloadbalancing", &[add, tag].concat())?;
    }
    Ok(())
}

fn form(bench: &Bench, service: &str, parameters: &[(&str, &str)]) -> Result<String, Failed> {
    let version = if service == "cloudformation" { "2010-05-15" } else { "2015-12-01" };
    Ok(bench.double.moto_query(service, &[parameters, &[("Version", version)]].concat())?)
}

fn killed() -> Result<(), Failed> {
    let bench = Bench::shop()?;
    let (rhumb, chart, before) = (&bench.rhumb, bench.chart(), bench.running()?);
    rhumb.succeed(&["import", "ecs", "--out", &chart])?;
    // Each of them dies while it marks.
    bench.double.delay("*:TagResource", Duration::from_millis(200));
    bench.double.delay("elbv2:AddTags", Duration::from_millis(200));
    for moment in [500, 900, 1300] {
        let mut child = rhumb.spawn(&["adopt", "shop", &chart]);
        std::thread::sleep(Duration::from_millis(moment));
        // One that has ended already is as good.
        let _ = child.kill();
        child.wait()?;
    }
    // Where the last one was quick enough, this one says that the release is there.
    let ended = rhumb.run(&["adopt", "shop", &chart]);
    let status = rhumb.json(&["status", "shop"])?;
    trial::require(status["recorded"]["status"] == "deployed", &format!("{status}\n{}", ended.all()))?;
    require_marks_only(&bench.double)?;
    trial::require(bench.running()? == before, "tasks were restarted")?;
    is_empty(&rhumb.json(&["diff", "shop", &chart])?)
}

/// Task definitions from AWS's samples, each run by a service.
#[expect(clippy::print_stdout, reason = "it says what it leaves out")]
fn of_others() -> Result<(), Failed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/ecs");
    let entries = root.read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.to_string_lossy().ends_with("_fargate.json")).collect();
    files.sort();
    if files.is_empty() {
        println!("skipped: no corpus is beside this repository");
        return Ok(());
    }
    let bench = Bench::new(&files, files.len())?;
    let before = bench.running()?;
    bench.rhumb.succeed(&["adopt", "samples", "--out", &bench.chart()])?;
    require_marks_only(&bench.double)?;
    trial::require(bench.running()? == before, "tasks were restarted")?;
    is_empty(&bench.rhumb.json(&["diff", "samples", &bench.chart()])?)?;
    bench.rhumb.succeed(&["uninstall", "samples", "--wait"])?;
    ecs::require_nothing_of(&bench.double, "default", "samples").map_err(Failed::from)
}
