//! Columns that become identity columns, or stop to be some: the numbers go on where they were.

use crate::base::QualifiedName;
use crate::base::name::{MAX_BYTES, quote_ident, quote_literal};
use crate::inspect::{
    Change, Difference, Object, ObjectKey, ObjectKind as Kind, Snapshot, create_object, ddl, drop_default,
    finish_sequence, own_sequence, set_default,
};
use std::collections::{BTreeMap, BTreeSet};

/// The sequences that come and go with the identity of the columns that change.
pub(super) fn sequences(
    from: &Snapshot,
    to: &Snapshot,
    changed: &BTreeMap<ObjectKey, Vec<Difference>>,
) -> BTreeSet<ObjectKey> {
    let columns = changed.iter().filter(|(_, differences)| switches(differences).is_some()).map(|(key, _)| key);
    columns.flat_map(|column| [from, to].map(|catalog| sequence(catalog, column))).flatten().cloned().collect()
}

/// The difference that makes an identity column of another one, or the reverse.
pub(super) fn switches(differences: &[Difference]) -> Option<&Difference> {
    differences.iter().find(|difference| {
        matches!(&difference.change, Change::Changed { property, expected, found }
            if property == "identity" && expected.is_null() != found.is_null())
    })
}

/// The statements for the identity and the default of a column, from one catalog to another.
pub(super) fn switch(to: &Snapshot, from: &Snapshot, key: &ObjectKey, identity: &Difference) -> Option<Vec<String>> {
    let (column, found) = (to.get(key)?, from.get(key)?);
    let (old, new) = (sequence(from, key), sequence(to, key));
    let mut sql = Vec::new();
    if found.text("default").is_some() {
        sql.extend(drop_default(from, key)?);
    }
    // the old one under another name, which keeps others from it, until the new one goes on where it is
    let mut before = old.map(|old| old.name.clone());
    if let (Some(old), Some(_)) = (old, new) {
        let parsed: QualifiedName = old.name.parse().ok()?;
        let schema = parsed.schema.as_ref()?.as_str();
        let other = format!("dagmar_old_{}", parsed.name.as_str());
        if other.len() > MAX_BYTES {
            return None;
        }
        sql.push(format!("ALTER SEQUENCE {} RENAME TO {}", old.name, quote_ident(&other)));
        before = Some(format!("{}.{}", quote_ident(schema), quote_ident(&other)));
    }
    let go_on = |sql: &mut Vec<String>| -> Option<()> {
        match (&before, new) {
            (Some(before), Some(new)) => sql.push(format!(
                "SELECT pg_catalog.setval({}, last_value, is_called) FROM {before}",
                quote_literal(&new.name)
            )),
            (None, Some(new)) => {
                let table = &column.parent.as_ref()?.name;
                let name = key.name.strip_prefix(table.as_str())?.strip_prefix('.')?;
                let minimum = to.get(new)?.property("minimum").as_i64()?;
                sql.push(format!(
                    "SELECT pg_catalog.setval({}, max({name})) FROM {table} HAVING max({name}) >= {minimum}",
                    quote_literal(&new.name)
                ));
            }
            (_, None) => {}
        }
        Some(())
    };
    if column.text("identity").is_some() {
        sql.extend(ddl(to, from, identity)?);
        if let Some(new) = new {
            sql.extend(finish_sequence(to, new)?);
        }
        go_on(&mut sql)?;
        sql.extend(before.map(|before| format!("DROP SEQUENCE {before}")));
        return Some(sql);
    }
    if let Some(new) = new {
        sql.extend(create_object(to, new, &BTreeSet::new())?);
        go_on(&mut sql)?;
    }
    // the old sequence goes with it
    sql.extend(ddl(to, from, identity)?);
    if let Some(new) = new {
        sql.extend(own_sequence(to, new)?);
    }
    if column.text("default").is_some() {
        sql.extend(set_default(to, key)?);
    }
    Some(sql)
}

/// Has a sequence go on after the largest value of the column that owns it, if the table has rows.
pub(super) fn after_the_largest(catalog: &Snapshot, sequence: &ObjectKey) -> Option<String> {
    let object = catalog.get(sequence)?;
    let column = ObjectKey::new(Kind::Column, object.text("ownedBy")?);
    let table = &catalog.get(&column)?.parent.as_ref()?.name;
    let name = column.name.strip_prefix(table.as_str())?.strip_prefix('.')?;
    let minimum = object.property("minimum").as_i64()?;
    Some(format!(
        "SELECT pg_catalog.setval({}, max({name})) FROM {table} HAVING max({name}) >= {minimum}",
        quote_literal(&sequence.name)
    ))
}

/// The sequence of an identity column, or the one that belongs to a column.
fn sequence<'a>(catalog: &'a Snapshot, column: &ObjectKey) -> Option<&'a ObjectKey> {
    let is_own = |object: &Object| {
        object.parent.as_ref() == Some(column) || object.text("ownedBy") == Some(column.name.as_str())
    };
    let all = catalog.objects().range(ObjectKey::new(Kind::Sequence, "")..);
    all.take_while(|(key, _)| key.kind == Kind::Sequence).find(|(_, object)| is_own(object)).map(|(key, _)| key)
}
