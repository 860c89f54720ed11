//! Words of a POSIX shell, and what probes ask from inside a container.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// The text as one word of a shell, quoted where it must be.
pub(crate) fn quote(text: &str) -> Cow<'_, str> {
    let is_plain = |character: char| {
        character.is_ascii_alphanumeric()
            || matches!(character, '-' | '_' | '.' | '/' | ':' | ',' | '=' | '@' | '%' | '+')
    };
    if !text.is_empty() && text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

/// What the command of an HTTP probe begins with.
pub(crate) const HTTP: &str = "if command -v curl >/dev/null; then exec curl -fsk -o /dev/null";

/// What the command of a TCP probe begins with.
pub(crate) const TCP: &str = "if command -v nc >/dev/null; then nc -z 127.0.0.1";

/// GETs a URL with curl or else wget, whichever the image has. Both succeed on 200–399, without a look at the
/// certificate.
pub(crate) fn http(url: &str, headers: &BTreeMap<String, String>) -> String {
    let option = |flag: &str| {
        let header = |(name, value)| format!(" {flag} {}", quote(&format!("{name}: {value}")));
        headers.iter().map(header).collect::<Vec<_>>().concat()
    };
    let certificate = if url.starts_with("https:") { " --no-check-certificate" } else { "" };
    let word = quote(url);
    format!(
        "{HTTP}{} {word}; else exec wget -q{certificate} -O /dev/null{} {word}; fi",
        option("-H"),
        option("--header")
    )
}

/// Opens a connection with nc or else bash, whichever the image has. Debian's busybox has an nc without `-z`.
pub(crate) fn tcp(port: u16) -> String {
    let without_z = format!("exec nc -w 1 127.0.0.1 {port} </dev/null >/dev/null");
    format!("{TCP} {port} 2>/dev/null || {without_z}; else exec bash -c ': </dev/tcp/127.0.0.1/{port}'; fi")
}

/// Asks the gRPC health service with the program that everybody uses for it.
pub(crate) fn grpc(port: u16, service: &str) -> Vec<String> {
    let mut command =
        vec!["CMD".to_owned(), "grpc_health_probe".to_owned(), format!("-addr=127.0.0.1:{port}")];
    if !service.is_empty() {
        command.push(format!("-service={service}"));
    }
    command
}
