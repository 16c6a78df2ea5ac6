//! Which new types of a column are made beside the old one: by a second column that is filled in batches while a trigger
//! keeps both equal, and that takes the place of the first in one short transaction.

use super::form::{qualified, stored};
use super::rewrite::{follows_the_session, is_type, rewrites};
use crate::base::QualifiedName;
use crate::base::name::{MAX_BYTES, quote_ident};
use crate::inspect::{Difference, Object, ObjectKey, ObjectKind as Kind, Snapshot};
use crate::sql::with_column;
use std::collections::{BTreeMap, BTreeSet};

/// Something of the table that has one name while it is filled and another when it is replaced. Names as SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    /// The name that it keeps.
    pub own: String,
    /// That of the one with the new type, until it takes the place.
    pub new: String,
    /// That of the one with the old type, from then on.
    pub old: String,
}

impl Names {
    /// Those of a name as the catalog stores it, with what is put before and after it.
    fn of(before: &str, own: &str, after: &str) -> Result<Self, &'static str> {
        let all = ["", "dagmar_new_", "dagmar_old_"].map(|prefix| format!("{before}{prefix}{own}{after}"));
        if all.iter().any(|name| name.len() > MAX_BYTES) {
            return Err(TOO_LONG);
        }
        let [own, new, old] = all.map(|name| quote_ident(&name).into_owned());
        Ok(Self { own, new, old })
    }
}

const TOO_LONG: &str = "a name would be longer than PostgreSQL allows";

/// How a column gets its new type.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Expansion {
    /// The table.
    pub table: ObjectKey,
    /// Its schema, as SQL.
    pub schema: String,
    /// The names of the column.
    pub column: Names,
    /// The columns of the primary key, by which the rows are filled, as the catalog stores them.
    pub key: Vec<String>,
    /// Indexes and constraints that the new column has too.
    pub copies: Vec<(ObjectKey, Names)>,
    /// The names of the constraints NOT NULL, where they have names.
    pub not_null: Option<Names>,
    /// The function of the trigger, as SQL.
    pub function: String,
    /// The trigger: the last one by its name, so that it sees what the others make of a row.
    pub trigger: String,
}

/// What becomes of the columns with a new type.
#[derive(Debug, Clone, Default)]
pub(super) struct Expansions {
    /// Those that get it beside the old one.
    pub all: BTreeMap<ObjectKey, Expansion>,
    /// Those that get it in place although that blocks, and why.
    pub direct: BTreeMap<ObjectKey, &'static str>,
}

impl Expansions {
    /// Looks at the columns that change.
    pub fn of(from: &Snapshot, to: &Snapshot, changed: &BTreeMap<ObjectKey, Vec<Difference>>) -> Self {
        let mut expansions = Self::default();
        let retyped: BTreeSet<&ObjectKey> = changed
            .iter()
            .filter(|(key, differences)| differences.iter().any(is_type) && blocks(from, to, key))
            .map(|(key, _)| key)
            .collect();
        for key in &retyped {
            match expansion(from, to, key, &retyped) {
                Ok(expansion) => drop(expansions.all.insert((*key).clone(), expansion)),
                Err(why) => drop(expansions.direct.insert((*key).clone(), why)),
            }
        }
        expansions
    }
}

/// Whether it is a column of a table whose new type blocks it.
fn blocks(from: &Snapshot, to: &Snapshot, key: &ObjectKey) -> bool {
    let (Some(old), Some(new)) = (from.get(key), to.get(key)) else { return false };
    if key.kind != Kind::Column || new.parent.as_ref().is_none_or(|table| table.kind != Kind::Table) {
        return false;
    }
    let types = old.text("type").zip(new.text("type"));
    old.text("collation") != new.text("collation") || types.is_none_or(|(old, new)| rewrites(old, new))
}

