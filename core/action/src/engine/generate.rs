//! Making secret material.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use rand::RngExt;
use rcgen::{CertificateParams, DnType, KeyPair};
use rhumb_backend::{Error, ErrorKind, Result};
use rhumb_spec::model::{Charset, Generate, GenerateKind};
use zeroize::Zeroizing;

/// Characters of a password, or bytes of a key, when the chart says nothing.
const LENGTH: u32 = 32;
/// The most characters of a password or bytes of a key.
const MAX_LENGTH: u32 = 65_536;
/// Days that a certificate is valid when the chart says nothing.
const DAYS: u32 = 3650;

/// What was made: the material, and the private key that belongs to it.
pub(super) struct Made {
    pub(super) main: Zeroizing<Vec<u8>>,
    pub(super) private_key: Option<Zeroizing<Vec<u8>>>,
}

/// Makes material from the system's cryptographic random numbers. `now` is what certificates are dated by.
pub(super) fn generate(how: &Generate, now: Timestamp) -> Result<Made> {
    match how.kind {
        GenerateKind::Password => password(length(how)?, characters(how.charset)).map(alone),
        GenerateKind::Key => Ok(alone(key(length(how)?))),
        GenerateKind::Uuid => Ok(alone(uuid())),
        GenerateKind::Certificate => certificate(how, now),
    }
}

fn alone(main: Zeroizing<Vec<u8>>) -> Made {
    Made { main, private_key: None }
}

fn length(how: &Generate) -> Result<usize> {
    let length = how.length.unwrap_or(LENGTH);
    if length == 0 || length > MAX_LENGTH {
        return Err(invalid(format!("its length is {length}; from 1 to {MAX_LENGTH} are possible")));
    }
    usize::try_from(length).map_err(|error| invalid(error.to_string()))
}

fn characters(charset: Charset) -> &'static [u8] {
    match charset {
        Charset::Alphanumeric => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        Charset::Hex => b"0123456789abcdef",
        Charset::Numeric => b"0123456789",
        Charset::Ascii => {
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&*+-.:;<=>?@^_~"
        }
    }
}

fn password(length: usize, characters: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let mut random = rand::rng();
    let mut bytes = Zeroizing::new(Vec::with_capacity(length));
    for _ in 0..length {
        let at = random.random_range(0..characters.len());
        bytes.push(*characters.get(at).ok_or_else(|| invalid("no characters".to_owned()))?);
    }
    Ok(bytes)
}

fn key(length: usize) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(vec![0; length]);
    rand::rng().fill(bytes.as_mut_slice());
    Zeroizing::new(STANDARD.encode(&*bytes).into_bytes())
}

fn uuid() -> Zeroizing<Vec<u8>> {
    let bytes: [u8; 16] = rand::rng().random();
    let id = uuid::Builder::from_random_bytes(bytes).into_uuid();
    Zeroizing::new(id.to_string().into_bytes())
}

/// A self-signed certificate for its hosts, valid from a day ago, so that clocks may differ.
fn certificate(how: &Generate, now: Timestamp) -> Result<Made> {
    let refused = |error: rcgen::Error| invalid(error.to_string());
    let first = how.hosts.first().ok_or_else(|| invalid("it is for no host".to_owned()))?;
    let mut params = CertificateParams::new(how.hosts.clone()).map_err(refused)?;
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, first.as_str());
    let (from, to) = (date(now, -1)?, date(now, i64::from(how.days.unwrap_or(DAYS)))?);
    params.not_before = rcgen::date_time_ymd(from.0, from.1, from.2);
    params.not_after = rcgen::date_time_ymd(to.0, to.1, to.2);
    let pair = KeyPair::generate().map_err(refused)?;
    let certificate = params.self_signed(&pair).map_err(refused)?;
    Ok(Made {
        main: Zeroizing::new(certificate.pem().into_bytes()),
        private_key: Some(Zeroizing::new(pair.serialize_pem().into_bytes())),
    })
}

/// Year, month and day so many days from now.
fn date(now: Timestamp, days: i64) -> Result<(i32, u8, u8)> {
    let late = |error: jiff::Error| invalid(error.to_string());
    let span = Span::new().try_days(days).map_err(late)?;
    let date = now.to_zoned(TimeZone::UTC).date().checked_add(span).map_err(late)?;
    Ok((i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs()))
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Invalid, "make secret material", message)
}
