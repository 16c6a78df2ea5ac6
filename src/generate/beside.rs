//! The SQL and the change types of a column that gets its new type beside the old one.

use super::expand::{Expansion, Names, after_name};
use super::form::{Back, Form, Made, stored};
use super::forms::online;
use super::tasks::{Task, Tasks};
use crate::base::Rule;
use crate::base::name::quote_literal;
use crate::inspect::{Object, ObjectKey, ObjectKind as Kind, Snapshot, create_object, cuts, set_default};
use crate::source::changeset::Phase;
use crate::source::lint::IgnoredRule;
use crate::sql::with_column;
use serde_json::json;
use std::collections::BTreeSet;

/// Which of the two columns and of their indexes and constraints.
#[derive(Debug, Clone, Copy)]
enum Which {
    New,
    Old,
}

impl Names {
    fn get(&self, which: Which) -> &str {
        match which {
            Which::New => &self.new,
            Which::Old => &self.old,
        }
    }
}

/// Adds the column with the new type, fills it, and gives it indexes and constraints.
pub(super) fn expand(tasks: &Tasks<'_>, key: &ObjectKey) -> Option<Made> {
    let expansion = tasks.expansions.all.get(key)?;
    let Names { own, new, .. } = &expansion.column;
    let kind = tasks.to.get(key)?.text("type")?;
    let table = &expansion.table.name;
    let (catalog, column) = expansion.catalog(tasks.to, key, Which::New)?;
    let mut forward: Vec<Form> =
        create_object(&catalog, &column, &BTreeSet::new())?.into_iter().map(Form::Sql).collect();
    forward.push(Form::Sql(expansion.sync("CREATE", &format!("NEW.{new} := {};", expansion.value("NEW.", own, kind)))));
    forward.push(Form::Sql(expansion.create_trigger()));
    // an explicit cast would cut what is too long
    let value = if cuts(kind) { own.clone() } else { format!("{own}::{kind}") };
    let set = json!({ stored(new)?: value });
    let differs = distinct(new, &format!("({own}::{kind})"), kind);
    forward.push(Form::Type("backfill", json!({ "table": table, "key": expansion.key, "set": set, "where": differs })));
    if tasks.to.get(key)?.is("notNull") {
        forward.push(Form::Type("setNotNull", json!({ "table": table, "column": stored(new)? })));
    }
    for (copy, names) in &expansion.copies {
        let copy = expansion.key_of(copy, names.get(Which::New));
        let sql = create_object(&catalog, &copy, &BTreeSet::new())?;
        let made = online(&catalog, &copy, &sql)
            .unwrap_or_else(|| Made { forward: sql.into_iter().map(Form::Sql).collect(), back: Back::Derived });
        forward.extend(made.forward);
    }
    let back = [expansion.drop_trigger(), format!("ALTER TABLE {table} DROP COLUMN {new}")];
    Some(Made { forward, back: Back::Whole(back.into_iter().map(Form::Sql).collect()) })
}

/// Puts the new column in the place of the old one, in one transaction.
pub(super) fn replace(tasks: &Tasks<'_>, key: &ObjectKey) -> Option<Made> {
    let expansion = tasks.expansions.all.get(key)?;
    let Names { own, new, old } = &expansion.column;
    let (before, after) = (tasks.from.get(key)?, tasks.to.get(key)?);
    let alter = |what: String| format!("ALTER TABLE {} {what}", expansion.table.name);
    let rename = |what: &str, from: &str, to: &str| alter(format!("RENAME {what} {from} TO {to}"));
    let (mut forward, mut back) = (vec![rename("COLUMN", own, old), rename("COLUMN", new, own)], Vec::new());
    back.extend([rename("COLUMN", own, new), rename("COLUMN", old, own)]);
    for (copy, names) in &expansion.copies {
        let rename = |from: &str, to: &str| match copy.kind {
            Kind::Constraint => rename("CONSTRAINT", from, to),
            _ => format!("ALTER INDEX {}.{from} RENAME TO {to}", expansion.schema),
        };
        forward.extend([rename(&names.own, &names.old), rename(&names.new, &names.own)]);
        back.extend([rename(&names.own, &names.new), rename(&names.old, &names.own)]);
    }
    if let Some(names) = &expansion.not_null {
        if before.is("notNull") {
            forward.push(rename("CONSTRAINT", &names.own, &names.old));
        }
        if after.is("notNull") {
            forward.push(rename("CONSTRAINT", &names.new, &names.own));
            back.push(rename("CONSTRAINT", &names.own, &names.new));
        }
        if before.is("notNull") {
            back.push(rename("CONSTRAINT", &names.old, &names.own));
        }
    }
    if before.text("default").is_some() {
        forward.push(alter(format!("ALTER COLUMN {old} DROP DEFAULT")));
    }
    if after.text("default").is_some() {
        forward.extend(set_default(tasks.to, key)?);
        back.push(alter(format!("ALTER COLUMN {new} DROP DEFAULT")));
    }
    if before.text("default").is_some() {
        back.extend(set_default(tasks.from, key)?);
    }
    forward.push(expansion.sync("CREATE OR REPLACE", &expansion.turned(before, after)?));
    let kind = after.text("type")?;
    back.push(expansion.sync("CREATE OR REPLACE", &format!("NEW.{new} := {};", expansion.value("NEW.", own, kind))));
    Some(Made { forward: forward.into_iter().map(Form::Sql).collect(), back: Back::of(Some(back)) })
}

