//! XML answers as the JSON that the AWS CLI would show.

use serde_json::{Map, Value};
use xmlparser::{ElementEnd, Token, Tokenizer};

use super::query::Dialect;

/// How deep elements may lie in each other.
const DEPTH: usize = 32;

/// The answer of an operation: what is inside `<Operation…Response><Operation…Result>`, or inside the response itself in
/// EC2's dialect. Numbers and truth values are such where the fields that we read are.
///
/// # Errors
/// What makes it no XML.
pub(super) fn decode(dialect: Dialect, text: &str) -> Result<Value, String> {
    let Value::Object(mut map) = read(dialect, text)? else { return Ok(Value::Object(Map::new())) };
    if dialect == Dialect::Ec2 {
        return Ok(Value::Object(map));
    }
    let result = map.keys().find(|name| name.ends_with("Result")).cloned();
    let answer = result.and_then(|name| map.remove(&name)).filter(Value::is_object);
    Ok(answer.unwrap_or_else(|| Value::Object(Map::new())))
}

/// The code and the message of an error; none for what is no error of AWS's.
pub(super) fn error(text: &str) -> Option<(String, String)> {
    let answer = read(Dialect::Query, text).ok()?;
    let error = answer.get("Error").or_else(|| answer.get("Errors")?.get("Error"))?;
    let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    Some((text("Code"), text("Message")))
}

/// An element that has begun and not ended.
#[derive(Default)]
struct Open {
    name: String,
    text: String,
    fields: Map<String, Value>,
    items: Vec<Value>,
}

impl Open {
    fn take(&mut self, name: String, value: Value) {
        if name == "member" || name == "item" {
            self.items.push(value);
        } else {
            self.fields.insert(name, value);
        }
    }

    fn value(self) -> Value {
        if !self.items.is_empty() {
            return Value::Array(self.items);
        }
        if !self.fields.is_empty() {
            return Value::Object(self.fields);
        }
        if self.text.trim().is_empty() && is_list(&self.name) {
            return Value::Array(Vec::new());
        }
        leaf(&self.name, self.text)
    }
}

/// The root element's content.
fn read(dialect: Dialect, text: &str) -> Result<Value, String> {
    let mut open: Vec<Open> = Vec::new();
    for token in Tokenizer::from(text) {
        match token.map_err(|error| error.to_string())? {
            Token::ElementStart { local, .. } => {
                if open.len() == DEPTH {
                    return Err("it is nested too deeply".to_owned());
                }
                let parent = open.last().map_or("", |parent| parent.name.as_str());
                let name = match dialect {
                    Dialect::Query => local.as_str().to_owned(),
                    Dialect::Ec2 => ec2_name(local.as_str(), parent),
                };
                open.push(Open { name, ..Open::default() });
            }
            Token::ElementEnd { end: ElementEnd::Open, .. } => {}
            Token::ElementEnd { .. } => {
                let Some(ended) = open.pop() else {
                    return Err("an element ends that never began".to_owned());
                };
                let (name, value) = (ended.name.clone(), ended.value());
                match open.last_mut() {
                    Some(parent) => parent.take(name, value),
                    None => return Ok(value),
                }
            }
            Token::Text { text } => open.last_mut().map_or((), |open| open.text += &unescaped(text.as_str())),
            Token::Cdata { text, .. } => open.last_mut().map_or((), |open| open.text += text.as_str()),
            _ => {}
        }
    }
    Err("it ends too early".to_owned())
}

/// Text with the five named references and the numbered ones resolved.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find(';').unwrap_or_default();
        let Some(character) = referenced(rest.get(1..end).unwrap_or_default()) else {
            plain.push('&');
            rest = &rest[1..];
            continue;
        };
        plain.push(character);
        rest = &rest[end + 1..];
    }
    plain + rest
}

