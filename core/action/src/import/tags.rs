//! Functions of CloudFormation, which templates in YAML write as tags: `!Ref Name` is `{ "Ref": "Name" }`.
//!
//! Source: AWS CloudFormation user guide, "Intrinsic function reference".

use rhumb_spec::yaml::{self, Node, NodeKind};

/// The tags, and the keys of the long forms.
const TAGS: [(&str, &str); 19] = [
    ("!Ref", "Ref"),
    ("!Condition", "Condition"),
    ("!And", "Fn::And"),
    ("!Base64", "Fn::Base64"),
    ("!Cidr", "Fn::Cidr"),
    ("!Equals", "Fn::Equals"),
    ("!FindInMap", "Fn::FindInMap"),
    ("!GetAZs", "Fn::GetAZs"),
    ("!GetAtt", "Fn::GetAtt"),
    ("!If", "Fn::If"),
    ("!ImportValue", "Fn::ImportValue"),
    ("!Join", "Fn::Join"),
    ("!Length", "Fn::Length"),
    ("!Not", "Fn::Not"),
    ("!Or", "Fn::Or"),
    ("!Select", "Fn::Select"),
    ("!Split", "Fn::Split"),
    ("!Sub", "Fn::Sub"),
    ("!Transform", "Fn::Transform"),
];

/// The documents of a text, with tags in their long forms.
pub(super) fn parse(text: &str) -> Result<Vec<Node>, yaml::Error> {
    let mut nodes = yaml::parse_tagged(text, &TAGS.map(|(tag, _)| tag))?;
    nodes.iter_mut().for_each(lengthen);
    Ok(nodes)
}

fn lengthen(node: &mut Node) {
    match &mut node.kind {
        NodeKind::Scalar { .. } => {}
        NodeKind::Sequence(items) => items.iter_mut().for_each(lengthen),
        NodeKind::Mapping(entries) => {
            for entry in entries {
                lengthen(&mut entry.value);
                let Some((tag, key)) = TAGS.iter().find(|(tag, _)| *tag == &*entry.key) else { continue };
                entry.key = (*key).into();
                if *tag == "!GetAtt" {
                    split(&mut entry.value);
                }
            }
        }
    }
}

/// `Name.Attribute` is a list of two.
fn split(node: &mut Node) {
    let Some((name, attribute)) = node.as_str().and_then(|text| text.split_once('.')) else { return };
    let part = |text: &str| Node {
        kind: NodeKind::Scalar { text: text.into(), plain: false },
        line: node.line,
        column: node.column,
    };
    node.kind = NodeKind::Sequence(vec![part(name), part(attribute)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_functions() {
        let found =
            parse("a: !Ref X\nb: !GetAtt X.Arn\nc: [!Sub '${X}']\nd: !Join ['', [a, !Ref Y]]\n").unwrap();
        let expected = serde_json::json!({
            "a": { "Ref": "X" },
            "b": { "Fn::GetAtt": ["X", "Arn"] },
            "c": [{ "Fn::Sub": "${X}" }],
            "d": { "Fn::Join": ["", ["a", { "Ref": "Y" }]] },
        });
        assert_eq!(found[0].to_value(), expected);
        assert!(parse("a: !Other X\n").is_err());
    }
}
