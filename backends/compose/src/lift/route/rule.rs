//! Rules of Traefik, as hosts and paths.
//!
//! Source: doc.traefik.io, "Routers", "Rule"; of version 1, "Configuration backends", "Docker".

/// The most hosts and paths that one rule may name.
const MAX_CASES: usize = 32;
/// How deep parentheses may stand in each other.
const MAX_DEPTH: usize = 8;

/// One host and one path of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Case {
    /// The host; none means every host.
    pub(super) host: Option<String>,
    /// The path; none means every path.
    pub(super) path: Option<String>,
    /// Whether only the path itself is meant, and nothing below it.
    pub(super) is_exact: bool,
}

impl Case {
    /// What both say; none where they say different things of the same.
    fn and(&self, other: &Self) -> Option<Self> {
        let one = |own: &Option<String>, others: &Option<String>| match (own, others) {
            (Some(_), Some(_)) => None,
            (own, others) => Some(own.clone().or_else(|| others.clone())),
        };
        Some(Self {
            host: one(&self.host, &other.host)?,
            path: one(&self.path, &other.path)?,
            is_exact: self.is_exact || other.is_exact,
        })
    }
}

/// The hosts and paths of a rule; none where it asks for anything else.
pub(super) fn cases(rule: &str) -> Option<Vec<Case>> {
    let mut reader = Reader { rest: rule.trim(), depth: 0 };
    let found = reader.either()?;
    (reader.rest.is_empty() && !found.is_empty()).then(|| folded(&found))
}

/// `Path(/a) || PathPrefix(/a/)` is what a path prefix of whole segments is.
fn folded(found: &[Case]) -> Vec<Case> {
    let is_below = |case: &Case, exact: &Case| {
        let folder = exact.path.as_ref().map(|path| format!("{}/", path.trim_end_matches('/')));
        !case.is_exact && case.host == exact.host && case.path == folder
    };
    let mut all = found.to_vec();
    for exact in found.iter().filter(|case| case.is_exact) {
        if found.iter().any(|case| is_below(case, exact)) {
            all.retain(|case| case != exact && !is_below(case, exact));
            all.push(Case { is_exact: false, ..exact.clone() });
        }
    }
    all
}

struct Reader<'t> {
    rest: &'t str,
    depth: usize,
}

impl<'t> Reader<'t> {
    fn skip(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn either(&mut self) -> Option<Vec<Case>> {
        let mut found = self.both()?;
        while self.skip("||") {
            found.extend(self.both()?);
        }
        (found.len() <= MAX_CASES).then_some(found)
    }

    fn both(&mut self) -> Option<Vec<Case>> {
        let mut found = self.term()?;
        while self.skip("&&") {
            let others = self.term()?;
            let pairs = found.iter().flat_map(|one| others.iter().map(|other| one.and(other)));
            found = pairs.collect::<Option<_>>()?;
        }
        (found.len() <= MAX_CASES).then_some(found)
    }

    fn term(&mut self) -> Option<Vec<Case>> {
        if self.skip("(") {
            self.depth += 1;
            let found = if self.depth <= MAX_DEPTH { self.either()? } else { return None };
            self.depth -= 1;
            return self.skip(")").then_some(found);
        }
        let name = self.word()?;
        if !self.skip("(") {
            return None;
        }
        let mut found = Vec::new();
        loop {
            found.push(case(name, self.text()?)?);
            if !self.skip(",") {
                break;
            }
        }
        self.skip(")").then_some(found)
    }

    fn word(&mut self) -> Option<&'t str> {
        let end = self.rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        (!word.is_empty()).then_some(word)
    }

    /// Text in backticks or in quotes.
    fn text(&mut self) -> Option<&'t str> {
        let quote = self.rest.chars().next().filter(|quote| matches!(quote, '`' | '"' | '\''))?;
        let (text, rest) = self.rest[1..].split_once(quote)?;
        self.rest = rest.trim_start();
        (!text.is_empty()).then_some(text)
    }
}

fn case(name: &str, text: &str) -> Option<Case> {
    let path = || text.starts_with('/').then(|| text.to_owned());
    match name {
        "Host" => Some(Case { host: Some(text.to_owned()), ..Case::default() }),
        "PathPrefix" => Some(Case { path: Some(path()?), ..Case::default() }),
        "Path" => Some(Case { path: Some(path()?), is_exact: true, ..Case::default() }),
        _ => None,
    }
}

/// The hosts and paths of a rule of Traefik 1: `Host:a.example,b.example;PathPrefix:/x`.
pub(super) fn older_cases(rule: &str) -> Option<Vec<Case>> {
    let mut found = vec![Case::default()];
    for part in rule.split(';') {
        let (name, texts) = part.split_once(':')?;
        let others: Vec<Case> =
            texts.split(',').map(|text| case(name.trim(), text.trim())).collect::<Option<_>>()?;
        let pairs = found.iter().flat_map(|one| others.iter().map(|other| one.and(other)));
        found = pairs.collect::<Option<_>>()?;
        if found.len() > MAX_CASES {
            return None;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: &str, expected: Option<&[(&str, &str)]>) {
        let found = cases(rule);
        let found: Option<Vec<(&str, &str)>> = found.as_ref().map(|found| {
            found
                .iter()
                .map(|case| (case.host.as_deref().unwrap_or("*"), case.path.as_deref().unwrap_or("*")))
                .collect()
        });
        assert_eq!(found.as_deref(), expected, "{rule}");
    }

    #[test]
    fn hosts_and_paths_are_read() {
        check("Host(`a.b`)", Some(&[("a.b", "*")]));
        check("Host(`a`) && PathPrefix(`/x`)", Some(&[("a", "/x")]));
        check(
            "Host(`a`, \"b\") && (PathPrefix(`/x`)||PathPrefix(`/y`))",
            Some(&[("a", "/x"), ("a", "/y"), ("b", "/x"), ("b", "/y")]),
        );
        check("Host(`a`) || Host(`b`)", Some(&[("a", "*"), ("b", "*")]));
        check("Host(`a`) && (Path(`/x`) || PathPrefix(`/x/`))", Some(&[("a", "/x")]));
        assert!(cases("Path(`/`)").is_some_and(|found| found[0].is_exact));
    }

    #[test]
    fn other_rules_are_not() {
        for rule in
            ["HostRegexp(`.*`)", "!Host(`a`)", "Host(`a`) && Host(`b`)", "Host(a)", "", "Host(`a`", "("]
        {
            check(rule, None);
        }
        check(&"(".repeat(100), None);
    }

    #[test]
    fn rules_of_version_1_are_read() {
        let found = older_cases("Host:a.b,c.d;PathPrefix:/x").unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].host.as_deref(), Some("c.d"));
        assert_eq!(older_cases("HostRegexp:x"), None);
    }
}
