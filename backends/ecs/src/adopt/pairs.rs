//! Which of what is there is which of what the chart makes.

use std::collections::BTreeSet;

use rhumb_backend::{Object, ObjectId, Ownership, reference};
use rhumb_spec::Diagnostic;
use serde_json::Value;

use super::ways;
use crate::collect::There;
use crate::kind::Kind;
use crate::lift::{Names, document_name};
use crate::observe::last_segment;
use crate::pages::{items, text};

/// Something that is there, under the id by which the release wants it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pair<'v> {
    pub(super) id: ObjectId,
    /// As its service of AWS describes it.
    pub(super) document: &'v Value,
    /// Whether an uninstall leaves it, because something that is not the release's uses it.
    pub(super) ownership: Ownership,
}

/// What is there of what is wanted, and what is left alone.
#[derive(Debug, Default)]
pub(super) struct Pairs<'v> {
    pub(super) found: Vec<Pair<'v>>,
    pub(super) notes: Vec<Diagnostic>,
}

/// Finds what is there of what is wanted: a service by its name or by the name that an import gives it, and everything
/// else by what leads from one to the other.
pub(super) fn pairs<'v>(there: &'v There, want: &[Object]) -> Pairs<'v> {
    let mut pairing = Pairing { there, want, pairs: Pairs::default() };
    pairing.runners();
    pairing.scaling();
    pairing.ways();
    pairing.share();
    pairing.tell();
    pairing.pairs
}

struct Pairing<'v, 'w> {
    there: &'v There,
    want: &'w [Object],
    pairs: Pairs<'v>,
}

