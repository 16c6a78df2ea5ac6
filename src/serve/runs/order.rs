//! What a caller asks for.

use crate::base::{HumanDuration, checksum};
use crate::history::RunKind;
use crate::plan::rollback::Target as Which;
use crate::serve::aim::Aim;
use crate::serve::caller::RequestId;

/// A run that a caller asks for.
pub struct Order {
    /// The id of the request, which is that of the run.
    pub id: RequestId,
    /// What is to be done.
    pub what: What,
    /// What happens if another run is in progress.
    pub if_busy: IfBusy,
    /// Where, and for whom.
    pub aim: Aim,
    /// How the request is recognised if it comes again.
    pub repeat: Option<Repeat>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Applies what is pending; with selectors only what they choose.
    Apply {
        /// The selectors.
        select: Vec<String>,
    },
    /// Rolls changesets back.
    Rollback {
        /// The changesets.
        which: Which,
        /// Whether to roll back dependents too.
        cascade: bool,
    },
}

/// What happens to an order while another run is in progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfBusy {
    /// It is refused.
    Refuse,
    /// It waits for its turn.
    Queue,
}

/// How long a queued order waits for the lock, which another process may hold.
const QUEUED: HumanDuration = HumanDuration::secs(600);

impl What {
    /// The kind of the run.
    #[must_use]
    pub fn kind(&self) -> RunKind {
        match self {
            What::Apply { .. } => RunKind::Apply,
            What::Rollback { .. } => RunKind::Rollback,
        }
    }
}

impl IfBusy {
    /// How long the run waits for the lock.
    #[must_use]
    pub fn lock_wait(self) -> HumanDuration {
        match self {
            IfBusy::Refuse => HumanDuration::default(),
            IfBusy::Queue => QUEUED,
        }
    }
}

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
