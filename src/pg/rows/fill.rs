//! Generates rows, and inserts them.

use super::describe::describe;
use super::savepoint;
use super::selection::Selection;
use crate::base::Failure;
use crate::base::name::quote_ident;
use crate::pg::connect::query::Texts;
use crate::pg::connect::{Connection, ServerError};
use crate::rows::generate::{DomainProbe, Generator, Known, Probe, Rows, inner_domains};
use crate::rows::table::{Described, Table, Types, accepts_null, order};
use crate::rows::{Filled, Style, Value};

/// Rows of a table that are read: values for foreign keys, and those that new rows must not have.
const KNOWN: usize = 60;

/// Tables in one message.
const TABLES: usize = 200;

/// Attempts for a table's first row, and for each later one.
const ATTEMPTS: [usize; 2] = [10, 4];

/// Which rows are generated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// 0: rows for the tables that have none. Any other number: further rows for all selected tables; each number has
    /// other values.
    pub number: u32,
    /// How the rows look.
    pub style: Style,
}

/// Generates rows for the selected tables, in the transaction that is open, and inserts them. Tables that their foreign
/// keys lead to get rows too if they have none. The same tables get the same rows. Sequences are not used. Triggers of
/// the tables fire; what they raise, and any other reason why a table gets no row, is in [`Filled::skipped`].
///
/// # Errors
/// If no transaction is open, or the server does not answer.
pub async fn fill(connection: &Connection, selection: &Selection, round: Round) -> Result<Filled, Failure> {
    let described = describe(connection, selection).await?;
    let types = types(connection, &described).await?;
    let tables: Vec<&Table> = order(&described.tables, &types).into_iter().map(|n| &described.tables[n]).collect();
    let filling = Filling { connection, types: &types, tables: &tables, round };
    let known = read(connection, &described).await?;
    let circles = circles(&tables, &types, &known);
    if !circles.is_empty()
        && let Some(filled) = filling.in_circles(known.clone(), &circles).await?
    {
        return Ok(filled);
    }
    filling.fill(known, &[]).await
}

/// A constraint that keeps two tables from getting their first rows one after the other.
struct Circle<'a> {
    /// Its name in SQL.
    name: String,
    /// Whether it waits for the end of the transaction by itself.
    waits: bool,
    /// The table that it leads to.
    target: &'a Table,
}

/// The foreign keys that refuse NULL, lead to an empty table that is filled later, and can wait for it.
fn circles<'a>(tables: &[&'a Table], types: &Types, known: &Known) -> Vec<Circle<'a>> {
    let mut found = Vec::new();
    for (n, table) in tables.iter().enumerate() {
        for key in table.foreign_keys().filter(|key| key.deferrable && !accepts_null(table, key, types)) {
            let later = tables[n + 1..].iter().find(|later| key.references == Some(later.oid));
            if let Some(target) = later.filter(|target| target.own && known.rows(target.oid).is_empty()) {
                let name = format!("{}.{}", quote_ident(&table.schema), quote_ident(&key.name));
                found.push(Circle { waits: table.deferred.contains(&name), name, target });
            }
        }
    }
    found
}

struct Filling<'a> {
    connection: &'a Connection,
    types: &'a Types,
    tables: &'a [&'a Table],
    round: Round,
}

