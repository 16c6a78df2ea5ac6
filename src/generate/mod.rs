//! Two catalogs as changesets: what has to be done so that a database with the one gets the other, object by object, with
//! the way back and with dependencies.
//!
//! [`generate`] finds the tasks (`tasks.rs`), what has to be done before what (`needs.rs`), puts the tasks of an object
//! into a changeset unless others have to come in between (`group.rs`), and writes changesets (`changeset.rs`). Where the
//! direct statement blocks others while it reads a table, it has another form (`forms.rs`); a new type of a column that writes
//! the rows anew (`rewrite.rs`) is made in a second column (`expand.rs`, `beside.rs`).

mod alter;
mod around;
mod attic;
mod beside;
mod changeset;
mod edges;
mod expand;
mod files;
mod form;
mod forms;
mod group;
mod identity;
mod kinds;
mod made;
mod needs;
mod notes;
mod partition;
mod replace;
mod rewrite;
mod tasks;

#[cfg(test)]
mod tests;

pub use changeset::GeneratedChangeset;
pub use files::{Layout, yaml};
pub use notes::{Note, notes};
pub use tasks::LeftOut;

use crate::graph::reduced;
use crate::inspect::{ObjectKey, Snapshot};
use group::groups;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;
use tasks::{Task, Tasks};

/// The changesets between two catalogs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Generated {
    /// The changesets, in an order in which they can be applied.
    pub changesets: Vec<GeneratedChangeset>,
    /// What differs and is in no changeset.
    pub left_out: Vec<LeftOut>,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The catalog that is there, read with its dependencies.
    pub from: &'a Snapshot,
    /// The catalog that is wanted, read with its dependencies.
    pub to: &'a Snapshot,
    /// The role that applies the changesets: what it owns goes without saying.
    pub role: &'a str,
    /// Single statements, although they block others while a table with rows is read or written anew.
    pub blocking: bool,
    /// Ids that are taken.
    pub known: &'a BTreeSet<String>,
    /// What the bodies of functions use, which the catalog does not know: the function, and the other object.
    pub uses: BTreeSet<(ObjectKey, ObjectKey)>,
}

/// The changesets that turn a database with one catalog into one with the other.
#[must_use]
pub fn generate(request: &Request<'_>) -> Generated {
    let Request { from, to, role, known, .. } = request;
    let mut uses = request.uses.clone();
    let mut later: BTreeSet<ObjectKey> = BTreeSet::new();
    let mut cut: BTreeSet<Task> = BTreeSet::new();
    let mut unchecked: BTreeSet<ObjectKey> = BTreeSet::new();
    let mut left_out = BTreeSet::new();
    loop {
        let mut tasks = Tasks::between(from, to, later.clone(), request.blocking);
        tasks.all.retain(|task| !cut.contains(task));
        tasks.unchecked.clone_from(&unchecked);
        let needs = needs::needs(&tasks, &uses);
        let circles = match groups(&tasks, &needs) {
            Ok(mut groups) => {
                let needs: Vec<BTreeSet<usize>> = groups.iter().map(|group| group.needs.clone()).collect();
                for (group, needs) in groups.iter_mut().zip(reduced(&needs)) {
                    group.needs = needs;
                }
                left_out.extend(tasks.left_out.iter().cloned());
                let changesets = changeset::changesets(&tasks, &groups, role, known, &mut left_out);
                return Generated { changesets, left_out: left_out.into_iter().collect() };
            }
            Err(circles) => circles,
        };
        let tied: BTreeSet<Task> = circles.into_iter().flat_map(|circle| circle.0).collect();
        // defaults of columns are the first that can wait
        let waiting: BTreeSet<ObjectKey> = tied
            .iter()
            .filter(|task| matches!(task, Task::Create(_)))
            .flat_map(|task| to.children(task.object()).chain([task.object()]))
            .filter(|key| to.get(key).is_some_and(|part| part.text("default").is_some() && part.position.is_some()))
            .filter(|key| !later.contains(*key))
            .cloned()
            .collect();
        if !waiting.is_empty() {
            later.extend(waiting);
            continue;
        }
        // a body has to be right when the function is called, and not before
        let (waiting, kept) = uses.into_iter().partition(|(user, _)| tied.contains(&Task::Create(user.clone())));
        let waiting: BTreeSet<(ObjectKey, ObjectKey)> = waiting;
        uses = kept;
        if !waiting.is_empty() {
            unchecked.extend(waiting.into_iter().map(|(user, _)| user));
            continue;
        }
        for task in tied {
            left_out.insert(LeftOut {
                object: task.object().clone(),
                property: None,
                why: "it and others depend on each other".to_owned(),
            });
            cut.insert(task);
        }
    }
}
