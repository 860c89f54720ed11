//! One case on one backend.

use std::collections::BTreeSet;
use std::time::Duration;

use rhumb_action::{
    ChartInputs, DeployOptions, Deployed, Execution, HistoryAfter, IfAbsent, IgnoreAbsent, InstallRequest,
    UninstallRequest, UpgradeRequest, ValueReuse, Wait,
};
use rhumb_backend::{Scope, Support, Survey, check};
use rhumb_spec::model::Sealed;
use rhumb_spec::{App, Feature, Source, parse};

use super::roundtrip;
use super::target::TestTarget;
use super::{Case, Proof, Shows};
use crate::ChartFolder;

/// How long an app may take to become ready.
const PATIENCE: Duration = Duration::from_mins(2);

/// Carries out a case and says how it was proven.
///
/// # Errors
/// What is not as it must be.
pub async fn run(case: &Case, target: &TestTarget) -> Result<Proof, String> {
    let release = format!("c-{}", case.feature);
    let app = parse_app(&text(case, target, "one"))?;
    let path = requirement(case, &app)?;
    target.prepare(case.needs)?;
    let scope = Scope::new(target.namespace(), &release);
    let backend = target.backend();
    let facts = backend.survey(&scope, &app, &Survey::default()).await.map_err(|error| error.to_string())?;
    match backend.support(case.feature, &facts) {
        Support::Unsupported { .. } => {
            let found =
                check(&app, backend, &facts, &BTreeSet::new()).err().ok_or("the check lets it through")?;
            let is_named = found.iter().any(|diagnostic| diagnostic.path == path);
            if !is_named {
                return Err(format!("no diagnostic names {path}: {found:?}"));
            }
            refused(case, target, &release).await
        }
        Support::Native | Support::Emulated { .. } => {
            // What is written in a platform's own words comes back in neutral ones.
            let is_foreign = matches!(case.feature, Feature::PlatformPatch | Feature::Native);
            let lifted = if is_foreign { Ok(()) } else { roundtrip::hold(&app, backend, &scope, &facts) };
            let proof = declared(case, target, &release).await;
            // What a failed case leaves behind must not disturb the others.
            let gone = uninstall(target, &release).await;
            let proof = proof?;
            gone?;
            lifted?;
            target.require_nothing_of(case, &release)?;
            target.require_kept(case, &release)?;
            Ok(proof)
        }
    }
}

fn text(case: &Case, target: &TestTarget, revision: &str) -> String {
    let name = target.backend().name();
    let patch = match name {
        "memory" => "Workload: { labels: { patched: 'yes' } }",
        "kubernetes" => "Deployment: { metadata: { labels: { patched: 'yes' } } }",
        "marathon" => "App: { labels: { patched: 'yes' } }",
        "ecs" => "TaskDefinition: { containerDefinitions: [{ name: web, interactive: true }] }",
        _ => "Service: { Labels: { patched: 'yes' } }",
    };
    let native = match name {
        "memory" => "{ kind: Config, data: { colour: blue } }",
        "kubernetes" => {
            "{ apiVersion: v1, kind: ConfigMap, metadata: { name: extra }, data: { colour: blue } }"
        }
        "marathon" => "{ kind: App, cmd: sleep 1000, cpus: 0.01, mem: 32, instances: 1 }",
        "ecs" => "{ kind: Parameter, Type: String, Value: blue }",
        _ => {
            "{ kind: Service, TaskTemplate: { ContainerSpec: { Image: 'rhumb-demo:1' } }, Mode: { Replicated: { Replicas: 1 } } }"
        }
    };
    target
        .adapted(case)
        .replace("PLATFORM", name)
        .replace("PATCH", patch)
        .replace("DOCUMENT", native)
        .replace("[revision]", revision)
}

/// A chart with the case's app. Charts hold secrets in clear.
fn chart(case: &Case, target: &TestTarget, revision: &str) -> ChartFolder {
    ChartFolder::of(&text(case, target, revision).replace(Sealed::PREFIX, ""))
}

