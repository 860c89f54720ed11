//! What ECS does in other services for its tasks: it looks for their logs and secrets, and makes their addresses known.

use serde_json::{Value, json};

use super::json::{list, number, text, text_or_empty};
use super::moto::Calls;
use super::state::{Service, Task};

/// Something to be done in other services.
#[derive(Debug)]
pub(super) enum Effect {
    /// Finds out whether a task's log groups, secrets and parameters are there.
    Prepare { cluster: String, task: String, groups: Vec<String>, sources: Vec<String> },
    /// Writes the lines that containers print.
    Logs { streams: Vec<(String, String)>, lines: Vec<String> },
    /// Makes a task's address known.
    Register(Known),
    /// Takes it back.
    Deregister(Known),
}

/// Where a task is known.
#[derive(Debug)]
pub(super) struct Known {
    task: String,
    address: String,
    /// ARNs of target groups, with ports.
    groups: Vec<(String, u64)>,
    /// Ids of Cloud Map services.
    services: Vec<String>,
}

impl Effect {
    pub(super) fn prepare(cluster: &str, task: &Task, definition: &Value) -> Self {
        let containers = list(definition, "containerDefinitions");
        let secrets = containers.iter().flat_map(|container| list(container, "secrets"));
        Self::Prepare {
            cluster: cluster.to_owned(),
            task: task.id.clone(),
            groups: containers
                .iter()
                .filter_map(|container| log_option(container, "awslogs-group"))
                .collect(),
            sources: secrets.map(|secret| text_or_empty(secret, "valueFrom").to_owned()).collect(),
        }
    }

    pub(super) fn logs(task: &Task, definition: &Value) -> Self {
        let stream = |container: &Value| {
            let group = log_option(container, "awslogs-group")?;
            let prefix = log_option(container, "awslogs-stream-prefix")?;
            Some((group, format!("{prefix}/{}/{}", text_or_empty(container, "name"), task.id)))
        };
        Self::Logs {
            streams: list(definition, "containerDefinitions").iter().filter_map(stream).collect(),
            lines: if task.logs.is_empty() { vec!["started".to_owned()] } else { task.logs.clone() },
        }
    }

    pub(super) fn register(task: &Task, service: &Service) -> Self {
        Self::Register(Known::new(task, service))
    }

    pub(super) fn deregister(task: &Task, service: &Service) -> Self {
        Self::Deregister(Known::new(task, service))
    }

    /// Does it. The result is of a [`Effect::Prepare`] only: what keeps the task from starting.
    pub(super) async fn carry_out(self, calls: &Calls) -> Result<(), String> {
        match self {
            Self::Prepare { groups, sources, .. } => {
                for source in &sources {
                    require_source(calls, source).await?;
                }
                for group in &groups {
                    require_group(calls, group).await?;
                }
            }
            Self::Logs { streams, lines } => {
                for (group, stream) in streams {
                    write_logs(calls, &group, &stream, &lines).await;
                }
            }
            Self::Register(known) => known.register(calls).await,
            Self::Deregister(known) => known.deregister(calls).await,
        }
        Ok(())
    }
}

fn log_option(container: &Value, key: &str) -> Option<String> {
    let logs = container.get("logConfiguration")?;
    if text(logs, "logDriver") != Some("awslogs") {
        return None;
    }
    text(logs.get("options")?, key).map(str::to_owned)
}

