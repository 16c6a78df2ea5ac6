//! dagmar's own queries: the one way in which they reach the server, and their answers the
//! program.
//!
//! They run under a `search_path` into which nobody else can put anything: otherwise a function
//! or operator of any schema in the role's path that fits its arguments better than the one of
//! `pg_catalog` would be called in its place, with the rights of whoever runs dagmar (manual,
//! chapters 10.3 and 5.9.6). What authors wrote runs under the path that the session had at
//! first: [`Connection::author_path`].

#![allow(clippy::disallowed_methods)] // this is that way

use super::Connection;
use super::error::ServerError;
use crate::base::name::{quote_ident, quote_literal};
use crate::base::{Failure, FailureKind};
use crate::exec::script::USE_OWN_PATH;
use crate::exec::session::set_path;
use crate::testing::ResultSet;
use futures_util::future::join;
use std::sync::atomic::Ordering;
use tokio_postgres::types::FromSql;
use tokio_postgres::{SimpleQueryMessage, SimpleQueryStream};

/// Sets it for the session, and asks which one there was.
const PIN: &str = "SELECT pg_catalog.current_setting('search_path'), \
                   pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false)";

/// A row of texts, as the simple protocol has them.
pub type Texts = Vec<Option<String>>;

/// What one statement of a message answered.
#[derive(Debug, Default)]
pub struct Answer {
    /// The names of its columns.
    pub columns: Vec<String>,
    /// Its rows.
    pub rows: Vec<Texts>,
}

/// A row of an answer. A server may answer anything: no column is taken for granted.
#[derive(Debug)]
pub struct Row(tokio_postgres::Row);

impl Row {
    /// The column at this position, from 0.
    ///
    /// # Errors
    /// When it is not there, NULL where `T` cannot be, or of another type.
    pub fn get<'a, T: FromSql<'a>>(&'a self, at: usize) -> Result<T, Failure> {
        self.try_get(at).map_err(|why| {
            Failure::new(FailureKind::Database, format!("the server's answer cannot be read: {why}"))
                .help("check that this is a PostgreSQL server; otherwise the ledger was changed manually")
        })
    }

    /// The same with the reason alone.
    ///
    /// # Errors
    /// As [`Row::get`].
    pub fn try_get<'a, T: FromSql<'a>>(&'a self, at: usize) -> Result<T, String> {
        let name = || self.0.columns().get(at).map_or_else(|| format!("{at}"), |column| column.name().to_owned());
        self.0.try_get(at).map_err(|_| format!("its column `{}` is empty or of another type", name()))
    }
}

impl Connection {
    /// Runs one of dagmar's own queries. `context` says what could not be done if it fails.
    ///
    /// # Errors
    /// [`FailureKind::Database`], with the context in front.
    pub async fn query(&self, context: &str, sql: &str) -> Result<Vec<Row>, Failure> {
        self.try_query(sql).await.map_err(|e| super::error::query_failed(context, &e))
    }

    /// The same for a caller to whom the kind of the error matters.
    ///
    /// # Errors
    /// What the server said.
    pub async fn try_query(&self, sql: &str) -> Result<Vec<Row>, ServerError> {
        let asked = async { self.client.query_typed(sql, &[]).await.map_err(|e| ServerError::of(&e)) };
        let rows = self.under_own_path(asked).await?;
        Ok(rows.into_iter().map(Row).collect())
    }

    /// Runs statements of dagmar's own that answer nothing.
    ///
    /// # Errors
    /// What the server said.
    pub async fn execute(&self, sql: &str) -> Result<(), ServerError> {
        self.under_own_path(async { self.client.batch_execute(sql).await.map_err(|e| ServerError::of(&e)) }).await
    }

