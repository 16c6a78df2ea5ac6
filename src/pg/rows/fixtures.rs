//! Loads the fixtures of a project as soon as what they name exists.

use super::savepoint;
use super::selection::{author_path, found};
use crate::base::name::{quote_ident, quote_literal};
use crate::base::{Failure, FailureKind, Ident, Location, QualifiedName};
use crate::effects::Access;
use crate::pg::connect::{Connection, ServerError};
use crate::pg::known;
use crate::rows::{Fixture, FixtureRow, FixtureTable, FixtureText};
use crate::sql::{Object, first_word, objects, split};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Rows in one statement.
const ROWS: usize = 200;

/// The fixtures of a project, and which of them are still to be loaded.
#[derive(Debug, Clone, Default)]
pub struct Fixtures {
    pending: Vec<Piece>,
}

/// Fixtures that were loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedFixture {
    /// The file.
    pub file: String,
    /// The table; absent: a file of statements.
    pub table: Option<QualifiedName>,
    /// The number of rows; of a file of statements 0.
    pub rows: usize,
}

/// What is loaded at once.
#[derive(Debug, Clone)]
struct Piece {
    what: What,
    /// What must exist.
    needs: BTreeSet<Object>,
}

#[derive(Debug, Clone)]
enum What {
    Rows(FixtureTable),
    Text(FixtureText),
}

impl Piece {
    fn file(&self) -> &str {
        match &self.what {
            What::Rows(table) => &table.file,
            What::Text(text) => &text.file,
        }
    }
}

impl Fixtures {
    /// Nothing of these is loaded yet.
    #[must_use]
    pub fn new(fixtures: impl IntoIterator<Item = Fixture>) -> Self {
        let mut pending = Vec::new();
        for fixture in fixtures {
            match fixture {
                Fixture::Rows(tables) => pending.extend(tables.into_iter().map(|table| {
                    let columns = table.rows.iter().flat_map(|row| &row.values).map(|(column, _)| column);
                    let columns: BTreeSet<&String> = columns.collect();
                    let mut needs = BTreeSet::from([Object::Relation(table.table.clone())]);
                    needs.extend(columns.into_iter().filter_map(|column| {
                        Some(Object::Column(table.table.clone(), Ident::new(column.as_str()).ok()?))
                    }));
                    Piece { what: What::Rows(table), needs }
                })),
                Fixture::Text(text) => {
                    let needs = if text.after.is_some() { BTreeSet::new() } else { needs(&text.sql) };
                    pending.push(Piece { what: What::Text(text), needs });
                }
            }
        }
        Self { pending }
    }

    /// The number of tables and files that are still to be loaded.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Loads what can be loaded now, in the transaction that is open, and does not load it again. `is_applied` tells
    /// whether a changeset is there, for files of statements that name one.
    ///
    /// # Errors
    /// If a table does not accept a row, or a statement fails: with file and line. If no transaction is open, or the
    /// server does not answer.
    pub async fn load(
        &mut self,
        connection: &Connection,
        is_applied: impl Fn(&str) -> bool,
    ) -> Result<Vec<LoadedFixture>, Failure> {
        if self.pending.is_empty() {
            return Ok(Vec::new());
        }
        let needed: BTreeSet<Object> = self.pending.iter().flat_map(|piece| &piece.needs).cloned().collect();
        author_path(connection).await?;
        let there = known::of(connection, &needed).await?;
        let is_ready = |piece: &Piece| match &piece.what {
            What::Text(FixtureText { after: Some(id), .. }) => is_applied(id),
            _ => piece.needs.is_subset(&there),
        };
        let (ready, pending): (Vec<Piece>, Vec<Piece>) =
            std::mem::take(&mut self.pending).into_iter().partition(is_ready);
        self.pending = pending;
        let mut loaded = Vec::new();
        for piece in in_order(connection, ready).await? {
            loaded.push(match piece.what {
                What::Rows(table) => insert(connection, table).await?,
                What::Text(text) => run(connection, text).await?,
            });
        }
        Ok(loaded)
    }

