//! Version ranges, written as chart authors know them.

use std::fmt;

use semver::{Prerelease, Version};

/// A set of versions, as a chart asks for a dependency or for a version of the program.
///
/// Written with `||` between alternatives and spaces or commas between conditions that all must hold:
/// `^1.2`, `~1.2.3`, `1.x`, `>=1.2 <2`, `1.2 - 1.5`, `!=1.4.2`, `*`. A version with fewer than three numbers stands
/// for all that begin with it. A pre-release is in a range only where an alternative names a pre-release.
#[derive(Clone, Debug, PartialEq)]
pub struct VersionRange {
    text: String,
    alternatives: Vec<Vec<Condition>>,
}

/// Why a text is no version range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeError {
    part: String,
}

impl fmt::Display for RangeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` is no version condition", self.part)
    }
}

impl std::error::Error for RangeError {}

#[derive(Clone, Debug, PartialEq)]
struct Condition {
    /// The lowest version, and whether it is inside.
    low: Option<(Version, bool)>,
    /// The highest version, and whether it is inside.
    high: Option<(Version, bool)>,
    /// Everything but the interval.
    negated: bool,
    names_prerelease: bool,
}

/// A version of which the last numbers may be left open.
struct Partial {
    major: Option<u64>,
    minor: Option<u64>,
    patch: Option<u64>,
    pre: Prerelease,
}

impl VersionRange {
    /// Reads a range. The empty text, like `*`, is every release.
    pub fn parse(text: &str) -> Result<Self, RangeError> {
        let alternatives = text.split("||").map(parse_all).collect::<Result<_, _>>()?;
        Ok(Self { text: text.trim().to_owned(), alternatives })
    }

    /// Whether the version is in the range.
    pub fn contains(&self, version: &Version) -> bool {
        self.alternatives.iter().any(|conditions| holds(conditions, version))
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

fn holds(conditions: &[Condition], version: &Version) -> bool {
    let prerelease_allowed =
        version.pre.is_empty() || conditions.iter().any(|condition| condition.names_prerelease);
    prerelease_allowed && conditions.iter().all(|condition| condition.holds(version))
}

impl Condition {
    fn holds(&self, version: &Version) -> bool {
        let above = self.low.as_ref().is_none_or(|(low, inside)| match version.cmp_precedence(low) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => *inside,
            std::cmp::Ordering::Less => false,
        });
        let below = self.high.as_ref().is_none_or(|(high, inside)| match version.cmp_precedence(high) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Equal => *inside,
            std::cmp::Ordering::Greater => false,
        });
        (above && below) != self.negated
    }
}

fn parse_all(text: &str) -> Result<Vec<Condition>, RangeError> {
    let words: Vec<&str> = text.split([' ', ',', '\t', '\n']).filter(|word| !word.is_empty()).collect();
    let mut conditions = Vec::new();
    let mut rest = words.as_slice();
    while let Some((word, after)) = rest.split_first() {
        rest = after;
        if let ["-", high, after @ ..] = rest {
            conditions.push(between(word, high)?);
            rest = after;
        } else if word.chars().all(is_operator) {
            let Some((version, after)) = rest.split_first() else { return Err(refuse(word)) };
            conditions.push(condition(word, version)?);
            rest = after;
        } else {
            let split = word.find(|c| !is_operator(c)).unwrap_or(word.len());
            conditions.push(condition(&word[..split], &word[split..])?);
        }
    }
    Ok(conditions)
}

fn is_operator(c: char) -> bool {
    matches!(c, '<' | '>' | '=' | '!' | '~' | '^')
}

fn refuse(part: &str) -> RangeError {
    RangeError { part: part.to_owned() }
}

fn between(low: &str, high: &str) -> Result<Condition, RangeError> {
    let (low, high) = (Partial::parse(low)?, Partial::parse(high)?);
    Ok(Condition {
        names_prerelease: !low.pre.is_empty() || !high.pre.is_empty(),
        low: Some((low.floor(), true)),
        high: high.ceiling_inside(),
        negated: false,
    })
}

fn condition(operator: &str, text: &str) -> Result<Condition, RangeError> {
    let version = Partial::parse(text)?;
    let names_prerelease = !version.pre.is_empty();
    let floor = Some((version.floor(), true));
    let (low, high) = match operator {
        "" | "=" | "==" | "!=" => (floor, version.ceiling_inside()),
        ">=" | "=>" => (floor, None),
        "<" => (None, Some((version.floor(), false))),
        "<=" | "=<" => (None, version.ceiling_inside()),
        ">" => (version.ceiling_inside().map(|(high, inside)| (high, !inside)), None),
        "~" | "~>" => (floor, version.below_next(version.major, version.minor.map(|minor| (minor, None)))),
        "^" => (floor, version.caret_ceiling()),
        _ => return Err(refuse(&format!("{operator}{text}"))),
    };
    // Nothing is above every version.
    let nothing = operator == ">" && low.is_none();
    Ok(Condition { low, high, negated: operator == "!=" || nothing, names_prerelease })
}

impl Partial {
    fn parse(text: &str) -> Result<Self, RangeError> {
        let bare = text.strip_prefix('v').unwrap_or(text);
        let bare = bare.split('+').next().unwrap_or_default();
        let (numbers, pre) = bare.split_once('-').unwrap_or((bare, ""));
        let mut parts = numbers.split('.');
        let mut next = || parts.next().map_or(Ok(None), |part| number(part).ok_or_else(|| refuse(text)));
        let (major, minor, patch) = (next()?, next()?, next()?);
        if numbers.is_empty() || parts.next().is_some() {
            return Err(refuse(text));
        }
        let pre = Prerelease::new(pre).ok().filter(|_| !bare.ends_with('-')).ok_or_else(|| refuse(text))?;
        let minor = major.and(minor);
        Ok(Self { major, minor, patch: minor.and(patch), pre })
    }

    fn floor(&self) -> Version {
        Version {
            pre: self.pre.clone(),
            ..Version::new(self.major.unwrap_or(0), self.minor.unwrap_or(0), self.patch.unwrap_or(0))
        }
    }

    /// The highest version that begins with these numbers. `None` where nothing is written.
    fn ceiling_inside(&self) -> Option<(Version, bool)> {
        match (self.major, self.minor, self.patch) {
            (Some(_), Some(_), Some(_)) => Some((self.floor(), true)),
            (major, minor, _) => self.below_next(major, minor.map(|minor| (minor, None))),
        }
    }

    fn caret_ceiling(&self) -> Option<(Version, bool)> {
        match (self.major?, self.minor, self.patch) {
            (0, Some(0), Some(patch)) => self.below_next(Some(0), Some((0, Some(patch)))),
            (0, Some(minor), _) => self.below_next(Some(0), Some((minor, None))),
            (major, ..) => self.below_next(Some(major), None),
        }
    }

    /// Just below the version that comes after all that begin with the given numbers; its pre-releases are outside.
    #[expect(clippy::unused_self, reason = "reads as a property of the version that was written")]
    fn below_next(&self, major: Option<u64>, minor: Option<(u64, Option<u64>)>) -> Option<(Version, bool)> {
        let mut next = match (major?, minor) {
            (major, None) => Version::new(major.saturating_add(1), 0, 0),
            (major, Some((minor, None))) => Version::new(major, minor.saturating_add(1), 0),
            (major, Some((minor, Some(patch)))) => Version::new(major, minor, patch.saturating_add(1)),
        };
        next.pre = Prerelease::new("0").unwrap_or_default();
        Some((next, false))
    }
}

/// A number, or `Some(None)` where it is left open.
#[expect(clippy::option_option, reason = "an open number is no error")]
fn number(part: &str) -> Option<Option<u64>> {
    match part {
        "x" | "X" | "*" => Some(None),
        _ => part.parse().ok().map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(range: &str, inside: &[&str], outside: &[&str]) {
        let range = VersionRange::parse(range).unwrap();
        for version in inside {
            assert!(range.contains(&Version::parse(version).unwrap()), "{version} is in {range}");
        }
        for version in outside {
            assert!(!range.contains(&Version::parse(version).unwrap()), "{version} is not in {range}");
        }
    }

    #[test]
    fn ranges_hold_the_versions_that_helm_finds_in_them() {
        check("", &["0.0.1", "9.9.9"], &["1.0.0-rc1"]);
        check("*", &["0.0.1", "9.9.9"], &["1.0.0-rc1"]);
        check("1.2.3", &["1.2.3", "1.2.3+build"], &["1.2.4", "1.2.3-rc1"]);
        check("=v1.2", &["1.2.0", "1.2.9"], &["1.3.0"]);
        check("1", &["1.0.0", "1.9.0"], &["2.0.0", "0.9.0"]);
        check("1.2.x", &["1.2.0", "1.2.7"], &["1.3.0"]);
        check("1.*", &["1.0.0", "1.7.0"], &["2.0.0"]);
        check("!=1.4.2", &["1.4.1", "1.4.3"], &["1.4.2"]);
        check("!=1.4.x", &["1.3.9", "1.5.0"], &["1.4.0", "1.4.9"]);
        check(">1.2", &["1.3.0"], &["1.2.9", "1.2.0"]);
        check(">1.2.3", &["1.2.4"], &["1.2.3"]);
        check(">= 1.2, < 2", &["1.2.0", "1.9.9"], &["2.0.0", "1.1.9"]);
        check("<=1.2", &["1.2.9", "0.1.0"], &["1.3.0"]);
        check("<1.2", &["1.1.9"], &["1.2.0"]);
        check("~1.2.3", &["1.2.3", "1.2.9"], &["1.3.0", "1.2.2"]);
        check("~1", &["1.0.0", "1.9.9"], &["2.0.0"]);
        check("^1.2.3", &["1.2.3", "1.9.0"], &["2.0.0", "1.2.2"]);
        check("^0.2.3", &["0.2.3", "0.2.9"], &["0.3.0"]);
        check("^0.0.3", &["0.0.3"], &["0.0.4"]);
        check("^0.0", &["0.0.9"], &["0.1.0"]);
        check("^0", &["0.9.0"], &["1.0.0"]);
        check("1.2 - 1.4.5", &["1.2.0", "1.4.5"], &["1.4.6"]);
        check("1.2 - 2", &["1.2.0", "2.9.9"], &["3.0.0"]);
        check("<1 || >=2 <3 || 5.x", &["0.9.0", "2.1.0", "5.5.5"], &["1.0.0", "3.0.0"]);
        check(">*", &[], &["1.0.0"]);
    }

    #[test]
    fn a_prerelease_is_inside_only_where_one_is_named() {
        check(">=1.0.0-0 <2.0.0", &["1.5.0-beta", "1.0.0"], &[]);
        check("^1.0.0-0", &["1.0.0-rc1", "1.5.0-rc1"], &["2.0.0-rc1"]);
        check("^1.0.0", &["1.5.0"], &["1.5.0-rc1"]);
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in ["latest", "1.2.3.4", ">>1", "1.2.y", "=", "1.2-", "!"] {
            assert!(VersionRange::parse(text).is_err(), "{text}");
        }
    }
}