    /// Ends the transaction that is open, in whatever state it is.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn roll_back(&self) -> Result<(), ServerError> {
        // the path may go back with it
        self.is_pinned.store(false, Ordering::Relaxed);
        self.client.batch_execute("ROLLBACK").await.map_err(|e| ServerError::of(&e))
    }

    /// Goes back to a savepoint of the transaction that is open, in whatever state it is.
    ///
    /// # Errors
    /// When there is no such savepoint, or the connection is gone.
    pub async fn roll_back_to(&self, savepoint: &str) -> Result<(), ServerError> {
        self.is_pinned.store(false, Ordering::Relaxed);
        let sql = format!("ROLLBACK TO SAVEPOINT {}", quote_ident(savepoint));
        self.client.batch_execute(&sql).await.map_err(|e| ServerError::of(&e))
    }

    /// Takes back what happened since this savepoint, and releases it, also after an error.
    ///
    /// # Errors
    /// If there is no such savepoint, or the connection is gone.
    pub async fn roll_back_and_release(&self, savepoint: &str) -> Result<(), ServerError> {
        // as above
        self.is_pinned.store(false, Ordering::Relaxed);
        let sql = format!("ROLLBACK TO SAVEPOINT {savepoint}; RELEASE SAVEPOINT {savepoint}");
        self.client.batch_execute(&sql).await.map_err(|e| ServerError::of(&e))
    }

    /// Runs statements of dagmar's own in the middle of a run, whose path stays as it is for
    /// the statements of authors. Gives the rows of all of them.
    ///
    /// # Errors
    /// What the server said.
    pub async fn texts(&self, sql: &str) -> Result<Vec<Texts>, ServerError> {
        // a message of several statements is one transaction (manual, chapter 55.2.2.1)
        self.simple(&format!("{USE_OWN_PATH}; {sql}")).await
    }

    /// Runs a query of dagmar's own that has so many parts that a server with JIT would compile it for seconds: it is
    /// interpreted (manual, chapter 32). Gives its rows.
    ///
    /// # Errors
    /// [`FailureKind::Database`], with the context in front.
    pub async fn interpreted(&self, context: &str, sql: &str) -> Result<Vec<Texts>, Failure> {
        let asked = self.texts(&format!("SET LOCAL jit = off; {sql}")).await;
        asked.map_err(|e| super::error::query_failed(context, &e))
    }

    /// Runs several statements of dagmar's own in one message, which set the path themselves and set it back. Gives
    /// what each of those that have rows answered.
    ///
    /// # Errors
    /// What the server said.
    pub async fn answers(&self, sql: &str) -> Result<Vec<Answer>, ServerError> {
        let messages = self.client.simple_query(sql).await.map_err(|e| ServerError::of(&e))?;
        let mut answers: Vec<Answer> = Vec::new();
        for message in &messages {
            if let SimpleQueryMessage::RowDescription(columns) = message {
                let columns = columns.iter().map(|column| column.name().to_owned()).collect();
                answers.push(Answer { columns, rows: Vec::new() });
            } else if let (Some(row), Some(answer)) = (texts_of(message), answers.last_mut()) {
                answer.rows.push(row);
            }
        }
        Ok(answers)
    }

    /// Asks what an author wrote, under his path.
    ///
    /// # Errors
    /// What the server said.
    pub async fn author_texts(&self, sql: &str) -> Result<Vec<Texts>, ServerError> {
        self.is_pinned.store(false, Ordering::Relaxed);
        let mut rows = self.simple(&format!("{};\n{sql}", set_path(&quote_literal(self.author_path()), true))).await?;
        rows.drain(..rows.len().min(1));
        Ok(rows)
    }

    /// Runs what an author wrote as it is, and gives the result of its last statement that has one. Its path
    /// is set before.
    ///
    /// # Errors
    /// What the server said; its position is one within `sql`.
    pub async fn author_result(&self, sql: &str) -> Result<ResultSet, ServerError> {
        self.is_pinned.store(false, Ordering::Relaxed);
        let mut result = ResultSet::default();
        for message in self.client.simple_query(sql).await.map_err(|e| ServerError::of(&e))? {
            if let SimpleQueryMessage::RowDescription(columns) = &message {
                let columns = columns.iter().map(|column| column.name().to_owned()).collect();
                result = ResultSet { columns, rows: Vec::new() };
            }
            result.rows.extend(texts_of(&message));
        }
        Ok(result)
    }

    /// The types of the columns of a query that an author wrote, as their OIDs; the query is not run.
    ///
    /// # Errors
    /// What the server said, and where `sql` is more than one statement.
    pub async fn author_types(&self, sql: &str) -> Result<Vec<u32>, ServerError> {
        self.is_pinned.store(false, Ordering::Relaxed);
        let statement = self.client.prepare(sql).await.map_err(|e| ServerError::of(&e))?;
        Ok(statement.columns().iter().map(|column| column.type_().oid()).collect())
    }

    async fn simple(&self, sql: &str) -> Result<Vec<Texts>, ServerError> {
        let messages = self.client.simple_query(sql).await.map_err(|e| ServerError::of(&e))?;
        Ok(messages.iter().filter_map(texts_of).collect())
    }

    /// Sends a message that holds statements of authors. It says itself under which path each
    /// of its statements runs.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub async fn stream(&self, sql: &str) -> Result<SimpleQueryStream, tokio_postgres::Error> {
        self.is_pinned.store(false, Ordering::Relaxed);
        self.client.simple_query_raw(sql).await
    }

    /// The `search_path` that the session had at first, by the settings of role and database:
    /// what authors wrote is meant for it. Known once one query was answered.
    #[must_use]
    pub fn author_path(&self) -> &str {
        self.author_path.get().map_or("", String::as_str)
    }

    /// Answers under dagmar's own path: the question for it goes along in the same flight.
    async fn under_own_path<T>(&self, asked: impl Future<Output = Result<T, ServerError>>) -> Result<T, ServerError> {
        if self.is_pinned.load(Ordering::Relaxed) {
            return asked.await;
        }
        let (pinned, answer) = join(self.client.simple_query(PIN), asked).await;
        let rows = pinned.map_err(|e| ServerError::of(&e))?;
        if let Some(path) = rows.iter().find_map(texts_of).and_then(|row| row.into_iter().next().flatten()) {
            // what authors did since is not what the session had at first
            let _ = self.author_path.set(path);
        }
        self.is_pinned.store(true, Ordering::Relaxed);
        answer
    }
}

/// A relation that an author named, as an SQL expression: found once, under his path; NULL
/// where it is not there. The path is his for the rest of the transaction.
#[must_use]
pub fn relation(author_path: &str, name: &str) -> String {
    format!(
        "(SELECT CASE WHEN pg_catalog.set_config('search_path', {}, true) IS NOT NULL THEN pg_catalog.to_regclass({}) END)",
        quote_literal(author_path),
        quote_literal(name)
    )
}

/// A time as milliseconds since 1970, as an SQL expression; whoever wrote it may have written a time
/// without end, which is 0 and keeps nobody from reading the row.
#[must_use]
pub fn millis(time: &str) -> String {
    format!(
        "CASE WHEN isfinite({time}) THEN (extract(epoch FROM {time}) * 1000)::int8 WHEN {time} IS NOT NULL THEN 0 END"
    )
}

fn texts_of(message: &SimpleQueryMessage) -> Option<Texts> {
    match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|i| row.try_get(i).ok().flatten().map(str::to_owned)).collect())
        }
        _ => None,
    }
}
