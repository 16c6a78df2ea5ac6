//! Which tasks make a changeset: those of one object, unless others have to come in between.

use super::alter::is_not_null_apart;
use super::tasks::{Task, Tasks, ancestors};
use crate::graph::components;
use crate::inspect::{ObjectKey, ObjectKind as Kind, Snapshot};
use std::collections::{BTreeMap, BTreeSet};

/// The tasks of a changeset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Group {
    /// The object that it is about.
    pub object: ObjectKey,
    /// The tasks, in order.
    pub tasks: Vec<Task>,
    /// The numbers of the groups that it needs; all of them are lower.
    pub needs: BTreeSet<usize>,
}

/// What keeps a changeset together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Label {
    object: ObjectKey,
    /// Tables and columns that go to the attic come back by a rollback that is derived: they are on their own.
    part: u8,
}

/// Tasks that wait for each other in a circle.
#[derive(Debug)]
pub(super) struct Circle(pub Vec<Task>);

/// Makes groups in an order in which each comes after those that it needs.
///
/// # Errors
/// Tasks that wait for each other.
pub(super) fn groups(tasks: &Tasks<'_>, needs: &[BTreeSet<usize>]) -> Result<Vec<Group>, Vec<Circle>> {
    let all: Vec<&Task> = tasks.all.iter().collect();
    let order = components(needs);
    let circles: Vec<Circle> = order
        .iter()
        .filter(|knot| knot.len() > 1)
        .map(|knot| Circle(knot.iter().map(|number| all[*number].clone()).collect()))
        .collect();
    if !circles.is_empty() {
        return Err(circles);
    }
    let order: Vec<usize> = order.into_iter().flatten().collect();
    let mut labels: Vec<Label> = all.iter().map(|task| label(tasks, task)).collect();
    let (mut members, mut knots) = knotted(&labels, needs);
    // what has to be gone before a column is filled is not dropped when it takes the place
    let is_step = |group: usize| matches!(labels[members[group][0]].part, EXPAND | CONTRACT);
    let early: BTreeSet<usize> = knots
        .iter()
        .filter(|knot| knot.len() > 1 && knot.iter().any(|group| is_step(*group)))
        .flatten()
        .flat_map(|group| members[*group].iter().copied())
        .filter(|number| matches!(all[*number], Task::Drop(_) | Task::Create(_)) && labels[*number].part == REPLACE)
        .collect();
    if !early.is_empty() {
        early.into_iter().for_each(|number| labels[number] = own_label(tasks, all[number]));
        (members, knots) = knotted(&labels, needs);
    }
    if knots.iter().any(|knot| knot.len() > 1) {
        // what can wait is put apart, so that the rest has an order
        let tied: BTreeSet<usize> = knots
            .iter()
            .filter(|knot| knot.len() > 1)
            .flatten()
            .flat_map(|group| members[*group].iter().copied())
            .collect();
        for number in tied {
            if labels[number].part == MAIN {
                labels[number].part = part(tasks, all[number]);
            }
        }
        (members, knots) = knotted(&labels, needs);
    }
    // those that still wait for each other are one changeset
    let mut group_of = vec![0; all.len()];
    for (number, knot) in knots.iter().enumerate() {
        knot.iter().flat_map(|group| &members[*group]).for_each(|task| group_of[*task] = number);
    }
    let mut groups: Vec<Group> = knots
        .iter()
        .map(|knot| {
            let first = knot.iter().flat_map(|group| members[*group].first()).min().copied().unwrap_or_default();
            Group { object: labels[first].object.clone(), tasks: Vec::new(), needs: BTreeSet::new() }
        })
        .collect();
    for number in order {
        let group = &mut groups[group_of[number]];
        group.tasks.push(all[number].clone());
        let others = needs[number].iter().map(|other| group_of[*other]);
        group.needs.extend(others.filter(|other| *other != group_of[number]));
    }
    Ok(groups)
}