/// Source: Amazon ECS developer guide, "Stopped tasks errors": `ResourceInitializationError`.
async fn require_source(calls: &Calls, source: &str) -> Result<(), String> {
    let found = if source.contains(":secretsmanager:") {
        let parts: Vec<&str> = source.splitn(8, ':').collect();
        let id = parts.get(..7).map_or_else(|| source.to_owned(), |parts| parts.join(":"));
        let answer =
            calls.json("secretsmanager", "secretsmanager.GetSecretValue", &json!({ "SecretId": id })).await;
        let key = parts.get(7).and_then(|rest| rest.split(':').next()).filter(|key| !key.is_empty());
        answer.and_then(|answer| require_key(&answer, key))
    } else {
        let name = source.split_once(":parameter").map_or(source, |(_, name)| name);
        let body = json!({ "Name": name, "WithDecryption": true });
        calls.json("ssm", "AmazonSSM.GetParameter", &body).await.map(drop)
    };
    found.map_err(|why| {
        let what = if source.contains(":secretsmanager:") { "asm" } else { "ssm" };
        format!(
            "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from {what}: {source}: {}",
            why.lines().next().unwrap_or_default()
        )
    })
}

/// A JSON key that a reference names must be in the secret.
fn require_key(answer: &Value, key: Option<&str>) -> Result<(), String> {
    let Some(key) = key else { return Ok(()) };
    let secret: Value = serde_json::from_str(text_or_empty(answer, "SecretString")).unwrap_or_default();
    if secret.get(key).is_some() {
        Ok(())
    } else {
        Err(format!("retrieved secret from Secrets Manager did not contain json key {key}"))
    }
}

async fn require_group(calls: &Calls, group: &str) -> Result<(), String> {
    let body = json!({ "logGroupNamePrefix": group });
    let answer = calls.json("logs", "Logs_20140328.DescribeLogGroups", &body).await?;
    if list(&answer, "logGroups").iter().any(|found| text(found, "logGroupName") == Some(group)) {
        return Ok(());
    }
    Err(format!(
        "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. : exit status 1 (log group {group})"
    ))
}

async fn write_logs(calls: &Calls, group: &str, stream: &str, lines: &[String]) {
    let stream_body = json!({ "logGroupName": group, "logStreamName": stream });
    let now = jiff::Timestamp::now().as_millisecond();
    let events: Vec<Value> = lines.iter().map(|line| json!({ "timestamp": now, "message": line })).collect();
    let mut put = stream_body.clone();
    put["logEvents"] = json!(events);
    // A group that was deleted while the task started takes no more lines, as on AWS.
    if calls.json("logs", "Logs_20140328.CreateLogStream", &stream_body).await.is_ok() {
        let _ = calls.json("logs", "Logs_20140328.PutLogEvents", &put).await;
    }
}

impl Known {
    fn new(task: &Task, service: &Service) -> Self {
        let body = Value::Object(service.body.clone());
        let groups = list(&body, "loadBalancers").iter().filter_map(|balancer| {
            Some((text(balancer, "targetGroupArn")?.to_owned(), number(balancer, "containerPort")?))
        });
        let services = list(&body, "serviceRegistries")
            .iter()
            .filter_map(|registry| text(registry, "registryArn")?.rsplit('/').next().map(str::to_owned));
        Self {
            task: task.id.clone(),
            address: task.address.clone(),
            groups: groups.collect(),
            services: services.collect(),
        }
    }

    async fn register(&self, calls: &Calls) {
        self.tell_groups(calls, "RegisterTargets").await;
        for service in &self.services {
            let attributes = json!({ "AWS_INSTANCE_IPV4": self.address, "ECS_TASK": self.task });
            let body = json!({ "ServiceId": service, "InstanceId": self.task, "Attributes": attributes });
            let _ =
                calls.json("servicediscovery", "Route53AutoNaming_v20170314.RegisterInstance", &body).await;
        }
    }

    async fn deregister(&self, calls: &Calls) {
        self.tell_groups(calls, "DeregisterTargets").await;
        for service in &self.services {
            let body = json!({ "ServiceId": service, "InstanceId": self.task });
            let _ =
                calls.json("servicediscovery", "Route53AutoNaming_v20170314.DeregisterInstance", &body).await;
        }
    }

