//! Ways to a cluster that lead nowhere, and what is said of them. No cluster is needed.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;

use rhumb_backend::{Backend, Error, ErrorKind, Retry};
use rhumb_kubernetes::{Environment, Kubernetes, Settings};
use tempfile::TempDir;

/// A cluster at this address, for a user of these fields.
fn cluster(folder: &TempDir, server: &str, user: &str) -> Kubernetes {
    let path: PathBuf = folder.path().join("config");
    let text = format!(
        "clusters: [{{name: c, cluster: {{server: '{server}'}}}}]\nusers: [{{name: u, user: {user}}}]\n\
         contexts: [{{name: here, context: {{cluster: c, user: u}}}}]\ncurrent-context: here\n"
    );
    fs::write(&path, text).unwrap();
    Kubernetes::new(Settings { kubeconfig: Some(path), context: None }, Environment::default())
}

async fn refused(kubernetes: &Kubernetes) -> Error {
    kubernetes.verify("default").await.unwrap_err()
}

/// A server that answers every connection with these bytes.
fn server(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let _ = connection.read(&mut [0; 4096]);
            let _ = connection.write_all(answer);
        }
    });
    address
}

#[tokio::test]
async fn nothing_there_may_be_there_later() {
    let folder = TempDir::new().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = refused(&cluster(&folder, &format!("http://{free}"), "{}")).await;
    assert_eq!((error.kind, error.retry), (ErrorKind::Unreachable, Retry::Same), "{error}");
    assert!(error.to_string().contains(&format!("(cluster http://{free} (context here, from")), "{error}");
    assert!(error.remedy.unwrap().contains("--context"));
}

#[tokio::test]
async fn a_server_that_hangs_up_is_asked_again() {
    let folder = TempDir::new().unwrap();
    for answer in [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"] {
        let error = refused(&cluster(&folder, &server(answer), "{}")).await;
        assert_eq!((error.kind, error.retry), (ErrorKind::Unreachable, Retry::Same), "{error}");
    }
}

#[tokio::test]
async fn what_stands_before_the_server_is_understood_too() {
    let folder = TempDir::new().unwrap();
    let busy = b"HTTP/1.1 429 Too Many Requests\r\nconnection: close\r\ncontent-length: 4\r\n\r\nbusy";
    let error = refused(&cluster(&folder, &server(busy), "{}")).await;
    assert_eq!((error.kind, error.retry), (ErrorKind::RateLimited, Retry::Same), "{error}");
    assert!(error.message.ends_with("busy"), "{error}");
    let page = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 13\r\n\r\n<p>canary</p>";
    let error = refused(&cluster(&folder, &server(page), "{}")).await;
    assert_eq!(error.kind, ErrorKind::Platform);
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
}

#[tokio::test]
async fn a_program_for_credentials_tells_why_it_fails() {
    let folder = TempDir::new().unwrap();
    let exec = |command: &str, script: &str| {
        format!(
            "{{exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: IfAvailable, command: {command}, args: [-c, '{script}']}}}}"
        )
    };
    let away = server(b"");
    let error = refused(&cluster(&folder, &away, &exec("sh", "echo log in first >&2; exit 3"))).await;
    assert_eq!((error.kind, error.retry), (ErrorKind::Unauthenticated, Retry::Never));
    assert!(error.message.contains("log in first") && error.message.contains('3'), "{error}");
    let error = refused(&cluster(&folder, &away, &exec("rhumb-no-such-program", ""))).await;
    assert!(error.message.contains("cannot be started"), "{error}");
    let error = refused(&cluster(&folder, &away, &exec("sh", "echo canary"))).await;
    assert_eq!(error.kind, ErrorKind::Unauthenticated);
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
}

#[tokio::test]
async fn credentials_reach_the_server_and_no_error() {
    let folder = TempDir::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let seen = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut bytes = [0; 4096];
        let read = connection.read(&mut bytes).unwrap();
        connection.write_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n").unwrap();
        String::from_utf8_lossy(&bytes[..read]).into_owned()
    });
    fs::write(folder.path().join("token"), "canary-1").unwrap();
    // The path is relative to the kubeconfig.
    let error = refused(&cluster(&folder, &address, "{tokenFile: token}")).await;
    assert!(seen.join().unwrap().contains("Bearer canary-1"));
    assert_eq!(error.kind, ErrorKind::Unauthenticated);
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
}

#[tokio::test]
async fn a_proxy_is_named_without_its_password() {
    let folder = TempDir::new().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    cluster(&folder, "https://cluster.example:6443", "{}");
    let settings = Settings { kubeconfig: Some(folder.path().join("config")), context: None };
    let proxy = format!("http://ada:canary@{free}");
    let environment =
        Environment { vars: [("HTTPS_PROXY".to_owned(), proxy)].into(), ..Environment::default() };
    let error = refused(&Kubernetes::new(settings, environment)).await;
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(error.to_string().contains(&format!("(by the proxy {free})")), "{error}");
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
}