fn expansion(
    from: &Snapshot,
    to: &Snapshot,
    column: &ObjectKey,
    retyped: &BTreeSet<&ObjectKey>,
) -> Result<Expansion, &'static str> {
    let (old, new) = from.get(column).zip(to.get(column)).ok_or("it is not in both databases")?;
    let table = new.parent.clone().ok_or("it is part of no table")?;
    of_column(from, to, old, new)?;
    of_table(from, to, &table)?;
    let odd = "its name is not read as it is written";
    let own = local(column, &table).ok_or(odd)?;
    let raw_column = stored(own).ok_or(odd)?;
    let parsed: QualifiedName = table.name.parse().map_err(|_| odd)?;
    let (schema, table_name) = (parsed.schema.as_ref().ok_or(odd)?, parsed.name.as_str());
    let key = primary_key(from, &table).filter(|key| primary_key(to, &table).as_ref() == Some(key));
    let key = key.ok_or("the table has no primary key by which its rows can be filled in batches")?;
    let is_retyped = |name: &String| {
        retyped.contains(&ObjectKey::new(Kind::Column, format!("{}.{}", table.name, quote_ident(name))))
    };
    if key.iter().any(is_retyped) {
        return Err("a column of the primary key gets a new type");
    }
    let mut copies = Vec::new();
    for dependent in dependents(from, column) {
        let object = from.get(dependent).ok_or("it is not in both databases")?;
        let is_own = object.parent.as_ref() == Some(&table);
        match dependent.kind {
            Kind::Index | Kind::Constraint if !is_own => return Err("another table refers to it"),
            Kind::Index | Kind::Constraint => {
                let Some(wanted) = to.get(dependent).filter(|wanted| wanted.depends.contains(column)) else { continue };
                let others = wanted.depends.iter().chain(&object.depends);
                if others.clone().any(|other| other != column && retyped.contains(other)) {
                    return Err("an index or constraint has another column with a new type");
                }
                copies.push((dependent.clone(), copy(dependent, [object, wanted], own, &table)?));
            }
            Kind::Column => return Err("a generated column is computed from it"),
            Kind::Sequence => return Err("a sequence belongs to it"),
            _ => {}
        }
    }
    let is_named = from.major >= 18 && (old.is("notNull") || new.is("notNull"));
    let fits = |name: String| if name.len() > MAX_BYTES { Err(TOO_LONG) } else { Ok(quote_ident(&name).into_owned()) };
    let function = fits(format!("dagmar_sync_{table_name}_{raw_column}"))?;
    let expansion = Expansion {
        function: format!("{}.{function}", quote_ident(schema.as_str())),
        // the last one by its name
        trigger: fits(format!("zzz_dagmar_sync_{raw_column}"))?,
        column: Names::of("", &raw_column, "")?,
        not_null: is_named.then(|| Names::of(&format!("{table_name}_"), &raw_column, "_not_null")).transpose()?,
        schema: quote_ident(schema.as_str()).into_owned(),
        table,
        key,
        copies,
    };
    if [from, to].iter().any(|catalog| expansion.is_late(catalog)) {
        return Err("a trigger for INSERT comes after the one that would keep the columns equal");
    }
    if expansion.is_taken(from) { Err("a name that it needs for a time is taken") } else { Ok(expansion) }
}

/// Whether the column itself can be replaced by another one.
fn of_column(from: &Snapshot, to: &Snapshot, old: &Object, new: &Object) -> Result<(), &'static str> {
    let has = |property: &str| old.properties.contains_key(property) || new.properties.contains_key(property);
    if has("identity") {
        return Err("it is an identity column");
    }
    if has("generated") {
        return Err("it is a generated column");
    }
    if has("notNullConstraint") || has("notNullComment") {
        return Err("its NOT NULL has a name, a comment or a form of its own");
    }
    let (Some(old_type), Some(new_type)) = (old.text("type"), new.text("type")) else { return Err("it has no type") };
    let is_domain = |catalog: &Snapshot, name: &str| catalog.get(&ObjectKey::new(Kind::Domain, name)).is_some();
    if is_domain(from, old_type) || is_domain(to, new_type) {
        return Err("a domain may have a default or a NOT NULL of its own");
    }
    if follows_the_session(old_type, new_type) {
        return Err("the conversion depends on settings of the session, which the application may have set otherwise");
    }
    let is_gone = |key: &&ObjectKey| matches!(key.kind, Kind::Type | Kind::Domain) && to.get(key).is_none();
    if old.depends.iter().any(|key| is_gone(&key)) { Err("its old type is dropped") } else { Ok(()) }
}

/// Whether rows of the table can be filled without an effect elsewhere.
fn of_table(from: &Snapshot, to: &Snapshot, table: &ObjectKey) -> Result<(), &'static str> {
    for catalog in [from, to] {
        let object = catalog.get(table).ok_or("the table is not in both databases")?;
        let has = |property: &str| object.properties.contains_key(property);
        let is_parent = |other: &Object| {
            let parents = other.property("parents").as_array();
            parents.is_some_and(|parents| parents.iter().any(|parent| parent.as_str() == Some(&table.name)))
        };
        let tables = catalog.objects().range(ObjectKey::new(Kind::Table, "")..);
        let mut tables = tables.take_while(|(key, _)| key.kind == Kind::Table);
        if has("partitionKey") || has("parents") || tables.any(|(_, other)| is_parent(other)) {
            return Err("the table has partitions or children, or is one");
        }
        if has("ofType") {
            return Err("the table is made of a type");
        }
        if has("forceRowSecurity") {
            return Err("row-level security holds for the owner too: some rows may not be seen");
        }
        if object.text("replicaIdentity") == Some("index") {
            return Err("an index is the replica identity of the table");
        }
        let fires = |key: &&ObjectKey| {
            let definition = catalog.get(key).and_then(|object| object.text("definition")).unwrap_or_default();
            match key.kind {
                Kind::Trigger => definition.split(" ON ").next().is_some_and(|head| head.contains(" UPDATE")),
                Kind::Rule => true,
                _ => false,
            }
        };
        if catalog.children(table).any(|key| fires(&key)) {
            return Err("the table has a rule, or a trigger for UPDATE, which filling the new column would fire");
        }
    }
    Ok(())
}

