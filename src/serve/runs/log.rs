//! What a run tells of itself: numbered lines, which many may read at their own speed while it goes on.

use crate::report::json;
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The most lines that are kept.
const LINES: usize = 20_000;

/// The most bytes of them.
const BYTES: usize = 8 << 20;

/// Events that say how far something is: the first to go, because later ones say it again.
const PROGRESS: [&str; 2] = ["batchDone", "indexProgress"];

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1.
    pub number: u64,
    /// The name of the event.
    pub event: Arc<str>,
    /// The event as JSON, on one line.
    pub text: Arc<str>,
}

/// Lines of a log, or lines that are not kept any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// A line.
    Line(Line),
    /// The lines from the first to the second number are gone.
    Gap(u64, u64),
}

/// The lines of a run. Its thread writes, others read.
pub struct Log {
    inner: Mutex<Inner>,
    /// The number of the last line, and whether it is the last one of all.
    told: watch::Sender<(u64, bool)>,
    limits: (usize, usize),
}

#[derive(Default)]
struct Inner {
    lines: VecDeque<Line>,
    bytes: usize,
    last: u64,
}

impl Default for Log {
    fn default() -> Self {
        Self::limited(LINES, BYTES)
    }
}

impl Log {
    fn limited(lines: usize, bytes: usize) -> Self {
        Self { inner: Mutex::default(), told: watch::Sender::new((0, false)), limits: (lines, bytes) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line: a value with a field `event`.
    pub fn push(&self, value: &impl Serialize) {
        let Ok(value) = serde_json::to_value(value) else { return };
        let event: Arc<str> = value["event"].as_str().unwrap_or("event").into();
        let text: Arc<str> = json::line(&value).trim_end().into();
        let last = {
            let mut inner = self.inner();
            inner.last += 1;
            inner.bytes += text.len();
            let number = inner.last;
            inner.lines.push_back(Line { number, event, text });
            inner.thin(self.limits);
            number
        };
        self.told.send_modify(|told| told.0 = last);
    }

    /// No more lines come.
    pub fn end(&self) {
        self.told.send_modify(|told| told.1 = true);
    }

    /// Keeps none of its lines: the ledger has what counts.
    pub fn forget(&self) {
        let mut inner = self.inner();
        inner.lines = VecDeque::new();
        inner.bytes = 0;
    }

    /// Whether it had lines and keeps none.
    #[must_use]
    pub fn is_forgotten(&self) -> bool {
        let inner = self.inner();
        inner.last > 0 && inner.lines.is_empty()
    }

    /// What comes after the line with this number, at most so many.
    #[must_use]
    pub fn after(&self, number: u64, limit: usize) -> Vec<Read> {
        let inner = self.inner();
        let mut next = number.saturating_add(1);
        let mut found = Vec::new();
        let begin = inner.lines.partition_point(|line| line.number <= number);
        for line in inner.lines.iter().skip(begin).take(limit) {
            if line.number > next {
                found.push(Read::Gap(next, line.number - 1));
            }
            next = line.number + 1;
            found.push(Read::Line(line.clone()));
        }
        if inner.lines.is_empty() && inner.last >= next {
            found.push(Read::Gap(next, inner.last));
        }
        found
    }

    /// Waits until there is more after this number, or nothing more can come; whether it is the end.
    pub async fn more(&self, number: u64) -> bool {
        let mut told = self.told.subscribe();
        let found = told.wait_for(|(last, ended)| *last > number || *ended).await.map(|told| *told);
        found.is_ok_and(|(last, ended)| ended && last <= number)
    }

    /// The number of the last line, and whether it is the last one of all.
    #[must_use]
    pub fn last(&self) -> (u64, bool) {
        *self.told.borrow()
    }
}

impl Inner {
    fn is_too_large(&self, (lines, bytes): (usize, usize)) -> bool {
        self.lines.len() > lines || self.bytes > bytes
    }

    /// Forgets what tells the least: progress in the older half, and then the oldest lines.
    fn thin(&mut self, limits: (usize, usize)) {
        if !self.is_too_large(limits) {
            return;
        }
        let half = self.last - self.lines.len() as u64 / 2;
        self.lines.retain(|line| line.number > half || !PROGRESS.contains(&line.event.as_ref()));
        self.bytes = self.lines.iter().map(|line| line.text.len()).sum();
        // some more than it must, so that not every line has to do it again
        let lower = (limits.0 - limits.0 / 10, limits.1 - limits.1 / 10);
        while self.is_too_large(lower) && self.lines.len() > 1 {
            if let Some(line) = self.lines.pop_front() {
                self.bytes -= line.text.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn numbers(read: &[Read]) -> String {
        let one = |read: &Read| match read {
            Read::Line(line) => line.number.to_string(),
            Read::Gap(from, to) => format!("[{from}-{to}]"),
        };
        read.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn lines_are_read_from_any_number() {
        let log = Log::default();
        for n in 1..=4 {
            log.push(&json!({ "event": "note", "message": n }));
        }
        assert_eq!(numbers(&log.after(0, 10)), "1 2 3 4");
        assert_eq!((numbers(&log.after(2, 1)), numbers(&log.after(4, 9))), ("3".to_owned(), String::new()));
        let Read::Line(line) = log.after(3, 1).remove(0) else { panic!() };
        assert_eq!((line.event.as_ref(), line.text.as_ref()), ("note", r#"{"event":"note","message":4}"#));
        assert_eq!(log.last(), (4, false));
        log.forget();
        assert!(log.is_forgotten());
        assert_eq!((numbers(&log.after(1, 9)), numbers(&log.after(4, 9))), ("[2-4]".to_owned(), String::new()));
    }

    #[test]
    fn what_is_too_much_goes_progress_first() {
        let log = Log::limited(10, 1 << 20);
        for n in 1..=11 {
            log.push(&json!({ "event": if n % 2 == 0 { "batchDone" } else { "stepDone" } }));
        }
        assert_eq!(numbers(&log.after(0, 99)), "1 [2-2] 3 [4-4] 5 [6-6] 7 8 9 10 11");
        for _ in 12..=30 {
            log.push(&json!({ "event": "stepDone" }));
        }
        let read = log.after(0, 99);
        assert!(read.len() <= 11 && matches!(read[0], Read::Gap(1, _)), "{}", numbers(&read));
        assert!(numbers(&read).ends_with("29 30"));
        // large lines count by their bytes
        let log = Log::limited(10, 1000);
        for _ in 0..5 {
            log.push(&json!({ "event": "note", "message": "x".repeat(400) }));
        }
        assert_eq!(numbers(&log.after(0, 99)), "[1-3] 4 5");
    }

    #[test]
    fn a_reader_waits_for_the_next_line_or_the_end() {
        let log = Arc::new(Log::default());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let writer = log.clone();
            let wait = async { (log.more(0).await, log.more(1).await, log.after(0, 9).len()) };
            let write = async {
                writer.push(&json!({ "event": "note" }));
                tokio::task::yield_now().await;
                writer.end();
            };
            let (found, ()) = tokio::join!(wait, write);
            assert_eq!(found, (false, true, 1));
        });
    }
}
