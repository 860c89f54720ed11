//! Commands in containers, and connections to their ports.

use std::pin::Pin;
use std::task::{Context, Poll};

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{AttachParams, AttachedProcess};
use kube::core::Status;
use rhumb_backend::{Duplex, Error, ErrorKind, Exec, Place, Result, Scope, Streams, TerminalSize};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::sync::mpsc;

use crate::connect::Cluster;
use crate::error::{of_status, translate};
use crate::pods::{self, Container, PodView};
use crate::workloads::{Member, find};

const RUN: &str = "run the command";
const OPEN: &str = "open the connection";

/// Runs a command in a container.
///
/// # Errors
/// `NotFound` for a workload, pod or container that is not there; `Invalid` for a command that the container does not
/// have; what the API server answers.
pub(crate) async fn exec(
    cluster: &Cluster,
    scope: &Scope,
    place: &Place,
    exec: &Exec,
    streams: Streams,
) -> Result<i32> {
    let pod = choose(cluster, scope, place, RUN).await?;
    let container = container(&pod, place)?;
    let params = AttachParams::default()
        .container(&container)
        .stdin(streams.stdin.is_some())
        .stdout(true)
        // A terminal has one way out.
        .stderr(!exec.tty)
        .tty(exec.tty);
    let api: Api<Pod> = Api::namespaced(cluster.client().await?.clone(), &scope.namespace);
    let about = |error: Error| error.with("pod", pod.name()).with("container", &container);
    let process = api
        .exec(pod.name(), exec.command.iter().map(String::as_str), &params)
        .await
        .map_err(|error| about(translate(RUN, error)))?;
    match attend(process, streams).await {
        Some(status) => exit_code(&status).map_err(about),
        None => Err(about(Error::new(
            ErrorKind::Unreachable,
            RUN,
            "the connection was cut before the command ended",
        ))),
    }
}

/// Carries bytes both ways until the command has ended and its last output is through.
async fn attend(mut process: AttachedProcess, mut streams: Streams) -> Option<Status> {
    let status = process.take_status()?;
    let input = feed(process.stdin(), streams.stdin.take());
    let mut sizes = process.terminal_size();
    let set = move |size: TerminalSize| {
        // Of sizes that come faster than they are taken, any later one will do.
        let size = kube::api::TerminalSize { width: size.width, height: size.height };
        sizes.as_mut().is_some_and(|sizes| sizes.try_send(size).is_ok())
    };
    let resize = resize(set, streams.resize.take());
    let (stdout, stderr) = (process.stdout(), process.stderr());
    let output = async {
        tokio::join!(drain(stdout, &mut streams.stdout), drain(stderr, &mut streams.stderr), status).2
    };
    let (mut input, mut resize) = (std::pin::pin!(input), std::pin::pin!(resize));
    let mut output = std::pin::pin!(output);
    let (mut reads, mut resizes) = (true, true);
    loop {
        tokio::select! {
            status = &mut output => return status.as_ref().and_then(read_status),
            () = &mut input, if reads => reads = false,
            () = &mut resize, if resizes => resizes = false,
        }
    }
}

/// The same status in the client's own shape.
fn read_status(status: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Status) -> Option<Status> {
    serde_json::to_value(status).and_then(serde_json::from_value).ok()
}

/// Passes on what is read, and its end.
async fn feed<W: AsyncWrite + Unpin>(to: Option<W>, from: Option<Box<dyn AsyncRead + Send + Unpin>>) {
    let (Some(mut to), Some(mut from)) = (to, from) else { return };
    // A command that has ended reads no more, which its exit code tells.
    let _ = tokio::io::copy(&mut from, &mut to).await;
    let _ = to.shutdown().await;
}

async fn drain<R: AsyncRead + Unpin>(from: Option<R>, to: &mut (dyn AsyncWrite + Send + Unpin)) {
    let Some(mut from) = from else { return };
    // Who does not listen any more, does not keep the command from ending.
    if tokio::io::copy(&mut from, to).await.is_err() {
        let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
    }
    let _ = to.flush().await;
}

async fn resize(mut set: impl FnMut(TerminalSize) -> bool, from: Option<mpsc::Receiver<TerminalSize>>) {
    let Some(mut from) = from else { return };
    while let Some(size) = from.recv().await {
        set(size);
    }
}

