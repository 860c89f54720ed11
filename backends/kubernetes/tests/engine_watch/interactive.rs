//! Commands in containers, and connections to their ports.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use rhumb_backend::{Backend, ErrorKind, Exec, Interactive, Place, Streams, TerminalSize};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;

use crate::lab::{Lab, SLEEP, pod};

/// What was written, to be looked at afterwards.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl AsyncWrite for Written {
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

fn place() -> Place {
    Place { workload: "web".to_owned(), ..Place::default() }
}

fn command(words: &[&str], tty: bool) -> Exec {
    Exec { command: words.iter().map(|&word| word.to_owned()).collect(), tty }
}

fn interactive(lab: &Lab) -> &dyn Interactive {
    lab.kubernetes.interactive().unwrap()
}

#[tokio::test]
async fn a_command_has_its_streams_and_its_exit_code() {
    let Some(lab) = Lab::open("exec") else { return };
    lab.wait(&[lab.apply(&lab.deployment(SLEEP, &json!({})))]).await;
    let (stdout, stderr) = (Written::default(), Written::default());
    let streams = |input: Option<&'static [u8]>| Streams {
        stdin: input.map(|bytes| -> Box<dyn tokio::io::AsyncRead + Send + Unpin> { Box::new(bytes) }),
        stdout: Box::new(stdout.clone()),
        stderr: Box::new(stderr.clone()),
        resize: None,
    };
    let script = command(&["sh", "-c", "cat; echo done; echo oops >&2; exit 42"], false);
    let code = interactive(&lab).exec(&lab.scope, &place(), &script, streams(Some(b"in\n"))).await.unwrap();
    assert_eq!((code, stdout.text().as_str(), stderr.text().as_str()), (42, "in\ndone\n", "oops\n"));
    let code = interactive(&lab)
        .exec(&lab.scope, &place(), &command(&["true"], false), streams(None))
        .await
        .unwrap();
    assert_eq!(code, 0);
    let missing = command(&["/no/such/command"], false);
    let error = interactive(&lab).exec(&lab.scope, &place(), &missing, streams(None)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
    let elsewhere = Place { container: Some("side".to_owned()), ..place() };
    let error =
        interactive(&lab).exec(&lab.scope, &elsewhere, &command(&["true"], false), streams(None)).await;
    assert_eq!(error.unwrap_err().remedy.as_deref(), Some("one of main"));
}

#[tokio::test]
async fn much_output_comes_whole() {
    let Some(lab) = Lab::open("much") else { return };
    lab.wait(&[lab.apply(&lab.deployment(SLEEP, &json!({})))]).await;
    let stdout = Written::default();
    let streams = Streams {
        stdin: None,
        stdout: Box::new(stdout.clone()),
        stderr: Box::new(tokio::io::sink()),
        resize: None,
    };
    let script = command(&["sh", "-c", "dd if=/dev/zero bs=1024 count=4096 2>/dev/null"], false);
    let code = interactive(&lab).exec(&lab.scope, &place(), &script, streams).await.unwrap();
    assert_eq!((code, stdout.text().len()), (0, 4 << 20));
}

#[tokio::test]
async fn a_terminal_has_its_size() {
    let Some(lab) = Lab::open("tty") else { return };
    lab.wait(&[lab.apply(&lab.deployment(SLEEP, &json!({})))]).await;
    let stdout = Written::default();
    let (sizes, resize) = mpsc::channel(1);
    sizes.send(TerminalSize { width: 132, height: 50 }).await.unwrap();
    let (stdin, mut keys) = tokio::io::simplex(64);
    let streams = Streams {
        stdin: Some(Box::new(stdin)),
        stdout: Box::new(stdout.clone()),
        stderr: Box::new(tokio::io::sink()),
        resize: Some(resize),
    };
    let typing = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        keys.write_all(b"stty size; sleep 100000\n").await.unwrap();
        while !stdout.text().contains("50 132") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // Ctrl-C goes to the command, and Ctrl-D ends the shell.
        keys.write_all(b"\x03").await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        keys.write_all(b"exit 3\n").await.unwrap();
    };
    let shell = command(&["sh"], true);
    let place = place();
    let run = interactive(&lab).exec(&lab.scope, &place, &shell, streams);
    let both = async { tokio::join!(run, typing) };
    let (code, ()) = tokio::time::timeout(Duration::from_secs(30), both).await.expect("it ends");
    assert_eq!(code.unwrap(), 3, "{}", stdout.text());
}

#[tokio::test]
async fn a_port_is_reached_and_a_dead_one_says_so() {
    let Some(lab) = Lab::open("port") else { return };
    let script = ["sh", "-c", "mkdir /w; echo hello > /w/index.html; httpd -f -p 8080 -h /w"];
    let probe = json!({ "readinessProbe": { "tcpSocket": { "port": 8080 }, "periodSeconds": 1 } });
    lab.wait(&[lab.apply(&lab.workload(
        "apps/v1",
        "Deployment",
        json!({ "replicas": 1 }),
        pod(&script, &probe),
    ))])
    .await;
    let mut connection = interactive(&lab).connect(&lab.scope, &place(), 8080).await.unwrap();
    connection.write_all(b"GET /index.html HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let read = connection.read_to_end(&mut answer);
    let ended = tokio::time::timeout(Duration::from_secs(20), read).await;
    let answer = String::from_utf8(answer).unwrap();
    ended.unwrap_or_else(|_| panic!("it does not end: {answer}")).unwrap();
    assert!(answer.starts_with("HTTP/1.") && answer.contains("hello"), "{answer}");
    let mut dead = interactive(&lab).connect(&lab.scope, &place(), 9).await.unwrap();
    let mut nothing = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), dead.read_to_end(&mut nothing)).await.unwrap();
    let told = read.unwrap_err().to_string();
    assert!(told.contains("refused"), "{told}");
}
