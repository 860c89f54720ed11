use kube::core::Status;
use rhumb_backend::{ErrorKind, Retry};
use serde_json::{Value, json};

use super::*;

fn of(status: Value) -> Error {
    let status: Status = serde_json::from_value(status).unwrap();
    of_status("create the deployment", &status)
}

fn failure(code: u16, reason: &str, message: &str) -> Value {
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code,
        "reason": reason, "message": message })
}

/// One case: code, reason and message of the Status, then kind, retry and a part of the error's text and remedy.
type Case = (u16, &'static str, &'static str, ErrorKind, Retry, &'static str);

#[test]
fn every_refusal_has_its_kind() {
    for (code, reason, message, kind, retry, part) in CASES {
        let error = of(failure(*code, reason, message));
        assert_eq!((error.kind, error.retry), (*kind, *retry), "{message}");
        let text = format!("{error}\n{}", error.remedy.clone().unwrap_or_default());
        assert!(text.contains(part), "{text} lacks {part}");
    }
}

const CASES: &[Case] = &[
    (
        500,
        "",
        "failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): .spec.replica: field not declared in schema",
        ErrorKind::Invalid,
        Retry::Never,
        ".spec.replica",
    ),
    (401, "Unauthorized", "Unauthorized", ErrorKind::Unauthenticated, Retry::Never, "log in again"),
    (
        403,
        "Forbidden",
        "deployments.apps \"web\" is forbidden: User \"ada\" cannot patch resource \"deployments\" in API group \"apps\" in the namespace \"shop\"",
        ErrorKind::Forbidden,
        Retry::Never,
        "a Role in the namespace shop with verbs [patch] on deployments.apps",
    ),
    (
        403,
        "Forbidden",
        "nodes is forbidden: User \"ada\" cannot list resource \"nodes\" in API group \"\" at the cluster scope",
        ErrorKind::Forbidden,
        Retry::Never,
        "a ClusterRole with verbs [list] on nodes,",
    ),
    (
        403,
        "Forbidden",
        "pods \"web\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2",
        ErrorKind::LimitExceeded,
        Retry::Never,
        "kubectl describe resourcequota",
    ),
    (
        403,
        "Forbidden",
        "secrets \"x\" is forbidden: unable to create new content in namespace shop because it is being terminated",
        ErrorKind::Conflict,
        Retry::Never,
        "the namespace shop is being deleted",
    ),
    (404, "NotFound", "deployments.apps \"web\" not found", ErrorKind::NotFound, Retry::Never, "not found"),
    (
        404,
        "NotFound",
        "the server could not find the requested resource",
        ErrorKind::NotFound,
        Retry::Never,
        "api-resources",
    ),
    (
        409,
        "AlreadyExists",
        "secrets \"x\" already exists",
        ErrorKind::AlreadyExists,
        Retry::Never,
        "already exists",
    ),
    (
        409,
        "AlreadyExists",
        "object is being deleted: persistentvolumeclaims \"data\" already exists",
        ErrorKind::Conflict,
        Retry::Same,
        "is being deleted",
    ),
    (
        409,
        "Conflict",
        "Operation cannot be fulfilled on secrets \"x\": the object has been modified",
        ErrorKind::Conflict,
        Retry::AfterRead,
        "modified",
    ),
    (
        413,
        "RequestEntityTooLarge",
        "Request entity too large: limit is 3145728",
        ErrorKind::LimitExceeded,
        Retry::Never,
        "1 MiB",
    ),
    (500, "", "etcdserver: request is too large", ErrorKind::LimitExceeded, Retry::Never, "1 MiB"),
    (
        429,
        "TooManyRequests",
        "too many requests, please try again later",
        ErrorKind::RateLimited,
        Retry::Same,
        "try again",
    ),
    (
        500,
        "InternalError",
        "Internal error occurred: etcdserver: leader changed",
        ErrorKind::Platform,
        Retry::Same,
        "leader changed",
    ),
    (500, "", "etcdserver: request timed out", ErrorKind::Platform, Retry::Same, "timed out"),
    (502, "", "502 Bad Gateway", ErrorKind::Platform, Retry::Same, "Bad Gateway"),
    (
        503,
        "ServiceUnavailable",
        "apiserver is shutting down",
        ErrorKind::Unreachable,
        Retry::Same,
        "shutting down",
    ),
    (
        504,
        "Timeout",
        "Timeout: request did not complete within the allotted timeout",
        ErrorKind::Timeout,
        Retry::Same,
        "allotted",
    ),
    (
        500,
        "InternalError",
        "Internal error occurred: failed calling webhook \"check.example.com\": failed to call webhook: Post \"https://x\": dial tcp: connection refused",
        ErrorKind::Platform,
        Retry::Same,
        "the admission webhook check.example.com does not answer",
    ),
    (
        400,
        "BadRequest",
        "admission webhook \"check.example.com\" denied the request: no latest tags",
        ErrorKind::Invalid,
        Retry::Never,
        "the admission webhook check.example.com refuses it: no latest tags",
    ),
    (
        422,
        "Invalid",
        "deployments.apps \"web\" is forbidden: ValidatingAdmissionPolicy 'replicas' with binding 'all' denied request: at most 5",
        ErrorKind::Invalid,
        Retry::Never,
        "the admission policy replicas refuses it: at most 5",
    ),
];

#[test]
fn what_is_invalid_is_told_with_every_field() {
    let mut status = failure(422, "Invalid", "Deployment.apps \"web\" is invalid: […]");
    status["details"] = json!({ "name": "web", "group": "apps", "kind": "Deployment", "causes": [
        { "reason": "FieldValueInvalid", "message": "Invalid value: -1: must be greater than or equal to 0", "field": "spec.replicas" },
        { "reason": "FieldValueRequired", "message": "Required value", "field": "spec.template.spec.containers[0].image" },
    ] });
    let error = of(status);
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert_eq!(
        error.message,
        "spec.replicas: Invalid value: -1: must be greater than or equal to 0; \
         spec.template.spec.containers[0].image: Required value"
    );
}

#[test]
fn a_missing_namespace_can_be_made() {
    let mut status = failure(404, "NotFound", "namespaces \"shop\" not found");
    status["details"] = json!({ "name": "shop", "kind": "namespaces" });
    assert!(of(status).remedy.unwrap().contains("--create-namespace"));
}

#[test]
fn what_a_secret_holds_is_never_told() {
    let mut status =
        failure(422, "Invalid", "Secret \"db\" is invalid: data[key]: Invalid value: \"canary\": too odd");
    status["details"] = json!({ "name": "db", "kind": "Secret", "causes": [
        { "reason": "FieldValueInvalid", "message": "Invalid value: \"canary\": too odd", "field": "data[key]" },
        { "reason": "FieldValueForbidden", "message": "Forbidden: field is immutable when `immutable` is set", "field": "data" },
    ] });
    let told = format!("{:?}", of(status));
    assert!(!told.contains("canary"), "{told}");
    assert!(told.contains("data[key]: Invalid value") && told.contains("field is immutable"), "{told}");
    let typed = "failed to create typed patch object (shop/db; /v1, Kind=Secret): .data.key: expected string, got canary";
    let told = format!("{:?}", of(failure(400, "BadRequest", typed)));
    assert!(!told.contains("canary"), "{told}");
}
