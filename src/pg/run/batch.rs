//! Backfills: batch after batch, each one statement that is its own transaction and moves
//! the position in the ledger along with its rows. A message carries as many as keep the server
//! at it for a moment; its last one asks whether somebody wants a pause, and how busy the
//! server is.

use super::fault::{Row, StatementError, StepEnd};
use super::pace::{Sizer, Speed, Throttle};
use super::worker::Worker;
use crate::base::name::quote_literal;
use crate::change::Batch;
use crate::exec::batches::place;
use crate::exec::durability::Wait;
use crate::exec::{BatchFrames, Script, StatementTag};
use crate::ledger::code;
use crate::ledger::walk::{self, Position};
use crate::pg::connect::error::ServerError;
use crate::plan::{Progress, Step};
use crate::run::Event;
use std::time::{Duration, Instant};

/// How often a backfill that waits asks whether it may go on.
const ASKS: Duration = Duration::from_millis(500);

/// The longest that the whole table is looked through for rows that are left; one that takes
/// longer is walked through again.
const LOOK_THROUGH: Duration = Duration::from_secs(10);

/// The backfill that runs.
struct Walk<'a> {
    number: usize,
    no: usize,
    step: &'a Step,
    batch: &'a Batch,
    /// The condition that finds its row in the ledger.
    place: String,
    /// The last key, as a JSON text; none: at the beginning of the table.
    cursor: Option<String>,
    table_rows: i64,
    /// Rows that this walk has looked at.
    seen: i64,
    /// Whether the statement of further batches is prepared.
    is_prepared: bool,
    sizer: Sizer,
    speed: Speed,
    brakes: Throttle,
}

impl Walk<'_> {
    /// The name of the prepared statement.
    fn prepared(&self) -> String {
        format!("dagmar_batch_{}_{}", self.number, self.no)
    }
}

/// What the batches of a message have done, and the state after them.
struct Moved {
    /// Whether each had as many rows to look at as it might: there may be more.
    full: bool,
    took_ms: u64,
    /// Rows that the whole backfill has changed.
    rows: i64,
    pass: i64,
    /// Rows that this walk has looked at, changed, and changed without effect on the condition.
    seen: i64,
    changed: i64,
    unmoved: i64,
    cursor: Option<String>,
    paused: Option<String>,
    braked: Option<String>,
}

impl Moved {
    fn of(row: &Row, full: bool, took: Duration) -> Self {
        Self {
            full,
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            rows: number(row, 0),
            pass: number(row, 1),
            seen: number(row, 2),
            changed: number(row, 3),
            unmoved: number(row, 4),
            cursor: text(row, 5),
            paused: text(row, 6),
            braked: text(row, 7),
        }
    }
}

impl Worker<'_, '_> {
    pub(super) async fn batched(
        &mut self,
        number: usize,
        step: &Step,
        no: usize,
        around: BatchFrames,
    ) -> Result<(), StepEnd> {
        let segment = &step.segments[no];
        let Some(batch) = &segment.batch else { unreachable!("a batched segment has a batch") };
        let BatchFrames { before, enter, mut leave, after } = around;
        if segment.progress == Progress::Todo {
            self.check_key(StatementTag::Statement(number, no, 0), batch).await?;
            self.send(&before).await?;
        }
        let place = place(step, no);
        let (cursor, table_rows, seen) = self.position(batch, &place).await?;
        let pace = batch.pace.resolve();
        let mut walk = Walk {
            number,
            no,
            step,
            batch,
            place,
            cursor,
            table_rows,
            seen,
            is_prepared: false,
            sizer: Sizer::new(batch.size, &pace),
            speed: Speed::new(),
            brakes: Throttle::new(&pace, &self.relation(&batch.table)),
        };
        self.send(&enter).await?;
        self.walk(&mut walk, Duration::from_millis(pace.pause.millis)).await?;
        if walk.is_prepared {
            leave.push(StatementTag::Frame(number), &format!("DEALLOCATE {}", walk.prepared()));
        }
        self.send(&leave).await?;
        self.send(&after).await
    }

