//! Whole outputs of the program, as people see them, on the memory target.
//!
//! Every file `transcripts/*.txt` is a session: lines that begin with `$ ` are commands, and what they print and how they
//! end stands below. `RHUMB_BLESS=1` writes the outputs anew; the difference is then the reviewer's to judge.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a session in a folder of its own and returns it with the outputs that it had this time.
fn replay(session: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut replayed = String::new();
    for line in session.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            replayed.extend([line, "\n", &run(command, folder.path())]);
        } else if line.starts_with("# ") {
            replayed.extend([line, "\n"]);
        }
    }
    replayed
}

/// Runs one line in a shell, both streams as one, with nothing of this machine around it.
fn run(command: &str, folder: &Path) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_rhumb")).parent().expect("the program lies in a folder");
    let path = format!("{}:/usr/bin:/bin", program.display());
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1; {command}")])
        .current_dir(folder)
        .env_clear()
        .env("PATH", path)
        .env("HOME", folder)
        .env("USER", "ada")
        .env("COLUMNS", "100")
        .env("CHARTS", Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts"))
        .output()
        .expect("a shell");
    let mut text = redact(&String::from_utf8_lossy(&output.stdout), folder);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    match output.status.code() {
        Some(0) => {}
        code => text.extend(["[exit code ", &code.unwrap_or(-1).to_string(), "]\n"]),
    }
    text + "\n"
}

/// Takes out what differs from run to run: times, folders, hosts, process numbers.
fn redact(text: &str, folder: &Path) -> String {
    let charts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts");
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let mut text = text
        .replace(&folder.display().to_string(), "FOLDER")
        .replace(&charts.display().to_string(), "CHARTS");
    if !host.trim().is_empty() {
        text = text.replace(&format!("ada@{}", host.trim()), "ada@HOST");
    }
    let mut redacted = String::new();
    for line in text.lines() {
        redacted.push_str(&redact_runs(&redact_times(line)));
        redacted.push('\n');
    }
    redacted
}

/// Replaces the random end of a one-off job's name.
fn redact_runs(line: &str) -> String {
    const MARK: &str = "-run-";
    let mut redacted = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(MARK) {
        let (head, tail) = rest.split_at(at + MARK.len());
        redacted.push_str(head);
        let end = tail.find(|character: char| !character.is_ascii_hexdigit()).unwrap_or(tail.len());
        if end > 0 {
            redacted.push_str("ID");
        }
        rest = &tail[end..];
    }
    redacted + rest
}

/// Replaces `2026-11-21 03:04:05` and `2026-11-21T03:04:05.678Z`, whatever the digits are.
fn redact_times(line: &str) -> String {
    const SHAPE: &str = "dddd-dd-dd_dd:dd:dd";
    let characters: Vec<char> = line.chars().collect();
    let fits = |at: usize| {
        SHAPE.chars().enumerate().all(|(offset, shape)| {
            let Some(found) = characters.get(at + offset) else { return false };
            match shape {
                'd' => found.is_ascii_digit(),
                '_' => matches!(found, ' ' | 'T'),
                other => *found == other,
            }
        })
    };
    let mut redacted = String::new();
    let mut at = 0;
    while at < characters.len() {
        if !fits(at) {
            redacted.push(characters[at]);
            at += 1;
            continue;
        }
        redacted.push_str("TIME");
        at += SHAPE.len();
        while characters.get(at).is_some_and(|next| next.is_ascii_digit() || matches!(next, '.' | 'Z')) {
            at += 1;
        }
    }
    redacted
}

fn check(name: &str) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/transcripts/{name}.txt"));
    let written = fs::read_to_string(&path).expect("the session's file");
    let replayed = replay(&written);
    if std::env::var_os("RHUMB_BLESS").is_some() {
        fs::write(&path, &replayed).expect("the session's file");
        return;
    }
    if written != replayed {
        let difference = first_difference(&written, &replayed);
        panic!("{name} is not as before (look at it, then run with RHUMB_BLESS=1)\n{difference}");
    }
}

fn first_difference(written: &str, replayed: &str) -> String {
    let line = written.lines().zip(replayed.lines()).position(|(before, now)| before != now);
    let at = line.unwrap_or_else(|| written.lines().count().min(replayed.lines().count()));
    let around = |text: &str| text.lines().skip(at.saturating_sub(2)).take(8).collect::<Vec<_>>().join("\n");
    format!("line {}\n--- before\n{}\n--- now\n{}", at + 1, around(written), around(replayed))
}

macro_rules! transcripts {
    ($($name:ident),+ $(,)?) => {
        $(#[test] fn $name() { check(stringify!($name)); })+

        #[test]
        fn every_transcript_is_replayed() {
            let known = [$(stringify!($name)),+];
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
            for entry in fs::read_dir(folder).expect("the transcripts").flatten() {
                let name = entry.path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
                assert!(known.contains(&name.as_str()), "{name}.txt is replayed by no test");
            }
        }
    };
}

transcripts!(
    first_minute,
    releases,
    failing_waits,
    broken_charts,
    adopting,
    values_and_secrets,
    operate,
    targets,
    several_targets,
    exports,
    migrating,
    help,
    comparing,
    evaluating
);
