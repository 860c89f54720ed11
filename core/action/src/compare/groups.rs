//! Rows of which every platform says the same, as one: two hundred services ask for the same thing in the same way.

use rhumb_spec::Feature;
use serde::Serialize;

use super::{Cell, Comparison};

/// Places at which the chart asks for the same, and every platform says the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group<'a> {
    /// What is asked for; none for values that a platform does not take.
    pub feature: Option<Feature>,
    /// The places.
    pub paths: Vec<&'a str>,
    /// What each platform says, in the order of the platforms.
    pub cells: &'a [Option<Cell>],
}

/// Places of which one platform says the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Remark<'a> {
    /// What is asked for; none for values that the platform does not take.
    pub feature: Option<Feature>,
    /// The places.
    pub paths: Vec<&'a str>,
    /// What the platform says.
    pub cell: &'a Cell,
}

impl Comparison {
    /// What a platform says of each feature, in the order of the features. `index` is its place among the platforms.
    pub fn remarks(&self, index: usize) -> Vec<Remark<'_>> {
        let mut remarks: Vec<Remark<'_>> = Vec::new();
        for row in &self.rows {
            let Some(cell) = row.cells.get(index).and_then(Option::as_ref) else { continue };
            let same = |remark: &&mut Remark<'_>| remark.feature == row.feature && remark.cell == cell;
            match remarks.iter_mut().rev().take_while(|one| one.feature == row.feature).find(same) {
                Some(remark) => remark.paths.push(&row.path),
                None => remarks.push(Remark { feature: row.feature, paths: vec![&row.path], cell }),
            }
        }
        remarks
    }

    /// The rows, those together of which every platform says the same.
    pub fn groups(&self) -> Vec<Group<'_>> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        let mut begin = 0;
        for row in &self.rows {
            // Rows are in the order of their features, so that only the last feature's groups can be this one's.
            if groups.last().is_some_and(|last| last.feature != row.feature) {
                begin = groups.len();
            }
            let same = groups[begin..].iter_mut().find(|group| group.cells == row.cells.as_slice());
            match same {
                Some(group) => group.paths.push(&row.path),
                None => {
                    groups.push(Group { feature: row.feature, paths: vec![&row.path], cells: &row.cells });
                }
            }
        }
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Portability, Row, Verdict};
    use rhumb_release::ChartInfo;

    fn cell(verdict: Verdict) -> Cell {
        Cell { verdict, losses: Vec::new(), why: None, instead: None, proof: None }
    }

    fn comparison(rows: &[(Feature, &str, [Option<Cell>; 2])]) -> Comparison {
        let row = |(feature, path, cells): &(Feature, &str, [Option<Cell>; 2])| Row {
            feature: Some(*feature),
            path: (*path).to_owned(),
            cells: cells.to_vec(),
        };
        Comparison {
            chart: ChartInfo {
                name: "a".to_owned(),
                version: "1.0.0".to_owned(),
                app_version: None,
                description: None,
            },
            release: "a".to_owned(),
            namespace: "default".to_owned(),
            platforms: Vec::new(),
            rows: rows.iter().map(row).collect(),
            portability: Portability::default(),
        }
    }

    #[test]
    fn rows_of_which_every_platform_says_the_same_are_one() {
        let (native, lossy) = (Some(cell(Verdict::Native)), Some(cell(Verdict::Emulated)));
        let same = [native.clone(), lossy.clone()];
        let comparison = comparison(&[
            (Feature::Env, "a", same.clone()),
            (Feature::Env, "b", [native.clone(), native]),
            (Feature::Env, "c", same.clone()),
            (Feature::Route, "a", same),
        ]);
        let groups: Vec<_> =
            comparison.groups().into_iter().map(|group| (group.feature, group.paths)).collect();
        let expected = [
            (Some(Feature::Env), vec!["a", "c"]),
            (Some(Feature::Env), vec!["b"]),
            (Some(Feature::Route), vec!["a"]),
        ];
        assert_eq!(groups, expected);
        let of_first: Vec<_> = comparison.remarks(0).into_iter().map(|remark| remark.paths).collect();
        assert_eq!(of_first, [vec!["a", "b", "c"], vec!["a"]]);
    }

    #[test]
    fn what_is_not_asked_is_not_remarked() {
        let comparison = comparison(&[(Feature::Env, "a", [None, Some(cell(Verdict::Refused))])]);
        assert_eq!(comparison.remarks(0), []);
        assert_eq!(comparison.remarks(1).len(), 1);
        assert_eq!(comparison.remarks(2), []);
    }
}