    /// What was not loaded, and why, after all changesets: a line for each.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn missing(&self, connection: &Connection) -> Result<Vec<String>, Failure> {
        let needed: BTreeSet<Object> = self.pending.iter().flat_map(|piece| &piece.needs).cloned().collect();
        let there = known::of(connection, &needed).await?;
        let lines = self.pending.iter().map(|piece| {
            let missing = piece.needs.difference(&there).find(|object| matches!(object, Object::Relation(_)));
            match (missing.or_else(|| piece.needs.difference(&there).next()), &piece.what) {
                (Some(missing), _) => format!("{}: {missing} does not exist", piece.file()),
                (None, What::Text(FixtureText { after: Some(id), .. })) => {
                    format!("{}: the changeset {id} is not there", piece.file())
                }
                (None, _) => format!("{}: it was not loaded", piece.file()),
            }
        });
        Ok(lines.collect())
    }
}

/// The relations, columns, types and functions that statements use and do not make themselves.
fn needs(sql: &str) -> BTreeSet<Object> {
    let Some(objects) = objects(sql) else { return BTreeSet::new() };
    let made: BTreeSet<&QualifiedName> = objects
        .mentions
        .iter()
        .filter(|mention| {
            mention.how == Access::Create && matches!(mention.object, Object::Relation(_) | Object::Type(_))
        })
        .filter_map(|mention| mention.object.name())
        .collect();
    let used = objects.mentions.iter().filter(|mention| !mention.guarded && mention.how != Access::Create);
    let used = used.filter(|mention| {
        matches!(mention.object, Object::Relation(_) | Object::Column(..) | Object::Type(_))
            && mention.object.name().is_some_and(|name| !made.contains(name))
    });
    used.map(|mention| mention.object.clone()).collect()
}

/// The tables to which foreign keys lead come first; statements stay where they are.
async fn in_order(connection: &Connection, pieces: Vec<Piece>) -> Result<Vec<Piece>, Failure> {
    let tables: Vec<QualifiedName> = pieces
        .iter()
        .filter_map(|piece| match &piece.what {
            What::Rows(table) => Some(table.table.clone()),
            What::Text(_) => None,
        })
        .collect();
    if tables.len() < 2 {
        return Ok(pieces);
    }
    let path = author_path(connection).await?;
    let oids: Vec<String> = tables.iter().map(|name| format!("{}::oid::int8", found(name, path))).collect();
    // how many steps of foreign keys lead to a table from one without any; a cycle ends
    let query = format!(
        "WITH RECURSIVE t (n, oid) AS (SELECT * FROM unnest(ARRAY(SELECT generate_series(0, {})), ARRAY[{}])), \
         e (child, parent) AS (SELECT c.n, p.n FROM pg_catalog.pg_constraint k JOIN t c ON c.oid = k.conrelid \
         JOIN t p ON p.oid = k.confrelid WHERE k.contype = 'f' AND c.oid <> p.oid), \
         d (n, depth) AS (SELECT t.n, 0 FROM t UNION SELECT e.child, d.depth + 1 FROM d JOIN e ON e.parent = d.n \
         WHERE d.depth < 100) SELECT n, pg_catalog.max(depth) FROM d GROUP BY n",
        tables.len() - 1,
        oids.join(", ")
    );
    let rows = connection.query("cannot query the foreign keys", &query).await?;
    let mut depths: BTreeMap<usize, i32> = BTreeMap::new();
    for row in &rows {
        let n: i32 = row.get(0)?;
        depths.insert(usize::try_from(n).unwrap_or(0), row.get(1)?);
    }
    let mut n = 0;
    let mut sorted: Vec<(i32, Piece)> = Vec::new();
    for piece in pieces {
        let depth = match &piece.what {
            What::Rows(_) => {
                n += 1;
                depths.get(&(n - 1)).copied().unwrap_or(0)
            }
            What::Text(_) => i32::MAX,
        };
        sorted.push((depth, piece));
    }
    sorted.sort_by_key(|(depth, _)| *depth);
    Ok(sorted.into_iter().map(|(_, piece)| piece).collect())
}

async fn insert(connection: &Connection, table: FixtureTable) -> Result<LoadedFixture, Failure> {
    let kinds = kinds(connection, &table.table).await?;
    let mut rest = &table.rows[..];
    while let Some(first) = rest.first() {
        let columns = |row: &FixtureRow| row.values.iter().map(|(column, _)| column.clone()).collect::<Vec<_>>();
        let same = rest.iter().take(ROWS).take_while(|row| columns(row) == columns(first)).count();
        let (these, others) = rest.split_at(same);
        if savepoint::write(connection, &statement(&table, these, &kinds)).await?.is_err() {
            // which one is it
            for row in these {
                let one = std::slice::from_ref(row);
                if let Err(why) = savepoint::write(connection, &statement(&table, one, &kinds)).await? {
                    return Err(refused(&table, row, &why));
                }
            }
        }
        rest = others;
    }
    Ok(LoadedFixture { file: table.file, rows: table.rows.len(), table: Some(table.table) })
}

