//! How many connections there are.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use tokio::sync::Notify;

/// The places for connections.
pub struct Places {
    most: usize,
    most_of_one: usize,
    taken: Cell<usize>,
    by: RefCell<HashMap<String, usize>>,
    freed: Notify,
}

/// A place, which becomes free with the value.
pub struct Place {
    of: Rc<Places>,
    network: Option<String>,
}

impl Places {
    /// So many, and so many for one network.
    #[must_use]
    pub fn new(most: usize, most_of_one: usize) -> Rc<Self> {
        let (taken, by, freed) = (Cell::default(), RefCell::default(), Notify::new());
        Rc::new(Self { most, most_of_one, taken, by, freed })
    }

    /// A place for a connection from this network, of which there may be any number if it is `None`; `None`: there is none.
    #[must_use]
    pub fn take(self: &Rc<Self>, network: Option<String>) -> Option<Place> {
        let mut by = self.by.borrow_mut();
        let own = network.as_ref().and_then(|network| by.get(network)).copied().unwrap_or_default();
        if self.taken.get() >= self.most || own >= self.most_of_one {
            return None;
        }
        if let Some(network) = &network {
            by.insert(network.clone(), own + 1);
        }
        self.taken.set(self.taken.get() + 1);
        Some(Place { of: self.clone(), network })
    }

    /// Waits until all are free.
    pub async fn empty(&self) {
        while self.taken.get() > 0 {
            self.freed.notified().await;
        }
    }

    /// The number of connections.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken.get()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by = self.of.by.borrow_mut();
        if let Some(network) = &self.network {
            match by.get_mut(network) {
                Some(own) if *own > 1 => *own -= 1,
                _ => _ = by.remove(network),
            }
        }
        self.of.taken.set(self.of.taken.get() - 1);
        self.of.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_for_all_and_for_each() {
        let places = Places::new(3, 2);
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
        assert!(places.taken() == 0 && places.by.borrow().is_empty());
    }
}
