//! Apps that are lowered, planned, carried out on a double of AWS, and planned again: nothing is left to do. And removed.

use std::collections::BTreeSet;

use rhumb_backend::reference::{self, Outputs};
use rhumb_backend::{
    Action, Backend, Choices, DiffOptions, Object, ObjectId, Observed, Plan, ResolveImage, Survey, diff,
    uninstall_plan,
};
use rhumb_spec::{App, Diagnostic, Source};
use serde_json::json;

use crate::stage::Stage;

fn parse(text: &str) -> App {
    let parsed = rhumb_spec::parse(&[Source { file: "app.yaml".to_owned(), text: text.to_owned() }])
        .unwrap_or_else(|errors| panic!("{}", texts(&errors)));
    parsed.app
}

fn texts(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// What an app becomes on the double's account.
async fn lowered(stage: &Stage, app: &App) -> Vec<Object> {
    let survey = Survey { resolve_image: ResolveImage::Never, previous: None };
    let facts = stage.ecs.survey(&stage.scope, app, &survey).await.expect("AWS answers");
    let checked = rhumb_backend::check(app, &stage.ecs, &facts, &BTreeSet::new());
    let checked = checked.unwrap_or_else(|errors| panic!("{}", texts(&errors)));
    let lowered = stage.ecs.lower(&checked.app, &stage.scope, &facts, &Choices::default());
    lowered.unwrap_or_else(|errors| panic!("{}", texts(&errors))).objects
}

async fn seen(stage: &Stage, objects: &[Object]) -> Observed {
    let ids: Vec<&str> = objects.iter().map(|object| object.id.as_str()).collect();
    stage.observe(&ids).await
}

fn plan(stage: &Stage, last: &[Object], observed: &Observed, want: &[Object]) -> Plan {
    diff(&stage.ecs, last, observed, want, &DiffOptions::default())
        .unwrap_or_else(|errors| panic!("{}", texts(&errors)))
}

/// Carries out a plan, step by step, each rollout waited for.
async fn execute(stage: &Stage, plan: &Plan, observed: &Observed) {
    let mut outputs: Outputs =
        observed.objects.iter().map(|live| (live.object.id.clone(), live.outputs.clone())).collect();
    for step in &plan.steps {
        let mut step = step.clone();
        step.object.body = reference::resolve(&step.object.body, &outputs);
        let receipt = stage.carry_out(&step).await;
        if matches!(step.action, Action::Delete | Action::Collect) {
            continue;
        }
        outputs.insert(receipt.id.clone(), receipt.outputs.clone());
        let health = stage.settled(&receipt).await;
        assert_eq!(health.state, rhumb_backend::State::Ready, "{}: {health:#?}", receipt.id);
    }
}

fn lines(plan: &Plan) -> Vec<String> {
    let paths = |step: &rhumb_backend::Step| {
        step.changes
            .iter()
            .map(|change| format!("{}: {:?} → {:?}", change.path, change.from, change.to))
            .collect::<Vec<_>>()
    };
    plan.steps.iter().map(|step| format!("{:?} {} {:?}", step.action, step.id, paths(step))).collect()
}

/// What apps take for granted.
async fn made_by_others(stage: &Stage) {
    let parameter = json!({ "Name": "/shared/region", "Type": "String", "Value": "ZXU=" });
    stage.double.moto_json("ssm", "AmazonSSM.PutParameter", &parameter).expect("moto takes it");
    let secret = json!({ "Name": "vault", "SecretString": "{\"token\": \"x\", \"token.b64\": \"eA==\"}" });
    stage.double.moto_json("secretsmanager", "secretsmanager.CreateSecret", &secret).expect("moto takes it");
    let body = json!({
        "ClientToken": "old",
        "FileSystemId": stage.double.account().file_system,
        "Tags": [{ "Key": "Name", "Value": "old" }],
    });
    stage.create(&Object::new(ObjectId::from("access-point/others"), body)).await;
}

/// Deploys an app, sees that nothing is left to do, and removes it.
async fn check(app: &str) {
    let Some(stage) = Stage::new() else { return };
    made_by_others(&stage).await;
    let want = lowered(&stage, &parse(app)).await;
    let before = seen(&stage, &want).await;
    execute(&stage, &plan(&stage, &[], &before, &want), &before).await;
    let after = seen(&stage, &want).await;
    let next = plan(&stage, &want, &after, &want);
    let jobs: BTreeSet<&ObjectId> =
        want.iter().filter(|object| object.once.is_some()).map(|object| &object.id).collect();
    let left: Vec<String> = lines(&Plan {
        steps: next.steps.into_iter().filter(|step| !jobs.contains(&step.id)).collect(),
        notes: Vec::new(),
    });
    assert_eq!(left, Vec::<String>::new());
    let removal =
        uninstall_plan(&stage.ecs, &want, &after).unwrap_or_else(|errors| panic!("{}", texts(&errors)));
    execute(&stage, &removal, &after).await;
    let gone = seen(&stage, &want).await;
    let kept = |id: &ObjectId| {
        want.iter().any(|object| object.id == *id && object.ownership != rhumb_backend::Ownership::Owned)
    };
    let there: Vec<&str> = gone
        .objects
        .iter()
        .map(|live| &live.object.id)
        .filter(|id| !kept(id) && !jobs.contains(id))
        .map(ObjectId::as_str)
        .collect();
    assert_eq!(there, Vec::<&str>::new());
    stage.is_in_order();
}

macro_rules! apps {
    ($($name:ident: $file:literal),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $name() {
                check(include_str!(concat!("../golden/", $file, ".app.yaml"))).await;
            }
        )*
    };
}

apps! {
    web: "web",
    environment: "environment",
    jobs: "jobs",
    networks: "networks",
    short_names: "short-names",
    storage: "storage",
}
