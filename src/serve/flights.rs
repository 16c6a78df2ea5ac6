//! Reads that many share: all who ask the same while a read is under way get the answer of the next one. So an answer
//! is never older than its question, and one question has one connection at a time.

use super::answer::Answer;
use super::desk::{Desks, Local, Undone};
use super::problem::Problem;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::oneshot;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// The name of the route.
    pub what: &'static str,
    /// The environment.
    pub environment: String,
    /// Everything else that the answer depends on.
    pub detail: String,
}

/// How a read ended.
pub type Landed = Result<Result<Answer, Problem>, Undone>;

/// A read: it makes its future on the desk.
pub type Read = Box<dyn FnOnce() -> Local<Result<Answer, Problem>> + Send>;

#[derive(Default)]
struct Slot {
    is_running: bool,
    waiting: Vec<(Read, oneshot::Sender<Landed>)>,
}

/// The reads that are under way.
#[derive(Clone)]
pub struct Flights {
    slots: Rc<RefCell<HashMap<Key, Slot>>>,
    patience: Duration,
}

impl Flights {
    /// None yet; a read for which nobody waits longer than this does not hold up the next one.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        Self { slots: Rc::default(), patience }
    }

    /// Reads, together with all who ask the same meanwhile. Has to be called on a `LocalSet`.
    pub async fn join(&self, desks: &Rc<Desks>, key: Key, read: Read) -> Landed {
        let (tell, told) = oneshot::channel();
        let was_running = {
            let mut all = self.slots.borrow_mut();
            let slot = all.entry(key.clone()).or_default();
            slot.waiting.push((read, tell));
            std::mem::replace(&mut slot.is_running, true)
        };
        if !was_running {
            // a client that goes away does not end what others wait for
            tokio::task::spawn_local(self.clone().fly(desks.clone(), key));
        }
        told.await.unwrap_or(Err(Undone::Lost))
    }

    async fn fly(self, desks: Rc<Desks>, key: Key) {
        while let Some((read, passengers)) = self.board(&key) {
            let patience = self.patience;
            // ended on the desk too: a server that is silent must not take all its places
            let asked = desks.ask(move || Box::pin(async move { tokio::time::timeout(patience, read()).await }));
            let landed = match tokio::time::timeout(patience, asked).await {
                Ok(Ok(Ok(answer))) => Ok(answer),
                Ok(Err(undone)) => Err(undone),
                Ok(Ok(Err(_))) | Err(_) => Err(Undone::Slow),
            };
            for passenger in passengers {
                let _ = passenger.send(landed.clone());
            }
        }
    }

    /// Those who wait, and the read of the one who came last; `None`: nobody waits, and the slot is gone.
    fn board(&self, key: &Key) -> Option<(Read, Vec<oneshot::Sender<Landed>>)> {
        let mut all = self.slots.borrow_mut();
        let waiting = std::mem::take(&mut all.get_mut(key)?.waiting);
        let (mut reads, passengers): (Vec<Read>, Vec<_>) =
            waiting.into_iter().filter(|(_, passenger)| !passenger.is_closed()).unzip();
        let read = reads.pop();
        if read.is_none() {
            all.remove(key);
        }
        read.map(|read| (read, passengers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Semaphore;

    #[test]
    fn all_who_ask_meanwhile_share_the_next_read() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (begun, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let read = || -> Read {
            let (begun, gate) = (begun.clone(), gate.clone());
            Box::new(move || {
                Box::pin(async move {
                    let number = begun.fetch_add(1, Ordering::SeqCst);
                    gate.acquire().await.unwrap().forget();
                    Ok(Answer::json(&number))
                })
            })
        };
        tokio::task::LocalSet::new().block_on(&runtime, async {
            let (desks, flights) = (Rc::new(Desks::start(2).unwrap()), Flights::new(Duration::from_secs(60)));
            let key = |detail: &str| Key { what: "x", environment: String::new(), detail: detail.to_owned() };
            let ask = |detail: &str| {
                let (desks, flights, key, read) = (desks.clone(), flights.clone(), key(detail), read());
                tokio::task::spawn_local(async move { flights.join(&desks, key, read).await.unwrap().unwrap().body })
            };
            let first = ask("a");
            while begun.load(Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
            // they came after the first read had begun: they get another one, together
            let later: Vec<_> = (0..50).map(|_| ask("a")).collect();
            tokio::task::yield_now().await;
            gate.add_permits(2);
            assert_eq!(first.await.unwrap(), "0\n");
            for one in later {
                assert_eq!(one.await.unwrap(), "1\n");
            }
            // another question has a read of its own
            gate.add_permits(1);
            assert_eq!(ask("b").await.unwrap(), "2\n");
            assert!(flights.slots.borrow().is_empty());
            // one that hangs holds nobody up for ever, and ends
            let (desks, flights) = (Rc::new(Desks::start(1).unwrap()), Flights::new(Duration::from_millis(50)));
            assert_eq!(flights.join(&desks, key("c"), read()).await.unwrap_err(), Undone::Slow);
            tokio::time::timeout(Duration::from_secs(10), desks.idle()).await.unwrap();
            gate.add_permits(1);
            assert_eq!(flights.join(&desks, key("c"), read()).await.unwrap().unwrap().body, "4\n");
        });
    }
}
