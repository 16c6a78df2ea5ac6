//! The one secret of a service.

use crate::base::Secret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A secret to compare with.
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Of this secret.
    #[must_use]
    pub fn of(secret: &Secret) -> Self {
        Self(hash(secret.expose()))
    }

    /// Whether it is this one. How long that takes says nothing about the secret: hashes are compared, and as a whole.
    #[must_use]
    pub fn is(&self, shown: &str) -> bool {
        self.0.ct_eq(&hash(shown)).into()
    }

    /// The digest by which sessions remember it.
    #[must_use]
    pub fn mark(&self) -> String {
        super::session::mark(&self.0)
    }
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_text_is_the_secret() {
        let secret = SecretHash::of(&Secret::new("correct horse battery"));
        assert!(secret.is("correct horse battery"));
        for wrong in ["", "correct horse batter", "correct horse battery ", "Correct horse battery"] {
            assert!(!secret.is(wrong), "{wrong}");
        }
    }
}