    /// Walks through the table until nothing is left.
    async fn walk(&mut self, walk: &mut Walk<'_>, pause: Duration) -> Result<(), StepEnd> {
        self.hold(walk).await?;
        let mut before = None;
        loop {
            if self.shared.halt.is_requested() {
                return Err(StepEnd::Stopped);
            }
            let moved = self.batches(walk).await?;
            let rest = walk.table_rows - moved.seen;
            self.tell(&Event::BatchDone {
                changeset: walk.step.changeset.clone(),
                segment: walk.no,
                rows: moved.rows,
                table_rows: walk.table_rows,
                seen: moved.seen,
                pass: moved.pass,
                took_ms: moved.took_ms,
                rate: walk.speed.rate as u64,
                eta_ms: walk.speed.left(rest),
            });
            walk.cursor.clone_from(&moved.cursor);
            walk.seen = moved.seen;
            if !moved.full {
                // the end of the table: rows may have been put behind the position
                let told = walk.batch.left.is_some();
                let through = moved.changed <= moved.unmoved || !told && before == Some(moved.changed);
                if !walk.batch.sweep || through || told && !self.is_any_left(walk).await? {
                    return Ok(());
                }
                before = Some(moved.changed);
                walk.cursor = None;
            }
            if moved.paused.is_some() || moved.braked.is_some() {
                self.hold(walk).await?;
            } else if !pause.is_zero() && self.shared.halt.sleep(pause).await {
                return Err(StepEnd::Stopped);
            }
        }
    }

    /// Where the walk has come to, how many rows the table has, and how many were looked at.
    async fn position(&mut self, batch: &Batch, place: &str) -> Result<(Option<String>, i64, i64), StepEnd> {
        let row = self
            .one_row(&format!(
                "SELECT s.cursor::text, (WITH t AS MATERIALIZED (SELECT {} AS oid) SELECT sum(CASE WHEN c.reltuples < 0 THEN \
                 pg_stat_get_live_tuples(c.oid) ELSE c.reltuples END)::bigint FROM t, pg_class c WHERE c.relkind <> 'p' AND \
                 (c.oid = t.oid OR c.oid IN (SELECT relid FROM pg_partition_tree(t.oid)))), s.seen FROM {}.segment s \
                 WHERE s.{place}",
                self.relation(&batch.table),
                self.ledger(),
            ))
            .await
            .map_err(StepEnd::Lost)?;
        Ok((text(&row, 0), number(&row, 1), number(&row, 2)))
    }

    /// Rows whose key is NULL would be passed over, rows of the same key be split by a batch's
    /// end: the key must be one.
    async fn check_key(&mut self, mark: StatementTag, batch: &Batch) -> Result<(), StepEnd> {
        let list: Vec<String> = batch.key.iter().map(|k| quote_literal(k.as_str())).collect();
        let columns = list.join(", ");
        let sql = format!(
            "SELECT (SELECT string_agg(quote_ident(attname), ', ') FROM pg_catalog.pg_attribute WHERE attrelid = c.oid AND \
             attname IN ({columns}) AND NOT attnotnull AND NOT attisdropped), EXISTS (SELECT FROM pg_catalog.pg_index i \
             WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND \
             NOT EXISTS (SELECT FROM unnest(i.indkey[0:i.indnkeyatts - 1]) n WHERE n NOT IN (SELECT attnum FROM \
             pg_catalog.pg_attribute WHERE attrelid = c.oid AND attname IN ({columns})))) FROM pg_catalog.pg_class c WHERE \
             c.oid = {}",
            self.relation(&batch.table)
        );
        let mut script = Script::default();
        script.own(mark, &sql);
        let Some(row) = self.exchange(&script).await? else { return Ok(()) };
        let key: Vec<&str> = batch.key.iter().map(crate::base::Ident::as_str).collect();
        let wrong = match (text(&row, 0), row.get(1).and_then(Option::as_deref)) {
            (Some(columns), _) => format!("the backfill's key has columns that may be NULL: {columns}"),
            (None, Some("f")) => {
                format!("`{}` has no unique index on the backfill's key ({})", batch.table, key.join(", "))
            }
            _ => return Ok(()),
        };
        let failure = ServerError {
            sqlstate: code::KEY.to_owned(),
            message: wrong,
            constraint: None,
            table: None,
            column: None,
            position: None,
            detail: None,
            hint: Some("name the columns of the primary key, or of a unique index on NOT NULL columns".to_owned()),
        };
        Err(StepEnd::Statement(StatementError { mark, failure }))
    }