impl<'v, 'w> Pairing<'v, 'w> {
    fn wanted(&self, id: &ObjectId) -> Option<&'w Object> {
        self.want.iter().find(|object| object.id == *id)
    }

    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &'w Object> + use<'v, 'w> {
        self.want.iter().filter(move |object| Kind::of(&object.id) == Some(kind))
    }

    fn add(&mut self, id: ObjectId, document: &'v Value) {
        let is_new = |pair: &Pair<'_>| pair.id != id;
        if self.pairs.found.iter().all(is_new) {
            self.pairs.found.push(Pair { id, document, ownership: Ownership::Owned });
        }
    }

    fn is_paired(&self, document: &Value) -> bool {
        self.pairs.found.iter().any(|pair| std::ptr::eq(pair.document, document))
    }

    /// What is there of a wanted object.
    fn of(&self, id: &ObjectId) -> Option<&'v Value> {
        self.pairs.found.iter().find(|pair| pair.id == *id).map(|pair| pair.document)
    }

    /// Services and schedules, with what they run and what they are behind. Their names are given in the order in which an
    /// import gives them.
    fn runners(&mut self) {
        let mut names = Names::default();
        let there = self.there;
        let services = there.services.iter().map(|service| (Kind::Service, service, "serviceName"));
        let schedules = there.schedules.iter().map(|schedule| (Kind::Schedule, schedule, "Name"));
        for (kind, document, field) in services.chain(schedules) {
            let native = text(document, field).unwrap_or_default();
            let name = names.add(&format!("{}/{native}", kind.as_str()), native);
            let is_it = |object: &&Object| text(&object.body, field) == Some(native);
            let by_name = self.of_kind(kind).find(is_it);
            let Some(want) = by_name.or_else(|| self.wanted(&kind.id(&name))) else { continue };
            self.add(want.id.clone(), document);
            self.definition(&want.id, document);
            self.balanced(want, document);
            self.registered(want, document);
        }
    }

    fn definition(&mut self, runner: &ObjectId, document: &Value) {
        let id = Kind::TaskDefinition.id(runner.name());
        let Some(arn) = definition_of(document) else { return };
        let found = self.there.definitions.iter().find(|answer| is_definition(answer, arn));
        if let (Some(found), Some(_)) = (found, self.wanted(&id)) {
            self.add(id, found);
        }
    }

    fn balanced(&mut self, want: &Object, service: &Value) {
        for item in items(&want.body, "loadBalancers") {
            let same = items(service, "loadBalancers").find(|other| is_same_port(item, other));
            let Some(same) = same else { continue };
            for pointer in ["/targetGroupArn", "/advancedConfiguration/alternateTargetGroupArn"] {
                let wanted = item.pointer(pointer).and_then(reference::parse);
                let arn = same.pointer(pointer).and_then(Value::as_str);
                let group = self.there.groups.iter().find(|group| text(group, "TargetGroupArn") == arn);
                if let (Some((id, _)), Some(group)) = (wanted, group)
                    && !self.is_paired(group)
                {
                    self.add(id, group);
                }
            }
        }
    }

    fn registered(&mut self, want: &Object, service: &Value) {
        let first = |body: &Value| items(body, "serviceRegistries").next()?.get("registryArn").cloned();
        let wanted = first(&want.body).and_then(|arn| Some(reference::parse(&arn)?.0));
        let arn = first(service);
        let arn = arn.as_ref().and_then(Value::as_str);
        let found = self.there.registries.iter().find(|registry| text(registry, "Arn") == arn);
        if let (Some(id), Some(found)) = (wanted, found)
            && !self.is_paired(found)
        {
            self.add(id, found);
        }
    }

    /// Scalable targets by their services, and policies by what they measure.
    fn scaling(&mut self) {
        for target in self.of_kind(Kind::ScalableTarget) {
            let name = self.of(&Kind::Service.id(target.id.name()));
            let Some(name) = name.and_then(|service| text(service, "serviceName")) else { continue };
            let is_of = |of: &&Value| text(of, "ResourceId").map(last_segment) == Some(name);
            let of_service: Vec<&'v Value> = self.there.scaling.iter().filter(is_of).collect();
            let found = of_service.iter().find(|of| text(of, "PolicyName").is_none());
            if let Some(found) = found {
                self.add(target.id.clone(), found);
            }
            let resource = target.body.get("ResourceId");
            for policy in self.of_kind(Kind::ScalingPolicy) {
                let is_it = |of: &&&Value| metric(of).is_some() && metric(of) == metric(&policy.body);
                let found = of_service.iter().find(is_it);
                if let (Some(found), true) = (found, policy.body.get("ResourceId") == resource) {
                    self.add(policy.id.clone(), found);
                }
            }
        }
    }

    /// Rules and listeners by the target groups that they lead to, and by their hosts and paths.
    fn ways(&mut self) {
        let there = self.there;
        for way in &there.ways {
            let kind = if way.get("DefaultActions").is_some() { Kind::Listener } else { Kind::ListenerRule };
            let is_http = text(way, "Protocol").is_some_and(|protocol| protocol.starts_with("HTTP"));
            if kind == Kind::Listener && is_http {
                continue;
            }
            let groups = ways::groups(way);
            let leads = |object: &&Object| !groups.is_empty() && self.leads_to(object) == groups;
            let alike = self.of_kind(kind).filter(leads).filter(|object| ways::meets(&object.body, way));
            let alike: Vec<&Object> = alike.collect();
            match alike.as_slice() {
                [one] if ways::is_same(&one.body, way) => self.add(one.id.clone(), way),
                [_, _, ..] => self.pairs.notes.push(several(way, &alike)),
                _ => {}
            }
        }
    }

    /// The ARNs of what is there of the target groups that a wanted rule or listener leads to.
    fn leads_to(&self, object: &Object) -> BTreeSet<&'v str> {
        let groups = reference::targets(&object.body).into_iter();
        groups.filter_map(|id| text(self.of(&id)?, "TargetGroupArn")).collect()
    }

    /// What something uses that is not the release's is left by an uninstall.
    fn share(&mut self) {
        let unpaired = |document: &&Value| !self.is_paired(document);
        let services: Vec<&Value> = self.there.services.iter().filter(unpaired).collect();
        let ways: Vec<&Value> = self.there.ways.iter().filter(unpaired).collect();
        let users = services.into_iter().chain(&self.there.others).chain(ways);
        let texts: Vec<String> = users.map(Value::to_string).collect();
        let is_used = |arn: &str| texts.iter().any(|text| text.contains(&format!("\"{arn}\"")));
        for pair in &mut self.pairs.found {
            let arn = text(pair.document, "TargetGroupArn")
                .filter(|_| Kind::of(&pair.id) == Some(Kind::TargetGroup))
                .or_else(|| {
                    text(pair.document, "Arn").filter(|_| Kind::of(&pair.id) == Some(Kind::Discovery))
                });
            if let Some(arn) = arn.filter(|arn| is_used(arn)) {
                pair.ownership = Ownership::Kept;
                self.pairs.notes.push(shared(&pair.id, arn));
            }
        }
    }

    /// Says what is left alone of what was asked for.
    fn tell(&mut self) {
        let there = self.there;
        let of_services = there.services.iter().map(|service| (service, "service", "serviceName"));
        let of_schedules = there.schedules.iter().map(|schedule| (schedule, "schedule", "Name"));
        let of_scaling = there.scaling.iter().map(|of| match text(of, "PolicyName") {
            Some(_) => (of, "scaling policy", "PolicyName"),
            None => (of, "scalable target", "ResourceId"),
        });
        let of_groups = there.groups.iter().map(|group| (group, "target group", "TargetGroupName"));
        for (document, word, field) in of_services.chain(of_schedules).chain(of_scaling).chain(of_groups) {
            if !self.is_paired(document) {
                let name = text(document, field).unwrap_or_default();
                let what = format!("the {word} {name} stays as it is and is not the release's");
                let note = Diagnostic::warning(format!("{word}/{name}"), what);
                self.pairs.notes.push(note.why("the chart has nothing that is it"));
            }
        }
    }
}

