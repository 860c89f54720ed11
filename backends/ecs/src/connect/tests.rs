//! Calls to a server of our own, which keeps what it was sent.

use std::sync::{Arc, Mutex};

use rhumb_backend::{ErrorKind, Retry};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// A server that gives these answers, one after another, and keeps the requests.
async fn server(answers: &[&str]) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&requests);
    let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = String::new();
            while !is_whole(&request) {
                let mut buffer = [0; 4096];
                let count = stream.read(&mut buffer).await.unwrap();
                request += std::str::from_utf8(&buffer[..count]).unwrap();
            }
            kept.lock().unwrap().push(request);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (address, requests)
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.is_none_or(|length| body.len() >= length.parse::<usize>().unwrap())
}

fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

fn environment(more: &[(&str, &str)]) -> Environment {
    let keys =
        [("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", "geheim"), ("AWS_SESSION_TOKEN", "marke")];
    let vars =
        keys.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Environment { vars, ..Environment::default() }
}

fn account(address: &str) -> Account {
    let settings = Settings {
        region: Some("eu-west-1".to_owned()),
        endpoint_url: Some(address.to_owned()),
        ..Settings::default()
    };
    Account::new(settings, environment(&[]))
}

#[tokio::test]
async fn a_call_carries_its_body_unchanged_and_is_signed() {
    let (address, requests) = server(&[&answer("200 OK", r#"{"service":{"status":"ACTIVE"}}"#)]).await;
    let body = json!({ "serviceName": "web", "aFieldOfTomorrow": { "x": [1] } });
    let answer = account(&address).call("ecs:CreateService", &body).await.unwrap();
    assert_eq!(answer["service"]["status"], "ACTIVE");
    let request = requests.lock().unwrap()[0].clone();
    let (head, sent) = request.split_once("\r\n\r\n").unwrap();
    assert_eq!(serde_json::from_str::<Value>(sent).unwrap(), body);
    for part in [
        "POST / HTTP/1.1",
        "x-amz-target: AmazonEC2ContainerServiceV20141113.CreateService",
        "content-type: application/x-amz-json-1.1",
        "x-amz-security-token: marke",
        "/eu-west-1/ecs/aws4_request, SignedHeaders=content-type;host;",
    ] {
        assert!(head.contains(part), "{part} is not in {head}");
    }
    assert!(!head.contains("geheim"));
}

#[tokio::test]
async fn pages_are_read_to_their_end_and_no_further() {
    let first = answer("200 OK", r#"{"taskArns":["a","b"],"nextToken":"t"}"#);
    let last = answer("200 OK", r#"{"taskArns":["c"],"nextToken":null}"#);
    let (address, requests) = server(&[&first, &last]).await;
    let found = account(&address).all("ecs:ListTasks", &json!({ "cluster": "x" }), "taskArns").await.unwrap();
    assert_eq!(found, ["a", "b", "c"]);
    assert!(requests.lock().unwrap()[1].ends_with(r#"{"cluster":"x","nextToken":"t"}"#));
    let circle = answer("200 OK", r#"{"taskArns":["a"],"nextToken":"t"}"#);
    let (address, _) = server(&[&circle, &circle]).await;
    let error = account(&address).all("ecs:ListTasks", &Value::Null, "taskArns").await.unwrap_err();
    assert!(error.message.contains("do not end"), "{error}");
}

#[tokio::test]
async fn a_change_is_sent_once_and_says_whether_it_may_be_sent_again() {
    let throttled =
        answer("400 Bad Request", r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#);
    let (address, requests) = server(&[&throttled]).await;
    let error = account(&address).call("ecs:RunTask", &Value::Null).await.unwrap_err();
    assert_eq!((error.kind, error.retry), (ErrorKind::RateLimited, Retry::Same));
    assert_eq!(requests.lock().unwrap().len(), 1);
    let (address, _) = server(&["HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"]).await;
    let error = account(&address).call("ecs:RunTask", &Value::Null).await.unwrap_err();
    assert_eq!((error.kind, error.retry), (ErrorKind::Unreachable, Retry::Same));
    let error = account("http://127.0.0.1:1").call("ecs:ListTasks", &Value::Null).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(error.message.contains("nothing listens"), "{error}");
    let (address, _) = server(&[&answer("200 OK", "<html>login</html>")]).await;
    let error = account(&address).call("ecs:ListTasks", &Value::Null).await.unwrap_err();
    assert!(error.kind == ErrorKind::Platform && error.remedy.unwrap().contains("proxy"));
}

#[tokio::test]
async fn a_read_is_sent_again() {
    let throttled =
        answer("400 Bad Request", r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#);
    let (address, requests) = server(&[&throttled, &answer("200 OK", r#"{"taskArns":[]}"#)]).await;
    account(&address).call("ecs:ListTasks", &Value::Null).await.unwrap();
    assert_eq!(requests.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn the_sdks_client_goes_the_same_way() {
    let body = r#"{"Parameter":{"Name":"n","Value":"v"}}"#;
    let (address, requests) = server(&[&answer("200 OK", body)]).await;
    let client = account(&address).ssm().await.unwrap();
    let found = client.get_parameter().name("n").send().await.unwrap();
    assert_eq!(found.parameter.unwrap().value.as_deref(), Some("v"));
    assert!(requests.lock().unwrap()[0].contains("AmazonSSM.GetParameter"));
    let throttled =
        answer("400 Bad Request", r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#);
    let (address, requests) = server(&[&throttled]).await;
    let client = account(&address).ssm().await.unwrap();
    let error = client.get_parameter().name("n").send().await.unwrap_err();
    let error = crate::error::sdk("ssm:GetParameter", &error);
    assert_eq!((error.kind, error.retry), (ErrorKind::RateLimited, Retry::Same));
    assert_eq!(requests.lock().unwrap().len(), 1, "the SDK repeats nothing");
}

#[tokio::test]
async fn the_region_and_addresses_come_from_where_the_cli_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    let text = "[default]\nregion = eu-north-1\n[profile shop]\nregion = eu-south-1\nendpoint_url = http://127.0.0.1:9\n";
    std::fs::write(&config, text).unwrap();
    let files = ("AWS_CONFIG_FILE", config.to_str().unwrap());
    let account = |more: &[(&str, &str)], settings: Settings| {
        let vars: Vec<_> = [files].iter().chain(more).copied().collect();
        Account::new(settings, environment(&vars))
    };
    let region = async |more: &[(&str, &str)], settings: Settings| {
        account(more, settings).region().await.map(str::to_owned)
    };
    let named = |profile: &str| Settings { profile: Some(profile.to_owned()), ..Settings::default() };
    assert_eq!(region(&[], Settings::default()).await.unwrap(), "eu-north-1");
    assert_eq!(region(&[("AWS_PROFILE", "shop")], Settings::default()).await.unwrap(), "eu-south-1");
    assert_eq!(region(&[("AWS_DEFAULT_REGION", "x-1")], named("shop")).await.unwrap(), "x-1");
    assert_eq!(
        region(&[("AWS_DEFAULT_REGION", "x-1"), ("AWS_REGION", "y-1")], named("shop")).await.unwrap(),
        "y-1"
    );
    let error = region(&[], named("nobody")).await.unwrap_err();
    assert!(error.kind == ErrorKind::Invalid && error.message.contains("default, shop"), "{error}");
    let shop = account(&[("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:8")], named("shop"));
    assert_eq!(shop.address(Service::Ecs).await.unwrap(), "http://127.0.0.1:9");
    assert_eq!(shop.address(Service::Ssm).await.unwrap(), "http://127.0.0.1:8");
    let own = account(&[("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")], named("shop"));
    assert_eq!(own.address(Service::Ecs).await.unwrap(), "https://ecs.eu-south-1.amazonaws.com");
}

#[tokio::test]
async fn without_a_region_or_credentials_it_says_what_to_do() {
    let none = Account::new(Settings::default(), environment(&[]));
    let error = none.call("ecs:ListTasks", &Value::Null).await.unwrap_err();
    assert!(error.kind == ErrorKind::Invalid && error.remedy.unwrap().contains("region="));
    let vars = [("AWS_REGION", "eu-west-1"), ("AWS_EC2_METADATA_DISABLED", "true")];
    let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let nobody = Account::new(Settings::default(), Environment { vars, ..Environment::default() });
    let error = nobody.call("ecs:ListTasks", &Value::Null).await.unwrap_err();
    assert!(error.kind == ErrorKind::Unauthenticated && error.remedy.unwrap().contains("aws sso login"));
}

#[tokio::test]
async fn a_home_without_the_clis_files_is_enough() {
    let home = tempfile::tempdir().unwrap();
    let vars = environment(&[("AWS_REGION", "eu-west-1"), ("AWS_CONFIG_FILE", "/does/not/exist")]).vars;
    let environment = Environment { vars, home: Some(home.path().to_owned()), ..Environment::default() };
    assert_eq!(Account::new(Settings::default(), environment).region().await.unwrap(), "eu-west-1");
}

#[tokio::test]
async fn credentials_of_a_profile_are_taken_only_where_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials");
    std::fs::write(&file, "[shop]\naws_access_key_id = OFPROFILE\naws_secret_access_key = geheim\n").unwrap();
    let both =
        environment(&[("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap()), ("AWS_REGION", "eu-west-1")]);
    for (profile, expect) in [(None, "Credential=AKID/"), (Some("shop"), "Credential=OFPROFILE/")] {
        let (address, requests) = server(&[&answer("200 OK", "{}")]).await;
        let settings = Settings {
            profile: profile.map(str::to_owned),
            endpoint_url: Some(address),
            ..Settings::default()
        };
        Account::new(settings, both.clone()).call("ecs:ListTasks", &Value::Null).await.unwrap();
        assert!(requests.lock().unwrap()[0].contains(expect), "{expect}");
    }
}