/// The names of an index or constraint and its copy.
fn copy(key: &ObjectKey, objects: [&Object; 2], column: &str, table: &ObjectKey) -> Result<Names, &'static str> {
    for object in objects {
        let definition = object.text("definition").ok_or("an index or constraint has no definition")?;
        if definition.starts_with("PRIMARY KEY") {
            return Err("it is part of the primary key");
        }
        if definition.starts_with("EXCLUDE") {
            return Err("it is part of an EXCLUDE constraint");
        }
        if definition.contains(&format!(" REFERENCES {}(", table.name)) {
            return Err("a foreign key of the table refers to the table itself");
        }
        if ["clustered", "replicaIdentity", "invalid"].iter().any(|name| object.properties.contains_key(*name)) {
            return Err("an index of it is not valid, or the table is clustered by it");
        }
        if with_column(after_name(definition), column, "") == after_name(definition) {
            return Err("an index or constraint uses whole rows");
        }
    }
    let own = match key.kind {
        Kind::Constraint => local(key, table).and_then(stored),
        _ => key.name.parse().ok().map(|parsed: QualifiedName| parsed.name.as_str().to_owned()),
    };
    Names::of("", &own.ok_or("an index or constraint has a name that is not read as it is written")?, "")
}

/// The name of a part of a table, as SQL.
fn local<'a>(key: &'a ObjectKey, table: &ObjectKey) -> Option<&'a str> {
    key.name.strip_prefix(&table.name)?.strip_prefix('.')
}

/// What follows the name and the table of an index; a constraint's definition as it is.
pub(super) fn after_name(definition: &str) -> &str {
    definition.find(" USING ").filter(|_| definition.starts_with("CREATE ")).map_or(definition, |at| &definition[at..])
}

/// What depends on an object of the catalog.
fn dependents<'a>(catalog: &'a Snapshot, of: &'a ObjectKey) -> impl Iterator<Item = &'a ObjectKey> {
    catalog.objects().iter().filter(|(_, object)| object.depends.contains(of)).map(|(key, _)| key)
}

/// The columns of the primary key of a table, as the catalog stores them.
fn primary_key(catalog: &Snapshot, table: &ObjectKey) -> Option<Vec<String>> {
    let mut definitions = catalog.children(table).filter_map(|key| catalog.get(key)?.text("definition"));
    let columns = definitions.find_map(|definition| definition.strip_prefix("PRIMARY KEY ("))?;
    let columns = columns.split_once(')')?.0;
    columns.split(", ").map(stored).collect()
}

impl Expansion {
    /// Whether a name is in use that is needed for a time.
    fn is_taken(&self, catalog: &Snapshot) -> bool {
        let (table, schema) = (&self.table.name, &self.schema);
        let columns = [&self.column.new, &self.column.old].map(|name| (Kind::Column, format!("{table}.{name}")));
        let mut names: Vec<(Kind, String)> = columns.into();
        for (key, copy) in &self.copies {
            for name in [&copy.new, &copy.old] {
                names.extend([(Kind::Index, format!("{schema}.{name}")), (key.kind, format!("{table}.{name}"))]);
            }
        }
        names.push((Kind::Function, format!("{}()", self.function)));
        names.push((Kind::Trigger, format!("{table}.{}", self.trigger)));
        let is_there = |(kind, name)| catalog.get(&ObjectKey::new(kind, name)).is_some();
        names.into_iter().any(is_there) || qualified(table).is_none()
    }

    /// Whether a trigger comes after that of the column, in the order of their names, and may change the row.
    fn is_late(&self, catalog: &Snapshot) -> bool {
        let own = stored(&self.trigger);
        let is_before = |key: &ObjectKey| {
            let definition = catalog.get(key).and_then(|object| object.text("definition")).unwrap_or_default();
            definition.contains(" BEFORE ") && definition.contains(" FOR EACH ROW ")
        };
        let triggers = catalog.children(&self.table).filter(|key| key.kind == Kind::Trigger && is_before(key));
        triggers.into_iter().any(|key| local(key, &self.table).and_then(stored) > own)
    }

    /// Whether it is made with the column.
    pub fn has(&self, key: &ObjectKey) -> bool {
        self.copies.iter().any(|(copy, _)| copy == key)
    }
}
