//! How a request is recognised that comes again.

use crate::base::checksum;

/// How a request is recognised if it comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeat {
    /// The digest of who asks, where, and the key.
    pub key: String,
    /// The digest of what is asked.
    pub content: String,
}

impl Repeat {
    /// The digests of a request with a key.
    #[must_use]
    pub fn of(bucket: &str, environment: &str, key: &str, route: &str, body: &[u8]) -> Self {
        // the length of each part keeps one from being taken for another
        let digest = |parts: &[&[u8]]| {
            let mut all = Vec::new();
            for part in parts {
                all.extend_from_slice(&part.len().to_be_bytes());
                all.extend_from_slice(part);
            }
            checksum::sha256_hex(&all)
        };
        Self {
            key: digest(&[bucket.as_bytes(), environment.as_bytes(), key.as_bytes()]),
            content: digest(&[route.as_bytes(), body]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_callers_in_one_environment() {
        let of =
            |bucket, environment, key, body: &str| Repeat::of(bucket, environment, key, "migrate", body.as_bytes());
        let first = of("secret:ci", "staging", "k1", "{}");
        assert_eq!(first, of("secret:ci", "staging", "k1", "{}"));
        for other in [
            of("secret:x", "staging", "k1", ""),
            of("secret:ci", "production", "k1", ""),
            of("secret:c", "istaging", "k1", ""),
        ] {
            assert_ne!(first.key, other.key);
        }
        let other = of("secret:ci", "staging", "k1", "{ }");
        assert!(first.key == other.key && first.content != other.content);
    }
}
