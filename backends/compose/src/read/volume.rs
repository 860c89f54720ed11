//! The short form of a service's volume: `SOURCE:TARGET:OPTIONS`.

/// The parts of a short form, the letter of a drive taken with what follows.
pub(crate) fn parts(text: &str) -> Vec<&str> {
    let is_drive = text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && text.get(1..3).is_some_and(|rest| matches!(rest, ":\\" | ":/"));
    let from = if is_drive { 2 } else { 0 };
    match text[from..].find(':') {
        None => vec![text],
        Some(at) => {
            let (source, rest) = text.split_at(from + at);
            let mut found = vec![source];
            found.extend(rest[1..].split(':'));
            found
        }
    }
}

/// Where a short form is mounted.
pub(crate) fn target(text: &str) -> &str {
    let found = parts(text);
    found.get(1).or(found.first()).copied().unwrap_or(text)
}
