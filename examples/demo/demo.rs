//! A small program to deploy: an HTTP server, a probe client and a one-off job, in one static binary.
//!
//! It needs nothing but the standard library, so that `rustc -C target-feature=+crt-static` makes an image of it without
//! a registry. `examples/demo/images.sh` does that.
//!
//! ```text
//! demo [serve]        serve pages on $PORT (8080)
//! demo get URL        print the body; exit 0 for a 2xx answer, 1 otherwise
//! demo tcp HOST:PORT  exit 0 when a connection opens
//! demo job            print, wait and exit, as the environment below says
//! ```
//!
//! | variable | meaning |
//! |---|---|
//! | `PORT` | where `serve` listens; 8080 |
//! | `DEMO_VERSION` | the version a page shows; set by the image |
//! | `START_DELAY` | seconds before the server listens |
//! | `CRASH` | exit with this code instead of working |
//! | `CRASH_AFTER` | seconds before `CRASH` strikes; 0 |
//! | `UNHEALTHY` | when set, `/healthz` answers 503 |
//! | `DATA` | file that `/data` reads, and that `POST /data` appends its query to |
//! | `PRINT`, `SLEEP`, `EXIT` | what `job` prints, how many seconds it takes, how it ends |

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// How long a probe waits for an answer.
const PATIENCE: Duration = Duration::from_secs(3);

mod signals {
    unsafe extern "C" {
        fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
        fn _exit(code: i32) -> !;
    }

    extern "C" fn leave(_number: i32) {
        // SAFETY: `_exit` is on POSIX's list of what a signal handler may call.
        unsafe { _exit(0) }
    }

    /// Ends the process with 0 at SIGTERM and SIGINT: as process 1 of a container it would otherwise ignore both.
    pub fn leave_when_told() {
        // SAFETY: the handler is a plain function that lives as long as the process and touches no state.
        unsafe {
            signal(15, leave);
            signal(2, leave);
        }
    }
}

fn main() {
    signals::leave_when_told();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] | ["serve"] => serve(),
        ["get", url] => get(url),
        ["tcp", address] => tcp(address),
        ["job"] => job(),
        _ => fail("usage: demo [serve | get URL | tcp HOST:PORT | job]"),
    }
}

fn serve() {
    crash_if_told();
    thread::sleep(Duration::from_secs(number("START_DELAY").unwrap_or(0)));
    let port = env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let listener = TcpListener::bind(format!("0.0.0.0:{port}"))
        .unwrap_or_else(|error| fail(&format!("port {port}: {error}")));
    println!("demo {} listens on port {port}", version());
    let healthy = Arc::new(AtomicBool::new(env::var_os("UNHEALTHY").is_none()));
    for stream in listener.incoming().flatten() {
        let healthy = Arc::clone(&healthy);
        thread::spawn(move || answer(stream, &healthy));
    }
}

fn crash_if_told() {
    let Some(code) = number("CRASH") else { return };
    let crash = move || {
        eprintln!("demo crashes with {code}, as CRASH says");
        exit(i32::try_from(code).unwrap_or(1));
    };
    match number("CRASH_AFTER").unwrap_or(0) {
        0 => crash(),
        seconds => {
            thread::spawn(move || {
                thread::sleep(Duration::from_secs(seconds));
                crash();
            });
        }
    }
}

/// Answers one request and closes the connection.
fn answer(mut stream: TcpStream, healthy: &AtomicBool) {
    let Some((method, target)) = request_line(&stream) else { return };
    let (path, query) = target.split_once('?').unwrap_or((target.as_str(), ""));
    let (status, kind, body) = match (method.as_str(), path) {
        ("GET", "/") => ("200 OK", "text/html; charset=utf-8", page()),
        ("GET", "/version") => ("200 OK", "text/plain", version()),
        ("GET", "/hostname") => ("200 OK", "text/plain", hostname()),
        ("GET", "/env") => ("200 OK", "text/plain", environment()),
        ("GET", "/file") => file(query),
        ("GET", "/data") => file(&data_path()),
        ("POST", "/data") => append(query),
        ("GET", "/healthz") if healthy.load(Ordering::Relaxed) => ("200 OK", "text/plain", "ok\n".to_owned()),
        ("GET", "/healthz") => ("503 Service Unavailable", "text/plain", "told to be unhealthy\n".to_owned()),
        ("POST", "/healthy") => set(healthy, true),
        ("POST", "/unhealthy") => set(healthy, false),
        ("POST", "/crash") => exit(query.parse().unwrap_or(1)),
        _ => ("404 Not Found", "text/plain", "no such page\n".to_owned()),
    };
    if path != "/healthz" {
        println!("{method} {target} {status}");
    }
    let length = body.len();
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
}

