//! Changing things in place.

use std::collections::BTreeSet;

use rhumb_backend::{ErrorKind, FieldChange, Receipt, Result};
use serde_json::{Map, Value, json};

use super::priority::is_priority_in_use;
use super::requests::{self, Request};
use super::{Work, material, retag};
use crate::change::FORCE;
use crate::kind::Kind;
use crate::observe::last_segment;
use crate::pages::items;

impl Work<'_> {
    /// Changes what is there: with the calls that take the fields which differ, and no others.
    pub(super) async fn update(&self) -> Result<Receipt> {
        let Some(native) = self.step.native.clone() else { return self.create().await };
        let changes = &self.step.changes;
        let mut answer = Value::Null;
        for request in changed(self.account.cluster(), self.kind, &native, (self.body(), changes)) {
            answer = match self.send(&request).await {
                // It went away, be it because what it led to had to be made anew.
                Err(error) if error.kind == ErrorKind::NotFound => return self.create().await,
                Err(error) if is_priority_in_use(&error) => self.move_to_another(&native, error).await?,
                answer => answer?,
            };
        }
        if self.kind == Kind::Secret && touches(changes, "SecretString") {
            self.refill(&native).await?;
        }
        if self.kind == Kind::SecurityGroup && touches(changes, "ingress") {
            self.close(&native).await?;
        }
        if ["ingress", "retentionInDays", "Attributes"].iter().any(|field| touches(changes, field)) {
            self.complete(&native).await?;
        }
        for request in retag::requests(self.kind, &self.tagged(&native).await?, self.body(), changes) {
            self.send(&request).await?;
        }
        if self.kind == Kind::Service && answer.get("service").is_some() {
            return self.made(&answer);
        }
        self.look().await
    }

    /// Puts another content into a secret that keeps its name.
    async fn refill(&self, native: &str) -> Result<()> {
        let mut body = json!({ "SecretId": native, "SecretString": self.body().get("SecretString") });
        let hidden = material::fill(self.kind, &mut body, self.materials)?;
        let put = self.call("secretsmanager:PutSecretValue", &body).await;
        put.map(drop).map_err(|error| hidden.strike(error))
    }

    /// By what a thing is tagged: a log group, which every other call takes by its name, by its ARN.
    async fn tagged(&self, native: &str) -> Result<String> {
        if self.kind != Kind::LogGroup {
            return Ok(native.to_owned());
        }
        let live = self.find().await?;
        Ok(live.and_then(|live| live.outputs.get("arn").cloned()).unwrap_or_else(|| native.to_owned()))
    }

    /// Shuts out who came in by a rule that is not wanted any more.
    async fn close(&self, group: &str) -> Result<()> {
        let described = self.call("ec2:DescribeSecurityGroups", &json!({ "GroupIds": [group] })).await?;
        let Some(there) = items(&described, "SecurityGroups").next() else { return Ok(()) };
        let wanted: Vec<&Value> = items(self.body(), "ingress").collect();
        let is_wanted = |rule: &Value| {
            let same = |field: &str, other: &Value| rule.get(field) == other.get(field);
            wanted
                .iter()
                .any(|other| ["IpProtocol", "FromPort", "ToPort"].iter().all(|field| same(field, other)))
        };
        let unwanted: Vec<&Value> = items(there, "IpPermissions").filter(|rule| !is_wanted(rule)).collect();
        if unwanted.is_empty() {
            return Ok(());
        }
        let body = json!({ "GroupId": group, "IpPermissions": unwanted });
        self.call("ec2:RevokeSecurityGroupIngress", &body).await.map(drop)
    }
}

/// Whether a field is among what changes.
fn touches(changes: &[FieldChange], field: &str) -> bool {
    changes.iter().any(|change| top(&change.path) == field)
}

fn top(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}

