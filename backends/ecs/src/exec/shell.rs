//! Commands as ECS Exec takes them: one text, which the agent takes apart as a shell would.

/// What the marks begin with.
pub(super) const MARK: &str = "rhumb-exec";

/// A command that tells when it begins, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrapped {
    pub(super) command: String,
    /// Tells its marks from what the command prints.
    pub(super) nonce: String,
}

/// Whether a command gets input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    Input,
    Nothing,
}

impl Wrapped {
    /// The command under `sh`. On the other side there is always a terminal: it must not echo what is typed, nor change the
    /// ends of lines.
    pub(super) fn new(command: &[String], reads: Reads) -> Self {
        let nonce = uuid::Uuid::now_v7().simple().to_string();
        let input = match reads {
            Reads::Input => "",
            Reads::Nothing => " </dev/null",
        };
        let script = format!(
            "stty -echo -opost 2>/dev/null; echo {MARK}-{nonce}; \"$@\"{input}; code=$?; echo; echo {MARK}-{nonce}=$code"
        );
        let words = ["sh".to_owned(), "-c".to_owned(), script, "sh".to_owned()];
        let words: Vec<String> = words.into_iter().chain(command.iter().cloned()).collect();
        Self { command: quoted(&words), nonce }
    }
}

/// Words as one text, of which a shell makes the same words again.
pub(super) fn quoted(words: &[String]) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=,@%+".contains(&byte);
    let quote = |word: &String| {
        if !word.is_empty() && word.bytes().all(is_plain) {
            return word.clone();
        }
        format!("'{}'", word.replace('\'', "'\\''"))
    };
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_shell() {
        let words = ["echo", "", "a b", "it's", "$HOME \"x\" \\", "ü;|&"].map(str::to_owned);
        let output = std::process::Command::new("sh")
            .arg("-c")
            .arg(format!("printf '<%s>' {}", quoted(&words)))
            .output()
            .unwrap();
        let expect = format!("<{}>", words.join("><"));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expect);
    }
}
