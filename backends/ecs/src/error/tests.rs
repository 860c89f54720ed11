use super::*;

fn answer(operation: &'static str, status: u16, code: &str, message: &str) -> Error {
    answered(Operation::read(operation).unwrap(), status, code, message)
}

fn check(operation: &'static str, status: u16, (code, message): (&str, &str), expect: (ErrorKind, Retry)) {
    let error = answer(operation, status, code, message);
    assert_eq!((error.kind, error.retry), expect, "{operation} {code}: {message}");
}

#[test]
fn codes_mean_what_is_done_about_them() {
    use ErrorKind::{
        AlreadyExists, Conflict, Forbidden, Invalid, LimitExceeded, Locked, NotFound, RateLimited, Timeout,
        Unauthenticated, Unreachable, Unsupported,
    };
    let draining = "Unable to Start a service that is still Draining.";
    check("ecs:CreateService", 400, ("InvalidParameterException", draining), (Locked, Retry::Same));
    let twice = "Creation of service was not idempotent.";
    check("ecs:CreateService", 400, ("InvalidParameterException", twice), (AlreadyExists, Retry::Never));
    check("ecs:CreateService", 400, ("InvalidParameterException", "no"), (Invalid, Retry::Never));
    check("ecs:CreateService", 400, ("ClusterNotFoundException", ""), (Invalid, Retry::Never));
    check("ecs:UpdateService", 400, ("ServiceNotFoundException", ""), (NotFound, Retry::Never));
    check("ecs:UpdateService", 400, ("ServiceNotActiveException", ""), (Conflict, Retry::AfterRead));
    check(
        "ecs:DescribeTaskDefinition",
        400,
        ("ClientException", "Unable to describe task definition."),
        (NotFound, Retry::Never),
    );
    check("ecs:RunTask", 400, ("ThrottlingException", "Rate exceeded"), (RateLimited, Retry::Same));
    check("ecs:RunTask", 500, ("ServerException", ""), (Timeout, Retry::Same));
    check("ecs:RunTask", 503, ("", ""), (Unreachable, Retry::Same));
    check("ecs:RunTask", 400, ("PlatformUnknownException", ""), (Unsupported, Retry::Never));
    check("ssm:PutParameter", 400, ("ParameterAlreadyExists", ""), (AlreadyExists, Retry::Never));
    check("ssm:PutParameter", 400, ("ParameterLimitExceeded", ""), (LimitExceeded, Retry::Never));
    check("ssm:PutParameter", 400, ("TooManyUpdates", ""), (RateLimited, Retry::Same));
    check("elbv2:CreateRule", 400, ("PriorityInUse", ""), (Conflict, Retry::AfterRead));
    check("elbv2:DeleteTargetGroup", 400, ("ResourceInUse", ""), (Conflict, Retry::Same));
    check("elbv2:CreateTargetGroup", 400, ("DuplicateTargetGroupName", ""), (AlreadyExists, Retry::Never));
    check("ec2:DeleteSecurityGroup", 400, ("DependencyViolation", ""), (Conflict, Retry::Same));
    check("ec2:CreateSecurityGroup", 400, ("InvalidGroup.Duplicate", ""), (AlreadyExists, Retry::Never));
    check("ec2:DescribeSubnets", 400, ("InvalidSubnetID.NotFound", ""), (NotFound, Retry::Never));
    check("logs:CreateLogGroup", 400, ("ResourceAlreadyExistsException", ""), (AlreadyExists, Retry::Never));
    check("scheduler:CreateSchedule", 409, ("ConflictException", ""), (AlreadyExists, Retry::Never));
    check("scheduler:UpdateSchedule", 409, ("ConflictException", ""), (Conflict, Retry::Same));
    check("secretsmanager:CreateSecret", 400, ("ResourceExistsException", ""), (AlreadyExists, Retry::Never));
    check("ecs:ListTasks", 400, ("ExpiredTokenException", ""), (Unauthenticated, Retry::Never));
    check("ecs:ListTasks", 400, ("AccessDeniedException", "User: x"), (Forbidden, Retry::Never));
    check("ec2:DescribeSubnets", 403, ("UnauthorizedOperation", ""), (Forbidden, Retry::Never));
}

#[test]
fn a_refusal_names_the_right_that_is_missing() {
    let error = answer("elbv2:CreateRule", 403, "AccessDenied", "User: a is not authorized");
    assert_eq!(
        error.remedy.as_deref(),
        Some("the right `elasticloadbalancing:CreateRule` for whoever calls")
    );
    let expect = "cannot create rule (call elbv2:CreateRule): User: a is not authorized (AccessDenied)";
    assert_eq!(error.to_string(), expect);
}

#[test]
fn what_was_signed_and_what_is_secret_is_not_quoted() {
    let quoted = "The request signature we calculated does not match. Canonical: x-amz-security-token:GEHEIM";
    let error = answer("ecs:ListTasks", 403, "SignatureDoesNotMatch", quoted);
    assert!(!format!("{error:?}").contains("GEHEIM"), "{error:?}");
    let encoded = "You are not authorized. Encoded authorization failure message: GEHEIM";
    let error = answer("ec2:DescribeSubnets", 403, "UnauthorizedOperation", encoded);
    assert!(!format!("{error:?}").contains("GEHEIM"), "{error:?}");
    let echoed = "1 validation error detected: Value 'hunter22' at 'secretString' failed";
    let error = answer("secretsmanager:CreateSecret", 400, "ValidationException", echoed);
    let error = without(error, &["hunter22", "a"]);
    assert!(!error.message.contains("hunter22") && error.message.contains("failed"), "{error}");
}

#[test]
fn errors_in_json_are_read_wherever_the_code_is() {
    let read = |kind: Option<&str>, text: &str| {
        Answer { status: 400, kind: kind.map(str::to_owned), text: text.to_owned() }.json_error()
    };
    let expect = |code: &str, message: &str| Some((code.to_owned(), message.to_owned()));
    let typed = r#"{"__type":"com.amazonaws.ecs#ClientException","message":"no"}"#;
    assert_eq!(read(None, typed), expect("ClientException", "no"));
    let header = Some("ValidationException:http://internal/");
    assert_eq!(read(header, r#"{"Message":"no"}"#), expect("ValidationException", "no"));
    assert_eq!(
        read(None, r#"{"ErrorCode":"FileSystemNotFound","Message":"no"}"#),
        expect("FileSystemNotFound", "no")
    );
    assert_eq!(read(None, "<html>"), None);
}

#[test]
fn long_messages_are_cut() {
    let error = answer("ecs:CreateService", 400, "ClientException", &"x".repeat(5000));
    assert!(error.message.chars().count() <= MAX_MESSAGE + 1);
}
