//! Threads for reads: what an operation does is not `Send`, and the thread of HTTP must not wait for it.

use crate::base::{Failure, FailureKind};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::LocalSet;

/// How many jobs a desk does at a time.
const AT_A_TIME: usize = 8;

/// How many jobs wait for a desk.
const QUEUE: usize = 256;

/// The stack of a desk: deep expressions in SQL are parsed there.
const STACK: usize = 8 << 20;

/// A future that stays on its thread.
pub type Local<T> = Pin<Box<dyn Future<Output = T>>>;

/// Work for a desk: it makes its future there.
pub trait Work<T>: FnOnce() -> Local<T> + Send + 'static {}
impl<T, W: FnOnce() -> Local<T> + Send + 'static> Work<T> for W {}

type Job = Box<dyn FnOnce() -> Local<()> + Send>;

struct Desk {
    queue: mpsc::Sender<Job>,
    jobs: Arc<AtomicUsize>,
}

/// Threads that do work.
pub struct Desks(Vec<Desk>);

/// Why work was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undone {
    /// Too much waits.
    Overloaded,
    /// The work panicked.
    Lost,
    /// It takes too long.
    Slow,
}

impl Desks {
    /// Starts so many.
    ///
    /// # Errors
    /// If the system has no thread.
    pub fn start(number: usize) -> Result<Self, Failure> {
        (1..=number).map(Desk::start).collect::<Result<_, _>>().map(Self)
    }

    /// Waits until nothing is done.
    pub async fn idle(&self) {
        while self.0.iter().any(|desk| desk.jobs.load(Ordering::Relaxed) > 0) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Has the work done by the desk that has the least to do.
    ///
    /// # Errors
    /// If too much waits, or the work panicked.
    pub async fn ask<T: Send + 'static>(&self, work: impl Work<T>) -> Result<T, Undone> {
        let desk = self.0.iter().min_by_key(|desk| desk.jobs.load(Ordering::Relaxed)).ok_or(Undone::Overloaded)?;
        let (tell, told) = oneshot::channel();
        // counted until the work ends, also where nobody waits for it any more
        let counted = Counted::new(&desk.jobs);
        let job: Job = Box::new(move || {
            Box::pin(async move {
                let done = work().await;
                drop(counted);
                let _ = tell.send(done);
            })
        });
        desk.queue.try_send(job).map_err(|_| Undone::Overloaded)?;
        told.await.map_err(|_| Undone::Lost)
    }
}

impl Desk {
    fn start(number: usize) -> Result<Self, Failure> {
        let failed = |e| Failure::new(FailureKind::Internal, format!("cannot start a thread: {e}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (queue, mut waiting) = mpsc::channel::<Job>(QUEUE);
        let thread = std::thread::Builder::new().name(format!("desk-{number}")).stack_size(STACK);
        let work = move || {
            let room = Arc::new(Semaphore::new(AT_A_TIME));
            LocalSet::new().block_on(&runtime, async move {
                while let Some(job) = waiting.recv().await {
                    let Ok(place) = room.clone().acquire_owned().await else { break };
                    tokio::task::spawn_local(async move {
                        job().await;
                        drop(place);
                    });
                }
            });
        };
        thread.spawn(work).map_err(failed)?;
        Ok(Self { queue, jobs: Arc::default() })
    }
}

struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::{Context, Poll, Waker};

    fn block_on<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    #[test]
    fn work_is_done_elsewhere() {
        let desks = Desks::start(2).unwrap();
        let name = || std::thread::current().name().unwrap_or_default().to_owned();
        let done = block_on(desks.ask(move || Box::pin(async move { name() })));
        assert!(done.unwrap().starts_with("desk-"));
        assert!(desks.0.iter().all(|desk| desk.jobs.load(Ordering::Relaxed) == 0));
    }

    #[test]
    fn a_panic_ends_only_its_work() {
        let desks = Desks::start(1).unwrap();
        let lost = block_on(desks.ask::<()>(|| Box::pin(async { panic!("on purpose") })));
        assert_eq!(lost.unwrap_err(), Undone::Lost);
        assert_eq!(block_on(desks.ask(|| Box::pin(async { 7 }))).unwrap(), 7);
    }

    #[test]
    fn what_waits_has_a_limit() {
        let desks = Desks::start(1).unwrap();
        let hold = Arc::new(Semaphore::new(0));
        block_on(async {
            let mut asked = Vec::new();
            // what is done, what the desk has taken and cannot begin, and what waits; then no more
            for _ in 0..AT_A_TIME + 1 + QUEUE + 1 {
                let hold = hold.clone();
                let mut ask = Box::pin(desks.ask(move || {
                    Box::pin(async move {
                        let _ = hold.acquire().await;
                    })
                }));
                // the desk takes its part from the queue before the next one comes
                let polled = ask.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                if let Poll::Ready(refused) = polled {
                    assert_eq!(refused.unwrap_err(), Undone::Overloaded);
                    return;
                }
                asked.push(ask);
            }
            panic!("everything was taken");
        });
    }
}
