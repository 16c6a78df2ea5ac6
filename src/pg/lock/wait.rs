//! Waiting for another run to end.

use crate::base::{Failure, FailureKind, Setting};
use crate::pg::connect::jittered;
use crate::pg::stop::Stop;
use crate::run::{Event, Observer};
use std::time::{Duration, Instant};

/// Waiting for others: up to a time, until a signal, and said once.
pub(crate) struct LockWait<'a> {
    pub(super) deadline: Instant,
    pub(super) said: bool,
    pub(super) observer: &'a mut dyn Observer,
    pub(super) stop: &'a Stop,
}

impl LockWait<'_> {
    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// Whether somebody has to hear what is waited for.
    pub(crate) fn should_report(&self) -> bool {
        !self.said || self.is_over()
    }

    /// Says once what is waited for; fails when the time is over.
    pub(crate) fn report(&mut self, over: &str, waiting: &str, who: &str) -> Result<(), Failure> {
        if self.is_over() {
            return Err(Failure::new(FailureKind::Locked, over)
                .note(who)
                .help("wait for it to end, or wait longer with " + Setting::LockWait.to("5m")));
        }
        self.said = true;
        self.observer.on(&Event::Waiting { message: format!("{waiting}: {who}") });
        Ok(())
    }

    /// Waits a little, by chance, so that many runners do not ask at the same moment.
    pub(crate) async fn pause(&mut self) -> Result<(), Failure> {
        if self.stop.sleep(jittered(Duration::from_millis(400))).await {
            return Err(Failure::new(FailureKind::Interrupted, "stopped by a signal while waiting for the lock"));
        }
        Ok(())
    }
}
