//! Backfills: batch after batch, each one statement that is its own transaction and moves
//! the position in the ledger along with its rows.

use super::script::{Mark, Script};
use super::unit;
use super::worker::{Trouble, Worker};
use crate::base::name::{quote_ident, quote_literal};
use crate::plan::{Progress, Step};
use crate::run::Event;

/// What one batch did.
struct Moved {
    /// Rows that the batch looked at.
    seen: u64,
    /// Rows that it changed.
    changed: u64,
    /// Rows of the whole segment so far.
    total: i64,
    /// The position, as a JSON text.
    cursor: Option<String>,
}

impl Worker<'_, '_> {
    pub(super) async fn batched(&mut self, number: usize, step: &Step, no: usize, first: bool) -> Result<(), Trouble> {
        let segment = &step.segments[no];
        let Some(batch) = &segment.batch else { unreachable!("a batched segment has a batch") };
        if segment.progress == Progress::Todo {
            let mut script = Script::default();
            self.writer.intent(&mut script, number, step, no, first);
            self.send(&script).await?;
        }
        let place = format!(
            "changeset = {} AND direction = '{}' AND no = {no}",
            quote_literal(&step.changeset),
            step.direction.word()
        );
        let state = self
            .one_row(&format!(
                "SELECT s.cursor::text, s.rows, greatest(c.reltuples, 0)::bigint FROM {}.segment s LEFT JOIN pg_catalog.pg_class c \
                 ON c.oid = pg_catalog.to_regclass({}) WHERE s.{place}",
                self.ledger(),
                quote_literal(&batch.table.sql())
            ))
            .await
            .map_err(Trouble::Lost)?;
        let mut cursor = state.first().cloned().flatten();
        let table_rows = state.get(2).cloned().flatten().and_then(|t| t.parse().ok()).unwrap_or(0);
        self.limits(number, segment.limits).await?;
        let mut pass = Pass { changed: 0, before: None };
        loop {
            if self.shared.halt.is_requested() {
                return Err(Trouble::Stopped);
            }
            let moved = self.one_batch(number, step, no, cursor.as_deref(), &place).await?;
            self.tell(&Event::BatchDone {
                changeset: step.changeset.clone(),
                segment: no,
                rows: moved.total,
                table_rows,
            });
            pass.changed += moved.changed;
            cursor = moved.cursor;
            if moved.seen >= u64::from(batch.size) {
                continue;
            }
            // the end of the table: rows that were put behind the position need another pass
            if !batch.sweep || pass.is_last() {
                break;
            }
            cursor = None;
            pass = Pass { before: Some(pass.changed), changed: 0 };
        }
        let mut script = Script::default();
        script.extend(Mark::Frame(number), ["SET lock_timeout = 0", "SET statement_timeout = 0"]);
        self.send(&script).await?;
        let mut script = Script::default();
        self.writer.done(&mut script, number, step, no);
        self.send(&script).await
    }

    async fn limits(&mut self, number: usize, limits: crate::plan::Limits) -> Result<(), Trouble> {
        let mut script = Script::default();
        script.extend(Mark::Frame(number), unit::limits_sql(limits, "SESSION"));
        self.send(&script).await
    }

    /// One batch, tried again while a lock cannot be had.
    async fn one_batch(
        &mut self,
        number: usize,
        step: &Step,
        no: usize,
        cursor: Option<&str>,
        place: &str,
    ) -> Result<Moved, Trouble> {
        let segment = &step.segments[no];
        let Some(batch) = &segment.batch else { unreachable!("a batched segment has a batch") };
        let position = cursor.map_or("NULL::jsonb".to_owned(), |c| format!("{}::jsonb", quote_literal(c)));
        let order: Vec<String> = batch.key.iter().map(|k| format!("b.{} DESC", quote_ident(k.as_str()))).collect();
        let sql = format!(
            "{prefix}, moved AS (UPDATE {ledger}.segment SET cursor = coalesce((SELECT to_jsonb(b) FROM batch b ORDER BY \
             {order} LIMIT 1), cursor), rows = rows + (SELECT count(*) FROM done) WHERE {place} RETURNING cursor, rows)\n\
             SELECT (SELECT count(*) FROM batch), (SELECT count(*) FROM done), moved.rows, moved.cursor::text, \
             {ledger}.fence({epoch}) FROM moved",
            prefix = segment.statements[0].sql.replace("$cursor", &position),
            ledger = self.ledger(),
            order = order.join(", "),
            epoch = self.writer.epoch,
        );
        let mark = Mark::Statement(number, no, 0);
        let mut attempt = 1;
        loop {
            let mut script = Script::default();
            script.push(mark, &sql);
            match self.exchange(&script).await {
                Ok(row) => {
                    let row = row.unwrap_or_default();
                    let text = |i: usize| row.get(i).cloned().flatten();
                    return Ok(Moved {
                        seen: text(0).and_then(|t| t.parse().ok()).unwrap_or(0),
                        changed: text(1).and_then(|t| t.parse().ok()).unwrap_or(0),
                        total: text(2).and_then(|t| t.parse().ok()).unwrap_or(0),
                        cursor: text(3),
                    });
                }
                Err(Trouble::Fault(mut fault)) => {
                    // the position is one in the text with the ledger's part
                    fault.failure.position = None;
                    if fault.failure.sqlstate == "42702" {
                        let how = "the key's columns are in `batch` too: write `t.` before columns of the table";
                        fault.failure.hint.get_or_insert_with(|| how.to_owned());
                    }
                    self.retry(number, &mut attempt, fault.at(mark)).await?;
                }
                Err(trouble) => return Err(trouble),
            }
        }
    }
}

/// One walk through the table.
struct Pass {
    changed: u64,
    before: Option<u64>,
}

impl Pass {
    /// Nothing was left, or as much as the time before: those rows stay as they are.
    fn is_last(&self) -> bool {
        self.changed == 0 || self.before == Some(self.changed)
    }
}
