//! A service.

use rhumb_backend::fields::{self, Fields};
use rhumb_backend::{Object, reference};
use serde_json::{Map, Value};

use super::{Work, container, deploy, labels};
use crate::lower::{Body, REGISTRY_AUTH};

impl Work {
    /// Adds a service.
    ///
    /// Source: docker/cli, `cli/compose/convert/service.go`, which makes the `ServiceSpec` of it.
    pub(super) fn service(&mut self, object: &Object, read: &mut Fields<'_>) {
        let Some(key) = self.key(&object.id).cloned() else { return };
        let native = read.text("Name").unwrap_or_default();
        if native != format!("{}_{key}", self.stack) {
            let why =
                format!("the service is called {native} by a release, and {}_{key} by the stack", self.stack);
            read.lost("Name", 1, &why);
        }
        tell_of_registry(read);
        let service_labels = labels(read);
        let mut deploy = deploy::deploy(read);
        deploy.set_filled("labels", service_labels);
        let mut body = Body::new();
        if let Some(mut task) = read.below("TaskTemplate") {
            deploy::of_task(&mut deploy, &mut task);
            container::container(self, &mut task, &mut body);
            body.set_filled("networks", self.networks_of(&key, &mut task));
            body.set_some("logging", logging(&mut task));
        }
        body.set_filled("ports", ports(read));
        body.set_filled("deploy", deploy.into_value());
        self.services.insert(key, body.into_value());
    }

    /// The networks of a service with its names there; nothing where it is on the stack's own network under its own
    /// name only, as the CLI has it by itself.
    fn networks_of(&self, service: &str, task: &mut Fields<'_>) -> Value {
        let Some(Value::Array(items)) = task.take_whole("Networks") else { return Value::Null };
        let mut found = Map::new();
        for (at, item) in items.into_iter().enumerate() {
            let path = format!("{}.{at}", task.at("Networks"));
            let Value::Object(mut map) = item else { continue };
            let mut read = Fields::new(&mut map, path, task.ledger());
            let target = read.take("Target", |target| Some(reference::parse(target)?.0));
            let Some(key) = target.and_then(|id| self.key(&id).cloned()) else { continue };
            let aliases = read.texts("Aliases");
            if !aliases.iter().any(|alias| alias == service) {
                let why = format!("docker stack deploy makes the name {service} known on the network, too");
                read.lost("Aliases", 0, &why);
            }
            let others: Vec<String> = aliases.into_iter().filter(|alias| alias != service).collect();
            let mut body = Body::new();
            body.set_filled("aliases", others);
            super::shared::tell_rest(map, &format!("{}.{at}", task.at("Networks")), task);
            found.insert(key, body.into_value());
        }
        let is_default =
            found.len() == 1 && found.get("default").is_some_and(|on| on == &Value::Object(Map::new()));
        if is_default { Value::Null } else { Value::Object(found) }
    }
}

/// The credentials of a registry are nothing that a file says.
fn tell_of_registry(read: &mut Fields<'_>) {
    if read.take_whole(REGISTRY_AUTH).is_some() {
        let why = "the registry's credentials are not in the file: `docker login`, and `docker stack deploy --with-registry-auth`";
        read.lost(REGISTRY_AUTH, 1, why);
    }
}

fn logging(task: &mut Fields<'_>) -> Option<Value> {
    let mut driver = task.below("LogDriver")?;
    let mut body = Body::new();
    body.set_some("driver", driver.text("Name"));
    body.set_some(
        "options",
        driver.take("Options", fields::text_map).and_then(|map| serde_json::to_value(map).ok()),
    );
    Some(body.into_value())
}

fn ports(read: &mut Fields<'_>) -> Vec<Value> {
    let Some(mut endpoint) = read.below("EndpointSpec") else { return Vec::new() };
    let Some(Value::Array(items)) = endpoint.take_whole("Ports") else { return Vec::new() };
    let mut found = Vec::new();
    for (at, item) in items.into_iter().enumerate() {
        let Value::Object(mut map) = item else { continue };
        let path = format!("{}.{at}", endpoint.at("Ports"));
        let mut port = Fields::new(&mut map, path.clone(), endpoint.ledger());
        let mut body = Body::new();
        body.set_some("target", port.small("TargetPort"))
            .set_some("published", port.small("PublishedPort"))
            .set_some("protocol", port.text("Protocol"))
            .set_some("mode", port.text("PublishMode"));
        super::shared::tell_rest(map, &path, &endpoint);
        found.push(body.into_value());
    }
    found
}
