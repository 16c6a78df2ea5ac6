//! How often something may happen: the generic cell rate algorithm, a point in time for each key.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The most keys that are kept.
const KEYS: usize = 10_000;

/// The key of all who find no place.
const OTHERS: &str = "";

/// How often something may happen for each key.
pub struct Rate {
    /// The time between two, in the long run; zero: there is no limit.
    every: Duration,
    /// How many may come at once.
    burst: u32,
    /// When each key would be as if it had never come.
    full_at: RefCell<HashMap<String, Instant>>,
}

impl Rate {
    /// So many in this time, and so many at once. 0: there is no limit.
    #[must_use]
    pub fn new(number: u32, time: Duration, burst: u32) -> Self {
        Self { every: time.checked_div(number).unwrap_or_default(), burst, full_at: RefCell::default() }
    }

    /// Whether it may happen now.
    ///
    /// # Errors
    /// How long to wait until it may.
    pub fn check(&self, key: &str, now: Instant) -> Result<(), Duration> {
        let full_at = self.full_at.borrow();
        let at = full_at.get(key).or_else(|| full_at.get(OTHERS).filter(|_| full_at.len() > KEYS));
        let debt = at.map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        let most = self.every * self.burst.saturating_sub(1);
        if debt > most { Err(debt - most) } else { Ok(()) }
    }

    /// Counts it, if it may happen now.
    ///
    /// # Errors
    /// How long to wait until it may.
    pub fn take(&self, key: &str, now: Instant) -> Result<(), Duration> {
        if self.every.is_zero() {
            return Ok(());
        }
        self.check(key, now)?;
        let mut full_at = self.full_at.borrow_mut();
        if full_at.len() >= KEYS && !full_at.contains_key(key) {
            full_at.retain(|_, at| *at > now);
        }
        // strangers cannot make the table grow: who finds no place shares one
        let key = if full_at.len() >= KEYS && !full_at.contains_key(key) { OTHERS } else { key };
        let at = full_at.entry(key.to_owned()).or_insert(now);
        *at = (*at).max(now) + self.every;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_the_rate() {
        let (rate, start) = (Rate::new(10, Duration::from_secs(1), 5), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        assert!((0..5).all(|_| rate.take("a", at(0)).is_ok()));
        assert_eq!(rate.take("a", at(0)), Err(Duration::from_millis(100)));
        assert_eq!(rate.check("a", at(40)), Err(Duration::from_millis(60)));
        assert!(rate.take("b", at(0)).is_ok(), "keys do not count for each other");
        assert!(rate.take("a", at(100)).is_ok() && rate.take("a", at(100)).is_err());
        assert!((0..5).all(|_| rate.take("a", at(10_000)).is_ok()));
        assert!(rate.take("a", at(10_000)).is_err());
    }

    #[test]
    fn no_number_is_no_limit() {
        let rate = Rate::new(0, Duration::from_secs(1), 1);
        assert!((0..1000).all(|_| rate.take("a", Instant::now()).is_ok()));
    }

    #[test]
    fn the_table_has_a_limit() {
        let (rate, now) = (Rate::new(1, Duration::from_secs(1), 2), Instant::now());
        for n in 0..KEYS {
            rate.take(&n.to_string(), now).unwrap();
        }
        let refused = (KEYS..KEYS + 100).filter(|n| rate.take(&n.to_string(), now).is_err()).count();
        assert_eq!((refused, rate.full_at.borrow().len()), (98, KEYS + 1));
        // who has a place keeps it, and places become free
        assert!(rate.take("7", now).is_ok());
        assert!(rate.take("new", now + Duration::from_secs(60)).is_ok());
        assert_eq!(rate.full_at.borrow().len(), 1);
    }
}
