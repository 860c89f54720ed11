use super::*;
use rhumb_backend::ExternalKind;

fn external(native: &str, keys: &[&str], extent: Extent) -> External {
    External {
        document: "secret/db".to_owned(),
        kind: ExternalKind::Secret,
        native: native.to_owned(),
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        extent,
    }
}

fn shown(entries: &[(&str, &str)]) -> Held {
    Held::Shown { entries: of(entries), mark: None }
}

fn of(entries: &[(&str, &str)]) -> Entries {
    let entry = |(key, value): &(&str, &str)| ((*key).to_owned(), Material::new(value.as_bytes().to_vec()));
    entries.iter().map(entry).collect()
}

/// A swarm, which has each key by itself, and a cluster, which has them in one secret.
fn outside(here: Vec<(&str, Held)>, there: Held) -> Outside {
    let mut keys: Vec<&str> = here.iter().map(|(key, _)| *key).collect();
    keys.sort_unstable();
    let there = vec![Found { external: external("db", &keys, Extent::Named), held: there }];
    let found = |(key, held): (&str, Held)| Found {
        external: external(&format!("db.{key}"), &[key], Extent::OneKey),
        held,
    };
    Outside { here: here.into_iter().map(found).collect(), there }
}

fn fate(outside: &Outside, keep: &[&str]) -> ExternalFate {
    let keep: Vec<String> = keep.iter().map(|one| (*one).to_owned()).collect();
    outside.moving(&keep, "m1").remove(0).fate
}

#[test]
fn what_is_not_there_is_copied_where_it_can_be_read() {
    let closed = || Held::InContainer { mark: None };
    let mut two = outside(vec![("a", closed()), ("b", closed())], Held::Absent);
    assert_eq!(fate(&two, &[]), ExternalFate::Copied);
    assert!(two.to_make("m1").is_empty(), "nobody has read it");
    assert_eq!(two.closed_here(), ["db.a", "db.b"]);
    two.open_here(
        [("db.a", "1"), ("db.b", "2")]
            .map(|(name, value)| (name.to_owned(), Material::new(value.as_bytes().to_vec())))
            .into(),
    );
    let (made, entries) = two.to_make("m1").remove(0);
    let entries = entries.unwrap();
    assert_eq!(
        (made.native.as_str(), entries["a"].expose(), entries["b"].expose()),
        ("db", &b"1"[..], &b"2"[..])
    );
    let gone = outside(vec![("a", closed()), ("b", Held::Absent)], Held::Absent);
    assert_eq!(fate(&gone, &[]), ExternalFate::Unreadable { why: "db.b is not at the source".to_owned() });
}

#[test]
fn what_is_there_is_compared_and_stays() {
    let here = || vec![("a", shown(&[("a", "1")]))];
    assert_eq!(fate(&outside(here(), shown(&[("a", "1"), ("x", "y")])), &[]), ExternalFate::Equal);
    let other = outside(here(), shown(&[("a", "2")]));
    assert_eq!(fate(&other, &[]), ExternalFate::Other);
    assert_eq!(fate(&other, &["secret/db"]), ExternalFate::Kept);
    assert!(other.to_make("m1").is_empty());
    let closed = outside(here(), Held::InContainer { mark: None });
    assert_eq!(fate(&closed, &[]), ExternalFate::ComparedLater);
    assert_eq!(closed.closed_there(&[], "m1"), ["db"]);
    assert!(closed.closed_there(&["secret/db".to_owned()], "m1").is_empty());
    let hidden = outside(here(), Held::Hidden { why: "no".to_owned() });
    assert_eq!(fate(&hidden, &[]), ExternalFate::Unknown { why: "no".to_owned() });
}

#[test]
fn what_an_earlier_run_made_is_not_made_again() {
    let ours = Held::Shown { entries: of(&[("a", "1")]), mark: Some("m1".to_owned()) };
    let outside = outside(vec![("a", shown(&[("a", "2")]))], ours);
    assert_eq!(fate(&outside, &[]), ExternalFate::Copied);
    assert!(matches!(outside.to_make("m1").as_slice(), [(_, None)]));
    assert_eq!(outside.moving(&[], "m2")[0].fate, ExternalFate::Other);
}

#[test]
fn a_cluster_whose_secret_is_read_as_a_whole_must_hold_the_same_and_no_more() {
    let check = |there: &[(&str, &str)], expected: &ExternalFate| {
        let found = |extent, held| Found { external: external("db", &[], extent), held };
        let here = vec![found(Extent::Whole, shown(&[("a", "1")]))];
        let outside = Outside { here, there: vec![found(Extent::Whole, shown(there))] };
        assert_eq!(&fate(&outside, &[]), expected, "{there:?}");
    };
    check(&[("a", "1")], &ExternalFate::Equal);
    check(&[("a", "1"), ("b", "2")], &ExternalFate::Other);
}

#[test]
fn a_key_that_the_source_lacks_is_told() {
    let here = vec![Found { external: external("db", &[], Extent::Whole), held: shown(&[("a", "1")]) }];
    let there = vec![Found { external: external("db", &["db"], Extent::OneKey), held: Held::Absent }];
    let why = "what the source has of it holds no key `db`".to_owned();
    assert_eq!(fate(&Outside { here, there }, &[]), ExternalFate::Unreadable { why });
}
