//! JSON as form fields, for the services that take those.

use form_urlencoded::Serializer;
use serde_json::Value;

/// How lists and names are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `Subnets.member.1`.
    Query,
    /// `SubnetId.1`: lists are flat, and some have another name than in botocore.
    Ec2,
}

/// The form fields of a request, its operation and version among them.
///
/// Source: Smithy's specification, "AWS query protocol" and "AWS EC2 query protocol".
pub(super) fn encode(dialect: Dialect, operation: &str, version: &str, body: &Value) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("Action", operation).append_pair("Version", version);
    for (name, value) in body.as_object().into_iter().flatten() {
        let name = match (dialect, operation, name.as_str()) {
            (Dialect::Ec2, "CreateSecurityGroup", "Description") => "GroupDescription",
            (Dialect::Ec2, _, name) => ec2_name(name),
            (Dialect::Query, _, name) => name,
        };
        append(dialect, &mut form, name, value);
    }
    form.finish()
}

fn append(dialect: Dialect, form: &mut Serializer<'_, String>, name: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::String(text) => drop(form.append_pair(name, text)),
        Value::Bool(_) | Value::Number(_) => drop(form.append_pair(name, &value.to_string())),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let number = index + 1;
                let name = match dialect {
                    Dialect::Query => format!("{name}.member.{number}"),
                    Dialect::Ec2 => format!("{name}.{number}"),
                };
                append(dialect, form, &name, item);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                let key = if dialect == Dialect::Ec2 { ec2_name(key) } else { key };
                append(dialect, form, &format!("{name}.{key}"), item);
            }
        }
    }
}

/// What EC2 calls a field in requests. Source: botocore's model of EC2, `locationName`, for the calls that we make.
fn ec2_name(name: &str) -> &str {
    match name {
        "Filters" => "Filter",
        "GroupIds" => "GroupId",
        "GroupNames" => "GroupName",
        "Resources" => "ResourceId",
        "SecurityGroupRuleIds" => "SecurityGroupRuleId",
        "SubnetIds" => "SubnetId",
        "TagSpecifications" => "TagSpecification",
        "Tags" => "Tag",
        "UserIdGroupPairs" => "Groups",
        "Values" => "Value",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(dialect: Dialect, operation: &str, body: &Value, expect: &[&str]) {
        let encoded = encode(dialect, operation, "1", body);
        let pairs: Vec<String> = form_urlencoded::parse(encoded.as_bytes())
            .skip(2)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(pairs, expect);
    }

    #[test]
    fn lists_of_the_query_protocol_have_members() {
        let body = json!({
            "Port": 80,
            "Enabled": true,
            "Actions": [{"Type": "forward", "TargetGroupArn": "a b&c"}],
            "None": null,
        });
        let expect = [
            "Port=80",
            "Enabled=true",
            "Actions.member.1.Type=forward",
            "Actions.member.1.TargetGroupArn=a b&c",
        ];
        check(Dialect::Query, "CreateListener", &body, &expect);
    }

    #[test]
    fn lists_of_ec2_are_flat_and_have_names_of_their_own() {
        let body = json!({
            "GroupName": "g",
            "Description": "d",
            "TagSpecifications": [{"ResourceType": "security-group", "Tags": [{"Key": "k", "Value": "v"}]}],
        });
        let expect = [
            "GroupName=g",
            "GroupDescription=d",
            "TagSpecification.1.ResourceType=security-group",
            "TagSpecification.1.Tag.1.Key=k",
            "TagSpecification.1.Tag.1.Value=v",
        ];
        check(Dialect::Ec2, "CreateSecurityGroup", &body, &expect);
        let body =
            json!({"IpPermissions": [{"UserIdGroupPairs": [{"GroupId": "sg-1", "Description": "d"}]}]});
        let expect = ["IpPermissions.1.Groups.1.GroupId=sg-1", "IpPermissions.1.Groups.1.Description=d"];
        check(Dialect::Ec2, "AuthorizeSecurityGroupIngress", &body, &expect);
    }
}
