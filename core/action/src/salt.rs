//! The salt by which a release's secret values get their ids.

use std::fmt;

use rhumb_chart::Sealing;

/// 32 random bytes, made at the first install and kept by every revision. Equality of secret values can be told only
/// by who knows it.
#[derive(Clone)]
pub(crate) struct Salt([u8; 32]);

impl Salt {
    /// A new one.
    pub(crate) fn random() -> Self {
        Self(rand::random())
    }

    /// The salt of a record: 64 hexadecimal digits.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// How ids are made with it.
    pub(crate) fn sealing(&self) -> Sealing {
        Sealing::keyed(self.0)
    }
}

impl fmt::Display for Salt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Salt(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_salt_is_read_as_it_is_written() {
        let salt = Salt::random();
        assert_eq!(Salt::read(&salt.to_string()).unwrap().0, salt.0);
        assert_ne!(salt.0, Salt::random().0);
        for wrong in ["", "00", &"g".repeat(64), &"ä".repeat(32)] {
            assert!(Salt::read(wrong).is_none(), "{wrong}");
        }
        assert!(!format!("{salt:?}").contains(&salt.to_string()));
    }
}
