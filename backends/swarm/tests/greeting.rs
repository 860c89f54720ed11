//! What answers where an engine is expected, and is none.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Read, Write};
use std::net::TcpListener;

use rhumb_backend::{Error, ErrorKind};
use rhumb_swarm::{Environment, Settings, Swarm};

/// Starts a server that gives every caller this answer, and asks it what a swarm is asked.
async fn ask(answer: &'static str) -> Error {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = format!("tcp://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // Whatever is asked, in however many pieces; who breaks off is not answered.
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    let settings = Settings { host: Some(host), ..Settings::default() };
    Swarm::new(settings, Environment::default()).unwrap().about().await.unwrap_err()
}

#[tokio::test]
async fn what_is_no_engine_is_told_from_one() {
    let check = async |answer: &'static str, expect: &str| {
        let error = ask(answer).await;
        assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
        assert!(error.message.contains("is no Docker Engine") && error.message.contains(expect), "{error}");
        assert!(error.message.contains("127.0.0.1"), "{error}");
        assert!(error.remedy.is_some(), "{error}");
    };
    check("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "HTTP 404").await;
    check("HTTP/1.1 301 Moved\r\nConnection: close\r\nContent-Length: 0\r\nLocation: /\r\n\r\n", "HTTP 301")
        .await;
    check("HTTP/1.1 502 Bad\r\nConnection: close\r\nContent-Length: 6\r\n\r\n<html>", "HTTP 502").await;
    check(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\n<html>",
        "does not tell a version",
    )
    .await;
}
