use std::fs;

use tempfile::TempDir;

use super::*;

fn file(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}

fn kubeconfig(name: &str, server: &str, more: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\nclusters: [{{name: {name}, cluster: {{server: '{server}'}}}}]\n\
         users: [{{name: {name}, user: {{tokenFile: token}}}}]\n\
         contexts: [{{name: {name}, context: {{cluster: {name}, user: {name}, namespace: of-{name}}}}}]\n{more}"
    )
}

fn listed(paths: &[&Path]) -> Environment {
    let list = std::env::join_paths(paths).unwrap().into_string().unwrap();
    Environment { vars: [("KUBECONFIG".to_owned(), list)].into(), ..Environment::default() }
}

fn with_context(context: &str) -> Settings {
    Settings { context: Some(context.to_owned()), ..Settings::default() }
}

#[test]
fn listed_files_are_merged_and_the_first_word_counts() {
    let folder = TempDir::new().unwrap();
    let one = file(&folder, "one/config", &kubeconfig("a", "https://one:1", "current-context: ''\n"));
    let two = file(&folder, "two/config", &kubeconfig("b", "https://two:2", "current-context: b\n"));
    let again = file(&folder, "again", &kubeconfig("a", "https://other:3", "current-context: a\n"));
    let absent = folder.path().join("absent");
    let environment = listed(&[&absent, &one, &two, &again]);
    let chosen = choose(&Settings::default(), &environment).unwrap();
    assert_eq!(chosen.config.cluster_url.to_string(), "https://two:2/");
    assert_eq!(chosen.namespace.as_deref(), Some("of-b"));
    assert_eq!(chosen.source, "context b, from KUBECONFIG");
    let chosen = choose(&with_context("a"), &environment).unwrap();
    assert_eq!(chosen.config.cluster_url.to_string(), "https://one:1/");
    let token = folder.path().join("one/token").display().to_string();
    assert_eq!(chosen.config.auth_info.token_file, Some(token), "relative to its own file");
}

#[test]
fn a_wrong_context_names_those_there_are() {
    let folder = TempDir::new().unwrap();
    let one = file(&folder, "config", &kubeconfig("production", "https://one:1", ""));
    let error = choose(&with_context("prodution"), &listed(&[&one])).err().unwrap();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert_eq!(error.message, "there is no context `prodution` (from KUBECONFIG)");
    assert_eq!(error.remedy.unwrap(), "did you mean `production`? There are: production");
    let error = choose(&Settings::default(), &listed(&[&one])).err().unwrap();
    assert!(error.message.contains("no current context"), "{error}");
}

#[test]
fn a_file_that_a_target_names_must_be_there() {
    let folder = TempDir::new().unwrap();
    let settings = Settings { kubeconfig: Some(folder.path().join("absent")), context: None };
    let error = choose(&settings, &Environment::default()).err().unwrap();
    assert!(error.to_string().contains("absent"), "{error}");
}

#[test]
fn what_a_damaged_file_holds_is_not_told() {
    let folder = TempDir::new().unwrap();
    let damaged = file(&folder, "config", "users:\n- name: a\n  user: {token: canary-1\n contexts: ]\n");
    let error = choose(&Settings::default(), &listed(&[&damaged])).err().unwrap();
    assert!(error.to_string().contains("config"), "{error}");
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
}

#[test]
fn with_no_file_at_all_it_says_where_it_looked() {
    let folder = TempDir::new().unwrap();
    let environment = Environment { home: Some(folder.path().to_path_buf()), ..Environment::default() };
    let error = choose(&Settings::default(), &environment).err().unwrap();
    assert!(error.message.contains(".kube/config"), "{error}");
    assert!(error.remedy.unwrap().contains("KUBECONFIG"));
}

#[test]
fn a_user_that_is_missing_is_told() {
    let folder = TempDir::new().unwrap();
    let text = kubeconfig("a", "https://one:1", "current-context: a\n")
        .replace("users: [{name: a", "users: [{name: b");
    let one = file(&folder, "config", &text);
    let error = choose(&Settings::default(), &listed(&[&one])).err().unwrap();
    assert!(error.message.contains("no user `a`"), "{error}");
}
