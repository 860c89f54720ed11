//! The plugin is a script here, which does what AWS's own does with the streams and arguments that it gets.

use std::os::unix::fs::PermissionsExt as _;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};

use super::*;
use crate::connect::{Environment, Settings};

/// Greets, runs the command that stands in the session as an agent would, and says goodbye.
const AGENT: &str = r#"#!/bin/sh
if [ "$1" = --version ]; then echo "${VERSION:-1.2.650.0}"; exit; fi
case "$*" in *secret*) echo "the token is in the arguments"; exit 9;; esac
case "$AWS_SSM_START_SESSION_RESPONSE" in *secret-token*) ;; *) echo "no token"; exit 9;; esac
printf '\nStarting session with SessionId: s\n'
sh -c "$COMMAND"
printf '\n\nExiting session with sessionId: s.\n'
"#;

/// An account whose plugin is the script, in a folder that lasts as long as the first value.
fn account(command: &str, version: Option<&str>) -> (tempfile::TempDir, Account) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session-manager-plugin");
    std::fs::write(&path, AGENT).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let search = format!("{}:/usr/bin:/bin", folder.path().display());
    let mut vars = std::collections::BTreeMap::from([
        ("PATH".to_owned(), search),
        ("COMMAND".to_owned(), command.to_owned()),
        ("AWS_REGION".to_owned(), "eu-west-1".to_owned()),
    ]);
    vars.extend(version.map(|version| ("VERSION".to_owned(), version.to_owned())));
    (folder, Account::new(Settings::default(), Environment { vars, ..Environment::default() }))
}

/// Keeps what is written to it.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl AsyncWrite for Kept {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

async fn ran(command: &[&str], stdin: Option<&'static [u8]>) -> (Result<i32>, String) {
    let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
    let reads = if stdin.is_some() { Reads::Input } else { Reads::Nothing };
    let wrapped = Wrapped::new(&command, reads);
    let (_folder, account) = account(&wrapped.command, None);
    let printed = Kept::default();
    let streams = Streams {
        stdin: stdin.map(|bytes| Box::new(bytes) as Box<dyn AsyncRead + Send + Unpin>),
        stdout: Box::new(printed.clone()),
        stderr: Box::new(tokio::io::sink()),
        resize: None,
    };
    let session = json!({ "SessionId": "s", "StreamUrl": "wss://x", "TokenValue": "secret-token" });
    let code = piped(&account, &place::Target::of_test(), &session, wrapped, streams).await;
    let printed = printed.0.lock().unwrap().clone();
    (code, String::from_utf8(printed).unwrap())
}

#[tokio::test]
async fn a_commands_output_and_code_come_through() {
    let (code, printed) = ran(&["sh", "-c", "echo 'a b'; printf c; exit 3"], None).await;
    assert_eq!((code.unwrap(), printed.as_str()), (3, "a b\nc"));
    let (code, printed) = ran(&["true"], None).await;
    assert_eq!((code.unwrap(), printed.as_str()), (0, ""));
}

#[tokio::test]
async fn input_is_passed_on() {
    let (code, printed) = ran(&["head", "-n", "1"], Some(b"one\ntwo\n")).await;
    assert_eq!((code.unwrap(), printed.as_str()), (0, "one\n"));
}

#[tokio::test]
async fn a_plugin_that_is_old_or_not_there_is_told() {
    let (_folder, old) = account("", Some("1.2.300.0"));
    let error = plugin::check(&old, RUN).await.unwrap_err();
    assert!(
        error.message.contains("1.2.300.0") && error.remedy.unwrap().contains("install"),
        "{}",
        error.message
    );
    let nowhere =
        Environment { vars: [("PATH".to_owned(), "/nowhere".to_owned())].into(), ..Environment::default() };
    let error = plugin::check(&Account::new(Settings::default(), nowhere), RUN).await.unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (ErrorKind::Unsupported, "session-manager-plugin is not installed",)
    );
    let (_folder, new) = account("", None);
    plugin::check(&new, RUN).await.unwrap();
}
