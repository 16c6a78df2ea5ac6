//! Generates rows, and inserts them.

use super::describe::describe;
use super::savepoint;
use super::selection::Selection;
use crate::base::Failure;
use crate::base::name::quote_ident;
use crate::pg::connect::{Connection, ServerError};
use crate::rows::generate::{Generator, Known, Probe, Rows};
use crate::rows::table::{Described, Table, Types, order};
use crate::rows::{Filled, Style};

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
    let types = described.types();
    let mut known = read(connection, &described).await?;
    let mut filled = Filled::default();
    for n in order(&described.tables, &types) {
        let table = &described.tables[n];
        let Some(name) = table.qualified() else { continue };
        let is_empty = known.rows(table.oid).is_empty();
        if !table.own || !is_empty && (round.number == 0 || !table.selected) {
            continue;
        }
        match rows(connection, table, &types, &mut known, round).await? {
            Ok(0) => {}
            Ok(count) => {
                filled.rows.insert(name, count);
            }
            Err(why) => {
                filled.skipped.insert(name, why);
            }
        }
    }
    Ok(filled)
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
            let values: Vec<_> = values.map(|value| value.map(String::into_boxed_str)).collect();
            if values.len() == table.columns.len() {
                known.add(table, values);
            }
        }
    }
    Ok(known)
}

/// Inserts the rows of one table. Gives their number, or why there are none.
async fn rows(
    connection: &Connection,
    table: &Table,
    types: &Types,
    known: &mut Known,
    round: Round,
) -> Result<Result<u32, String>, Failure> {
    if table.partitioned && table.partitions.is_empty() {
        return Ok(Err("it has no partitions".to_owned()));
    }
    let mut generator = Generator::new(table, types, known, round.number, round.style);
    for probe in generator.probes() {
        let rows = ask(connection, &probe).await?;
        generator.answer(&probe, &rows);
    }
    let (mut count, mut why) = (0, None);
    for number in 0..generator.rows() {
        for attempt in 0..ATTEMPTS[usize::from(count > 0)] {
            let sql = match generator.insert(number, attempt, known) {
                Ok(sql) => sql,
                Err(reason) => {
                    why = Some(reason);
                    break;
                }
            };
            match savepoint::write(connection, &sql).await? {
                Ok(stored) => match stored.into_iter().next() {
                    Some(row) => {
                        count += 1;
                        known.add(table, row.into_iter().map(|value| value.map(String::into_boxed_str)).collect());
                        break;
                    }
                    None => why = Some("a trigger or a rule does not store the row".to_owned()),
                },
                Err(refusal) => {
                    let is_final = is_final(&refusal);
                    why = Some(reason(&refusal));
                    if is_final {
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
    if probe.sql.is_empty() {
        return Ok(Rows::new());
    }
    if let Ok(rows) = savepoint::probe(connection, &probe.sql).await? {
        return Ok(rows);
    }
    let mut rows = Rows::new();
    for one in &probe.one_by_one {
        rows.extend(savepoint::probe(connection, one).await?.unwrap_or_default());
    }
    Ok(rows)
}
