//! Every error code that we know of, and what it means.

use rhumb_backend::{ErrorKind, Retry};

use super::Meaning;
use crate::connect::{Operation, Service};

/// What a code means; the status and the message tell where the code does not.
///
/// Source: the API references of each service, "Common errors" and each operation's own.
pub(super) fn meaning(operation: Operation, status: u16, code: &str, message: &str) -> Meaning {
    let code = code.strip_prefix("Client.").unwrap_or(code);
    by_message(operation, code, message)
        .or_else(|| access(operation, code))
        .or_else(|| by_code(operation, code))
        .or_else(|| by_ending(code))
        .unwrap_or_else(|| by_status(status))
}

fn new(kind: ErrorKind, retry: Retry) -> Meaning {
    Meaning { kind, retry, remedy: None, message: None }
}

impl Meaning {
    fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    fn message(mut self, message: &'static str) -> Self {
        self.message = Some(message);
        self
    }
}

/// Codes that mean several things, which only the message tells apart.
fn by_message(operation: Operation, code: &str, message: &str) -> Option<Meaning> {
    let says = |text: &str| message.to_ascii_lowercase().contains(text);
    let meaning = match (operation.service, code) {
        (Service::Ecs, _) if says("still draining") || says("is draining") => {
            new(ErrorKind::Locked, Retry::Same).remedy("wait until the old service's tasks have stopped")
        }
        (Service::Ecs, "InvalidParameterException") if says("not idempotent") => {
            new(ErrorKind::AlreadyExists, Retry::Never)
        }
        // Load balancers and roles that were just made are not known everywhere at once.
        (Service::Ecs, "InvalidParameterException") if says("does not have an associated load balancer") => {
            new(ErrorKind::Conflict, Retry::Same)
        }
        (Service::Ecs, _) if says("unable to assume the service linked role") => new(ErrorKind::Conflict, Retry::Same)
            .remedy("`aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com`"),
        (Service::Ecs, _) if says("unable to assume the role") || says("role is not valid") => {
            new(ErrorKind::Invalid, Retry::Never)
                .remedy("a role that trusts ecs-tasks.amazonaws.com; `rhumb target check` looks at each")
        }
        (Service::Ecs, "ClientException") if says("unable to describe task definition") => {
            new(ErrorKind::NotFound, Retry::Never)
        }
        (Service::Ecs, "InvalidParameterException") if says("long arn") || says("new arn") => {
            new(ErrorKind::Unsupported, Retry::Never)
                .remedy("`aws ecs put-account-setting-default --name serviceLongArnFormat --value enabled`")
        }
        (Service::SecretsManager, "InvalidRequestException") if says("scheduled for deletion") => {
            new(ErrorKind::Conflict, Retry::Same).remedy(
                "`aws secretsmanager delete-secret --force-delete-without-recovery --secret-id …`, which frees its name",
            )
        }
        (Service::Scheduler, "ConflictException") if operation.name == "CreateSchedule" => {
            new(ErrorKind::AlreadyExists, Retry::Never)
        }
        (Service::AutoScaling, "ValidationException") if says("service linked role") => {
            new(ErrorKind::Conflict, Retry::Same)
        }
        _ => return None,
    };
    Some(meaning)
}

/// Who calls, and what they may.
fn access(operation: Operation, code: &str) -> Option<Meaning> {
    let unknown = || new(ErrorKind::Unauthenticated, Retry::Never);
    let meaning = match code {
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" | "TokenRefreshRequired" => unknown()
            .message("the credentials have expired")
            .remedy("`aws sso login`, or whatever gives you credentials, and then the command again"),
        "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "RequestTimeTooSkewed"
        | "InvalidHTTPRequest" => unknown()
            .message("the signature does not match: the secret key is wrong, or this machine's clock is")
            .remedy("see `date`, and `aws sts get-caller-identity` with the same profile"),
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "AuthFailure"
        | "InvalidToken"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException" => unknown()
            .message("AWS does not know the credentials in this region")
            .remedy("see `aws sts get-caller-identity` with the same profile and region"),
        "AccessDenied"
        | "AccessDeniedException"
        | "UnauthorizedOperation"
        | "UnauthorizedException"
        | "AuthorizationError"
        | "AuthorizationErrorException"
        | "NotAuthorized" => {
            let right = format!("{}:{}", operation.service.signing_name(), operation.name);
            new(ErrorKind::Forbidden, Retry::Never).remedy(format!("the right `{right}` for whoever calls"))
        }
        "OptInRequired" | "SubscriptionRequiredException" => {
            new(ErrorKind::Forbidden, Retry::Never).remedy("enable the service or the region for the account")
        }
        _ => return None,
    };
    Some(meaning)
}