/// The app of a case, which must be right by itself.
fn parse_app(text: &str) -> Result<App, String> {
    let source = Source { file: "app.yaml".to_owned(), text: text.to_owned() };
    let parsed = parse(&[source]).map_err(|errors| format!("the case's app does not parse: {errors:?}"))?;
    let found = parsed.verify();
    if found.is_empty() { Ok(parsed.app) } else { Err(format!("the case's app is wrong: {found:?}")) }
}

/// Where the app uses the case's feature.
fn requirement(case: &Case, app: &App) -> Result<String, String> {
    let all = app.requirements();
    let found = all.into_iter().find(|requirement| requirement.feature == case.feature);
    found
        .map(|requirement| requirement.path)
        .ok_or_else(|| "the case's app does not use its feature".to_owned())
}

/// The verb refuses what the check refuses, and leaves nothing behind.
async fn refused(case: &Case, target: &TestTarget, release: &str) -> Result<Proof, String> {
    match install(case, target, release, Wait::Applied).await {
        Ok(_) => Err("it was installed all the same".to_owned()),
        Err(said) if !said.contains(target.backend().name()) => {
            Err(format!("the refusal names no platform: {said}"))
        }
        Err(_) => {
            target.require_nothing_of(case, release)?;
            Ok(Proof::Refused)
        }
    }
}

async fn declared(case: &Case, target: &TestTarget, release: &str) -> Result<Proof, String> {
    let wait = if matches!(target.shows(case), Shows::Unready(_)) { Wait::Applied } else { Wait::Ready };
    let deployed = install(case, target, release, wait).await?;
    if deployed.plan.is_empty() {
        return Err("there was nothing to do at the first install".to_owned());
    }
    nothing_to_do(case, target, release, "one").await?;
    let proof = target.witness(case, release)?;
    if let Shows::Update = target.shows(case) {
        let updated = upgrade(case, target, release, "two", Execution::Apply).await?;
        if updated.plan.is_empty() {
            return Err("the second revision changes nothing".to_owned());
        }
        nothing_to_do(case, target, release, "two").await?;
        return Ok(target.proof_of_running());
    }
    Ok(proof)
}

async fn nothing_to_do(
    case: &Case,
    target: &TestTarget,
    release: &str,
    revision: &str,
) -> Result<(), String> {
    let next = upgrade(case, target, release, revision, Execution::DryRun).await?;
    if next.plan.is_empty() {
        Ok(())
    } else {
        Err(format!("the next plan is not empty: {:#?}", next.plan.steps))
    }
}

async fn install(case: &Case, target: &TestTarget, release: &str, wait: Wait) -> Result<Deployed, String> {
    let chart = chart(case, target, "one");
    let options = DeployOptions { wait, timeout: PATIENCE, ..DeployOptions::default() };
    let request = InstallRequest { name: release.to_owned(), inputs: inputs(&chart), options };
    target
        .with_context(async |context| rhumb_action::install(context, &request).await)
        .await
        .map_err(|error| format!("install: {error}"))
}

async fn upgrade(
    case: &Case,
    target: &TestTarget,
    release: &str,
    revision: &str,
    execution: Execution,
) -> Result<Deployed, String> {
    let chart = chart(case, target, revision);
    let options =
        DeployOptions { execution, wait: Wait::Ready, timeout: PATIENCE, ..DeployOptions::default() };
    let request = UpgradeRequest {
        name: release.to_owned(),
        inputs: inputs(&chart),
        values: ValueReuse::Auto,
        absent: IfAbsent::Fail,
        options,
    };
    target
        .with_context(async |context| rhumb_action::upgrade(context, &request).await)
        .await
        .map_err(|error| format!("upgrade: {error}"))
}

async fn uninstall(target: &TestTarget, release: &str) -> Result<(), String> {
    let request = UninstallRequest {
        name: release.to_owned(),
        history: HistoryAfter::Remove,
        absent: IgnoreAbsent::Ignore,
        wait: Wait::Ready,
        timeout: PATIENCE,
        execution: Execution::Apply,
        description: None,
    };
    let gone = target.with_context(async |context| rhumb_action::uninstall(context, &request).await).await;
    gone.map(drop).map_err(|error| format!("uninstall: {error}"))
}

fn inputs(chart: &ChartFolder) -> ChartInputs {
    ChartInputs { chart: chart.path().to_path_buf(), ..ChartInputs::default() }
}