/// The categories of the types of a table's columns, and the constraints that wait for the end of the transaction.
struct Kinds {
    categories: BTreeMap<String, String>,
    deferred: String,
}

async fn kinds(connection: &Connection, table: &QualifiedName) -> Result<Kinds, Failure> {
    let oid = found(table, author_path(connection).await?);
    let query = format!(
        "SELECT a.attname::text, t.typcategory::text, COALESCE((SELECT pg_catalog.string_agg(pg_catalog.format('%I.%I', \
         n.nspname, k.conname), ', ') FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_namespace n \
         ON n.oid = k.connamespace WHERE k.conrelid = a.attrelid AND k.condeferred AND k.conparentid = 0), '') \
         FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
         WHERE a.attrelid = {oid} AND a.attnum > 0 AND NOT a.attisdropped"
    );
    let rows = connection.query("cannot query the columns", &query).await?;
    let mut kinds = Kinds { categories: BTreeMap::new(), deferred: String::new() };
    for row in &rows {
        kinds.categories.insert(row.get(0)?, row.get(1)?);
        kinds.deferred = row.get(2)?;
    }
    Ok(kinds)
}

fn statement(table: &FixtureTable, rows: &[FixtureRow], kinds: &Kinds) -> String {
    let name = table.table.sql();
    let columns: Vec<_> =
        rows.first().map(|row| row.values.iter().map(|(c, _)| quote_ident(c)).collect()).unwrap_or_default();
    if columns.is_empty() {
        return vec![format!("INSERT INTO {name} DEFAULT VALUES"); rows.len()].join("; ");
    }
    let lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let values: Vec<String> = row
                .values
                .iter()
                .map(|(column, value)| {
                    let array = kinds.categories.get(column).is_some_and(|category| category == "A");
                    text(value, array).map_or_else(|| "NULL".to_owned(), |text| quote_literal(&text))
                })
                .collect();
            format!("({})", values.join(", "))
        })
        .collect();
    let columns = columns.join(", ");
    let mut sql = format!("INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE VALUES {}", lines.join(", "));
    if !kinds.deferred.is_empty() {
        sql += &format!("; SET CONSTRAINTS {0} IMMEDIATE; SET CONSTRAINTS {0} DEFERRED", kinds.deferred);
    }
    sql
}

/// A value as the input function of its type reads it.
fn text(value: &Value, array: bool) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(list) if array => {
            let element = |value: &Value| match (value, text(value, true)) {
                (_, None) => "NULL".to_owned(),
                (Value::Array(_), Some(text)) => text,
                (_, Some(text)) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
            };
            Some(format!("{{{}}}", list.iter().map(element).collect::<Vec<_>>().join(",")))
        }
        other => Some(other.to_string()),
    }
}

fn refused(table: &FixtureTable, row: &FixtureRow, why: &ServerError) -> Failure {
    let constraint = why.constraint.as_ref().filter(|name| !why.message.contains(name.as_str()));
    let constraint = constraint.map(|name| format!(" (`{name}`)")).unwrap_or_default();
    let message =
        format!("{}:{}: {} does not accept this row{constraint}: {}", table.file, row.line, table.table, why.message);
    let failure = Failure::new(FailureKind::Source, message).help("correct the row, or remove it from the fixtures");
    let location = Location { file: table.file.clone(), line: row.line, column: 1, as_applied: false };
    Failure { location: Some(location), ..failure }
}

async fn run(connection: &Connection, text: FixtureText) -> Result<LoadedFixture, Failure> {
    for statement in split(&text.sql).unwrap_or_default() {
        if let Err(why) = savepoint::write(connection, statement.text).await? {
            let begins = first_word(statement.text);
            let before = text.sql[..statement.start].chars().chain(statement.text.chars().take(begins));
            let line = u32::try_from(before.filter(|c| *c == '\n').count() + 1).unwrap_or(u32::MAX);
            let message = format!("{}:{line}: the statement of the fixtures fails: {}", text.file, why.message);
            let location = Location { file: text.file, line, column: 1, as_applied: false };
            let failure = Failure::new(FailureKind::Source, message).help("correct the file of the fixtures");
            return Err(Failure { location: Some(location), ..failure });
        }
    }
    Ok(LoadedFixture { file: text.file, table: None, rows: 0 })
}