    /// Waits while somebody wants a pause or the server is busy.
    async fn hold(&mut self, walk: &mut Walk<'_>) -> Result<(), StepEnd> {
        let began = Instant::now();
        let mut said: Option<String> = None;
        loop {
            let sql = format!(
                "SELECT {}, {}, {}.fence({})",
                walk::pause(&self.ledger()),
                walk.brakes.look_now(),
                self.ledger(),
                self.shared.epoch
            );
            let mut script = Script::default();
            script.own(StatementTag::Frame(walk.number), &sql);
            let row = self.exchange(&script).await?.unwrap_or_default();
            let (paused, braked) = (text(&row, 0), text(&row, 1));
            let is_paused = paused.is_some();
            let Some(reason) = paused.or(braked) else { break };
            // figures change all the time: one line for each kind of wait
            let kind: String = reason.chars().filter(|c| !c.is_ascii_digit()).collect();
            if said.as_ref() != Some(&kind) {
                said = Some(kind);
                let (changeset, segment) = (walk.step.changeset.clone(), walk.no);
                self.tell(&Event::BackfillWaits { changeset, segment, paused: is_paused, reason });
            }
            if self.shared.halt.sleep(ASKS).await {
                return Err(StepEnd::Stopped);
            }
        }
        if said.is_some() {
            walk.speed.forget_wait();
            let waited_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            let (changeset, segment) = (walk.step.changeset.clone(), walk.no);
            self.tell(&Event::BackfillGoesOn { changeset, segment, waited_ms });
        }
        Ok(())
    }

    /// Whether any row meets the condition. To read a table once is faster than to walk
    /// through its index; one that is too large for that is walked through.
    async fn is_any_left(&mut self, walk: &Walk<'_>) -> Result<bool, StepEnd> {
        let Some(condition) = &walk.batch.left else { return Ok(true) };
        let mark = StatementTag::Statement(walk.number, walk.no, 0);
        let mut script = Script::default();
        script.push(mark, "BEGIN READ ONLY");
        script.extend(
            mark,
            [
                "SET LOCAL enable_seqscan = on".to_owned(),
                "SET LOCAL max_parallel_workers_per_gather = 0".to_owned(),
                format!("SET LOCAL statement_timeout = {}", LOOK_THROUGH.as_millis()),
            ],
        );
        script.push(mark, &format!("SELECT EXISTS (SELECT FROM {} AS t WHERE ({condition}))", walk.batch.table.sql()));
        script.push(mark, "COMMIT");
        match self.exchange(&script).await {
            Ok(row) => Ok(row.and_then(|r| text(&r, 0)).as_deref() != Some("f")),
            // too long, or a function in the condition writes
            Err(StepEnd::Statement(fault)) if matches!(fault.failure.sqlstate.as_str(), "57014" | "25006") => Ok(true),
            Err(trouble) => Err(trouble),
        }
    }

