//! botocore's models of services, and what they say of a request or an answer.

mod forms;
mod rest;
mod shapes;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::Method;
use flate2::read::GzDecoder;
use serde_json::Value;

use super::request::{Call, Protocol};
use shapes::Checker;

/// The models, each read when its service is first called.
#[derive(Debug)]
pub(super) struct Models {
    folder: PathBuf,
    read: Mutex<BTreeMap<String, Option<Arc<Model>>>>,
}

/// The model of one service.
#[derive(Debug)]
pub(super) struct Model {
    value: Value,
}

impl Models {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), read: Mutex::default() }
    }

    /// The model of a service by its name in botocore; none where botocore knows no such service.
    pub(super) fn of(&self, service: &str) -> Option<Arc<Model>> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let load = || load(&self.folder.join(service)).ok().map(|value| Arc::new(Model { value }));
        read.entry(service.to_owned()).or_insert_with(load).clone()
    }
}

/// The newest model in a service's folder.
fn load(folder: &Path) -> io::Result<Value> {
    let mut versions: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    versions.sort();
    let newest = versions.pop().ok_or(io::ErrorKind::NotFound)?;
    let plain = newest.join("service-2.json");
    let mut text = String::new();
    if plain.exists() {
        text = fs::read_to_string(plain)?;
    } else {
        GzDecoder::new(fs::File::open(newest.join("service-2.json.gz"))?).read_to_string(&mut text)?;
    }
    serde_json::from_str(&text).map_err(io::Error::other)
}

impl Model {
    /// The operation of a REST request, by its method and path.
    pub(super) fn operation_at(&self, method: &Method, path: &str) -> Option<&str> {
        rest::operation_at(&self.value, method, path)
    }

    /// What is wrong with a request. `path` is with its query.
    pub(super) fn check_request(&self, call: &Call, path: &str, body: &[u8]) -> Vec<String> {
        let Some(operation) = self.value["operations"].get(&call.operation) else {
            return vec![format!("{}: there is no such operation", call.name())];
        };
        let mut checker = Checker::new(&self.value);
        let input = operation.pointer("/input/shape").and_then(Value::as_str);
        match (call.protocol, input) {
            (_, None) => {}
            (Protocol::Json, Some(shape)) => match read_json(body) {
                Ok(value) => checker.check(shape, &value, ""),
                Err(error) => checker.found.push(error),
            },
            (Protocol::RestJson, Some(shape)) => rest::check(&mut checker, operation, shape, path, body),
            (Protocol::Query | Protocol::Ec2, Some(shape)) => {
                forms::check(&mut checker, call.protocol, shape, body);
            }
        }
        let name = call.name();
        checker.found.into_iter().map(|found| format!("{name}: {found}")).collect()
    }

    /// What is wrong with the JSON of an answer.
    pub(super) fn check_answer(&self, operation: &str, answer: &Value) -> Vec<String> {
        let pointer = format!("/operations/{operation}/output/shape");
        let Some(shape) = self.value.pointer(&pointer).and_then(Value::as_str) else { return Vec::new() };
        let mut checker = Checker::new(&self.value);
        checker.check(shape, answer, "");
        checker.found.into_iter().map(|found| format!("the answer of {operation}: {found}")).collect()
    }

    /// Whether an operation may end with this error, by its model or because any may.
    pub(super) fn may_fail_with(&self, operation: &str, code: &str) -> bool {
        let any =
            ["ThrottlingException", "ValidationException", "UnknownOperationException", "InternalFailure"];
        let pointer = format!("/operations/{operation}/errors");
        let modelled = self.value.pointer(&pointer).and_then(Value::as_array).into_iter().flatten();
        any.contains(&code) || modelled.into_iter().any(|error| error["shape"] == code)
    }
}

/// A body of JSON; an empty one is an empty object.
fn read_json(body: &[u8]) -> Result<Value, String> {
    if body.is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    serde_json::from_slice(body).map_err(|error| format!("the body is no JSON: {error}"))
}
