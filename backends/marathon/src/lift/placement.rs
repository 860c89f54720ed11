//! Constraints on agents.

use rhumb_spec::model::{Affinity, ConstraintOp, NodeConstraint, Placement, Spread};

/// A constraint: field, operator, and the value, if there is one.
pub(super) type Constraint = (String, String, Option<String>);

/// What constraints mean, and whether all of them have a word.
pub(super) fn read(constraints: &[Constraint], workload: &str) -> (Placement, bool) {
    let mut placement = Placement::default();
    let mut is_whole = true;
    for constraint in constraints {
        is_whole &= add(&mut placement, constraint, workload).is_some();
    }
    (placement, is_whole)
}

fn add(placement: &mut Placement, (field, operator, value): &Constraint, workload: &str) -> Option<()> {
    let value = value.as_deref().filter(|value| !value.is_empty());
    let key =
        field.strip_prefix('@').filter(|rest| matches!(*rest, "zone" | "region")).unwrap_or(field).to_owned();
    let node = |op, values| NodeConstraint { key: key.clone(), op, values };
    match (operator.as_str(), value) {
        ("LIKE", Some(".*")) => placement.nodes.push(node(ConstraintOp::Exists, Vec::new())),
        ("UNLIKE", Some(".*")) => placement.nodes.push(node(ConstraintOp::Absent, Vec::new())),
        ("LIKE", Some(pattern)) => placement.nodes.push(node(ConstraintOp::In, literals(pattern)?)),
        ("UNLIKE", Some(pattern)) => placement.nodes.push(node(ConstraintOp::NotIn, literals(pattern)?)),
        ("IS" | "CLUSTER" | "EQ", Some(value)) => {
            placement.nodes.push(node(ConstraintOp::In, vec![value.to_owned()]));
        }
        ("GROUP_BY", None) => placement.spread.push(Spread { over: key, max_skew: None }),
        ("MAX_PER", Some(most)) if field == "hostname" && placement.max_per_node.is_none() => {
            placement.max_per_node = Some(most.parse().ok().filter(|most| *most > 0)?);
        }
        ("UNIQUE", None) => placement.away.push(Affinity {
            workload: workload.to_owned(),
            over: (field != "hostname").then_some(key),
            preferred: false,
        }),
        _ => return None,
    }
    Some(())
}

/// The texts that a regular expression holds for, where it is no more than alternatives.
fn literals(pattern: &str) -> Option<Vec<String>> {
    let mut found = vec![String::new()];
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '|' => found.push(String::new()),
            '\\' => {
                let escaped = characters.next().filter(|character| !character.is_ascii_alphanumeric())?;
                found.last_mut()?.push(escaped);
            }
            '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '^' | '$' => return None,
            other => found.last_mut()?.push(other),
        }
    }
    found.iter().all(|text| !text.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_that_are_alternatives_are_values() {
        assert_eq!(literals(r"a\.1|b"), Some(vec!["a.1".to_owned(), "b".to_owned()]));
        for pattern in ["srv2.*", "a|", "[ab]", r"\d"] {
            assert_eq!(literals(pattern), None, "{pattern}");
        }
    }
}
