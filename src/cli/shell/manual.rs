//! The options of changes by hand.

use super::running::Signing;
use crate::base::{Failure, HumanDuration};
use crate::ops::manual::ManualOptions;
use crate::ops::run::check_reason;

/// The options of a change by hand.
#[derive(Debug, clap::Args)]
pub struct ManualArgs {
    /// The reason; the history keeps it
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// How long to wait for another run to end
    #[arg(long, value_name = "TIME", default_value = "10m")]
    pub lock_wait: HumanDuration,
    #[command(flatten)]
    pub signing: Signing,
}

impl ManualArgs {
    /// As the operations take them. A key that cannot be used is told before anything is written.
    pub fn options(&self) -> Result<ManualOptions, Failure> {
        check_reason(&self.reason)?;
        Ok(ManualOptions { reason: self.reason.clone(), lock_wait: self.lock_wait, sign: self.signing.key()? })
    }
}
