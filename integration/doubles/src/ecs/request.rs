//! Which call of which service a request is.

use axum::http::{HeaderMap, Method, header};

/// How a service is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// JSON 1.1 with the operation in `X-Amz-Target`.
    Json,
    /// JSON with the operation in the method and the path.
    RestJson,
    /// Forms, answered in XML.
    Query,
    /// EC2's own kind of forms.
    Ec2,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    /// The service's name in botocore.
    pub(super) service: String,
    /// The operation; of a service that names it in the path, the method and the path until the model is asked.
    pub(super) operation: String,
    /// How it is spoken to.
    pub(super) protocol: Protocol,
}

impl Call {
    /// `ecs:CreateService`.
    pub(super) fn name(&self) -> String {
        format!("{}:{}", self.service, self.operation)
    }

    /// Reads a request; none when it bears no signature of an AWS client.
    pub(super) fn read(method: &Method, path: &str, headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let service = botocore_name(signed_service(headers)?).to_owned();
        if let Some(target) = headers.get("x-amz-target").and_then(|value| value.to_str().ok()) {
            let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
            return Some(Self { service, operation, protocol: Protocol::Json });
        }
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if content_type.is_some_and(|value| value.starts_with("application/x-www-form-urlencoded")) {
            let action = form_urlencoded::parse(body).find(|(key, _)| key == "Action")?.1.into_owned();
            let protocol = if service == "ec2" { Protocol::Ec2 } else { Protocol::Query };
            return Some(Self { service, operation: action, protocol });
        }
        Some(Self { service, operation: format!("{method} {path}"), protocol: Protocol::RestJson })
    }
}

/// The service that a signature is for.
///
/// Source: AWS Signature Version 4, `Credential=<key>/<date>/<region>/<service>/aws4_request`.
fn signed_service(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let credential = value.split_once("Credential=")?.1.split(',').next()?;
    let mut parts = credential.trim().rsplit('/');
    (parts.next()? == "aws4_request").then_some(())?;
    parts.next()
}

fn botocore_name(signing: &str) -> &str {
    match signing {
        "elasticloadbalancing" => "elbv2",
        "elasticfilesystem" => "efs",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(service: &str, extra: &[(&'static str, &str)]) -> HeaderMap {
        let value = format!(
            "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host"
        );
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().expect("a header"));
        for (name, value) in extra {
            headers.insert(*name, value.parse().expect("a header"));
        }
        headers
    }

    #[test]
    fn calls_are_known() {
        let target = [("x-amz-target", "AmazonEC2ContainerServiceV20141113.CreateService")];
        let form = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
        for (headers, path, body, expected) in [
            (signed("ecs", &target), "/", "{}", "ecs:CreateService"),
            (signed("elasticloadbalancing", &form), "/", "Version=1&Action=CreateRule", "elbv2:CreateRule"),
            (signed("scheduler", &[]), "/schedules/a", "{}", "scheduler:POST /schedules/a"),
        ] {
            let call = Call::read(&Method::POST, path, &headers, body.as_bytes()).expect("a call");
            assert_eq!(call.name(), expected);
        }
        assert_eq!(Call::read(&Method::POST, "/", &HeaderMap::new(), b""), None);
    }
}
