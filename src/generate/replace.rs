//! Indexes and constraints that get another definition: the new one is there before the old one goes, so that there is
//! no moment without it (manual, ALTER TABLE, examples).

use super::form::{Back, Form, Made, stored};
use super::forms::online;
use super::tasks::{Task, Tasks, ancestors};
use crate::base::QualifiedName;
use crate::base::name::{MAX_BYTES, quote_ident};
use crate::inspect::{ObjectKey, ObjectKind as Kind, Snapshot, create_object};
use std::collections::BTreeSet;

impl Tasks<'_> {
    /// Takes what is dropped and created under one name as a change of it.
    pub(super) fn replace(&mut self) {
        let is_both = |key: &ObjectKey| self.all.contains(&Task::Create(key.clone()));
        let dropped = self.all.iter().filter_map(|task| match task {
            Task::Drop(key) if matches!(key.kind, Kind::Index | Kind::Constraint) && is_both(key) => Some(key.clone()),
            _ => None,
        });
        for key in dropped.collect::<Vec<_>>() {
            let uses = self.from.get(&key).map(|object| object.depends.clone()).unwrap_or_default();
            let is_dropped =
                |used: &ObjectKey| ancestors(self.from, used).any(|of| self.all.contains(&Task::Drop(of.clone())));
            if uses.iter().any(is_dropped) {
                continue;
            }
            if self.dependents_of(&key).iter().all(|other| self.is_part(other, &key)) && replaced(self, &key).is_some()
            {
                self.all.remove(&Task::Drop(key.clone()));
                // its parts come with it
                self.all.retain(|task| !matches!(task, Task::Create(of) if self.to.get(of).is_some_and(|of| of.parent.as_ref() == Some(&key))));
                self.all.remove(&Task::Create(key.clone()));
                self.all.insert(Task::Alter(key.clone()));
                self.replaced.insert(key);
            }
        }
    }
}

/// Replaces it, and back.
pub(super) fn replaced(tasks: &Tasks<'_>, key: &ObjectKey) -> Option<Made> {
    let (forward, back) = (to_new(tasks.to, tasks.from, key)?, to_new(tasks.from, tasks.to, key)?);
    Some(Made { forward: forward.into_iter().map(Form::Sql).collect(), back: Back::of(Some(back)) })
}

fn to_new(to: &Snapshot, from: &Snapshot, key: &ObjectKey) -> Option<Vec<String>> {
    let object = to.get(key)?;
    let table =
        object.parent.clone().filter(|table| from.get(key).is_some_and(|old| old.parent.as_ref() == Some(table)))?;
    let parsed: QualifiedName = table.name.parse().ok()?;
    let schema = quote_ident(parsed.schema.as_ref()?.as_str()).into_owned();
    let own = match key.kind {
        Kind::Constraint => key.name.strip_prefix(&table.name)?.strip_prefix('.')?.to_owned(),
        _ => quote_ident(key.name.parse::<QualifiedName>().ok()?.name.as_str()).into_owned(),
    };
    let temporary = format!("dagmar_new_{}", stored(&own)?);
    if temporary.len() > MAX_BYTES {
        return None;
    }
    let temporary = quote_ident(&temporary).into_owned();
    let of = if key.kind == Kind::Constraint { &table.name } else { &schema };
    let renamed = ObjectKey::new(key.kind, format!("{of}.{temporary}"));
    let mut catalog = Snapshot::new(to.major);
    catalog.insert(table.clone(), to.get(&table)?.clone());
    let mut copy = object.clone();
    let definition = copy.text("definition")?.to_owned();
    let by_index = definition.starts_with("PRIMARY KEY") || definition.starts_with("UNIQUE");
    if let Some(index) = under(&definition, &temporary) {
        copy.properties.insert("definition".to_owned(), index.into());
    }
    catalog.insert(renamed.clone(), copy);
    for index in to.children(key).filter(|part| part.kind == Kind::Index) {
        let mut copy = to.get(index)?.clone();
        copy.parent = Some(renamed.clone());
        let definition = under(copy.text("definition")?, &temporary)?;
        copy.properties.insert("definition".to_owned(), definition.into());
        catalog.insert(ObjectKey::new(Kind::Index, format!("{schema}.{temporary}")), copy);
    }
    let made = online(&catalog, &renamed, &create_object(&catalog, &renamed, &BTreeSet::new())?)?;
    let mut sql: Vec<String> = made
        .forward
        .into_iter()
        .filter_map(|form| match form {
            Form::Sql(sql) => Some(sql),
            Form::Reversible { .. } | Form::Type(..) => None,
        })
        .collect();
    let alter = |what: String| format!("ALTER TABLE {} {what}", table.name);
    match key.kind {
        Kind::Constraint if by_index => {
            // the index is built; it takes the name of the constraint
            let attach = sql.get(1)?.split_once(&format!("ADD CONSTRAINT {temporary} "))?.1.to_owned();
            sql.truncate(1);
            sql.push(alter(format!("DROP CONSTRAINT {own}, ADD CONSTRAINT {own} {attach}")));
            sql.extend(create_object(to, key, &BTreeSet::new())?.into_iter().skip(1));
        }
        Kind::Constraint => {
            sql.push("-- segment".to_owned());
            sql.push(alter(format!("DROP CONSTRAINT {own}")));
            sql.push(alter(format!("RENAME CONSTRAINT {temporary} TO {own}")));
        }
        _ => {
            sql.push(format!("DROP INDEX CONCURRENTLY IF EXISTS {}", key.name));
            sql.push(format!("ALTER INDEX {} RENAME TO {own}", renamed.name));
        }
    }
    Some(sql)
}

/// The definition of an index under another name.
fn under(definition: &str, name: &str) -> Option<String> {
    let (head, rest) = definition.split_once(" INDEX ")?;
    let rest = &rest[rest.find(" ON ")?..];
    Some(format!("{head} INDEX {name}{rest}"))
}