/// The exit code that a status tells.
///
/// Source: kubernetes, `staging/src/k8s.io/apimachinery/pkg/util/remotecommand`.
fn exit_code(status: &Status) -> Result<i32> {
    if status.is_success() {
        return Ok(0);
    }
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let code = causes.filter(|cause| cause.reason == "ExitCode").find_map(|cause| cause.message.parse().ok());
    if let Some(code) = code {
        return Ok(code);
    }
    let is_missing = ["executable file not found", "no such file or directory", "permission denied"]
        .iter()
        .any(|text| status.message.contains(text));
    if is_missing {
        // The runtime's own words come behind those of everybody who passes them on.
        let own = status.message.rsplit("unable to start container process: ").next().unwrap_or_default();
        let error = Error::new(ErrorKind::Invalid, RUN, pods::first_line(own));
        return Err(error.remedy("a command that the container's image has"));
    }
    Err(of_status(RUN, status))
}

/// Opens a connection to a port of a pod.
///
/// # Errors
/// `NotFound` for a workload or pod that is not there; what the API server answers. That nothing listens at the port is
/// told by the connection.
pub(crate) async fn connect(
    cluster: &Cluster,
    scope: &Scope,
    place: &Place,
    port: u16,
) -> Result<Box<dyn Duplex>> {
    let pod = choose(cluster, scope, place, OPEN).await?;
    forward(cluster, scope, pod.name(), port).await
}

/// Opens a connection to a port of the pod of this name.
///
/// # Errors
/// What the API server answers.
pub(crate) async fn forward(
    cluster: &Cluster,
    scope: &Scope,
    pod: &str,
    port: u16,
) -> Result<Box<dyn Duplex>> {
    let api: Api<Pod> = Api::namespaced(cluster.client().await?.clone(), &scope.namespace);
    let about = |error: Error| error.with("pod", pod).with("port", port.to_string());
    let mut forwarder = api.portforward(pod, &[port]).await.map_err(|error| about(translate(OPEN, error)))?;
    let (Some(stream), Some(error)) = (forwarder.take_stream(port), forwarder.take_error(port)) else {
        return Err(about(Error::new(ErrorKind::Platform, OPEN, "the API server opened no stream")));
    };
    Ok(Box::new(Connection { stream, port, error: Some(Box::pin(error)) }))
}

type LastWord = Pin<Box<dyn Future<Output = Option<String>> + Send>>;

