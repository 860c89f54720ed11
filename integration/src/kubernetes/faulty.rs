//! A way to an API server on which things go wrong on purpose.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use super::Kubectl;

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The server asks for fewer requests.
    TooMany,
    /// The server breaks.
    Internal,
    /// The connection closes before the request reaches the server.
    Closed,
    /// The request is carried out, and the connection closes before the answer comes.
    AnswerLost,
}

/// A server on loopback that hands requests on to a cluster through `kubectl proxy`, but for those that meet a fault.
#[derive(Debug)]
pub struct FaultyServer {
    folder: TempDir,
    proxy: Child,
    met: Arc<AtomicU32>,
}

/// Which request meets a fault: of those that a test counts, every one whose number is in `at`.
#[derive(Clone, Debug)]
pub struct Faults {
    /// What happens.
    pub fault: Fault,
    /// The methods that count: `PATCH`, `POST` …
    pub methods: &'static [&'static str],
    /// The numbers, from 0.
    pub at: Vec<u32>,
}

impl FaultyServer {
    /// Starts the server for a namespace of a cluster.
    ///
    /// # Errors
    /// When `kubectl proxy` does not start.
    pub fn start(kubectl: &Kubectl, namespace: &str, faults: Faults) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let socket = folder.path().join("proxy.sock");
        let proxy = Command::new("kubectl")
            .arg("--kubeconfig")
            .arg(kubectl.kubeconfig())
            .args(["proxy", "--unix-socket"])
            .arg(&socket)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let met = Arc::new(AtomicU32::new(0));
        let server = Self { folder, proxy, met };
        while !socket.exists() {
            thread::sleep(Duration::from_millis(20));
        }
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        std::fs::write(server.kubeconfig(), kubeconfig(port, namespace))?;
        let line = Arc::new(Line { socket, faults, count: AtomicU32::new(0), met: Arc::clone(&server.met) });
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let line = Arc::clone(&line);
                thread::spawn(move || line.serve(client));
            }
        });
        Ok(server)
    }

    /// A kubeconfig that leads here.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// How many requests met the fault.
    pub fn met(&self) -> u32 {
        self.met.load(Ordering::SeqCst)
    }
}

impl Drop for FaultyServer {
    fn drop(&mut self) {
        let _ = self.proxy.kill();
        let _ = self.proxy.wait();
    }
}

fn kubeconfig(port: u16, namespace: &str) -> String {
    format!(
        "apiVersion: v1
kind: Config
current-context: faulty
clusters: [{{ name: faulty, cluster: {{ server: 'http://127.0.0.1:{port}' }} }}]
users: [{{ name: nobody, user: {{}} }}]
contexts: [{{ name: faulty, context: {{ cluster: faulty, user: nobody, namespace: {namespace} }} }}]
"
    )
}

struct Line {
    socket: PathBuf,
    faults: Faults,
    count: AtomicU32,
    met: Arc<AtomicU32>,
}

/// Keeps the log lines of different connections apart.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

impl Line {
    /// Serves the requests of one connection, one after another.
    fn serve(&self, client: TcpStream) {
        let Ok(reading) = client.try_clone() else { return };
        let mut reading = BufReader::new(reading);
        let mut client = client;
        while let Ok(Some(request)) = Request::read(&mut reading) {
            match self.fault_of(&request) {
                Some(Fault::TooMany) => {
                    if answer(&mut client, "429 Too Many Requests", "Retry-After: 1\r\n").is_err() {
                        return;
                    }
                }
                Some(Fault::Internal) => {
                    if answer(&mut client, "500 Internal Server Error", "").is_err() {
                        return;
                    }
                }
                Some(Fault::Closed) => break,
                Some(Fault::AnswerLost) => {
                    let _ = hand_on(&self.socket, &request, &mut io::sink());
                    break;
                }
                None => {
                    if hand_on(&self.socket, &request, &mut client).is_err() {
                        break;
                    }
                    // The answer's end is the connection's end.
                    break;
                }
            }
        }
        let _ = client.shutdown(Shutdown::Both);
    }

    fn fault_of(&self, request: &Request) -> Option<Fault> {
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.faults.methods.iter().any(|method| request.head.starts_with(method)) {
            return None;
        }
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        let meets = self.faults.at.contains(&number);
        self.met.fetch_add(u32::from(meets), Ordering::SeqCst);
        meets.then_some(self.faults.fault)
    }
}

struct Request {
    head: String,
    body: Vec<u8>,
}

impl Request {
    /// The next request of a connection; none at its end.
    fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Self>> {
        let mut head = String::new();
        let mut length = 0;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            if line == "\r\n" {
                break;
            }
            // The answer's end must be seen, so each request has a connection of its own.
            if !lower.starts_with("connection:") {
                head.push_str(&line);
            }
        }
        head.push_str("Connection: close\r\n\r\n");
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        Ok(Some(Self { head, body }))
    }
}

/// Hands a request on and writes the answer.
fn hand_on(socket: &Path, request: &Request, to: &mut impl Write) -> io::Result<()> {
    let mut server = std::os::unix::net::UnixStream::connect(socket)?;
    server.write_all(request.head.as_bytes())?;
    server.write_all(&request.body)?;
    io::copy(&mut server, to).map(drop)
}

fn answer(client: &mut TcpStream, status: &str, headers: &str) -> io::Result<()> {
    let (code, reason) = status.split_once(' ').unwrap_or((status, ""));
    let body = format!(
        r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","message":"{reason}","reason":"{}","code":{code}}}"#,
        reason.replace(' ', "")
    );
    write!(
        client,
        "HTTP/1.1 {status}\r\n{headers}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
