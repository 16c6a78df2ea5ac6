//! The SQL of a test: each step is a transaction in a session of its own.

use super::failed::{ActionEnd, ActionError};
use crate::base::name::{quote_ident, quote_literal};
use crate::base::{Ident, QualifiedName, Secret, Secrets};
use crate::change::value::SqlValue;
use crate::pg::{Connection, ServerError, Settings, Stop, connect};
use crate::pipeline::TestSet;
use crate::source::testing::{Given, GivenRow, Session, SqlText};
use crate::sql::secret;
use crate::testing::ResultSet;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// A session with an open transaction.
pub(super) struct Transaction {
    pub connection: Connection,
}

impl Transaction {
    /// Opens a session with the role and the settings of a step.
    pub(super) async fn begin(settings: &Settings, session: &Session) -> Result<Self, ActionEnd> {
        let connection = connect(settings, Duration::ZERO).await;
        let connection = connection.map_err(|failure| ActionError::new(failure.message))?;
        let mut sql = "SET TimeZone = 'UTC'; BEGIN".to_owned();
        for (name, value) in &session.settings {
            sql += &format!("; SELECT pg_catalog.set_config({}, {}, true)", quote_literal(name), quote_literal(value));
        }
        if let Some(role) = &session.role {
            sql += &format!("; SET LOCAL ROLE {}", quote_ident(role.as_str()));
        }
        connection.author_result(&sql).await.map_err(|error| refused(&error))?;
        Ok(Self { connection })
    }

    /// Commits; the session stays.
    pub(super) async fn commit(&self) -> Result<(), ServerError> {
        self.connection.author_result("COMMIT").await.map(drop)
    }
}

/// A statement of dagmar's own in a test that the server refused.
fn refused(error: &ServerError) -> ActionError {
    let mut refused = ActionError::new(error.message.clone());
    refused.sqlstate = Some(error.sqlstate.clone());
    refused
}

/// What SQL of a test runs with.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub settings: &'a Settings,
    pub secrets: &'a Secrets,
    pub set: &'a TestSet,
    pub stop: &'a Arc<Stop>,
}

impl Context<'_> {
    /// Runs SQL and commits; gives the session and the last result.
    pub(super) async fn run(&self, session: &Session, text: &SqlText) -> Result<(Transaction, ResultSet), ActionEnd> {
        let work = async {
            let transaction = Transaction::begin(self.settings, session).await?;
            let result = self.author(&transaction, text).await?;
            let committed = transaction.commit().await;
            committed.map_err(|error| ActionError::of_sql(&error, text, None))?;
            Ok((transaction, result))
        };
        self.until_stopped(work).await
    }

    /// Runs SQL of the author.
    async fn author(&self, transaction: &Transaction, text: &SqlText) -> Result<ResultSet, ActionEnd> {
        let value = |name: &str| self.secrets.value(name).map(Secret::expose);
        let has_secrets = secret::has_secrets(&text.sql);
        let sql = match has_secrets {
            true => Cow::Owned(secret::fill(&text.sql, &value).map_err(|why| ActionError::new(why.message))?),
            false => Cow::Borrowed(text.sql.as_str()),
        };
        transaction.connection.author_result(&sql).await.map_err(|error| {
            let place = error.position.filter(|_| !has_secrets).map(|at| self.set.place_in(text, at));
            ActionError::of_sql(&error, text, place).into()
        })
    }

    /// The result of work, unless a signal comes first.
    async fn until_stopped<T>(&self, work: impl Future<Output = Result<T, ActionEnd>>) -> Result<T, ActionEnd> {
        tokio::select! {
            result = work => result,
            () = self.stop.requested() => Err(ActionEnd::interrupted()),
        }
    }
}

/// Makes rows, in one transaction; sequences of columns that were given a value go on behind it.
pub(super) async fn give(context: &Context<'_>, session: &Session, given: &[Given]) -> Result<(), ActionEnd> {
    let work = async {
        let transaction = Transaction::begin(context.settings, session).await?;
        let mut filled = Vec::new();
        for part in given {
            match part {
                Given::Sql(text) => context.author(&transaction, text).await.map(drop)?,
                Given::Rows(table, rows) => {
                    for row in rows {
                        insert(&transaction, table, row).await?;
                    }
                    let columns: BTreeSet<&str> =
                        rows.iter().flat_map(|row| row.values.keys().map(Ident::as_str)).collect();
                    filled.push((table, columns));
                }
            }
        }
        for (table, columns) in filled.iter().filter(|(_, columns)| !columns.is_empty()) {
            advance(&transaction, table, columns).await.map_err(|error| refused(&error))?;
        }
        transaction.commit().await.map_err(|error| refused(&error).into())
    };
    context.until_stopped(work).await
}

/// Inserts a row.
async fn insert(transaction: &Transaction, table: &QualifiedName, row: &GivenRow) -> Result<(), ActionEnd> {
    let columns: Vec<_> = row.values.keys().map(Ident::sql).collect();
    let values: Result<Vec<String>, String> = row.values.values().map(SqlValue::sql).collect();
    let at_row = |error: ActionError| ActionError { place: Some(row.place.clone()), ..error };
    let values = values.map_err(|why| at_row(ActionError::new(why)))?;
    let sql = match columns.is_empty() {
        true => format!("INSERT INTO {} DEFAULT VALUES", table.sql()),
        false => format!(
            "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})",
            table.sql(),
            columns.join(", "),
            values.join(", ")
        ),
    };
    let text = SqlText { written: sql.clone(), sql, place: row.place.clone() };
    let inserted = transaction.connection.author_result(&text.sql).await;
    inserted.map(drop).map_err(|error| ActionError::of_sql(&error, &text, Some(row.place.clone())).into())
}

/// Sets the sequences of identity and serial columns behind the values that they were given.
async fn advance(
    transaction: &Transaction,
    table: &QualifiedName,
    columns: &BTreeSet<&str>,
) -> Result<(), ServerError> {
    let connection = &transaction.connection;
    // the name is meant for the path of the author, the rest for no path
    let name = quote_literal(&table.sql());
    let found = connection.author_result(&format!("SELECT pg_catalog.to_regclass({name})::pg_catalog.oid")).await?;
    let Some(Some(oid)) = found.rows.first().and_then(|row| row.first()) else { return Ok(()) };
    let list = columns.iter().map(|column| quote_literal(column)).collect::<Vec<_>>().join(", ");
    let ask = format!(
        "RESET ROLE; \
         SELECT format('SELECT setval(%L, last) FROM (SELECT max(%I)::bigint FROM %s) given (last), %s there \
                        WHERE last >= there.last_value', sequence, attname, attrelid::regclass, sequence::regclass) \
         FROM (SELECT attrelid, attname, pg_get_serial_sequence(attrelid::regclass::text, attname) AS sequence \
               FROM pg_catalog.pg_attribute WHERE attrelid = {oid} AND attname IN ({list})) columns \
         WHERE sequence IS NOT NULL"
    );
    for row in connection.texts(&ask).await? {
        if let [Some(set)] = row.as_slice() {
            connection.texts(set).await?;
        }
    }
    connection.author_result("RESET search_path").await.map(drop)
}
