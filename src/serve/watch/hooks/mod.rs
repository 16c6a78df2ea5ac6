//! Webhooks: readers of the events of each ledger, with a place in it that all instances of the service share. So they
//! survive a restart, tell of runs of the command line too, and tell of each event once. A database is asked on a desk; what
//! is sent is sent from the thread of HTTP, so that an address that hangs holds up nothing else.

mod form;
mod hook;
mod look;
mod post;

pub use hook::Hook;

use crate::serve::service::Service;
use post::Post;
use std::rc::Rc;
use std::time::Duration;

/// Delivers until the service stops: every so often, and after each run of this process.
pub async fn deliver(service: Rc<Service>) {
    let every = Duration::from_millis(service.config.observe.millis);
    if every.is_zero() {
        if Hook::all(&service.reading.project()).is_ok_and(|hooks| !hooks.is_empty()) {
            tracing::warn!("webhooks are told nothing: the service does not look at its environments");
        }
        return;
    }
    let Some(post) = Post::new(&service) else { return };
    let mut runs = service.runs.changes();
    loop {
        post.look();
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            _ = runs.changed() => {}
            () = service.stopped() => return,
        }
    }
}
