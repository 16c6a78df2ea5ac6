//! Forms that do not block others while a table with rows is read (manual, ALTER TABLE, notes; CREATE INDEX, "Building
//! Indexes Concurrently").

use super::form::{Back, Form, Made, qualified};
use super::tasks::{Task, Tasks};
use crate::inspect::{Object, ObjectKey, ObjectKind as Kind, Snapshot};
use serde_json::json;

/// An index or constraint of a table that is there already; `None`: the direct form is right.
pub(super) fn create(tasks: &Tasks<'_>, key: &ObjectKey, sql: &[String]) -> Option<Made> {
    let table = table_of(tasks.to, tasks.to.get(key)?)?;
    if tasks.all.contains(&Task::Create(table.clone())) {
        return None;
    }
    online(tasks.to, key, sql)
}

/// An index or constraint of a table with rows. `sql`: the statements that make it directly.
pub(super) fn online(catalog: &Snapshot, key: &ObjectKey, sql: &[String]) -> Option<Made> {
    let object = catalog.get(key)?;
    let table = table_of(catalog, object).filter(|table| !is_tree(catalog, table))?;
    let (first, rest) = sql.split_first()?;
    let (forward, back) = match key.kind {
        Kind::Index => (vec![concurrently(first)?], format!("DROP INDEX CONCURRENTLY IF EXISTS {}", key.name)),
        Kind::Constraint => {
            let name = key.name.strip_prefix(&table.name)?.strip_prefix('.')?;
            let definition = object.text("definition")?;
            let forward = match definition.split(' ').next()? {
                "FOREIGN" | "CHECK"
                    if !definition.ends_with(" NOT VALID") && !definition.ends_with(" NOT ENFORCED") =>
                {
                    vec![
                        format!("{first} NOT VALID"),
                        "-- segment".to_owned(),
                        format!("ALTER TABLE {} VALIDATE CONSTRAINT {name}", table.name),
                    ]
                }
                kind @ ("PRIMARY" | "UNIQUE") => {
                    let index = catalog.children(key).find(|part| part.kind == Kind::Index)?;
                    let own = index.name.rsplit_once('.').map(|(_, own)| own)?;
                    let build = concurrently(catalog.get(index)?.text("definition")?)?;
                    let words = if kind == "PRIMARY" { "PRIMARY KEY" } else { "UNIQUE" };
                    let deferrable = definition.find(" DEFERRABLE").map_or("", |at| &definition[at..]);
                    let attach = format!(
                        "ALTER TABLE {} ADD CONSTRAINT {name} {words} USING INDEX {own}{deferrable}",
                        table.name
                    );
                    vec![build, attach]
                }
                _ => return None,
            };
            (forward, format!("ALTER TABLE {} DROP CONSTRAINT IF EXISTS {name}", table.name))
        }
        _ => return None,
    };
    let forward = forward.into_iter().chain(rest.iter().cloned()).map(Form::Sql).collect();
    Some(Made { forward, back: Back::Forms(vec![Form::Sql(back)]) })
}

/// An index of a table that stays; `None`: the direct form is right.
pub(super) fn drop(tasks: &Tasks<'_>, key: &ObjectKey, sql: &[String], back: Option<&[String]>) -> Option<Made> {
    let object = tasks.from.get(key).filter(|_| key.kind == Kind::Index)?;
    if is_tree(tasks.from, table_of(tasks.from, object)?) {
        return None;
    }
    let forward = sql.iter().map(|sql| sql.replacen("DROP INDEX ", "DROP INDEX CONCURRENTLY ", 1));
    let (first, rest) = back?.split_first()?;
    let back = std::iter::once(concurrently(first)?).chain(rest.iter().cloned()).map(Form::Sql).collect();
    Some(Made { forward: forward.map(Form::Sql).collect(), back: Back::Forms(back) })
}

/// Values that an enum gets.
pub(super) fn enum_values(tasks: &Tasks<'_>, key: &ObjectKey) -> Option<Vec<Form>> {
    let labels = |catalog: &Snapshot| -> Option<Vec<String>> {
        let labels = catalog.get(key)?.property("labels").as_array()?.iter();
        Some(labels.filter_map(|label| label.as_str().map(str::to_owned)).collect())
    };
    let (old, new) = (labels(tasks.from)?, labels(tasks.to)?);
    if tasks.changed.get(key)?.len() > 1 || !old.iter().all(|label| new.contains(label)) {
        return None;
    }
    let name = qualified(&key.name)?;
    let added = new.iter().enumerate().filter(|(_, label)| !old.contains(label));
    let forms = added.map(|(at, value)| {
        let place = match at.checked_sub(1).and_then(|before| new.get(before)) {
            Some(before) => json!({ "name": name, "value": value, "after": before }),
            None => json!({ "name": name, "value": value, "before": old.first() }),
        };
        Form::Type("addEnumValue", place)
    });
    Some(forms.collect())
}

fn concurrently(definition: &str) -> Option<String> {
    let at = definition.find(" INDEX ")? + " INDEX ".len();
    (!definition[at..].contains(" ON ONLY "))
        .then(|| format!("{}CONCURRENTLY {}", &definition[..at], &definition[at..]))
}

/// The table of an index or constraint.
fn table_of<'a>(catalog: &'a Snapshot, object: &'a Object) -> Option<&'a ObjectKey> {
    object.parent.as_ref().filter(|parent| parent.kind == Kind::Table && catalog.get(parent).is_some())
}

/// Whether a table has partitions or is one: its indexes and constraints belong together.
fn is_tree(catalog: &Snapshot, table: &ObjectKey) -> bool {
    catalog
        .get(table)
        .is_some_and(|table| ["partitionKey", "parents"].iter().any(|name| table.properties.contains_key(*name)))
}
