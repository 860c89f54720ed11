//! Numbers in octal, as the tools read them that files are written for: `0440` is 288.
//!
//! Source: YAML 1.1, "Integer", which kubectl (sigs.k8s.io/yaml) and the AWS CLI follow; YAML 1.2 has `0o440` alone.

use rhumb_spec::yaml::{self, Node, NodeKind};

/// Writes the numbers of a document that have a leading zero as those that they stand for.
pub(super) fn resolve(node: &mut Node) {
    match &mut node.kind {
        NodeKind::Scalar { text, plain: true } => {
            if let Some(number) = yaml::octal(text) {
                *text = number.to_string().into();
            }
        }
        NodeKind::Scalar { .. } => {}
        NodeKind::Sequence(items) => items.iter_mut().for_each(resolve),
        NodeKind::Mapping(entries) => entries.iter_mut().for_each(|entry| resolve(&mut entry.value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leading_zero_is_octal() {
        let mut nodes = yaml::parse("a: [0400, '0400', 0o755, 0, 08, 10, 0x10, 0.5]\n").expect("YAML");
        resolve(&mut nodes[0]);
        let expected = serde_json::json!({ "a": [256, "0400", 493, 0, 8, 10, 16, 0.5] });
        assert_eq!(nodes[0].to_value(), expected);
    }
}