/// A connection whose end may be a failure that the node tells of beside it.
struct Connection {
    stream: tokio::io::DuplexStream,
    port: u16,
    error: Option<LastWord>,
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let is_end =
            matches!(read, Poll::Ready(Ok(()))) && buffer.filled().len() == before && buffer.remaining() > 0;
        if is_end && let Some(error) = &mut self.error {
            // The node tells of a failure before it ends the connection, so what has not come by now never will.
            let told = error.as_mut().poll(cx);
            self.error = None;
            if let Poll::Ready(Some(told)) = told {
                return Poll::Ready(Err(refused(self.port, &told)));
            }
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What a node says of a port that it cannot reach, for people. Its own words begin with much that is of no use to them.
fn refused(port: u16, told: &str) -> std::io::Error {
    if told.contains("connection refused") {
        let message = format!("connection refused: nothing listens at port {port} of the pod");
        return std::io::Error::new(std::io::ErrorKind::ConnectionRefused, message);
    }
    std::io::Error::other(pods::first_line(told))
}

/// The pod that is meant: the one that is named, else one that is ready, else one that runs.
async fn choose(cluster: &Cluster, scope: &Scope, place: &Place, operation: &str) -> Result<Pod> {
    let found = find(cluster, scope, Some(&place.workload)).await?;
    pick(found.pods, place, operation)
}

fn pick(members: Vec<Member>, place: &Place, operation: &str) -> Result<Pod> {
    let missing =
        |what: String| Error::new(ErrorKind::NotFound, operation, what).with("workload", &place.workload);
    let mut pods: Vec<Pod> = members.into_iter().map(|member| member.pod).collect();
    pods.sort_by(|left, right| (!left.is_ready(), left.name()).cmp(&(!right.is_ready(), right.name())));
    if let Some(task) = &place.task {
        let names: Vec<_> = pods.iter().map(|pod| pod.name().to_owned()).collect();
        let found = pods.into_iter().find(|pod| pod.name() == task || pod.uid() == task);
        return found.ok_or_else(|| {
            missing(format!("it has no pod {task}")).remedy(format!("one of {}", names.join(", ")))
        });
    }
    let states: Vec<_> = pods.iter().map(|pod| format!("{} is {}", pod.name(), pods::word(pod))).collect();
    let runs =
        |pod: &Pod| !pod.is_leaving() && !pod.has_ended() && pod.statuses().iter().any(Container::runs);
    pods.into_iter().find(runs).ok_or_else(|| match states.as_slice() {
        [] => missing("it has no pod".to_owned()).remedy("`rhumb scale` it to 1 or more"),
        states => missing(format!("none of its pods runs: {}", states.join(", "))),
    })
}

/// The container that is meant: the one that is named, else the one that the pod names for this, else the first.
fn container(pod: &Pod, place: &Place) -> Result<String> {
    let names: Vec<&str> =
        pod.spec.iter().flat_map(|spec| &spec.containers).map(|one| one.name.as_str()).collect();
    let marked =
        pod.metadata.annotations.as_ref().and_then(|all| all.get("kubectl.kubernetes.io/default-container"));
    let Some(wanted) = &place.container else {
        let marked = marked.map(String::as_str).filter(|marked| names.contains(marked));
        return Ok(marked.or(names.first().copied()).unwrap_or_default().to_owned());
    };
    if names.contains(&wanted.as_str()) {
        return Ok(wanted.clone());
    }
    Err(Error::new(ErrorKind::NotFound, RUN, format!("its pods have no container {wanted}"))
        .with("workload", &place.workload)
        .remedy(format!("one of {}", names.join(", "))))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::pods::tests::{container as status, pod};

    fn member(name: &str, status: &Value) -> Member {
        let mut pod = pod(status);
        pod.metadata.name = Some(name.to_owned());
        Member { workload: "web".to_owned(), pod }
    }

    fn running(is_ready: bool) -> Value {
        let ready = if is_ready { "True" } else { "False" };
        json!({
            "conditions": [{ "type": "Ready", "status": ready }],
            "containerStatuses": [status(0, &json!({ "running": {} }), &json!({}))],
        })
    }

    fn place(task: Option<&str>) -> Place {
        Place { workload: "web".to_owned(), task: task.map(str::to_owned), container: None }
    }

    #[test]
    fn a_ready_pod_is_preferred() {
        let members = || vec![member("web-1", &running(false)), member("web-2", &running(true))];
        assert_eq!(pick(members(), &place(None), RUN).unwrap().name(), "web-2");
        assert_eq!(pick(members(), &place(Some("web-1")), RUN).unwrap().name(), "web-1");
        let error = pick(members(), &place(Some("web-9")), RUN).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound);
        assert_eq!(error.remedy.as_deref(), Some("one of web-2, web-1"));
    }

    #[test]
    fn pods_that_do_not_run_are_told() {
        let waiting = json!({ "phase": "Pending", "containerStatuses":
            [status(0, &json!({ "waiting": { "reason": "ImagePullBackOff" } }), &json!({}))] });
        let error = pick(vec![member("web-1", &waiting)], &place(None), RUN).unwrap_err();
        assert!(error.message.contains("web-1 is ImagePullBackOff"), "{error}");
    }

    #[test]
    fn the_exit_code_is_in_the_causes() {
        let status = |value: Value| serde_json::from_value::<Status>(value).unwrap();
        assert_eq!(exit_code(&status(json!({ "status": "Success" }))).unwrap(), 0);
        let failed = json!({
            "status": "Failure", "reason": "NonZeroExitCode", "message": "command terminated",
            "details": { "causes": [{ "reason": "ExitCode", "message": "42" }] },
        });
        assert_eq!(exit_code(&status(failed)).unwrap(), 42);
        let missing = json!({ "status": "Failure", "reason": "InternalError", "code": 500,
            "message": "error executing command: \"nope\": executable file not found in $PATH" });
        assert_eq!(exit_code(&status(missing)).unwrap_err().kind, ErrorKind::Invalid);
    }

    #[test]
    fn the_container_is_the_first_unless_it_is_named() {
        let pod = pod(&json!({}));
        assert_eq!(container(&pod, &place(None)).unwrap(), "web");
        let other = Place { container: Some("side".to_owned()), ..place(None) };
        assert_eq!(container(&pod, &other).unwrap_err().remedy.as_deref(), Some("one of web"));
    }
}
