//! Making things.

use std::collections::BTreeMap;

use rhumb_backend::{Error, ErrorKind, Object, Receipt, Result, Retry};
use serde_json::{Value, json};

use super::priority::is_priority_in_use;
use super::{Work, material, requests};
use crate::kind::Kind;
use crate::lower;
use crate::marks::{Shape, Tags};
use crate::names;
use crate::pages::text;
use crate::rollout::Rollout;

impl Work<'_> {
    /// Makes what is wanted. What has its name already is recognised where it is ours, so that an answer that got lost does
    /// no harm.
    pub(super) async fn create(&self) -> Result<Receipt> {
        if self.kind == Kind::Task {
            return self.run().await;
        }
        let mut request = requests::create(self.kind, self.body());
        if self.kind == Kind::TaskDefinition {
            self.mark(&mut request.body);
        }
        let hidden = material::fill(self.kind, &mut request.body, self.materials)?;
        let answer = self.send(&request).await.map_err(|error| hidden.strike(error));
        let receipt = match answer {
            Ok(answer) => self.made(&answer)?,
            Err(error) if self.kind == Kind::Secret && (is_taken(&error) || is_being_deleted(&error)) => {
                self.reclaim(&request.body).await.map_err(|error| hidden.strike(error))?
            }
            Err(error) if is_priority_in_use(&error) => self.create_at_another(request, error).await?,
            Err(error) if is_taken(&error) => self.recognise(error).await?,
            Err(error) => return Err(explain(error)),
        };
        self.complete(&receipt.native).await?;
        Ok(receipt)
    }

    /// Marks a revision that is registered again after somebody deregistered the one that was adopted, which bore no marks.
    fn mark(&self, body: &mut Value) {
        let mut tags = Tags::read(body.get("tags"));
        let Object { id, generation, workload, .. } = &self.step.object;
        if tags.are_of(self.scope) {
            return;
        }
        let marks = [
            (names::NAMESPACE, Some(&self.scope.namespace)),
            (names::RELEASE, Some(&self.scope.release)),
            (names::OBJECT, Some(&id.to_string())),
            (names::GENERATION, generation.as_ref()),
            (names::WORKLOAD, workload.as_ref()),
        ]
        .map(|(key, value)| Some((key.to_owned(), value?.clone())));
        tags.0.extend(marks.into_iter().flatten());
        if let Some(fields) = body.as_object_mut() {
            fields.insert("tags".to_owned(), tags.to_value(Shape::Lower));
        }
    }

    /// What goes to AWS in calls of its own.
    pub(super) async fn complete(&self, native: &str) -> Result<()> {
        let body = self.body();
        match self.kind {
            Kind::LogGroup => {
                if let Some(days) = body.get("retentionInDays") {
                    let name = requests::log_group(native);
                    let policy = json!({ "logGroupName": name, "retentionInDays": days });
                    self.call("logs:PutRetentionPolicy", &policy).await?;
                }
            }
            Kind::TargetGroup => {
                if let Some(attributes) = body.get("Attributes") {
                    let change = json!({ "TargetGroupArn": native, "Attributes": attributes });
                    self.call("elbv2:ModifyTargetGroupAttributes", &change).await?;
                }
            }
            Kind::SecurityGroup => self.open(native).await?,
            _ => {}
        }
        Ok(())
    }

    /// Lets in who may come in. A rule that is there is no error.
    async fn open(&self, group: &str) -> Result<()> {
        for rule in crate::pages::items(self.body(), "ingress") {
            let rule = own_group(rule, group);
            let body = json!({ "GroupId": group, "IpPermissions": [rule] });
            match self.call("ec2:AuthorizeSecurityGroupIngress", &body).await {
                Err(error) if !error.message.contains("already exists") && !is_taken(&error) => {
                    return Err(error);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// A secret whose name is taken: our own, be it that it waits to be deleted, or another's. Its name tells what it holds
    /// unless it waits or keeps its name; then it is given what is wanted.
    async fn reclaim(&self, body: &Value) -> Result<Receipt> {
        let name = text(body, "Name").unwrap_or_default();
        let id = json!({ "SecretId": name });
        let described = self.call("secretsmanager:DescribeSecret", &id).await?;
        let tags = Tags::read(described.get("Tags"));
        if !tags.are_of(self.scope) {
            let message = format!("the name is taken, and {}", crate::observe::owner(&tags));
            return Err(Error::new(ErrorKind::NotOwned, self.kind.creating(), message)
                .with("name", name)
                .remedy("choose another release name, or remove the other one at once"));
        }
        let is_waiting = described.get("DeletedDate").is_some_and(|date| !date.is_null());
        if is_waiting {
            self.call("secretsmanager:RestoreSecret", &id).await?;
        }
        if is_waiting || self.step.object.generation.is_none() {
            let value = json!({ "SecretId": name, "SecretString": body.get("SecretString") });
            self.call("secretsmanager:PutSecretValue", &value).await?;
        }
        self.made(&described)
    }

    /// What a call that made a thing left behind.
    pub(super) fn made(&self, answer: &Value) -> Result<Receipt> {
        let (native, mut outputs) = outputs(self.kind, answer, self.body()).ok_or_else(|| {
            let message = "AWS's answer does not name what was made";
            Error::new(ErrorKind::Platform, self.kind.creating(), message).retry(Retry::AfterRead)
        })?;
        if answer.get("LifeCycleState").and_then(Value::as_str) == Some("creating") {
            outputs.insert("state".to_owned(), "creating".to_owned());
        }
        let rollout = answer.get("service").filter(|_| self.kind == Kind::Service);
        Ok(Receipt {
            id: self.step.id.clone(),
            native,
            workload: self.step.object.workload.clone(),
            outputs,
            rollout: rollout.map(|service| Rollout::of_service(service).to_value()).unwrap_or_default(),
        })
    }
}

/// What else an error means here.
///
/// A call that was not answered may have made it. Most kinds have a name or a token by which a repeated call is known,
/// and task definitions have neither: a look tells before anything is made again.
pub(super) fn explain(error: Error) -> Error {
    let is_unsure = matches!(error.kind, ErrorKind::Timeout | ErrorKind::Unreachable);
    if is_unsure && error.retry == Retry::Same {
        return error.retry(Retry::AfterRead);
    }
    if is_draining(&error) {
        return Error { kind: ErrorKind::Locked, ..error }
            .retry(Retry::Same)
            .remedy("wait until the service of this name has drained");
    }
    error
}

/// The rule with the group's id where it means the group itself.
fn own_group(rule: &Value, group: &str) -> Value {
    let mut rule = rule.clone();
    let pairs = rule.get_mut("UserIdGroupPairs").and_then(Value::as_array_mut).into_iter().flatten();
    for pair in pairs.filter(|pair| text(pair, "GroupId") == Some(lower::SELF)) {
        pair["GroupId"] = group.into();
    }
    rule
}

/// Source: the errors of each service's API reference; Amazon ECS says `InvalidParameterException` with "Creation of service
/// was not idempotent".
pub(super) fn is_taken(error: &Error) -> bool {
    error.kind == ErrorKind::AlreadyExists
        || error.message.contains("not idempotent")
        || is_priority_in_use(error)
}

/// Source: Amazon ECS: `InvalidParameterException`, "Unable to Start a service that is still Draining".
pub(super) fn is_draining(error: &Error) -> bool {
    error.message.to_lowercase().contains("still draining")
}

/// Source: AWS Secrets Manager: `InvalidRequestException`, "a secret with this name is already scheduled for deletion".
fn is_being_deleted(error: &Error) -> bool {
    error.message.contains("scheduled for deletion") || error.message.contains("marked for deletion")
}

/// The native of what was made, and what others may refer to.
///
/// Source: the answers in each service's API reference.
fn outputs(kind: Kind, answer: &Value, body: &Value) -> Option<(String, BTreeMap<String, String>)> {
    let at = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str);
    let named = |field: &str| text(body, field);
    // What is called by, what it is called, its ARN, its id.
    let (native, name, arn, id) = match kind {
        Kind::SecurityGroup => (at("/GroupId")?, named("GroupName"), at("/SecurityGroupArn"), at("/GroupId")),
        Kind::LogGroup => (named("logGroupName")?, named("logGroupName"), None, None),
        Kind::AccessPoint => {
            (at("/AccessPointId")?, at("/Name"), at("/AccessPointArn"), at("/AccessPointId"))
        }
        Kind::Parameter => (named("Name")?, named("Name"), None, None),
        Kind::Secret => (named("Name")?, named("Name"), at("/ARN"), None),
        Kind::Discovery => (at("/Service/Arn")?, named("Name"), at("/Service/Arn"), at("/Service/Id")),
        Kind::TargetGroup => {
            let arn = at("/TargetGroups/0/TargetGroupArn");
            (arn?, named("Name"), arn, None)
        }
        Kind::Listener => {
            let arn = at("/Listeners/0/ListenerArn");
            (arn?, arn, arn, None)
        }
        Kind::ListenerRule => {
            let arn = at("/Rules/0/RuleArn");
            (arn?, arn, arn, None)
        }
        Kind::TaskDefinition => {
            let arn = at("/taskDefinition/taskDefinitionArn");
            (arn?, named("family"), arn, None)
        }
        Kind::Service => {
            (at("/service/serviceArn")?, at("/service/serviceName"), at("/service/serviceArn"), None)
        }
        Kind::Task => (at("/tasks/0/startedBy")?, None, at("/tasks/0/taskArn"), None),
        Kind::ScalableTarget => (named("ResourceId")?, named("ResourceId"), at("/ScalableTargetARN"), None),
        Kind::ScalingPolicy => (named("PolicyName")?, named("PolicyName"), at("/PolicyARN"), None),
        Kind::Schedule => (named("Name")?, named("Name"), at("/ScheduleArn"), None),
    };
    let outputs = [("name", name), ("arn", arn), ("id", id)];
    let told = outputs.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())));
    Some((native.to_owned(), told.collect()))
}
