//! One line, as the kubelet sends it: its time, and what was printed.

/// The parts of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// When it was printed, in RFC 3339.
    pub(super) time: Option<String>,
    /// What was printed.
    pub(super) text: String,
}

/// Takes a line apart: `2026-01-01T00:00:00.123456789Z text`.
pub(super) fn parse(bytes: &[u8]) -> Line {
    let whole = String::from_utf8_lossy(bytes);
    let whole = whole.trim_end_matches(['\n', '\r']);
    let (time, text) = whole.split_once(' ').unwrap_or((whole, ""));
    if time.parse::<jiff::Timestamp>().is_err() {
        return Line { time: None, text: whole.to_owned() };
    }
    Line { time: Some(time.to_owned()), text: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_taken_off() {
        let check = |bytes: &[u8], time: Option<&str>, text: &str| {
            assert_eq!(parse(bytes), Line { time: time.map(str::to_owned), text: text.to_owned() });
        };
        let time = "2026-11-21T03:00:00.123456789Z";
        check(b"2026-11-21T03:00:00.123456789Z hello world\r\n", Some(time), "hello world");
        check(b"2026-11-21T03:00:00.123456789Z \n", Some(time), "");
        check(b"2026-11-21T03:00:00.123456789Z", Some(time), "");
        check(b"unable to retrieve container logs\n", None, "unable to retrieve container logs");
        check(b"2026-11-21T03:00:00.123456789Z a\xffb\n", Some(time), "a\u{fffd}b");
    }
}
