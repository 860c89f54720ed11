//! Documents that others wrote, kept beside the repository: every field is accounted for, and what comes of the app is the
//! same again.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic, and says when it is skipped"
)]

#[expect(dead_code, reason = "each test has its own needs")]
mod lifting_support;

use std::path::{Path, PathBuf};

use lifting_support::{account_adds_up, lift_text, lower, semantic_losses};
use rhumb_backend::Counts;

/// The files of a folder with what others wrote; none in a clone that does not have it.
fn corpus(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/marathon").join(folder);
    let Ok(files) = std::fs::read_dir(&folder) else {
        println!("skipped: {} is not beside this repository", folder.display());
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

/// Lifts a file, holds its account, lowers it again and holds what is in it. Gives the counts of fields.
fn hold(path: &Path) -> Counts {
    let (objects, lifted) = lift_text(&std::fs::read_to_string(path).unwrap());
    account_adds_up(&objects, &lifted);
    let lowered = lower(&lifted.app);
    let missing = semantic_losses(&objects, &lowered, &lifted);
    assert!(missing.is_empty(), "{}: {missing:#?}", path.display());
    lifted.accounts.iter().map(rhumb_backend::Account::counts).sum()
}

#[test]
fn apps_groups_and_pods_are_carried() {
    let files: Vec<PathBuf> = ["apps", "groups", "pods"].into_iter().flat_map(corpus).collect();
    for path in &files {
        let counts = hold(path);
        println!("{}: {counts:?}", path.file_name().unwrap().display());
        assert_eq!(counts.lost, 0, "{}", path.display());
    }
}

/// The API's own examples of apps, groups and pods, among them those of older versions and of what a server answers.
#[test]
fn examples_of_the_api_are_carried() {
    const DOCUMENTS: [&str; 7] = [
        "app.json",
        "app-check-http-example.json",
        "app_list.json",
        "apps_create.json",
        "apps_patch.json",
        "group.json",
        "pod.json",
    ];
    for path in corpus("rest-api/examples") {
        let name = path.file_name().unwrap().to_str().unwrap();
        if DOCUMENTS.contains(&name) {
            println!("{name}: {:?}", hold(&path));
        }
    }
}
