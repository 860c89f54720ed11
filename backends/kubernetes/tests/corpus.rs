//! Manifests that others wrote, kept beside the repository: every field is accounted for, and what comes of the app is
//! the same again.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic, and says when it is skipped"
)]

mod lifting_support;

use std::path::{Path, PathBuf};

use lifting_support::{account_adds_up, backend, lift_text, lower, semantic_losses};
use rhumb_backend::Backend as _;

/// The folder with what others wrote; none in a clone that does not have it.
fn corpus(path: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus").join(path);
    if !folder.exists() {
        println!("skipped: {path} is not beside this repository");
        return None;
    }
    Some(folder)
}

fn read(path: &Path) -> String {
    if path.is_file() {
        return std::fs::read_to_string(path).unwrap();
    }
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect::<Vec<_>>().join("\n---\n")
}

#[test]
fn sock_shop_is_carried() {
    let Some(path) = corpus("sock-shop/kubernetes.yaml") else { return };
    let (objects, lifted) = lift_text(&read(&path));
    account_adds_up(&objects, &lifted);
    assert_eq!(lifted.app.workloads.len(), 13, "{:?}", lifted.app.workloads.keys());
    assert!(lifted.app.natives.is_empty(), "{:?}", lifted.app.natives.keys());
    let front = &lifted.app.workloads["front-end"];
    assert_eq!(front.containers["front-end"].resources.cpu, Some(rhumb_spec::MilliCpu(100)));
    assert_eq!(front.expose.values().map(|expose| expose.port).collect::<Vec<_>>(), [30001]);
    let lowered = lower(&lifted.app);
    let missing = semantic_losses(&objects, &lowered, &lifted);
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn voting_app_is_carried() {
    let Some(path) = corpus("voting-app/kubernetes") else { return };
    let (objects, lifted) = lift_text(&read(&path));
    account_adds_up(&objects, &lifted);
    assert_eq!(lifted.app.workloads.keys().collect::<Vec<_>>(), ["db", "redis", "result", "vote", "worker"]);
    let vote = &lifted.app.workloads["vote"].expose["vote"];
    assert_eq!((vote.port, vote.internal_port), (31000, Some(8080)));
    let lowered = lower(&lifted.app);
    let missing = semantic_losses(&objects, &lowered, &lifted);
    assert!(missing.is_empty(), "{missing:#?}");
    assert_eq!(backend().name(), "kubernetes");
}