/// The tasks of each label, and the labels in order; those that need each other are together.
fn knotted(labels: &[Label], needs: &[BTreeSet<usize>]) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
    let mut by_label: BTreeMap<&Label, Vec<usize>> = BTreeMap::new();
    labels.iter().enumerate().for_each(|(number, label)| by_label.entry(label).or_default().push(number));
    // in the order of objects, so that schemas and types come first
    let members: Vec<Vec<usize>> = by_label.into_values().collect();
    let mut group_of = vec![0; labels.len()];
    for (group, numbers) in members.iter().enumerate() {
        numbers.iter().for_each(|number| group_of[*number] = group);
    }
    let between: Vec<BTreeSet<usize>> = members
        .iter()
        .enumerate()
        .map(|(group, numbers)| {
            let needed = numbers.iter().flat_map(|number| &needs[*number]).map(|other| group_of[*other]);
            needed.filter(|other| *other != group).collect()
        })
        .collect();
    let knots = components(&between);
    (members, knots)
}

const ATTIC: u8 = 0;
const BEFORE: u8 = 1;
const MAIN: u8 = 2;
const AFTER: u8 = 3;
const OWN: u8 = 4;
const EXPAND: u8 = 5;
const REPLACE: u8 = 6;
const CONTRACT: u8 = 7;

fn label(tasks: &Tasks<'_>, task: &Task) -> Label {
    let key = task.object();
    let beside = match task {
        Task::Expand(_) => Some(EXPAND),
        Task::Contract(_) => Some(CONTRACT),
        Task::Alter(key) if tasks.expansions.all.contains_key(key) => Some(REPLACE),
        _ => None,
    };
    if let Some(part) = beside {
        return Label { object: key.clone(), part };
    }
    match tasks.beside(task) {
        Some(column) => Label { object: column.clone(), part: REPLACE },
        None => own_label(tasks, task),
    }
}

/// The label by what a task does itself.
fn own_label(tasks: &Tasks<'_>, task: &Task) -> Label {
    let key = task.object();
    let catalog = match task {
        Task::Drop(_) | Task::DropDefault(_) => tasks.from,
        _ => tasks.to,
    };
    let is_kept = matches!(key.kind, Kind::Table | Kind::Column) && matches!(task, Task::Drop(_));
    // a rollback that is derived is none that is written
    let is_own = matches!(task, Task::Alter(key) if is_not_null_apart(tasks, key));
    let part = match (is_kept, is_own) {
        (true, _) => ATTIC,
        (_, true) => OWN,
        (false, false) => MAIN,
    };
    Label { object: object_of(catalog, key), part }
}

/// What an object belongs to: the table of an index, of a sequence.
fn object_of(catalog: &Snapshot, key: &ObjectKey) -> ObjectKey {
    let owner = catalog.get(key).and_then(|object| object.text("ownedBy"));
    let owner = owner.map(|column| ObjectKey::new(Kind::Column, column)).filter(|column| catalog.get(column).is_some());
    let key = owner.as_ref().unwrap_or(key);
    ancestors(catalog, key).last().unwrap_or(key).clone()
}

/// What can be put apart.
fn part(tasks: &Tasks<'_>, task: &Task) -> u8 {
    match task {
        Task::Drop(_) | Task::DropDefault(_) => BEFORE,
        Task::Own(_) | Task::SetDefault(_) => AFTER,
        Task::Expand(_) | Task::Alter(_) | Task::Contract(_) => MAIN,
        Task::Create(key) => match key.kind {
            Kind::Trigger | Kind::Rule | Kind::Policy => AFTER,
            Kind::Constraint => {
                let definition = tasks.to.get(key).and_then(|object| object.text("definition")).unwrap_or_default();
                if definition.starts_with("FOREIGN KEY") { AFTER } else { MAIN }
            }
            // made again, between the old one and what needs it
            _ if tasks.all.contains(&Task::Drop(key.clone())) => AFTER,
            _ => MAIN,
        },
    }
}