    /// The batches of one message, tried again while a lock cannot be had.
    async fn batches(&mut self, walk: &mut Walk<'_>) -> Result<Moved, StepEnd> {
        let mark = StatementTag::Statement(walk.number, walk.no, 0);
        let mut attempt = 1;
        loop {
            // a walk begins with one batch: how many go into a message is seen by it
            let batches = if walk.cursor.is_none() { 1 } else { walk.sizer.batches };
            let before = if walk.cursor.is_none() { 0 } else { walk.seen };
            let full = u64::from(walk.sizer.size) * u64::from(batches);
            let mut took = Duration::ZERO;
            let outcome = match self.message(walk, batches, mark).await {
                Ok(script) => {
                    let began = Instant::now();
                    let outcome = self.exchange(&script).await;
                    took = began.elapsed();
                    outcome
                }
                Err(trouble) => Err(trouble),
            };
            match outcome {
                Ok(row) => {
                    let row = row.unwrap_or_default();
                    let looked = u64::try_from(number(&row, 2) - before).unwrap_or(0);
                    let moved = Moved::of(&row, looked >= full, took);
                    walk.speed.note(looked);
                    if moved.full {
                        walk.sizer.took(took / batches);
                    }
                    return Ok(moved);
                }
                Err(StepEnd::Statement(mut fault)) => {
                    // the position is one in the text with the ledger's part
                    fault.failure.position = None;
                    if fault.failure.sqlstate == "42702" {
                        let how = "the key's columns are in `batch` too: write `t.` before columns of the table";
                        fault.failure.hint.get_or_insert_with(|| how.to_owned());
                    }
                    if batches > 1 {
                        // the batches before this one were committed
                        let (cursor, _, seen) = self.position(walk.batch, &walk.place).await?;
                        if cursor != walk.cursor {
                            (walk.cursor, walk.seen, attempt) = (cursor, seen, 1);
                        }
                    }
                    let smaller = walk.sizer.gave_up();
                    if fault.failure.sqlstate != "57014" || !smaller {
                        self.retry(walk.number, &mut attempt, fault.at(mark)).await?;
                    }
                }
                Err(trouble) => return Err(trouble),
            }
        }
    }

    /// So many batches, each a transaction that begins where that before it ended, of which the last
    /// one waits for the disk; at last how far that has come, and whether to wait. Batches after the end of the table do nothing.
    ///
    /// But for the first of a walk they are a prepared statement: the message stays short in
    /// the server's log.
    async fn message(&mut self, walk: &mut Walk<'_>, batches: u32, mark: StatementTag) -> Result<Script, StepEnd> {
        let ledger = self.ledger();
        let batch = |position, size: &str| self.writer.batch(walk.step, walk.no, position, size);
        let name = walk.prepared();
        let size = walk.sizer.size;
        let sql = match walk.cursor {
            None => batch(Position::Start, &size.to_string()),
            Some(_) => format!("EXECUTE {name}({size})"),
        };
        if walk.cursor.is_some() && !walk.is_prepared {
            let mut script = Script::default();
            script.push(mark, &format!("PREPARE {name}(bigint) AS\n{}", batch(Position::Ledger, "$1")));
            self.send(&script).await?;
            walk.is_prepared = true;
        }
        let mut script = Script::default();
        for left in (0..batches).rev() {
            let wait = Wait::among(left, batches, self.level);
            script.push(mark, "BEGIN");
            script.extend(mark, wait.at_first());
            script.push(mark, &sql);
            script.extend(mark, wait.at_last());
            script.push(mark, "COMMIT");
        }
        script.own(
            mark,
            &format!(
                "SELECT rows, pass, seen, changed, unmoved, cursor::text, {}, {} FROM {ledger}.segment WHERE {}",
                walk::pause(&ledger),
                walk.brakes.look(),
                walk.place,
            ),
        );
        Ok(script)
    }
}

fn text(row: &Row, at: usize) -> Option<String> {
    row.get(at).cloned().flatten()
}

fn number(row: &Row, at: usize) -> i64 {
    row.get(at).and_then(Option::as_deref).and_then(|t| t.parse().ok()).unwrap_or(0)
}
