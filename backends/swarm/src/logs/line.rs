//! One line, as the engine sends it: its time, the task's attributes, and what was printed.

/// The parts of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// When it was printed, in RFC 3339.
    pub(super) time: Option<String>,
    /// The id of the task that printed it.
    pub(super) task: Option<String>,
    /// What was printed.
    pub(super) text: String,
}

/// The name of the attribute that holds the task's id.
const TASK: &str = "com.docker.swarm.task.id=";

/// Takes a line apart: `2026-01-01T00:00:00Z com.docker.swarm.task.id=abc,… text`.
pub(super) fn parse(bytes: &[u8]) -> Line {
    let whole = text(bytes);
    let apart = whole.split_once(' ').and_then(|(time, rest)| {
        let (attributes, text) = rest.split_once(' ').unwrap_or((rest, ""));
        let task = attributes.split(',').find_map(|attribute| attribute.strip_prefix(TASK))?;
        Some((time, task, text))
    });
    match apart {
        Some((time, task, text)) => {
            Line { time: Some(time.to_owned()), task: Some(task.to_owned()), text: text.to_owned() }
        }
        None => Line { time: None, task: None, text: whole },
    }
}

/// The text of a line, without its end.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches(['\n', '\r']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_task_is_in_the_attributes() {
        let line = parse(
            b"2026-11-21T03:00:00.1Z com.docker.swarm.node.id=n,com.docker.swarm.task.id=t hello world\n",
        );
        let expect = Line {
            time: Some("2026-11-21T03:00:00.1Z".to_owned()),
            task: Some("t".to_owned()),
            text: "hello world".to_owned(),
        };
        assert_eq!(line, expect);
    }

    #[test]
    fn an_empty_line_and_a_strange_one_stay_what_they_are() {
        assert_eq!(parse(b"T com.docker.swarm.task.id=t \n").text, "");
        assert_eq!(parse(b"hello world"), Line { time: None, task: None, text: "hello world".to_owned() });
    }
}