/// Reads a request's head; gives its method and its target.
fn request_line(stream: &TcpStream) -> Option<(String, String)> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut lines = BufReader::new(stream.take(16 * 1024)).lines();
    let first = lines.next()?.ok()?;
    for line in lines {
        if line.ok()?.is_empty() {
            break;
        }
    }
    let mut words = first.split(' ');
    Some((words.next()?.to_owned(), words.next()?.to_owned()))
}

type Answer = (&'static str, &'static str, String);

fn file(path: &str) -> Answer {
    match fs::read_to_string(path) {
        Ok(text) => ("200 OK", "text/plain", text),
        Err(error) => ("404 Not Found", "text/plain", format!("{path}: {error}\n")),
    }
}

fn data_path() -> String {
    env::var("DATA").unwrap_or_else(|_| "/data/demo".to_owned())
}

fn append(line: &str) -> Answer {
    let path = data_path();
    let written = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .and_then(|mut file| writeln!(file, "{line}"));
    match written {
        Ok(()) => ("200 OK", "text/plain", "kept\n".to_owned()),
        Err(error) => ("500 Internal Server Error", "text/plain", format!("{path}: {error}\n")),
    }
}

fn set(healthy: &AtomicBool, value: bool) -> Answer {
    healthy.store(value, Ordering::Relaxed);
    ("200 OK", "text/plain", "noted\n".to_owned())
}

fn page() -> String {
    let greeting = env::var("GREETING").unwrap_or_else(|_| "It works".to_owned());
    format!(
        "<!doctype html>\n<title>demo</title>\n<h1>{}</h1>\n<p>version {}, served by {}</p>\n",
        escape(&greeting),
        escape(&version()),
        escape(&hostname())
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn environment() -> String {
    env::vars().fold(String::new(), |mut text, (name, value)| {
        let _ = writeln!(text, "{name}={value}");
        text
    })
}

fn version() -> String {
    env::var("DEMO_VERSION").unwrap_or_else(|_| "0".to_owned())
}

fn hostname() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

fn get(url: &str) {
    let rest = url.strip_prefix("http://").unwrap_or_else(|| fail("only http:// addresses"));
    let (host, path) =
        rest.split_once('/').map_or((rest, String::new()), |(host, path)| (host, path.to_owned()));
    let address = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let mut stream = connect(&address);
    let sent = write!(stream, "GET /{path} HTTP/1.0\r\nhost: {host}\r\n\r\n");
    let mut answer = String::new();
    if let Err(error) = sent.and_then(|()| stream.read_to_string(&mut answer).map(drop)) {
        fail(&format!("{url}: {error}"));
    }
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer.as_str(), ""));
    print!("{body}");
    let good = head.split(' ').nth(1).is_some_and(|status| status.starts_with('2'));
    exit(i32::from(!good));
}

fn tcp(address: &str) {
    drop(connect(address));
}

fn connect(address: &str) -> TcpStream {
    let candidates = address.to_socket_addrs().unwrap_or_else(|error| fail(&format!("{address}: {error}")));
    let mut last = None;
    for candidate in candidates {
        match TcpStream::connect_timeout(&candidate, PATIENCE) {
            Ok(stream) => {
                let _ = stream.set_read_timeout(Some(PATIENCE));
                return stream;
            }
            Err(error) => last = Some(error),
        }
    }
    fail(&last.map_or_else(|| format!("{address}: no address"), |error| format!("{address}: {error}")))
}

fn job() {
    crash_if_told();
    println!("{}", env::var("PRINT").unwrap_or_else(|_| "done".to_owned()));
    thread::sleep(Duration::from_secs(number("SLEEP").unwrap_or(0)));
    exit(i32::try_from(number("EXIT").unwrap_or(0)).unwrap_or(1));
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

fn fail(message: &str) -> ! {
    eprintln!("demo: {message}");
    exit(1)
}
