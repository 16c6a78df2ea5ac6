//! Types that become types of another kind.

use super::tasks::{OTHER_KIND, Tasks};
use crate::inspect::{Change, Difference, ObjectKey};
use std::collections::{BTreeMap, BTreeSet};

impl Tasks<'_> {
    /// They are made again if nothing uses them.
    pub(super) fn other_kinds(&mut self, changed: &BTreeMap<ObjectKey, Vec<Difference>>) -> BTreeSet<ObjectKey> {
        let is_kind =
            |one: &Difference| matches!(&one.change, Change::Changed { property, .. } if property == "typeKind");
        let odd: BTreeSet<ObjectKey> =
            changed.iter().filter(|(_, all)| all.iter().any(is_kind)).map(|(key, _)| key.clone()).collect();
        for key in &odd {
            if self.dependents_of(key).iter().all(|dependent| self.is_part(dependent, key)) {
                self.make_again(key);
            } else {
                self.leave_out(key, None, OTHER_KIND);
            }
        }
        odd
    }
}
