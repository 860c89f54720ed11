//! What a command printed, between what the plugin says around it.

use rhumb_backend::{Error, ErrorKind};

use super::RUN;
use super::shell::MARK;

/// The most bytes of what comes before the command that are kept, to tell why it never began.
const MAX_BEFORE: usize = 4096;

/// Takes the command's own output out of a session's.
#[derive(Debug)]
pub(super) struct Output {
    begin: Vec<u8>,
    end: Vec<u8>,
    held: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The plugin greets.
    Before,
    /// The command prints; the terminal on the other side leaves ends of lines as they are.
    Plain,
    /// The same, where it makes two characters of each.
    Returned,
    /// The command has ended.
    Ended(i32),
}

impl Output {
    pub(super) fn new(nonce: &str) -> Self {
        let begin = format!("{MARK}-{nonce}").into_bytes();
        let end = format!("\n{MARK}-{nonce}=").into_bytes();
        Self { begin, end, held: Vec::new(), state: State::Before }
    }

    /// How the command ended; none while it has not.
    pub(super) fn code(&self) -> Option<i32> {
        match self.state {
            State::Ended(code) => Some(code),
            _ => None,
        }
    }

    /// What of these bytes, and of those held back before, is the command's.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(bytes);
        if self.state == State::Before {
            self.begin();
        }
        match self.state {
            State::Before | State::Ended(_) => Vec::new(),
            State::Plain | State::Returned => self.printed(),
        }
    }

    /// Looks for the line that the command begins after.
    fn begin(&mut self) {
        let Some(at) = find(&self.held, &self.begin) else {
            let excess = self.held.len().saturating_sub(MAX_BEFORE);
            self.held.drain(..excess);
            return;
        };
        let rest = &self.held[at + self.begin.len()..];
        let (state, length) = match rest {
            [b'\n', ..] => (State::Plain, 1),
            [b'\r', b'\n', ..] => (State::Returned, 2),
            _ => return,
        };
        self.state = state;
        self.held.drain(..at + self.begin.len() + length);
    }

    /// What is printed so far, but for what may be the beginning of the end.
    fn printed(&mut self) -> Vec<u8> {
        let is_returned = self.state == State::Returned;
        if is_returned {
            unreturn(&mut self.held);
        }
        if let Some(at) = find(&self.held, &self.end) {
            let told = &self.held[at + self.end.len()..];
            let Some(length) = told.iter().position(|byte| *byte == b'\n') else {
                return self.release(at);
            };
            let code = String::from_utf8_lossy(&told[..length]).trim().parse().unwrap_or(1);
            let printed = self.held[..at].to_vec();
            self.held.clear();
            self.state = State::Ended(code);
            return printed;
        }
        let longest = self.end.len().min(self.held.len());
        let kept =
            (1..=longest).rev().find(|length| self.held.ends_with(&self.end[..*length])).unwrap_or_default();
        // A carriage return may be the first half of a line's end.
        let kept = if kept == 0 && is_returned && self.held.ends_with(b"\r") { 1 } else { kept };
        self.release(self.held.len() - kept)
    }

    fn release(&mut self, length: usize) -> Vec<u8> {
        self.held.drain(..length).collect()
    }

    /// Why a session ended before its command did.
    pub(super) fn failure(&self) -> Error {
        let said = String::from_utf8_lossy(&self.held);
        let said: Vec<&str> = said
            .lines()
            .map(str::trim)
            .filter(|line| {
                !line.is_empty() && !line.contains("tarting session") && !line.contains("xiting session")
            })
            .collect();
        let has_begun = self.state != State::Before;
        let message = match (has_begun, said.last()) {
            (true, _) => "the session ended before the command did".to_owned(),
            (false, Some(said)) => (*said).to_owned(),
            (false, None) => "the session ended before the command began".to_owned(),
        };
        let error = Error::new(ErrorKind::Unsupported, RUN, message);
        if has_begun {
            error
        } else {
            error.remedy("an image that has `sh`, or a terminal (-iT), which needs none")
        }
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

/// Ends of lines as they were printed.
fn unreturn(bytes: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(found) = find(&bytes[at..], b"\r\n") {
        bytes.remove(at + found);
        at += found + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every way to cut a session in two gives the same.
    fn check(session: &str, expect: (&str, Option<i32>)) {
        for at in 0..=session.len() {
            let mut output = Output::new("n");
            let mut printed = output.take(&session.as_bytes()[..at]);
            printed.extend(output.take(&session.as_bytes()[at..]));
            assert_eq!((String::from_utf8(printed).unwrap().as_str(), output.code()), expect, "cut at {at}");
        }
    }

    #[test]
    fn only_the_commands_own_output_is_passed_on() {
        let greeting = "\nStarting session with SessionId: ecs-execute-command-1\n";
        let ending = "\n\nExiting session with sessionId: ecs-execute-command-1.\n";
        check(
            &format!("{greeting}rhumb-exec-n\none\ntwo\n\nrhumb-exec-n=3\n{ending}"),
            ("one\ntwo\n", Some(3)),
        );
        check(&format!("{greeting}rhumb-exec-n\nno end\nrhumb-exec-n=0\n"), ("no end", Some(0)));
        check("rhumb-exec-n\r\none\r\n\r\nrhumb-exec-n=0\r\n", ("one\n", Some(0)));
        check("rhumb-exec-n\n\nrhumb-exec-n=0\n", ("", Some(0)));
    }

    #[test]
    fn a_session_that_ends_early_says_why() {
        let mut output = Output::new("n");
        output.take(b"Starting session with SessionId: x\nexec: \"sh\": executable file not found in $PATH\n\nExiting session with sessionId: x.\n");
        assert!(output.failure().to_string().contains("executable file not found"), "{}", output.failure());
        let mut output = Output::new("n");
        output.take(b"rhumb-exec-n\nhalf");
        assert!(output.failure().to_string().contains("before the command did"));
    }
}
