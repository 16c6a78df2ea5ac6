//! A request to stop, from a signal to the loop.

use crate::base::Failure;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// How long the server has to answer once the lock is lost.
const GRACE: Duration = Duration::from_secs(5);

/// A request that a run stops.
#[derive(Debug, Default)]
pub struct Stop {
    requested: AtomicBool,
    by: OnceLock<String>,
    notify: Notify,
    loss: Mutex<Option<Failure>>,
    lost: Notify,
}

impl Stop {
    /// Asks the run to stop: the current statement is cancelled, the state is recorded.
    pub fn request(&self) {
        self.requested.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// The lock is lost: the run must stop, and can record nothing more.
    pub fn lose(&self, why: Failure) {
        *self.loss.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        self.lost.notify_one();
        self.wake();
    }

    /// Why the lock is lost, once it is.
    #[must_use]
    pub fn loss(&self) -> Option<Failure> {
        self.loss.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Another lock may be taken in place of a lost one. What a signal asked for stays.
    pub fn recover(&self) {
        *self.loss.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn wake(&self) {
        self.notify.notify_waiters();
        self.notify.notify_one();
    }

    /// As [`Stop::request`], with who asked and why.
    pub fn request_by(&self, who: String) {
        let _ = self.by.set(who);
        self.request();
    }

    /// The user who requested it; `None`: a signal, or no request.
    #[must_use]
    pub fn by(&self) -> Option<&str> {
        self.by.get().map(String::as_str)
    }

    /// Whether a stop was requested.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.requested.load(Ordering::SeqCst) || self.loss().is_some()
    }

    /// Waits until it is asked for.
    pub async fn requested(&self) {
        while !self.is_requested() {
            self.notify.notified().await;
        }
    }

    /// Waits until the lock is lost and the server has had its time to answer; why it is lost.
    pub async fn given_up(&self) -> Failure {
        loop {
            if let Some(why) = self.loss() {
                tokio::time::sleep(GRACE).await;
                return why;
            }
            self.lost.notified().await;
        }
    }

    /// Waits for some time; true when a stop was asked for meanwhile.
    pub async fn sleep(&self, time: Duration) -> bool {
        tokio::time::timeout(time, self.requested()).await.is_ok()
    }
}
