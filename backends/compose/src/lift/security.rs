//! What a service may do to the system around it.

use rhumb_backend::fields::Fields;
use rhumb_spec::model::{Container, Ulimit};
use serde_json::Value;

use super::amounts::signed;
use super::{flag, list, scalar, text_pairs};

/// Reads users, rights and kernel limits.
pub(super) fn lift(fields: &mut Fields<'_>, container: &mut Container) {
    let security = &mut container.security;
    if let Some(user) = fields.take("user", scalar).filter(|user| !user.is_empty()) {
        let (user, group) =
            user.split_once(':').map_or((user.as_str(), None), |(user, group)| (user, Some(group)));
        security.user = Some(user.to_owned());
        security.group = group.map(str::to_owned);
    }
    security.read_only_root = fields.take("read_only", flag).unwrap_or(false);
    security.privileged = fields.take("privileged", flag).unwrap_or(false);
    security.capabilities.add = capabilities(fields, "cap_add");
    security.capabilities.drop = capabilities(fields, "cap_drop");
    security.sysctls = fields.take("sysctls", text_pairs).unwrap_or_default();
    if let Some(Value::Object(limits)) = fields.get("ulimits").cloned() {
        let found: Option<_> =
            limits.iter().map(|(name, value)| Some((name.clone(), ulimit(value)?))).collect();
        if let Some(found) = found {
            fields.take_whole("ulimits");
            security.ulimits = found;
        }
    }
    let options = fields.take("security_opt", list).unwrap_or_default();
    for (index, option) in options.iter().enumerate() {
        match option.split_once(['=', ':']) {
            Some(("seccomp", profile)) => security.seccomp = Some(profile.to_owned()),
            _ => fields.lost(
                &format!("security_opt.{index}"),
                1,
                "of security options only seccomp is in an app",
            ),
        }
    }
}

fn capabilities(fields: &mut Fields<'_>, key: &str) -> Vec<String> {
    let found = fields.take(key, list).unwrap_or_default();
    let short = |name: String| {
        let name = name.to_ascii_uppercase();
        name.strip_prefix("CAP_").map(str::to_owned).unwrap_or(name)
    };
    found.into_iter().map(short).collect()
}

fn ulimit(value: &Value) -> Option<Ulimit> {
    match value {
        Value::Object(both) if both.len() == 2 => {
            Some(Ulimit { soft: signed(value.get("soft")?)?, hard: signed(value.get("hard")?)? })
        }
        one => signed(one).map(|both| Ulimit { soft: both, hard: both }),
    }
}
