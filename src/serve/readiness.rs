//! Whether the service was ready when it was last asked.

use super::problem::Kind;
use std::time::Instant;
use tokio::sync::Mutex;

/// What was found last, and when; who asks while somebody looks waits for him.
#[derive(Default)]
pub struct Readiness(pub(super) Mutex<Option<(Instant, Option<Kind>)>>);