fn referenced(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

/// Whether an element without content is a list, and no text: lists are named in the plural.
fn is_list(name: &str) -> bool {
    name.ends_with('s') || name.ends_with("Set")
}

/// A text as what its field holds. Source: botocore's models of Elastic Load Balancing and EC2, for the fields that
/// we read.
fn leaf(name: &str, text: String) -> Value {
    let number = |text: &str| text.parse::<i64>().ok().map(Value::from);
    let typed = match name {
        "Port"
        | "FromPort"
        | "ToPort"
        | "Priority"
        | "Order"
        | "Weight"
        | "DurationSeconds"
        | "HealthCheckIntervalSeconds"
        | "HealthCheckTimeoutSeconds"
        | "HealthyThresholdCount"
        | "UnhealthyThresholdCount"
        | "AvailableIpAddressCount" => number(&text),
        "IsDefault"
        | "HealthCheckEnabled"
        | "Enabled"
        | "MapPublicIpOnLaunch"
        | "DefaultForAz"
        | "Return" => text.parse::<bool>().ok().map(Value::Bool),
        _ => None,
    };
    typed.unwrap_or(Value::String(text))
}

/// What botocore calls a field of EC2's answers. Source: botocore's model of EC2, `locationName`.
fn ec2_name(name: &str, parent: &str) -> String {
    match (parent, name) {
        (_, "item") => "item".to_owned(),
        (_, "securityGroupInfo") => "SecurityGroups".to_owned(),
        (_, "subnetSet") => "Subnets".to_owned(),
        (_, "tagSet") => "Tags".to_owned(),
        (_, "groupDescription") => "Description".to_owned(),
        ("item", "groups") => "UserIdGroupPairs".to_owned(),
        (_, other) => {
            let mut letters = other.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_of_the_query_protocol() {
        let text = r#"<?xml version="1.0"?>
            <DescribeTargetGroupsResponse xmlns="http://x/"><DescribeTargetGroupsResult><TargetGroups>
            <member><TargetGroupName>80</TargetGroupName><Port>80</Port><HealthCheckEnabled>true</HealthCheckEnabled>
            <LoadBalancerArns/><HealthCheckPath>/a?b=1&amp;c=&#x3c;</HealthCheckPath></member></TargetGroups>
            </DescribeTargetGroupsResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>
            </DescribeTargetGroupsResponse>"#;
        let expect = json!({"TargetGroups": [{
            "TargetGroupName": "80", "Port": 80, "HealthCheckEnabled": true, "LoadBalancerArns": [],
            "HealthCheckPath": "/a?b=1&c=<",
        }]});
        assert_eq!(decode(Dialect::Query, text), Ok(expect));
        let empty = "<DeleteRuleResponse><DeleteRuleResult/></DeleteRuleResponse>";
        assert_eq!(decode(Dialect::Query, empty), Ok(json!({})));
    }

    #[test]
    fn answers_of_ec2() {
        let text = "<DescribeSecurityGroupsResponse><securityGroupInfo><item><groupId>sg-1</groupId>\
            <groupDescription>d</groupDescription><ipPermissions><item><fromPort>1</fromPort><groups><item>\
            <groupId>sg-2</groupId></item></groups><ipRanges/></item></ipPermissions><tagSet><item><key>k</key>\
            <value>true</value></item></tagSet></item></securityGroupInfo></DescribeSecurityGroupsResponse>";
        let expect = json!({"SecurityGroups": [{
            "GroupId": "sg-1",
            "Description": "d",
            "IpPermissions": [{"FromPort": 1, "UserIdGroupPairs": [{"GroupId": "sg-2"}], "IpRanges": []}],
            "Tags": [{"Key": "k", "Value": "true"}],
        }]});
        assert_eq!(decode(Dialect::Ec2, text), Ok(expect));
    }

    #[test]
    fn errors_of_both_dialects() {
        let expect = Some(("NoSuch".to_owned(), "it is not there".to_owned()));
        let inner = "<Error><Type>Sender</Type><Code>NoSuch</Code><Message>it is not there</Message></Error>";
        assert_eq!(error(&format!("<ErrorResponse>{inner}</ErrorResponse>")), expect);
        assert_eq!(error(&format!("<Response><Errors>{inner}</Errors></Response>")), expect);
        assert_eq!(error("<html><body>Bad gateway</body></html>"), None);
        assert_eq!(error("no XML"), None);
    }

    #[test]
    fn what_is_no_xml_is_refused() {
        assert!(decode(Dialect::Query, "<a><b>").is_err());
        assert!(decode(Dialect::Query, &"<a>".repeat(100)).is_err());
    }
}
