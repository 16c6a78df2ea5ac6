//! Dependencies that the catalog does not know: those of the bodies of functions.

use super::Generated;
use crate::graph::{components, reduced};
use std::collections::{BTreeMap, BTreeSet};

impl Generated {
    /// The same changesets with further dependencies, as pairs of ids: the first depends on the second. One that would
    /// make a circle is left out.
    #[must_use]
    pub fn with_dependencies(self, more: &[(String, String)]) -> Self {
        let Self { changesets, left_out } = self;
        let position: BTreeMap<&str, usize> =
            changesets.iter().enumerate().map(|(at, changeset)| (changeset.id.as_str(), at)).collect();
        let mut needs: Vec<BTreeSet<usize>> = Vec::with_capacity(changesets.len());
        let mut others: Vec<BTreeSet<String>> = Vec::with_capacity(changesets.len());
        for changeset in &changesets {
            let known =
                changeset.depends_on.iter().partition::<Vec<&String>, _>(|id| position.contains_key(id.as_str()));
            needs.push(known.0.iter().map(|id| position[id.as_str()]).collect());
            others.push(known.1.into_iter().cloned().collect());
        }
        for (from, to) in more {
            let Some(from) = position.get(from.as_str()) else { continue };
            match position.get(to.as_str()) {
                Some(to) if reaches(&needs, *to, *from) => {}
                Some(to) => drop(needs[*from].insert(*to)),
                None => drop(others[*from].insert(to.clone())),
            }
        }
        let order: Vec<usize> = components(&needs).into_iter().flatten().collect();
        let mut place = vec![0; order.len()];
        order.iter().enumerate().for_each(|(new, old)| place[*old] = new);
        let sorted: Vec<BTreeSet<usize>> =
            order.iter().map(|old| needs[*old].iter().map(|other| place[*other]).collect()).collect();
        let ids: Vec<String> = order.iter().map(|old| changesets[*old].id.clone()).collect();
        let mut all: Vec<_> = changesets.into_iter().map(Some).collect();
        let changesets = order.iter().zip(reduced(&sorted)).filter_map(|(old, needed)| {
            let mut changeset = all[*old].take()?;
            changeset.depends_on =
                others[*old].iter().cloned().chain(needed.iter().map(|at| ids[*at].clone())).collect();
            Some(changeset)
        });
        Self { changesets: changesets.collect(), left_out }
    }
}

/// Whether one depends on the other, directly or not.
fn reaches(needs: &[BTreeSet<usize>], from: usize, to: usize) -> bool {
    let (mut open, mut seen) = (vec![from], BTreeSet::new());
    while let Some(at) = open.pop() {
        if at == to {
            return true;
        }
        if seen.insert(at) {
            open.extend(&needs[at]);
        }
    }
    false
}
