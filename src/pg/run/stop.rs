//! The wish to stop, from a signal to the loop.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// Whether the run should stop.
#[derive(Debug, Default)]
pub struct Stop {
    requested: AtomicBool,
    by: OnceLock<String>,
    notify: Notify,
}

impl Stop {
    /// Asks the run to stop: the current statement is cancelled, the state is recorded.
    pub fn request(&self) {
        self.requested.store(true, Ordering::SeqCst);
        self.notify.notify_waiters();
        self.notify.notify_one();
    }

    /// As [`Stop::request`], with who asked and why.
    pub fn request_by(&self, who: String) {
        let _ = self.by.set(who);
        self.request();
    }

    /// Who asked for it; `None`: a signal, or nobody.
    #[must_use]
    pub fn by(&self) -> Option<&str> {
        self.by.get().map(String::as_str)
    }

    /// Whether it was asked for.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.requested.load(Ordering::SeqCst)
    }

    /// Waits until it is asked for.
    pub async fn requested(&self) {
        while !self.is_requested() {
            self.notify.notified().await;
        }
    }

    /// Waits for some time; true when a stop was asked for meanwhile.
    pub async fn sleep(&self, time: Duration) -> bool {
        tokio::time::timeout(time, self.requested()).await.is_ok()
    }
}
