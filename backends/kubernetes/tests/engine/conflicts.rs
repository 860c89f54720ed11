//! Fields and objects that others have.

use rhumb_backend::{Cause, ErrorKind, Retry};

use crate::lab::{Lab, causes, deployment};

const IMAGE: &str = "spec.template.spec.containers.web.image";
const SHOWN: &str = "jsonpath={.spec.replicas} {.spec.template.spec.containers[0].image}";

#[tokio::test]
async fn a_field_that_somebody_else_changed_is_theirs_until_it_is_taken() {
    let Some(mut lab) = Lab::open("io-conflict").await else { return };
    let web = lab.object(deployment("web", "a:1"));
    lab.reach(std::slice::from_ref(&web)).await.unwrap();
    lab.kubectl(&["set", "image", "deployment/web", "web=a:9", "--field-manager=ada"]);
    let next = lab.object(deployment("web", "a:2"));
    let plan = lab.plan(std::slice::from_ref(&next)).await;
    assert_eq!(causes(&plan), [(IMAGE.to_owned(), Cause::Wanted)]);
    let error = lab.refusal(std::slice::from_ref(&next)).await;
    assert_eq!((error.kind, error.retry), (ErrorKind::Conflict, Retry::Never));
    assert_eq!(error.message, format!("others have set what the chart sets: {IMAGE} (set by ada)"));
    assert!(error.remedy.unwrap().contains("--force-conflicts"));
    lab.options.force = true;
    lab.reach(std::slice::from_ref(&next)).await.unwrap();
    assert_eq!(lab.kubectl(&["get", "deployment", "web", "-o", SHOWN]), "0 a:2");
    lab.close();
}

#[tokio::test]
async fn a_replica_count_that_somebody_set_stays_until_the_chart_changes_it() {
    let Some(mut lab) = Lab::open("io-replicas").await else { return };
    let web = lab.object(deployment("web", "a:1"));
    lab.reach(std::slice::from_ref(&web)).await.unwrap();
    // A paused rollout makes no pods of the new template, and one with no node to go to makes none at all.
    lab.kubectl(&["scale", "deployment", "web", "--replicas=2"]);
    let next = lab.object(deployment("web", "a:2"));
    let plan = lab.plan(std::slice::from_ref(&next)).await;
    // Somebody scales between the plan and the step.
    lab.kubectl(&["scale", "deployment", "web", "--replicas=1"]);
    lab.apply(&plan.steps[0]).await.unwrap();
    assert_eq!(lab.kubectl(&["get", "deployment", "web", "-o", SHOWN]), "1 a:2");
    lab.last = vec![next];
    let mut fewer = deployment("web", "a:2");
    fewer["spec"]["replicas"] = 3.into();
    let fewer = lab.object(fewer);
    lab.reach(std::slice::from_ref(&fewer)).await.unwrap();
    assert_eq!(lab.kubectl(&["get", "deployment", "web", "-o", SHOWN]), "3 a:2");
    lab.close();
}

#[tokio::test]
async fn what_was_anothers_is_refused_and_then_taken_over_whole() {
    let Some(mut lab) = Lab::open("io-takeover").await else { return };
    let mut theirs = deployment("web", "a:1");
    theirs["metadata"]["labels"] =
        serde_json::json!({ "app.kubernetes.io/managed-by": "Helm", "old": "yes" });
    theirs["metadata"]["annotations"] = serde_json::json!({ "meta.helm.sh/release-name": "shop" });
    theirs["spec"]["template"]["spec"]["containers"][0]["command"] = serde_json::json!(["old"]);
    lab.feed(&["apply", "--server-side", "--field-manager=helm", "-f", "-"], &theirs.to_string());
    let web = lab.object(deployment("web", "a:1"));
    let observed = lab.observe(std::slice::from_ref(&web)).await;
    let found =
        rhumb_backend::diff(&lab.kubernetes, &[], &observed, std::slice::from_ref(&web), &lab.options);
    assert!(format!("{found:?}").contains("it belongs to Helm's release shop"), "{found:?}");
    lab.options.take_ownership = true;
    lab.reach(std::slice::from_ref(&web)).await.unwrap();
    let left = "jsonpath={.metadata.labels.old}{.metadata.annotations.meta\\.helm\\.sh/release-name}{.spec.template.spec.containers[0].command}";
    assert_eq!(lab.kubectl(&["get", "deployment", "web", "-o", left]), "", "what Helm set and nobody wants");
    lab.close();
}