/// The requests that bring a thing to what is wanted, its tags aside.
///
/// Source: the calls that change things in each service's API reference, and the fields that they take.
pub(super) fn changed(
    cluster: &str,
    kind: Kind,
    native: &str,
    (body, changes): (&Value, &[FieldChange]),
) -> Vec<Request> {
    let of = |fields: &[&'static str]| picked(body, changes, fields);
    let with = |mut fields: Map<String, Value>, key: &str, value: Value| {
        fields.insert(key.to_owned(), value);
        Value::Object(fields)
    };
    match kind {
        Kind::Service => service(cluster, native, body, changes),
        Kind::TargetGroup => {
            let fields = of(&HEALTH_CHECK);
            let request = |fields| with(fields, "TargetGroupArn", native.into());
            not_empty(fields)
                .map(|fields| Request::new("elbv2:ModifyTargetGroup", request(fields)))
                .into_iter()
                .collect()
        }
        Kind::Listener => {
            let fields = of(&[
                "Port",
                "Protocol",
                "SslPolicy",
                "Certificates",
                "DefaultActions",
                "AlpnPolicy",
                "MutualAuthentication",
            ]);
            let request = |fields| with(fields, "ListenerArn", native.into());
            not_empty(fields)
                .map(|fields| Request::new("elbv2:ModifyListener", request(fields)))
                .into_iter()
                .collect()
        }
        Kind::ListenerRule => rule(native, body, changes),
        Kind::Discovery => discovery(native, body, changes),
        Kind::Parameter => parameter(body, changes),
        // These calls take the whole, and make or change alike.
        Kind::ScalableTarget | Kind::ScalingPolicy => vec![requests::create(kind, body)],
        Kind::Schedule => {
            vec![Request { operation: "scheduler:UpdateSchedule", ..requests::create(kind, body) }]
        }
        Kind::SecurityGroup
        | Kind::LogGroup
        | Kind::AccessPoint
        | Kind::Secret
        | Kind::TaskDefinition
        | Kind::Task => Vec::new(),
    }
}

const HEALTH_CHECK: [&str; 9] = [
    "HealthCheckProtocol",
    "HealthCheckPort",
    "HealthCheckPath",
    "HealthCheckEnabled",
    "HealthCheckIntervalSeconds",
    "HealthCheckTimeoutSeconds",
    "HealthyThresholdCount",
    "UnhealthyThresholdCount",
    "Matcher",
];

fn not_empty(fields: Map<String, Value>) -> Option<Map<String, Value>> {
    (!fields.is_empty()).then_some(fields)
}

/// Those of the fields that differ, as a whole each.
fn picked(body: &Value, changes: &[FieldChange], fields: &[&'static str]) -> Map<String, Value> {
    let touched = fields.iter().filter(|field| touches(changes, field));
    touched
        .filter_map(|field| Some(((*field).to_owned(), body.get(*field).cloned().or_else(|| unset(field))?)))
        .collect()
}

/// What says that a field of a service is not wanted any more.
///
/// Source: Amazon ECS API reference, `UpdateService`: "by passing an empty list".
fn unset(field: &str) -> Option<Value> {
    match field {
        "loadBalancers"
        | "serviceRegistries"
        | "capacityProviderStrategy"
        | "placementConstraints"
        | "placementStrategy"
        | "volumeConfigurations"
        | "vpcLatticeConfigurations" => Some(json!([])),
        "serviceConnectConfiguration" => Some(json!({ "enabled": false })),
        "Description" => Some(json!("")),
        _ => None,
    }
}

/// Capacity providers are used by new tasks only, so that a change of them is a new deployment.
fn service(cluster: &str, native: &str, body: &Value, changes: &[FieldChange]) -> Vec<Request> {
    let mut fields = picked(body, changes, &SERVICE);
    let is_forced = body.get(FORCE).and_then(Value::as_bool).unwrap_or(false);
    if is_forced || touches(changes, "capacityProviderStrategy") || touches(changes, "propagateTags") {
        fields.insert(FORCE.to_owned(), true.into());
    }
    if fields.is_empty() {
        return Vec::new();
    }
    // What was given up is asked for again as a whole: the circuit breaker may have gone back to another definition.
    if is_forced && let Some(definition) = body.get("taskDefinition") {
        fields.insert("taskDefinition".to_owned(), definition.clone());
    }
    fields.insert("cluster".to_owned(), cluster.into());
    fields.insert("service".to_owned(), native.into());
    vec![Request::new("ecs:UpdateService", Value::Object(fields))]
}

const SERVICE: [&str; 17] = [
    "desiredCount",
    "taskDefinition",
    "capacityProviderStrategy",
    "deploymentConfiguration",
    "availabilityZoneRebalancing",
    "networkConfiguration",
    "placementConstraints",
    "placementStrategy",
    "platformVersion",
    "healthCheckGracePeriodSeconds",
    "deploymentController",
    "enableExecuteCommand",
    "enableECSManagedTags",
    "loadBalancers",
    "propagateTags",
    "serviceRegistries",
    "serviceConnectConfiguration",
];

/// A parameter that keeps its name is written over, which takes no tags.
fn parameter(body: &Value, changes: &[FieldChange]) -> Vec<Request> {
    if changes.iter().all(|change| top(&change.path) == "Tags") {
        return Vec::new();
    }
    let mut request = requests::create(Kind::Parameter, body);
    if let Some(fields) = request.body.as_object_mut() {
        fields.shift_remove("Tags");
        fields.insert("Overwrite".to_owned(), true.into());
    }
    vec![request]
}

fn rule(native: &str, body: &Value, changes: &[FieldChange]) -> Vec<Request> {
    let mut requests = Vec::new();
    let mut fields = picked(body, changes, &["Conditions", "Actions", "Transforms"]);
    if !fields.is_empty() {
        fields.insert("RuleArn".to_owned(), native.into());
        requests.push(Request::new("elbv2:ModifyRule", Value::Object(fields)));
    }
    if touches(changes, "Priority") {
        let priorities = json!([{ "RuleArn": native, "Priority": body.get("Priority") }]);
        let body = json!({ "RulePriorities": priorities });
        requests.push(Request::new("elbv2:SetRulePriorities", body));
    }
    requests
}

/// Cloud Map takes what it can change together, and what is left out of it is as if it were removed.
fn discovery(native: &str, body: &Value, changes: &[FieldChange]) -> Vec<Request> {
    let taken: BTreeSet<&str> = ["Description", "DnsConfig", "HealthCheckConfig"].into();
    if !changes.iter().any(|change| taken.contains(top(&change.path))) {
        return Vec::new();
    }
    let mut service = Map::new();
    service.insert("Description".to_owned(), body.get("Description").cloned().unwrap_or_else(|| "".into()));
    if let Some(records) = body.pointer("/DnsConfig/DnsRecords") {
        service.insert("DnsConfig".to_owned(), json!({ "DnsRecords": records }));
    }
    if let Some(check) = body.get("HealthCheckConfig") {
        service.insert("HealthCheckConfig".to_owned(), check.clone());
    }
    let body = json!({ "Id": last_segment(native), "Service": service });
    vec![Request::new("servicediscovery:UpdateService", body)]
}

#[cfg(test)]
mod tests;
