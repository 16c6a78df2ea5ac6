//! How many connections or streams there are, in all and of each who has some.

use prometheus_client::metrics::gauge::Gauge;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use tokio::sync::Notify;

/// The places for connections or streams.
pub struct Places {
    most: usize,
    most_of_one: usize,
    taken: Cell<usize>,
    measured: Gauge,
    by: RefCell<HashMap<String, usize>>,
    freed: Notify,
}

/// A place, which becomes free with the value.
pub struct Place {
    of: Rc<Places>,
    whose: Option<String>,
}

impl Places {
    /// So many, and so many for one network or caller; how many are taken is measured there.
    #[must_use]
    pub fn new(most: usize, most_of_one: usize, measured: Gauge) -> Rc<Self> {
        let (taken, by, freed) = (Cell::default(), RefCell::default(), Notify::new());
        Rc::new(Self { most, most_of_one, taken, measured, by, freed })
    }

    /// A place for somebody; `None`: there is none. Without a name there may be any number of his.
    #[must_use]
    pub fn take(self: &Rc<Self>, whose: Option<String>) -> Option<Place> {
        let mut by = self.by.borrow_mut();
        let own = whose.as_ref().and_then(|whose| by.get(whose)).copied().unwrap_or_default();
        if self.taken.get() >= self.most || own >= self.most_of_one {
            return None;
        }
        if let Some(whose) = &whose {
            by.insert(whose.clone(), own + 1);
        }
        self.taken.set(self.taken.get() + 1);
        self.measured.inc();
        Some(Place { of: self.clone(), whose })
    }

    /// Waits until all are free.
    pub async fn empty(&self) {
        while self.taken.get() > 0 {
            self.freed.notified().await;
        }
    }

    /// How many are taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken.get()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by = self.of.by.borrow_mut();
        if let Some(whose) = &self.whose {
            match by.get_mut(whose) {
                Some(own) if *own > 1 => *own -= 1,
                _ => _ = by.remove(whose),
            }
        }
        self.of.taken.set(self.of.taken.get() - 1);
        self.of.measured.dec();
        self.of.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_for_all_and_for_each() {
        let places = Places::new(3, 2, Gauge::default());
        let take = |network: &str| places.take(Some(network.to_owned()));
        let (a, b) = (take("x").unwrap(), take("x").unwrap());
        assert!(take("x").is_none());
        let c = take("y").unwrap();
        assert!(take("z").is_none() && places.taken() == 3);
        drop(a);
        assert!(take("x").is_some());
        drop((b, c));
        let sockets: Vec<_> = (0..4).map(|_| places.take(None)).collect();
        assert_eq!(sockets.iter().flatten().count(), 3);
        drop(sockets);
        assert!(places.taken() == 0 && places.measured.get() == 0 && places.by.borrow().is_empty());
    }
}
