//! Definitions that others wrote, kept beside the repository: every field is accounted for, and what comes of the app is
//! the same again.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic, and says when it is skipped"
)]

#[expect(dead_code, reason = "each test has its own needs")]
mod lifting_support;

use std::path::{Path, PathBuf};

use lifting_support::{account_adds_up, ec2, fargate, lift_text, lower, semantic_losses};
use rhumb_backend::{Fate, Lifted};

/// What others wrote; nothing in a clone that does not have it beside it.
fn corpus(path: &str) -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus").join(path);
    if !found.exists() {
        println!("skipped: {path} is not beside this repository");
        return None;
    }
    Some(found)
}

fn lost(lifted: &Lifted) -> Vec<String> {
    let of = lifted.accounts.iter().flat_map(|account| &account.rest);
    of.filter(|rest| rest.fate == Fate::Lost).map(|rest| rest.path.clone()).collect()
}

#[test]
fn every_task_definition_is_carried() {
    let Some(folder) = corpus("ecs") else { return };
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let (objects, lifted) = lift_text(&std::fs::read_to_string(&file).unwrap());
        account_adds_up(&objects, &lifted);
        assert_eq!(lifted.app.workloads.len(), 1, "{}", file.display());
        for path in lost(&lifted) {
            let is_of_target = ["networkMode", "requiresCompatibilities"].contains(&path.as_str());
            assert!(is_of_target || path.rsplit('.').next() == Some("name"), "{}: {path}", file.display());
        }
        let is_fargate = file.to_string_lossy().contains("fargate");
        let lowered = lower(&lifted.app, &if is_fargate { fargate() } else { ec2() });
        let missing = semantic_losses(&objects, &lowered, &lifted);
        assert!(missing.is_empty(), "{}: {missing:#?}", file.display());
    }
}

#[test]
fn a_template_with_services_is_carried() {
    let Some(file) = corpus("sock-shop/ecs-cloudformation.json") else { return };
    let (objects, lifted) = lift_text(&std::fs::read_to_string(file).unwrap());
    account_adds_up(&objects, &lifted);
    assert_eq!(lifted.app.workloads.len(), 15, "{:?}", lifted.app.workloads.keys());
    let carts = &lifted.app.workloads["carts-service"];
    assert_eq!(carts.replicas, Some(3));
    assert_eq!(carts.containers["carts"].image, "weaveworksdemos/carts");
    let lowered = lower(&lifted.app, &ec2());
    let missing = semantic_losses(&objects, &lowered, &lifted);
    assert!(missing.is_empty(), "{missing:#?}");
}
