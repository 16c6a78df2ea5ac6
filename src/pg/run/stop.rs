//! The wish to stop, from a signal to the loop.

use crate::base::Failure;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// How long the server has to answer once the lock is lost.
const GRACE: Duration = Duration::from_secs(5);

/// Whether the run should stop.
#[derive(Debug, Default)]
pub struct Stop {
    requested: AtomicBool,
    notify: Notify,
    loss: OnceLock<Failure>,
    lost: Notify,
}

impl Stop {
    /// Asks the run to stop: the current statement is cancelled, the state is recorded.
    pub fn request(&self) {
        self.requested.store(true, Ordering::SeqCst);
        self.notify.notify_waiters();
        self.notify.notify_one();
    }

    /// The lock is lost: the run must stop, and can record nothing more.
    pub fn lose(&self, why: Failure) {
        let _ = self.loss.set(why);
        self.lost.notify_one();
        self.request();
    }

    /// Why the lock is lost, once it is.
    #[must_use]
    pub fn loss(&self) -> Option<&Failure> {
        self.loss.get()
    }

    /// Waits until the lock is lost and the server has had its time to answer.
    pub async fn given_up(&self) {
        while self.loss.get().is_none() {
            self.lost.notified().await;
        }
        tokio::time::sleep(GRACE).await;
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
