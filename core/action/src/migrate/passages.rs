//! Which volume of the source becomes which of the destination.

use std::collections::BTreeSet;

use rhumb_backend::VolumeUse;
use rhumb_spec::Diagnostic;

use super::state::Passage;
use crate::{ActionError, ActionResult};

/// Which volume goes where, and what is left over.
#[derive(Clone, Debug, Default)]
pub(super) struct Pairs {
    pub(super) passages: Vec<Passage>,
    /// Volumes of the destination that begin empty.
    pub(super) empty: Vec<VolumeUse>,
}

/// Pairs volumes by their names in the app, and by the replica that has them.
///
/// # Errors
/// Volumes of the source that the destination has no place for, and those of which there are several.
pub(super) fn pair(from: &[VolumeUse], to: &[VolumeUse]) -> ActionResult<Pairs> {
    let (mut pairs, mut wrong, mut taken) = (Pairs::default(), Vec::new(), BTreeSet::new());
    for source in from {
        let Some(destination) = to.iter().find(|one| is_same(source, one)) else {
            wrong.push(no_place(source));
            continue;
        };
        if taken.insert(destination.native.clone()) {
            pairs.passages.push(passage(source, destination));
        } else {
            wrong.push(several(source, destination));
        }
    }
    pairs.empty = to.iter().filter(|one| !taken.contains(&one.native)).cloned().collect();
    pairs.empty.dedup_by(|one, other| one.native == other.native);
    if wrong.is_empty() { Ok(pairs) } else { Err(ActionError::Diagnostics(wrong)) }
}

fn is_same(source: &VolumeUse, destination: &VolumeUse) -> bool {
    source.volume == destination.volume && source.ordinal == destination.ordinal
}

fn passage(from: &VolumeUse, to: &VolumeUse) -> Passage {
    Passage { from: from.clone(), to: to.clone(), is_new: false, first: None, last: None, back: None }
}

fn no_place(source: &VolumeUse) -> Diagnostic {
    Diagnostic::error(
        format!("volume/{}", source.volume),
        format!("the destination has no place for {} of {}", source.native, source.workload),
    )
    .why("the chart, with the values for the destination, asks for no such volume or for fewer replicas")
    .remedy("as many replicas as the source has, or the source scaled to what is wanted first")
}

fn several(source: &VolumeUse, destination: &VolumeUse) -> Diagnostic {
    let node = source.node.as_deref().unwrap_or("another node");
    Diagnostic::error(
        format!("volume/{}", source.volume),
        format!(
            "{} on {node} would become {}, which takes the data of another one already",
            source.native, destination.native
        ),
    )
    .why("a volume on each node cannot be made one volume")
    .remedy("data that are not kept on nodes, or a migration of these by hand")
}

/// Takes over what an earlier run of the same migration wrote down of these passages.
pub(super) fn recall(mut now: Vec<Passage>, before: &[Passage]) -> Vec<Passage> {
    for passage in &mut now {
        if let Some(old) = before.iter().find(|old| old.to.native == passage.to.native) {
            passage.is_new = old.is_new;
            passage.first.clone_from(&old.first);
            passage.last.clone_from(&old.last);
            passage.back.clone_from(&old.back);
        }
    }
    now
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(native: &str, ordinal: Option<u32>, node: Option<&str>) -> VolumeUse {
        VolumeUse {
            workload: "db".to_owned(),
            volume: "data".to_owned(),
            ordinal,
            native: native.to_owned(),
            node: node.map(str::to_owned),
            placement: serde_json::Value::Null,
            size: None,
            document: serde_json::json!({}),
        }
    }

    #[test]
    fn replicas_keep_their_own() {
        let from =
            [volume("shop_data-db-0", Some(0), Some("n1")), volume("shop_data-db-1", Some(1), Some("n2"))];
        let to = [
            volume("data-db-1", Some(1), None),
            volume("data-db-0", Some(0), None),
            volume("data-db-2", Some(2), None),
        ];
        let pairs = pair(&from, &to).unwrap();
        let told: Vec<_> =
            pairs.passages.iter().map(|one| (one.from.native.as_str(), one.to.native.as_str())).collect();
        assert_eq!(told, [("shop_data-db-0", "data-db-0"), ("shop_data-db-1", "data-db-1")]);
        assert_eq!(pairs.empty, [to[2].clone()]);
    }

    #[test]
    fn nothing_is_left_behind_in_silence() {
        let error = pair(&[volume("shop_data-db-1", Some(1), None)], &[volume("data-db-0", Some(0), None)])
            .unwrap_err();
        assert!(error.to_string().contains("no place for shop_data-db-1"), "{error}");
    }

    #[test]
    fn one_volume_for_each_node_is_no_volume() {
        let from = [volume("shop_data", None, Some("n1")), volume("shop_data", None, Some("n2"))];
        let error = pair(&from, &[volume("data", None, None)]).unwrap_err();
        assert!(error.to_string().contains("takes the data of another"), "{error}");
    }

    #[test]
    fn a_second_run_knows_what_the_first_found() {
        let passage = pair(&[volume("a", None, None)], &[volume("b", None, None)]).unwrap().passages;
        let mut before = passage.clone();
        before[0].is_new = true;
        assert!(recall(passage, &before)[0].is_new);
    }
}