    async fn tell_groups(&self, calls: &Calls, action: &str) {
        for (group, port) in &self.groups {
            let port = port.to_string();
            let parameters = [
                ("Action", action),
                ("Version", "2015-12-01"),
                ("TargetGroupArn", group),
                ("Targets.member.1.Id", &self.address),
                ("Targets.member.1.Port", &port),
            ];
            let _ = calls.query("elasticloadbalancing", &parameters).await;
        }
    }
}

/// Tells moto of a service that was made or goes: its Application Auto Scaling asks its own ECS whether there is one.
pub(super) async fn mirror(calls: &Calls, operation: &str, input: &Value) {
    const TARGET: &str = "AmazonEC2ContainerServiceV20141113";
    let cluster = text(input, "cluster").unwrap_or("default");
    let cluster = cluster.rsplit('/').next().unwrap_or(cluster);
    let tell = async |operation: &str, body: Value| {
        // Without the service there, a scalable target is refused, which says more than this would.
        let _ = calls.json("ecs", &format!("{TARGET}.{operation}"), &body).await;
    };
    if operation == "CreateService" {
        let containers = json!([{ "name": "one", "image": "one", "memory": 64 }]);
        tell("CreateCluster", json!({ "clusterName": cluster })).await;
        tell("RegisterTaskDefinition", json!({ "family": "one", "containerDefinitions": containers })).await;
        let name = text_or_empty(input, "serviceName");
        let service =
            json!({ "cluster": cluster, "serviceName": name, "taskDefinition": "one", "desiredCount": 0 });
        tell("CreateService", service).await;
    } else {
        let name = text_or_empty(input, "service");
        let name = name.rsplit('/').next().unwrap_or(name);
        tell("DeleteService", json!({ "cluster": cluster, "service": name, "force": true })).await;
    }
}

/// Refuses a service whose balancers, registries or namespace are not there.
///
/// Source: Amazon ECS API reference, `CreateService`, errors.
pub(super) async fn require_neighbours(calls: &Calls, input: &Value) -> Result<(), (&'static str, String)> {
    for balancer in list(input, "loadBalancers") {
        let group = text_or_empty(balancer, "targetGroupArn");
        let parameters = [
            ("Action", "DescribeTargetGroups"),
            ("Version", "2015-12-01"),
            ("TargetGroupArns.member.1", group),
        ];
        let answer = calls.query("elasticloadbalancing", &parameters).await;
        let answer = answer.map_err(|_| {
            ("InvalidParameterException", format!("The target group {group} does not exist."))
        })?;
        if !answer.contains("<LoadBalancerArns>") || !answer.contains(":loadbalancer/") {
            return Err((
                "InvalidParameterException",
                format!(
                    "The target group with targetGroupArn {group} does not have an associated load balancer."
                ),
            ));
        }
    }
    for registry in list(input, "serviceRegistries") {
        let arn = text_or_empty(registry, "registryArn");
        let id = arn.rsplit('/').next().unwrap_or_default();
        let body = json!({ "Id": id });
        let answer = calls.json("servicediscovery", "Route53AutoNaming_v20170314.GetService", &body).await;
        answer.map_err(|_| {
            ("InvalidParameterException", format!("The service registry {arn} does not exist."))
        })?;
    }
    let connect =
        input.get("serviceConnectConfiguration").filter(|connect| connect["enabled"] == json!(true));
    let Some(namespace) = connect.and_then(|connect| text(connect, "namespace")) else { return Ok(()) };
    let answer =
        calls.json("servicediscovery", "Route53AutoNaming_v20170314.ListNamespaces", &json!({})).await;
    let known = answer.is_ok_and(|answer| {
        let names = list(&answer, "Namespaces").iter();
        names
            .into_iter()
            .any(|found| ["Arn", "Name", "Id"].iter().any(|key| text(found, key) == Some(namespace)))
    });
    if known {
        Ok(())
    } else {
        Err(("NamespaceNotFoundException", format!("The namespace {namespace} does not exist.")))
    }
}
