//! The SQL, or the change type, that does a task, and what takes it back.

use super::alter::alter;
use super::beside;
use super::form::{Back, Form, Made, column_name, qualified};
use super::forms;
use super::identity::after_the_largest;
use super::replace::replaced;
use super::tasks::{Task, Tasks};
use crate::inspect::{
    Change, Difference, ObjectKey, ObjectKind as Kind, Snapshot, create_object, ddl, drop_default, own_sequence,
    set_default,
};
use serde_json::json;

/// What does a task; `None`: there is no SQL for it.
pub(super) fn made(tasks: &Tasks<'_>, task: &Task) -> Option<Made> {
    let Tasks { from, to, .. } = tasks;
    let key = task.object();
    let (forward, back) = match task {
        Task::Create(_) => {
            let missing = Difference { object: key.clone(), change: Change::Missing };
            let mut sql = match tasks.whole.contains(key) {
                true => ddl(to, from, &missing)?,
                false => create_object(to, key, &tasks.later)?,
            };
            if tasks.unchecked.contains(key) {
                sql.insert(0, "SET LOCAL check_function_bodies = off".to_owned());
            }
            let extra = Difference { object: key.clone(), change: Change::Extra };
            if let Some(made) = keeps_rows(tasks, key, &sql) {
                return Some(made);
            }
            if let Some(made) = forms::create(tasks, key, &sql).filter(|_| !tasks.blocking) {
                return Some(made);
            }
            // what belongs to a constraint comes and goes with it
            let back =
                if sql.is_empty() { Some(Vec::new()) } else { ddl(from, to, &extra).or_else(|| part_of(tasks, key)) };
            (sql, back)
        }
        Task::Own(_) => {
            let mut sql = own_sequence(to, key)?;
            let owner = to.get(key).and_then(|sequence| sequence.text("ownedBy"));
            if owner.is_some_and(|column| from.get(&ObjectKey::new(Kind::Column, column)).is_some()) {
                sql.extend(after_the_largest(to, key));
            }
            (sql, Some(vec![format!("ALTER SEQUENCE {} OWNED BY NONE", key.name)]))
        }
        Task::SetDefault(_) => (set_default(to, key)?, drop_default(tasks.to, key)),
        Task::DropDefault(_) => (drop_default(tasks.from, key)?, set_default(from, key)),
        Task::Drop(_) => {
            if let Some(form) = into_the_attic(tasks, key) {
                return Some(Made { forward: vec![form], back: Back::Derived });
            }
            let (extra, missing) = (Change::Extra, Change::Missing);
            let difference = |change| Difference { object: key.clone(), change };
            let sql = ddl(to, from, &difference(extra))?;
            let mut back = ddl(from, to, &difference(missing));
            if key.kind == Kind::Sequence
                && let Some(back) = &mut back
            {
                back.extend(after_the_largest(from, key));
            }
            if let Some(made) = forms::drop(tasks, key, &sql, back.as_deref()).filter(|_| !tasks.blocking) {
                return Some(made);
            }
            (sql, back)
        }
        Task::Expand(_) => return beside::expand(tasks, key),
        Task::Alter(_) if tasks.expansions.all.contains_key(key) => return beside::replace(tasks, key),
        Task::Alter(_) if tasks.replaced.contains(key) => return replaced(tasks, key),
        Task::Alter(_) => return alter(tasks, key),
        Task::Contract(_) => return beside::contract(tasks, key),
    };
    Some(Made { forward: forward.into_iter().map(Form::Sql).collect(), back: Back::of(back) })
}

/// A table or column whose rollback keeps the rows that were written in between.
fn keeps_rows(tasks: &Tasks<'_>, key: &ObjectKey, sql: &[String]) -> Option<Made> {
    let back = removal(tasks, key)?;
    Some(Made { forward: sql.iter().cloned().map(Form::Sql).collect(), back: Back::Forms(vec![back]) })
}

/// What drops a table or column of the wanted catalog and keeps its rows.
fn removal(tasks: &Tasks<'_>, key: &ObjectKey) -> Option<Form> {
    // a partition or child is a part of another table
    let is_part = tasks.to.get(key)?.properties.contains_key("parents");
    dropping(tasks.to, key, Some("rows")).filter(|_| !is_part)
}

/// What moves a table or column that is no longer wanted to the attic.
fn into_the_attic(tasks: &Tasks<'_>, key: &ObjectKey) -> Option<Form> {
    let is_made_again = tasks.all.contains(&Task::Create(key.clone()));
    dropping(tasks.from, key, None).filter(|_| !is_made_again)
}

/// The change type that drops a table, or a column with values of its own; `None`: it is something else.
fn dropping(catalog: &Snapshot, key: &ObjectKey, keep: Option<&str>) -> Option<Form> {
    let object = catalog.get(key)?;
    let (kind, mut parameters) = match (key.kind, &object.parent) {
        (Kind::Table, _) => ("dropTable", json!({ "table": qualified(&key.name)? })),
        (Kind::Column, Some(table)) if table.kind == Kind::Table && object.text("generated").is_none() => {
            let column = column_name(key, &table.name)?;
            ("dropColumn", json!({ "table": qualified(&table.name)?, "column": column }))
        }
        _ => return None,
    };
    if let Some(keep) = keep {
        parameters["keep"] = json!(keep);
    }
    Some(Form::Type(kind, parameters))
}

/// A part that goes with the whole has no statement that drops it.
fn part_of(tasks: &Tasks<'_>, key: &ObjectKey) -> Option<Vec<String>> {
    let parent = tasks.to.get(key)?.parent.as_ref()?;
    tasks.all.contains(&Task::Create(parent.clone())).then(Vec::new)
}
