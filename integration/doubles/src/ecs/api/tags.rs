//! Tags on anything that ECS has.

use serde_json::{Value, json};

use super::super::error::{Answer, ApiError};
use super::super::json::{list, text, text_or_empty, texts};
use super::super::state::State;

/// `TagResource`.
pub(super) fn tag(state: &mut State, input: &Value) -> Answer {
    require_legal(list(input, "tags"))?;
    let tags = tags_of(state, text_or_empty(input, "resourceArn"))?;
    for tag in list(input, "tags") {
        match tags.iter_mut().find(|old| text(old, "key") == text(tag, "key")) {
            Some(old) => old.clone_from(tag),
            None => tags.push(tag.clone()),
        }
    }
    if tags.len() > 50 {
        return Err(ApiError::invalid("Number of tags exceeds the maximum of 50."));
    }
    Ok(json!({}))
}

/// `UntagResource`.
pub(super) fn untag(state: &mut State, input: &Value) -> Answer {
    let tags = tags_of(state, text_or_empty(input, "resourceArn"))?;
    tags.retain(|tag| !texts(input, "tagKeys").any(|key| text(tag, "key") == Some(key)));
    Ok(json!({}))
}

/// `ListTagsForResource`.
pub(super) fn list_all(state: &mut State, input: &Value) -> Answer {
    Ok(json!({ "tags": tags_of(state, text_or_empty(input, "resourceArn"))? }))
}

/// Tags are 50 at most, have distinct keys, and none that AWS keeps for itself.
pub(super) fn require_legal(tags: &[Value]) -> Answer<()> {
    if tags.len() > 50 {
        return Err(ApiError::invalid("Number of tags exceeds the maximum of 50."));
    }
    let is_plain = |text: &str| {
        text.chars().all(|letter| letter.is_alphanumeric() || letter == ' ' || "_.:/=+-@".contains(letter))
    };
    for (number, tag) in tags.iter().enumerate() {
        let key = text_or_empty(tag, "key");
        if key.is_empty() || key.to_ascii_lowercase().starts_with("aws:") {
            return Err(ApiError::invalid(format!("The tag key '{key}' is not valid.")));
        }
        if !is_plain(key) || !is_plain(text_or_empty(tag, "value")) {
            return Err(ApiError::invalid(format!("The tag '{key}' has characters that are not allowed.")));
        }
        if tags[..number].iter().any(|other| text_or_empty(other, "key") == key) {
            return Err(ApiError::invalid(format!("The tag key '{key}' is there twice.")));
        }
    }
    Ok(())
}

/// The tags of what an ARN names: `…:service/<cluster>/<name>`, `…:task-definition/<family>:<revision>`.
fn tags_of<'a>(state: &'a mut State, arn: &str) -> Answer<&'a mut Vec<Value>> {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default().to_owned();
    let mut parts = resource.splitn(3, '/');
    let (kind, first) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let last = parts.next().unwrap_or_default();
    let missing = || ApiError::invalid("The specified resource does not exist.");
    if kind == "task-definition" {
        let (family, revision) = first.split_once(':').ok_or_else(missing)?;
        let at = revision.parse::<usize>().ok().and_then(|revision| revision.checked_sub(1));
        let revisions = state.families.get_mut(family).ok_or_else(missing)?;
        let found = at.and_then(|at| revisions.get_mut(at)).filter(|found| !found.is_deleted);
        return found.map(|found| &mut found.tags).ok_or_else(missing);
    }
    let cluster = state.clusters.get_mut(first).ok_or_else(missing)?;
    match kind {
        "cluster" => Ok(&mut cluster.tags),
        "service" => cluster.service(last).map(|service| &mut service.tags).ok_or_else(missing),
        "task" => cluster.task(last).map(|task| &mut task.tags).ok_or_else(missing),
        "container-instance" => {
            let found = cluster.instances.iter_mut().find(|instance| instance.arn == arn);
            found.map(|instance| &mut instance.tags).ok_or_else(missing)
        }
        _ => Err(missing()),
    }
}