fn by_code(operation: Operation, code: &str) -> Option<Meaning> {
    let meaning = match code {
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "TooManyRequests"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "ProvisionedThroughputExceededException"
        | "PriorRequestNotComplete"
        | "SlowDown"
        | "TooManyUpdates"
        | "BandwidthLimitExceeded" => new(ErrorKind::RateLimited, Retry::Same),
        // A call that looks for something in a cluster that is not there must not say that the thing is not there.
        "ClusterNotFoundException" => new(ErrorKind::Invalid, Retry::Never).remedy(
            "`aws ecs create-cluster --cluster-name …`, or another `cluster` in the target's settings",
        ),
        "ServiceNotActiveException" | "PriorityInUse" => new(ErrorKind::Conflict, Retry::AfterRead),
        "ConcurrentUpdateException"
        | "OperationAbortedException"
        | "UpdateInProgressException"
        | "ConflictException"
        | "ConcurrentModificationException"
        // What uses it may be on its way out.
        | "ResourceInUse"
        | "ResourceInUseException"
        | "DependencyViolation"
        | "InvalidGroup.InUse" => new(ErrorKind::Conflict, Retry::Same),
        "PlatformTaskDefinitionIncompatibilityException"
        | "PlatformUnknownException"
        | "UnsupportedFeatureException"
        | "InvalidAction"
        | "UnknownOperationException"
        | "NotImplemented" => new(ErrorKind::Unsupported, Retry::Never),
        "TargetNotConnectedException" => new(ErrorKind::Unsupported, Retry::Same)
            .remedy("wait until the task's agent is up; it needs a task role with the `ssmmessages` rights"),
        "NoSuchEntity" | "ParameterNotFound" => new(ErrorKind::NotFound, Retry::Never),
        "ResourceExistsException" => new(ErrorKind::AlreadyExists, Retry::Never),
        "TooManyTargetGroups" | "TooManyListeners" | "TooManyRules" | "TooManyTargets" | "TooManyTags" => {
            quota(operation)
        }
        "RequestTimeout" | "RequestTimeoutException" => new(ErrorKind::Timeout, Retry::Same),
        _ => return None,
    };
    Some(meaning)
}

fn quota(operation: Operation) -> Meaning {
    let service = operation.service.signing_name();
    new(ErrorKind::LimitExceeded, Retry::Never)
        .remedy(format!("a larger quota (`aws service-quotas list-service-quotas --service-code {service}`)"))
}

/// Codes that AWS's services build alike: `TargetGroupNotFound`, `ParameterAlreadyExists`, `InvalidSubnetID.NotFound`.
fn by_ending(code: &str) -> Option<Meaning> {
    let stem = code.strip_suffix("Exception").unwrap_or(code);
    let meaning = match stem {
        _ if stem.ends_with("NotFound") => new(ErrorKind::NotFound, Retry::Never),
        _ if stem.ends_with("AlreadyExists")
            || stem.ends_with("Duplicate")
            || stem.starts_with("Duplicate") =>
        {
            new(ErrorKind::AlreadyExists, Retry::Never)
        }
        _ if stem.ends_with("LimitExceeded") || stem.ends_with("QuotaExceeded") => {
            new(ErrorKind::LimitExceeded, Retry::Never)
                .remedy("a larger quota for the account, or fewer of them")
        }
        _ if stem.ends_with("InternalServerError") || stem.starts_with("Internal") || stem == "Server" => {
            new(ErrorKind::Timeout, Retry::Same)
        }
        _ if stem.starts_with("ServiceUnavailable") => new(ErrorKind::Unreachable, Retry::Same),
        _ => return None,
    };
    Some(meaning)
}

fn by_status(status: u16) -> Meaning {
    match status {
        401 => new(ErrorKind::Unauthenticated, Retry::Never),
        403 => new(ErrorKind::Forbidden, Retry::Never),
        404 => new(ErrorKind::NotFound, Retry::Never),
        409 => new(ErrorKind::Conflict, Retry::Same),
        429 => new(ErrorKind::RateLimited, Retry::Same),
        502..=504 => new(ErrorKind::Unreachable, Retry::Same),
        // Whether the call was carried out is unknown.
        500.. => new(ErrorKind::Timeout, Retry::Same),
        400..=499 => new(ErrorKind::Invalid, Retry::Never),
        _ => new(ErrorKind::Platform, Retry::Never),
    }
}
