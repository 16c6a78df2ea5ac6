//! Which changesets change the catalog: only their effect is seen by a comparison of catalogs.
//!
//! Of most changesets the text tells it: one that creates a table, or adds a column, and drops nothing, changes the catalog
//! if it can be applied at all. Around the others the catalog is read.

use super::shadow::{Trial, Tried};
use crate::base::{Failure, Ident, QualifiedName};
use crate::effects::{Access, ObjectClass};
use crate::inspect::{ObjectKind as Kind, Snapshot, compare};
use crate::ops::progress::{OnProgress, Progress};
use crate::pg::Database;
use crate::plan::Step;
use crate::sql::{Lookup, Mention, Object, objects};
use std::collections::BTreeSet;

/// What the text of a changeset tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// It changes the catalog.
    Changes,
    /// It changes rows and nothing else.
    Rows,
    /// Neither: one has to look.
    Nothing,
}

/// Applies steps; gives the changesets that do not change the catalog. `before`: the catalog that is there.
pub(super) async fn without_effect(
    trial: &Trial<'_>,
    db: &mut Database,
    steps: Vec<Step>,
    before: &Snapshot,
    what: &str,
    progress: OnProgress<'_>,
) -> Result<(Tried, Vec<String>), Failure> {
    trial.add_roles(&steps).await?;
    let (mut done, of) = (0, steps.len());
    let mut told = told(&steps, before).into_iter().peekable();
    let mut steps = steps.into_iter().peekable();
    let mut without = Vec::new();
    let mut last: Option<Snapshot> = None;
    while let Some(step) = steps.next() {
        let tells = told.next().unwrap_or(Told::Nothing);
        let mut together = vec![step];
        // what need not be looked at runs together
        while tells != Told::Nothing && told.next_if_eq(&tells).is_some() {
            together.extend(steps.next());
        }
        let ids: Vec<String> = together.iter().map(|step| step.changeset.clone()).collect();
        if tells == Told::Nothing && last.is_none() {
            last = Some(trial.glance(db).await?);
        }
        let mut hear = |at: Progress<'_>| progress(Progress { done: done + at.done, of, ..at });
        if let Tried::Failed(error) = trial.run_steps(db, together, what, &mut hear).await? {
            return Ok((Tried::Failed(error), Vec::new()));
        }
        done += ids.len();
        match tells {
            Told::Changes => last = None,
            Told::Rows => without.extend(ids),
            Told::Nothing => {
                let now = trial.glance(db).await?;
                if last.is_some_and(|last| compare(&last, &now).is_empty()) {
                    without.extend(ids);
                }
                last = Some(now);
            }
        }
    }
    Ok((Tried::Applied, without))
}

/// What the text of each step tells.
fn told(steps: &[Step], before: &Snapshot) -> Vec<Told> {
    let mut there = Names::of(before);
    steps.iter().map(|step| tells(step, &mut there)).collect()
}

/// Change types that change rows alone.
const ROWS: [&str; 4] = ["insert", "update", "delete", "backfill"];

/// What the text of a step tells. `there`: what `CREATE OR REPLACE` may find.
fn tells(step: &Step, there: &mut Names) -> Told {
    let statements = || step.segments.iter().flat_map(|segment| &segment.statements);
    if statements().next().is_some() && statements().all(|statement| ROWS.contains(&statement.kind.as_str())) {
        return Told::Rows;
    }
    let (mut creates, mut drops, mut is_clear) = (false, false, true);
    for statement in statements() {
        let Some(objects) = objects(&statement.sql) else {
            is_clear = false;
            continue;
        };
        let is_read = objects.mistakes.iter().all(|mistake| mistake.in_body);
        let runs_unknown = objects.unknown.iter().any(|unknown| unknown.lookup == Lookup::Statement);
        is_clear &= is_read && !runs_unknown && !objects.runs_code && objects.renames.is_empty();
        for mention in objects.mentions.iter().filter(|mention| mention.lookup == Lookup::Statement) {
            match mention.how {
                Access::Create => creates |= is_new(mention, there),
                Access::Drop => drops |= is_gone(mention),
                _ => {}
            }
        }
    }
    // what is made and dropped again may leave nothing behind
    if is_clear && creates != drops { Told::Changes } else { Told::Nothing }
}

/// Whether an object is made that was not there.
fn is_new(mention: &Mention, there: &mut Names) -> bool {
    match &mention.object {
        Object::Function(name, _) => there.add(name),
        Object::Relation(name) if mention.class == ObjectClass::View => there.add(name),
        Object::Relation(name) => {
            let is_temporary = name.schema.as_ref().is_some_and(|schema| schema.as_str() == "pg_temp");
            mention.defines && !mention.guarded && !is_temporary
        }
        Object::Column(..)
        | Object::Schema(_)
        | Object::Constraint(..)
        | Object::Policy(..)
        | Object::Type(_)
        | Object::EnumValue(..)
        | Object::Statistics(_)
        | Object::Extension(_) => mention.defines && !mention.guarded,
        // some replace what is there, some are there already
        Object::Trigger(..) | Object::Rule(..) | Object::Role(_) | Object::Grant { .. } => false,
    }
}

/// Whether an object is dropped that was there.
fn is_gone(mention: &Mention) -> bool {
    !mention.guarded && !matches!(mention.object, Object::Role(_) | Object::Grant { .. })
}

/// Names of views and functions, without their schemas.
struct Names(BTreeSet<Ident>);

impl Names {
    fn of(catalog: &Snapshot) -> Self {
        let kinds = [Kind::View, Kind::MaterializedView, Kind::Function, Kind::Procedure, Kind::Aggregate];
        let keys = catalog.objects().keys().filter(|key| kinds.contains(&key.kind));
        let names = keys.filter_map(|key| key.name.split('(').next()?.parse::<QualifiedName>().ok());
        Self(names.map(|name| name.name).collect())
    }

    /// Adds a name; whether it is new.
    fn add(&mut self, name: &QualifiedName) -> bool {
        self.0.insert(name.name.clone())
    }
}
