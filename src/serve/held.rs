//! The private servers that the service keeps running: otherwise each read would start and stop one.

use crate::base::Failure;
use crate::ops::Target;
use crate::pg::Embedded;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The private servers by environment.
#[derive(Clone, Default)]
pub struct Held(Arc<Mutex<BTreeMap<String, Embedded>>>);

impl Held {
    /// Starts the private server of the target, unless it is held already, or the target has none.
    ///
    /// # Errors
    /// If its address cannot be read, or it does not start.
    pub async fn hold(&self, target: &Target) -> Result<(), Failure> {
        if self.has(&target.environment) || !target.is_embedded() {
            return Ok(());
        }
        let embedded = target.embedded().await?;
        // one that was held meanwhile is dropped: both are uses of the same server
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(target.environment.clone()).or_insert(embedded);
        Ok(())
    }

    /// Whether that of an environment is held.
    #[must_use]
    pub fn has(&self, environment: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(environment)
    }

    /// Lets them all go; each stops unless somebody else uses it.
    pub async fn close(&self) -> Vec<Failure> {
        let all = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut failures = Vec::new();
        for embedded in all.into_values() {
            failures.extend(embedded.close().await.err());
        }
        failures
    }
}
