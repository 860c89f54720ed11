//! Being sent on to the leader.

use reqwest::Url;
use reqwest::header::{HeaderMap, LOCATION};

/// So many times we let ourselves be sent on.
pub(super) const HOPS: usize = 3;

/// Where an answer sends us, if it does so: masters that do not lead send callers on to the one that does.
///
/// Source: Marathon documentation, "High Availability": a request to a master that does not lead is passed on; those of
/// the event stream are redirected.
pub(super) fn target(from: &Url, status: u16, headers: &HeaderMap) -> Option<Url> {
    if !matches!(status, 301 | 302 | 307 | 308) {
        return None;
    }
    from.join(headers.get(LOCATION)?.to_str().ok()?).ok()
}

/// Whether credentials may go to where we are sent: the same scheme, and a host that the target's settings or a master
/// that knows us named.
pub(super) fn is_trusted(to: &Url, known: &[Url], leader: Option<&str>) -> bool {
    let is_known = |url: &Url| url.scheme() == to.scheme() && url.host_str() == to.host_str();
    let host = |leader: &str| leader.rsplit_once(':').map_or(leader, |(host, _)| host).to_owned();
    let is_leader = || leader.map(host).as_deref() == to.host_str();
    let is_no_worse = to.scheme() == "https" || known.iter().any(|url| url.scheme() == "http");
    is_no_worse && (known.iter().any(is_known) || is_leader())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_go_where_the_answer_says() {
        let from: Url = "http://m1:8080/v2/events?x=1".parse().unwrap();
        let mut headers = HeaderMap::new();
        assert_eq!(target(&from, 307, &headers), None);
        headers.insert(LOCATION, "http://m2:8080/v2/events?x=1".parse().unwrap());
        assert_eq!(target(&from, 307, &headers).unwrap().as_str(), "http://m2:8080/v2/events?x=1");
        assert_eq!(target(&from, 200, &headers), None);
    }

    #[test]
    fn credentials_stay_among_those_we_know() {
        let check = |to: &str, known: &str, leader: Option<&str>, expect: bool| {
            let known = [known.parse().unwrap()];
            assert_eq!(is_trusted(&to.parse().unwrap(), &known, leader), expect, "{to} {leader:?}");
        };
        check("http://m1:8081/x", "http://m1:8080", None, true);
        check("http://m2:8080/x", "http://m1:8080", None, false);
        check("http://m2:8080/x", "http://m1:8080", Some("m2:8080"), true);
        check("http://m1/x", "https://m1", None, false);
        check("http://m2:8080/x", "https://m1", Some("m2:8080"), false);
        check("https://m2/x", "https://m1", Some("m2:8443"), true);
    }
}
