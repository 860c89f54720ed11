//! The way to the servers: who we are, what is there, what is not.

use std::collections::BTreeSet;

use rhumb_backend::{Backend, ErrorKind, Retry, Scope};
use rhumb_doubles::marathon::{Options, Part};
use rhumb_marathon::{Environment, Marathon, Settings};
use serde_json::json;

use crate::lab::{failed, fast, lab, with};

fn at(url: String) -> Settings {
    Settings { url: Some(url), ..Settings::default() }
}

async fn observe(settings: Settings) -> rhumb_backend::Result<rhumb_backend::Observed> {
    Marathon::new(settings, Environment::default()).observe(&Scope::new("default", "shop"), &[]).await
}

#[tokio::test]
async fn credentials_are_sent_and_never_shown() {
    let lab = with(Options { user: Some(("ada".into(), "canary".into())), ..fast() });
    let error = failed(observe(at(lab.double.url())).await);
    assert_eq!((error.kind, error.retry), (ErrorKind::Unauthenticated, Retry::Never), "{error}");
    let wrong =
        Settings { user: Some("ada".into()), password: Some("canary2".into()), ..at(lab.double.url()) };
    let error = failed(observe(wrong).await);
    assert!(!format!("{error:?}").contains("canary"));
    let right =
        Settings { user: Some("ada".into()), password: Some("canary".into()), ..at(lab.double.url()) };
    observe(right).await.unwrap();
    let in_address = lab.double.url().replace("http://", "http://ada:canary@");
    observe(at(in_address)).await.unwrap();
}

#[tokio::test]
async fn a_token_is_sent_in_the_words_of_dcos() {
    let lab = with(Options { token: Some("canary".into()), ..fast() });
    let url = format!("{}/service/marathon", lab.double.url());
    assert_eq!(failed(observe(at(url.clone())).await).kind, ErrorKind::Unauthenticated);
    observe(Settings { token: Some("canary".into()), ..at(url) }).await.unwrap();
    let vars = [("DCOS_URL", lab.double.url()), ("DCOS_ACS_TOKEN", "canary".to_owned())];
    let vars = vars.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let environment = Environment { vars, home: None };
    let marathon = Marathon::new(Settings::default(), environment);
    marathon.observe(&Scope::new("default", "shop"), &[]).await.unwrap();
    let findings = marathon.verify("default").await.unwrap();
    assert!(findings.iter().all(|finding| finding.is_good), "{findings:?}");
    assert!(!format!("{findings:?}").contains("canary"));
}

#[tokio::test]
async fn the_next_master_is_asked_where_one_is_away() {
    let lab = lab();
    let away = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = away.local_addr().unwrap();
    drop(away);
    observe(at(format!("http://{address},{}", lab.double.url()))).await.unwrap();
    let error = failed(observe(at(format!("http://{address}"))).await);
    assert_eq!((error.kind, error.retry), (ErrorKind::Unreachable, Retry::Same));
    assert!(error.to_string().contains("nothing listens there"), "{error}");
}

#[tokio::test]
async fn what_is_no_marathon_is_told() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let page = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<html>";
            let _ = stream.write_all(page.as_bytes()).await;
        }
    });
    let error = failed(observe(at(format!("http://{address}"))).await);
    assert_eq!((error.kind, error.retry), (ErrorKind::Unreachable, Retry::Never));
    assert!(error.to_string().contains("no Marathon"), "{error}");
}

#[tokio::test]
async fn facts_are_what_is_there() {
    let lab = lab();
    let facts = lab.survey().await.data;
    assert_eq!(facts["version"], "1.11.24");
    for (fact, value) in
        [("secrets", true), ("externalVolumes", true), ("metronome", true), ("chronos", false)]
    {
        assert_eq!(facts[fact], value, "{fact}: {facts}");
    }
    assert_eq!((&facts["network"], &facts["naming"]), (&json!("dcos"), &json!("vip")));

    let bare = with(Options { parts: BTreeSet::new(), network: None, ..fast() });
    let plain = Marathon::new(at(bare.double.url()), Environment::default());
    let bare = crate::lab::Lab { marathon: plain, ..bare };
    let facts = bare.survey().await.data;
    for fact in ["secrets", "metronome", "chronos", "gpus"] {
        assert_eq!(facts[fact], false, "{fact}: {facts}");
    }
    assert_eq!(facts["naming"], "mesos-dns");
    let none = BTreeSet::from([Part::Metronome]);
    let lab = with(Options { parts: none, ..fast() });
    assert_eq!(lab.survey().await.data["secrets"], false, "a DC/OS without a store");
}

#[tokio::test]
async fn a_check_says_what_is_missing() {
    let lab = with(Options { parts: BTreeSet::new(), ..fast() });
    let url = format!("{}/service/marathon", lab.double.url());
    let settings = Settings { secrets: Some(true), metronome: Some(lab.double.url()), ..at(url) };
    let findings = Marathon::new(settings, Environment::default()).verify("default").await.unwrap();
    let bad: Vec<&str> =
        findings.iter().filter(|finding| !finding.is_good).map(|finding| finding.what.as_str()).collect();
    assert_eq!(bad, ["metronome", "secrets"], "{findings:?}");
}