/// Removes the old column, which goes to the attic.
pub(super) fn contract(tasks: &Tasks<'_>, key: &ObjectKey) -> Option<Made> {
    let expansion = tasks.expansions.all.get(key)?;
    let Names { own, old, .. } = &expansion.column;
    let (before, after) = (tasks.from.get(key)?, tasks.to.get(key)?);
    let table = &expansion.table.name;
    let (catalog, _) = expansion.catalog(tasks.from, key, Which::Old)?;
    let mut forward = Vec::new();
    for (copy, names) in &expansion.copies {
        if copy.kind == Kind::Constraint {
            let name = stored(&names.old)?;
            forward.push(Form::Type("dropConstraint", json!({ "table": table, "name": name })));
            continue;
        }
        let copy = expansion.key_of(copy, names.get(Which::Old));
        let made = online(&catalog, &copy, &create_object(&catalog, &copy, &BTreeSet::new())?)?;
        let sql = made.forward.into_iter().filter_map(|form| match form {
            Form::Sql(sql) => Some(sql),
            Form::Reversible { .. } | Form::Type(..) => None,
        });
        forward.push(Form::Reversible {
            forward: vec![format!("DROP INDEX CONCURRENTLY IF EXISTS {}", copy.name)],
            back: sql.collect(),
        });
    }
    let column = stored(old)?;
    if before.is("notNull") {
        forward.push(Form::Type("dropNotNull", json!({ "table": table, "column": column })));
    }
    let (old_type, new_type) = (before.text("type")?, after.text("type")?);
    let value = if cuts(old_type) { own.clone() } else { format!("{own}::{old_type}") };
    let differs = distinct(own, &format!("({old}::{new_type})"), new_type);
    let fill = format!("UPDATE {table} SET {old} = {value} WHERE {differs}");
    forward.push(Form::Reversible {
        forward: vec![expansion.drop_trigger()],
        // a value that the old type cannot hold is told before anything is done
        back: vec![
            fill.clone(),
            "-- segment".to_owned(),
            expansion.sync("CREATE", &expansion.turned(before, after)?),
            expansion.create_trigger(),
            "-- segment".to_owned(),
            fill,
            // what follows locks the table
            "-- segment".to_owned(),
        ],
    });
    forward.push(Form::Type("dropColumn", json!({ "table": table, "column": column })));
    Some(Made { forward, back: Back::Derived })
}

/// The phase of a changeset, and the rules of the review that do not apply to it.
pub(super) fn header(task: &Task) -> (Option<Phase>, Vec<IgnoredRule>) {
    let (phase, rule, reason) = match task {
        Task::Expand(_) => {
            (Phase::Expand, Rule::RollbackLosesData, "a trigger keeps the column equal to the one that stays")
        }
        Task::Contract(_) => {
            let reason = "it changes rows whose values were written after the new column took its place";
            (Phase::Contract, Rule::UnbatchedBackfill, reason)
        }
        _ => {
            let reason = "in one transaction, another column takes the name";
            (Phase::Migrate, Rule::RenameBreaksClients, reason)
        }
    };
    (Some(phase), vec![IgnoredRule { ignore: rule, reason: reason.to_owned() }])
}

/// Whether two values of a type differ. Not every type has an equality, and some have one that is not exact; the text of a
/// number with a floating point depends on the session.
fn distinct(one: &str, other: &str, kind: &str) -> String {
    match kind {
        "real" | "double precision" => format!("{one} IS DISTINCT FROM {other}"),
        _ => format!("{one}::text IS DISTINCT FROM {other}::text"),
    }
}

