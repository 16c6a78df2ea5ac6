//! The hash of a secret. It has no `==`: hashes are compared in constant time, or not at all.

use sha2::{Digest, Sha256};
use std::fmt::Write;
use subtle::ConstantTimeEq;

/// What the text of a hash begins with.
const PREFIX: &str = "sha256:";

/// A secret to compare with.
#[derive(Clone)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Of this secret.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// Whether it is this one. How long that takes says nothing about the secret: hashes are compared, and as a whole.
    #[must_use]
    pub fn is(&self, shown: &str) -> bool {
        self.0.ct_eq(&Self::of(shown).0).into()
    }

    /// The digest by which sessions remember it.
    #[must_use]
    pub fn mark(&self) -> String {
        super::session::mark(&self.0)
    }

    /// `sha256:` and 64 digits.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.iter().fold(PREFIX.to_owned(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// The hash that a text is; `None`: it is none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?;
        if digits.len() != 64 || !digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        let mut hash = [0; 32];
        for (at, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(digits.get(at * 2..at * 2 + 2)?, 16).ok()?;
        }
        Some(Self(hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_text_is_the_secret() {
        let secret = SecretHash::of("correct horse battery");
        assert!(secret.is("correct horse battery"));
        for wrong in ["", "correct horse batter", "correct horse battery ", "Correct horse battery"] {
            assert!(!secret.is(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_hash_is_read_as_it_is_written() {
        // printf %s abc | sha256sum
        let text = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(SecretHash::of("abc").text(), text);
        assert!(SecretHash::read(text).unwrap().is("abc"));
        for wrong in ["", "sha256:", &text[7..], &text[..70], &text.to_uppercase(), &format!("{text}0")] {
            assert!(SecretHash::read(wrong).is_none(), "{wrong}");
        }
    }
}