impl Filling<'_> {
    /// The constraints of circles wait until all tables have rows. `None`: then they do not hold.
    async fn in_circles(&self, mut known: Known, circles: &[Circle<'_>]) -> Result<Option<Filled>, Failure> {
        for circle in circles {
            let generator = Generator::new(circle.target, self.types, &known, self.round.number, self.round.style);
            generator.promises().into_iter().for_each(|row| known.promise(circle.target, row));
        }
        let names: Vec<String> = circles.iter().map(|circle| circle.name.clone()).collect();
        let waiting: Vec<&str> = circles.iter().filter(|c| c.waits).map(|circle| circle.name.as_str()).collect();
        let all = names.join(", ");
        savepoint::begin(self.connection, &format!("SET CONSTRAINTS {all} DEFERRED")).await?;
        let filled = self.fill(known, &names).await?;
        let mut check = format!("SET CONSTRAINTS {all} IMMEDIATE");
        if !waiting.is_empty() {
            check += &format!("; SET CONSTRAINTS {} DEFERRED", waiting.join(", "));
        }
        let holds = savepoint::write(self.connection, &check).await?.is_ok();
        savepoint::end(self.connection, holds).await?;
        Ok(holds.then_some(filled))
    }

    /// `waiting`: constraints that are not looked at yet.
    async fn fill(&self, mut known: Known, waiting: &[String]) -> Result<Filled, Failure> {
        let mut filled = Filled::default();
        for table in self.tables {
            let Some(name) = table.qualified() else { continue };
            let is_empty = known.rows(table.oid).is_empty();
            if !table.own || !is_empty && (self.round.number == 0 || !table.selected) {
                continue;
            }
            match self.rows(table, &mut known, waiting).await? {
                Ok(count) => filled.rows.insert(name, count).map(drop),
                Err(why) => filled.skipped.insert(name, why).map(drop),
            };
        }
        Ok(filled)
    }

    /// Inserts all rows of a table in one message. `None`: one of them is refused, and none is there.
    async fn at_once(
        &self,
        table: &Table,
        generator: &Generator<'_>,
        known: &mut Known,
        check: &str,
    ) -> Result<Option<u32>, Failure> {
        let before = known.rows(table.oid).len();
        let mut sql = Vec::new();
        for number in 0..generator.rows() {
            let Ok(insert) = generator.insert(number, 0, known) else { break };
            known.add(table, insert.values);
            sql.push(insert.sql);
        }
        known.truncate(table, before);
        if sql.len() < generator.rows() {
            return Ok(None);
        }
        match savepoint::write(self.connection, &(sql.join("; ") + check)).await? {
            Ok(stored) if !stored.is_empty() => {
                let count = u32::try_from(stored.len()).ok();
                stored.into_iter().for_each(|row| known.add(table, values(row)));
                Ok(count)
            }
            _ => Ok(None),
        }
    }

    /// Inserts the rows of one table. Gives their number, or why there are none.
    async fn rows(&self, table: &Table, known: &mut Known, waiting: &[String]) -> Result<Result<u32, String>, Failure> {
        if table.partitioned && table.partitions.is_empty() {
            return Ok(Err("it has no partitions".to_owned()));
        }
        let mut generator = Generator::new(table, self.types, known, self.round.number, self.round.style);
        for probe in generator.probes() {
            let rows = ask(self.connection, &probe).await?;
            generator.answer(&probe, &rows);
        }
        let now: Vec<&str> = table.deferred.iter().filter(|name| !waiting.contains(name)).map(String::as_str).collect();
        // what waits for the end of the transaction keeps tables from being altered until then
        let check = match now.join(", ") {
            names if names.is_empty() => String::new(),
            names => format!("; SET CONSTRAINTS {names} IMMEDIATE; SET CONSTRAINTS {names} DEFERRED"),
        };
        if let Some(count) = self.at_once(table, &generator, known, &check).await? {
            return Ok(Ok(count));
        }
        let (mut count, mut why) = (0, None);
        for number in 0..generator.rows() {
            for attempt in 0..ATTEMPTS[usize::from(count > 0)] {
                let insert = match generator.insert(number, attempt, known) {
                    Ok(insert) => insert,
                    Err(reason) => {
                        why = Some(reason);
                        break;
                    }
                };
                match savepoint::write(self.connection, &(insert.sql + &check)).await? {
                    Ok(stored) if stored.is_empty() => {
                        why = Some("a trigger or a rule does not store the row".to_owned());
                    }
                    Ok(stored) => {
                        stored.into_iter().for_each(|row| known.add(table, values(row)));
                        count += 1;
                        break;
                    }
                    Err(refusal) => {
                        why = Some(reason(&refusal));
                        if is_final(&refusal) {
                            break;
                        }
                    }
                }
            }
            if count == 0 {
                break;
            }
        }
        Ok(if count > 0 { Ok(count) } else { Err(why.unwrap_or_default()) })
    }
}

fn values(row: Texts) -> Vec<Value> {
    row.into_iter().map(|value| value.map(String::into_boxed_str)).collect()
}

/// The types, with values of the domains that other types are made of.
async fn types(connection: &Connection, described: &Described) -> Result<Types, Failure> {
    let mut types = described.types();
    for domain in inner_domains(&types) {
        if let Some(probe) = DomainProbe::new(domain, &types) {
            let rows = ask(connection, &probe.probe).await?;
            probe.answer(&rows, &mut types);
        }
    }
    Ok(types)
}

/// Some rows of each table.
async fn read(connection: &Connection, described: &Described) -> Result<Known, Failure> {
    let mut known = Known::default();
    for tables in described.tables.chunks(TABLES) {
        let query = |(n, table): (usize, &Table)| {
            let names: String = table.columns.iter().map(|c| format!(", {}", quote_ident(&c.name))).collect();
            let only = if table.partitioned { "" } else { "ONLY " };
            let from = format!("{only}{}.{}", quote_ident(&table.schema), quote_ident(&table.name));
            format!("SELECT {n}{names} FROM {from} LIMIT {KNOWN}")
        };
        let all: Vec<String> = tables.iter().enumerate().map(query).collect();
        let answer = match savepoint::read(connection, &all.join("; ")).await? {
            Ok(rows) => rows,
            Err(_) => {
                let mut readable = Vec::new();
                for one in &all {
                    readable.extend(savepoint::read(connection, one).await?.unwrap_or_default());
                }
                readable
            }
        };
        for row in answer {
            let mut values = row.into_iter();
            let number = values.next().flatten().and_then(|n| n.parse::<usize>().ok());
            let Some(table) = number.and_then(|n| tables.get(n)) else { continue };
            let values = self::values(values.collect());
            if values.len() == table.columns.len() {
                known.add(table, values);
            }
        }
    }
    Ok(known)
}

/// Whether other values cannot help: a missing privilege, a wrong statement of a trigger.
fn is_final(refusal: &ServerError) -> bool {
    refusal.sqlstate.starts_with("42") || refusal.sqlstate.starts_with("0A")
}

/// Why the server refuses rows, in one sentence.
fn reason(refusal: &ServerError) -> String {
    match (&refusal.constraint, refusal.sqlstate.as_str()) {
        (Some(constraint), _) if !refusal.message.contains(constraint.as_str()) => {
            format!("`{constraint}`: {}", refusal.message)
        }
        (_, "P0001") => format!("a trigger raises: {}", refusal.message),
        _ => refusal.message.clone(),
    }
}

async fn ask(connection: &Connection, probe: &Probe) -> Result<Rows, Failure> {
    for many in &probe.at_once {
        if let Ok(rows) = savepoint::probe(connection, many).await? {
            return Ok(rows);
        }
    }
    let mut rows = Rows::new();
    for one in &probe.one_by_one {
        rows.extend(savepoint::probe(connection, one).await?.unwrap_or_default());
    }
    Ok(rows)
}