impl Expansion {
    /// What the trigger does once the new column is in the place. A value that did not change stays as it was, since the
    /// conversion may lose something. An INSERT without a list of columns has its value in the old column: it would be lost.
    fn turned(&self, before: &Object, after: &Object) -> Option<String> {
        let Names { own, old, .. } = &self.column;
        let (kind, new) = (before.text("type")?, after.text("type")?);
        let message =
            format!("the column {own} of {} has another place: an INSERT has to name its columns", self.table.name);
        Some(format!(
            "IF TG_OP = 'INSERT' AND NEW.{old} IS NOT NULL THEN\n        \
             RAISE EXCEPTION USING ERRCODE = 'invalid_column_reference', MESSAGE = {};\n    END IF;\n    \
             IF TG_OP = 'INSERT' OR {} THEN\n        NEW.{old} := {};\n    END IF;",
            quote_literal(&message),
            distinct(&format!("NEW.{own}"), &format!("OLD.{own}"), new),
            self.value("NEW.", own, kind)
        ))
    }

    /// The value of the other column in the trigger. It is assigned where a cast would cut it, and where the writer may
    /// not have the right to use the schema of the type.
    fn value(&self, row: &str, own: &str, kind: &str) -> String {
        let is_elsewhere = kind.contains('.') && !kind.starts_with(&format!("{}.", self.schema));
        if cuts(kind) || is_elsewhere { format!("{row}{own}") } else { format!("{row}{own}::{kind}") }
    }

    fn sync(&self, verb: &str, body: &str) -> String {
        format!(
            "{verb} FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS $dagmar$\nBEGIN\n    {body}\n    RETURN NEW;\nEND\n$dagmar$",
            self.function
        )
    }

    fn create_trigger(&self) -> String {
        format!(
            "CREATE TRIGGER {} BEFORE INSERT OR UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION {}()",
            self.trigger, self.table.name, self.function
        )
    }

    fn drop_trigger(&self) -> String {
        format!("DROP TRIGGER {} ON {};\nDROP FUNCTION {}()", self.trigger, self.table.name, self.function)
    }

    /// An index or constraint of the table under another name.
    fn key_of(&self, copy: &ObjectKey, name: &str) -> ObjectKey {
        let of = if copy.kind == Kind::Constraint { &self.table.name } else { &self.schema };
        ObjectKey::new(copy.kind, format!("{of}.{name}"))
    }

    /// The table with the column and what it needs, all of it under names for a time, and the column.
    fn catalog(&self, of: &Snapshot, key: &ObjectKey, which: Which) -> Option<(Snapshot, ObjectKey)> {
        let mut catalog = Snapshot::new(of.major);
        catalog.insert(self.table.clone(), of.get(&self.table)?.clone());
        let name = self.column.get(which);
        let column = ObjectKey::new(Kind::Column, format!("{}.{name}", self.table.name));
        let mut object = of.get(key)?.clone();
        // these come when there are values, and when it takes the place
        object.properties.retain(|property, _| !matches!(property.as_str(), "notNull" | "default"));
        catalog.insert(column.clone(), object);
        for (copy, names) in &self.copies {
            let renamed = self.key_of(copy, names.get(which));
            let mut object = of.get(copy)?.clone();
            self.rename(&mut object, names, which)?;
            // the index of a constraint is named like it
            for index in of.children(copy).filter(|part| part.kind == Kind::Index) {
                let mut object = of.get(index)?.clone();
                object.parent = Some(renamed.clone());
                self.rename(&mut object, names, which)?;
                catalog.insert(ObjectKey::new(Kind::Index, format!("{}.{}", self.schema, names.get(which))), object);
            }
            catalog.insert(renamed, object);
        }
        Some((catalog, column))
    }

    fn rename(&self, object: &mut Object, names: &Names, which: Which) -> Option<()> {
        let definition = object.text("definition")?;
        let rest = after_name(definition);
        let changed = with_column(rest, &self.column.own, self.column.get(which));
        let head = &definition[..definition.len() - rest.len()];
        let new = match head.split_once(" INDEX ") {
            Some((head, _)) => format!("{head} INDEX {} ON {}{changed}", names.get(which), self.table.name),
            None => changed,
        };
        object.properties.insert("definition".to_owned(), new.into());
        Some(())
    }
}