/// The ARN of the task definition that a service or a schedule runs, which of a schedule may name no revision.
pub(super) fn definition_of(runner: &Value) -> Option<&str> {
    let of_schedule = || runner.pointer("/Target/EcsParameters/TaskDefinitionArn")?.as_str();
    text(runner, "taskDefinition").or_else(of_schedule)
}

/// Whether an answer describes the task definition of an ARN: without a revision it is the newest.
pub(super) fn is_definition(answer: &Value, named: &str) -> bool {
    let arn = answer.pointer("/taskDefinition/taskDefinitionArn").and_then(Value::as_str).unwrap_or_default();
    let family = arn.rsplit_once(':').map_or(arn, |(family, _)| family);
    [arn, family, last_segment(arn), last_segment(family)].contains(&named)
}

/// Whether two entries of a service's load balancers lead to one port of one container.
fn is_same_port(wanted: &Value, there: &Value) -> bool {
    let name = |item: &Value| text(item, "containerName").map(document_name);
    wanted.get("containerPort") == there.get("containerPort")
        && name(wanted).zip(name(there)).is_none_or(|(one, other)| one == other)
}

/// What a policy measures.
fn metric(policy: &Value) -> Option<&str> {
    let of = policy.get("TargetTrackingScalingPolicyConfiguration")?;
    let at = |pointer: &str| of.pointer(pointer).and_then(Value::as_str);
    at("/PredefinedMetricSpecification/PredefinedMetricType")
        .or_else(|| at("/CustomizedMetricSpecification/MetricName"))
}

fn shared(id: &ObjectId, arn: &str) -> Diagnostic {
    let what = format!("an uninstall will leave {id}");
    Diagnostic::warning(id.as_str(), what).why(format!("something that is not the release's uses {arn}"))
}

/// A rule of several hosts or paths that are rules of their own in the chart.
fn several(way: &Value, alike: &[&Object]) -> Diagnostic {
    let arn = text(way, "RuleArn").or_else(|| text(way, "ListenerArn")).unwrap_or_default();
    let ids: Vec<&str> = alike.iter().map(|object| object.id.as_str()).collect();
    let what = format!("{arn} stays as it is and is not the release's");
    Diagnostic::warning("listener-rule", what)
        .why(format!("it is one rule, and in the chart several: {}", ids.join(", ")))
        .remedy("a rule for each host and path at the load balancer, where the release is to change them")
}
