//! What a step writes into the ledger, as SQL text. The executor sends it in the same
//! transaction as the step's statements; the psql script contains it literally.

use super::code;
use super::json::{jsonb, jsonb_text};
use crate::base::name::{quote_dollar, quote_literal};
use crate::base::secret::PLACEHOLDER;
use crate::base::{Ident, Limits};
use crate::history::{EventKind, RecordedStatus, RunStatus};
use crate::plan::{Direction, Step, StepCheck, StepReason, stored};
use serde_json::{Value, json};

/// How the SQL names the run.
#[derive(Debug, Clone)]
pub enum RunRef {
    /// Its id, known to the executor.
    Id(String),
    /// In the variable `dagmar_run` of psql, for a script.
    Psql,
    /// Of the transaction, of a dry run.
    Transaction,
}

impl RunRef {
    pub(super) fn sql(&self) -> String {
        match self {
            RunRef::Id(id) => format!("{}::uuid", quote_literal(id)),
            RunRef::Psql => ":'dagmar_run'::uuid".to_owned(),
            RunRef::Transaction => "md5(txid_current()::text)::uuid".to_owned(),
        }
    }
}

/// Writes rows of one ledger for one run.
#[derive(Debug, Clone)]
pub struct Recorder {
    pub(super) ledger: String,
    pub(super) run: RunRef,
}

/// The `search_path` of dagmar's own statements: into these schemas nobody else can put a function
/// or operator that would be called instead of the server's (manual, chapter 5.9.6).
pub const OWN_PATH: &str = "pg_catalog, pg_temp";

/// When the transaction of a step began, for [`Recorder::changeset`]; set by [`Recorder::fence`].
pub const STARTED: &str = "current_setting('dagmar.started')::timestamptz";

impl Recorder {
    /// A writer for this ledger and run.
    #[must_use]
    pub fn new(ledger: &Ident, run: RunRef) -> Self {
        Self { ledger: ledger.sql().into_owned(), run }
    }

    /// Notes that a step is begun or done: the row, which answers how many milliseconds it took, and
    /// its edges to what is recorded.
    #[must_use]
    pub fn changeset(&self, step: &Step, status: &str, started: &str) -> Vec<String> {
        let l = &self.ledger;
        let text = |t: &Option<String>| t.as_deref().map_or("NULL".to_owned(), quote_literal);
        let labels = if step.labels.is_empty() {
            "'{}'".to_owned()
        } else {
            let list: Vec<String> = step.labels.iter().map(|x| quote_literal(x)).collect();
            format!("ARRAY[{}]", list.join(", "))
        };
        let mut sql = vec![format!(
            "INSERT INTO {l}.changeset (id, status, checksum, digest, description, author, labels, file, repeatable, \
             body, forward, rollback, run, duration_ms) VALUES ({id}, '{status}', {checksum}, {digest}, {description}, \
             {author}, {labels}, {file}, {repeatable}, {body}, {forward}, {rollback}, {run}, {duration})\n\
             ON CONFLICT (id) DO UPDATE SET (status, checksum, digest, description, author, labels, file, repeatable, \
             body, forward, rollback, run, duration_ms, applied_at, applied_by, reason, error) = (excluded.status, \
             excluded.checksum, excluded.digest, excluded.description, excluded.author, excluded.labels, excluded.file, \
             excluded.repeatable, excluded.body, excluded.forward, excluded.rollback, excluded.run, \
             excluded.duration_ms, clock_timestamp(), session_user, NULL, NULL) RETURNING duration_ms",
            id = quote_literal(&step.changeset),
            checksum = quote_literal(&step.checksum),
            digest = quote_literal(&step.digest),
            description = text(&step.description),
            author = text(&step.author),
            file = text(&step.file),
            repeatable = step.repeatable,
            body = jsonb_text(step.body.text()),
            forward = jsonb_of(stored::forward(step)),
            rollback = jsonb_of(stored::rollback(&step.rollback)),
            run = self.run.sql(),
            duration = format_args!("(extract(epoch FROM clock_timestamp() - {started}) * 1000)::bigint"),
        )];
        if !step.requires.is_empty() {
            let needs: Vec<String> = step.requires.iter().map(|x| quote_literal(x)).collect();
            // an edge to a changeset that this environment never gets is no edge here
            sql.push(format!(
                "INSERT INTO {l}.requires (changeset, needs) SELECT {}, id FROM {l}.changeset WHERE id IN ({}) \
                 ON CONFLICT DO NOTHING",
                quote_literal(&step.changeset),
                needs.join(", ")
            ));
        }
        sql
    }

    /// Keeps the version that is about to be replaced by a repeatable changeset.
    #[must_use]
    pub fn supersede(&self, id: &str) -> Vec<String> {
        let (l, id) = (&self.ledger, quote_literal(id));
        let edges = format!("DELETE FROM {l}.requires WHERE changeset = {id}");
        let keep = format!(
            "INSERT INTO {l}.superseded (changeset, version, content) SELECT c.id, (SELECT count(*) FROM \
             {l}.superseded s WHERE s.changeset = c.id) + 1, to_jsonb(c) FROM {l}.changeset c WHERE c.id = {id} \
             AND c.status = 'applied'"
        );
        vec![keep, edges]
    }

    /// Puts the version before back in place of the current one.
    #[must_use]
    pub fn restore_version(&self, id: &str) -> String {
        let (l, id) = (&self.ledger, quote_literal(id));
        format!(
            "WITH last AS (DELETE FROM {l}.superseded s WHERE s.changeset = {id} AND s.version = (SELECT max(version) \
             FROM {l}.superseded WHERE changeset = {id}) RETURNING s.content)\n\
             UPDATE {l}.changeset c SET (status, checksum, digest, description, author, labels, file, body, forward, \
             rollback, run, applied_at, applied_by, duration_ms) = (SELECT r.status, r.checksum, r.digest, \
             r.description, r.author, r.labels, r.file, r.body, r.forward, r.rollback, r.run, r.applied_at, \
             r.applied_by, r.duration_ms FROM jsonb_populate_record(NULL::{l}.changeset, (SELECT content FROM last)) r) \
             WHERE c.id = {id}"
        )
    }

    /// Notes that a changeset is on its way back.
    #[must_use]
    fn partly(&self, id: &str) -> String {
        format!("UPDATE {}.changeset SET status = 'partly' WHERE id = {}", self.ledger, quote_literal(id))
    }

    /// The rows that begin a step of several transactions.
    #[must_use]
    pub fn begin_step(&self, step: &Step) -> Vec<String> {
        let id = step.changeset.as_str();
        let detail = json!({ "checksum": step.checksum });
        match step.direction {
            Direction::Forward => {
                let mut rows = self.changeset(step, RecordedStatus::Partly.word(), STARTED);
                rows.push(self.event(EventKind::Begun, Some(id), &detail));
                rows
            }
            Direction::Rollback => vec![self.partly(id), self.event(EventKind::RollbackBegun, Some(id), &detail)],
            // each is one transaction
            Direction::Purge | Direction::Restore => Vec::new(),
        }
    }

    /// Forgets a changeset that was rolled back; its edges and progress go with it.
    #[must_use]
    pub fn forget(&self, id: &str) -> String {
        format!("DELETE FROM {}.changeset WHERE id = {}", self.ledger, quote_literal(id))
    }

    /// When the first segment of a changeset began.
    fn first_segment(&self, id: &str) -> String {
        format!(
            "coalesce((SELECT min(started_at) FROM {}.segment WHERE changeset = {}), {STARTED})",
            self.ledger,
            quote_literal(id)
        )
    }

    /// The rows that end a step: what it is now, and the event.
    #[must_use]
    pub fn finish_step(&self, step: &Step, single: bool) -> Vec<String> {
        let id = step.changeset.as_str();
        let mut rows;
        match step.direction {
            Direction::Forward => {
                let since = if single { STARTED.to_owned() } else { self.first_segment(id) };
                rows = self.changeset(step, RecordedStatus::Applied.word(), &since);
                if !single {
                    rows.push(self.clear_segments(id));
                }
                let detail = json!({ "checksum": step.checksum, "digest": step.digest });
                rows.push(self.event(EventKind::Applied, Some(id), &detail));
            }
            Direction::Rollback if step.why == StepReason::Restored => {
                rows = vec![self.restore_version(id), self.clear_segments(id)];
                rows.push(self.event(EventKind::Restored, Some(id), &json!({})));
            }
            Direction::Rollback => {
                rows = vec![self.forget(id)];
                rows.push(self.event(EventKind::RolledBack, Some(id), &json!({ "checksum": step.checksum })));
            }
            Direction::Purge => rows = vec![self.event(EventKind::Purged, Some(id), &step.body.value())],
            Direction::Restore => rows = vec![self.event(EventKind::AtticRestored, Some(id), &step.body.value())],
        }
        rows
    }

    /// Notes that a segment is begun (`started`) or finished (`done`).
    #[must_use]
    pub fn segment(&self, id: &str, direction: Direction, no: usize, done: bool) -> String {
        let (status, finished) = if done { ("done", "clock_timestamp()") } else { ("started", "NULL") };
        format!(
            "INSERT INTO {l}.segment (changeset, direction, no, status, finished_at) VALUES ({id}, '{direction}', {no}, \
             '{status}', {finished}) ON CONFLICT (changeset, direction, no) DO UPDATE SET status = excluded.status, \
             finished_at = excluded.finished_at",
            l = self.ledger,
            id = quote_literal(id),
            direction = direction.word(),
        )
    }

    /// Forgets the progress of the other direction: a rollback starts from its beginning,
    /// and so does what is applied again after it.
    #[must_use]
    pub fn clear_segments(&self, id: &str) -> String {
        format!("DELETE FROM {}.segment WHERE changeset = {}", self.ledger, quote_literal(id))
    }

    /// Notes what went wrong with a changeset.
    #[must_use]
    pub fn error(&self, id: &str, error: &Value) -> String {
        format!("UPDATE {}.changeset SET error = {} WHERE id = {}", self.ledger, jsonb(error), quote_literal(id))
    }

    /// Adds an event.
    #[must_use]
    pub fn event(&self, kind: EventKind, changeset: Option<&str>, detail: &Value) -> String {
        format!(
            "INSERT INTO {}.event (run, kind, changeset, detail) VALUES ({}, {}, {}, {})",
            self.ledger,
            self.run.sql(),
            quote_literal(kind.word()),
            changeset.map_or("NULL".to_owned(), quote_literal),
            jsonb(detail)
        )
    }

    /// Ends the run.
    #[must_use]
    pub fn finish_run(&self, status: RunStatus, message: Option<&str>) -> Vec<String> {
        let run = format!(
            "UPDATE {l}.run SET status = {status}, finished_at = clock_timestamp(), message = {message} WHERE id = \
             {run}",
            l = self.ledger,
            run = self.run.sql(),
            message = message.map_or("NULL".to_owned(), quote_literal),
            status = quote_literal(status.word()),
        );
        vec![run, self.event(EventKind::RunFinished, None, &json!({ "status": status }))]
    }

    /// Marks a changeset by hand.
    #[must_use]
    pub fn mark(&self, step: &Step, status: &str, reason: &str) -> Vec<String> {
        let mut sql = self.set_by_hand(step, status, reason);
        sql.push(self.event(EventKind::Marked, Some(&step.changeset), &json!({ "status": status, "reason": reason })));
        sql
    }

    /// The row of a changeset whose state is said by hand.
    #[must_use]
    pub fn set_by_hand(&self, step: &Step, status: &str, reason: &str) -> Vec<String> {
        let id = quote_literal(&step.changeset);
        let mut sql = self.changeset(step, status, "clock_timestamp()");
        sql.push(format!(
            "UPDATE {}.changeset SET reason = {}, duration_ms = NULL WHERE id = {id}",
            self.ledger,
            quote_literal(reason)
        ));
        sql.push(self.clear_segments(&step.changeset));
        sql
    }

    /// The call that sets the limits and the `search_path` of a transaction, names the changeset
    /// in `pg_stat_activity`, and lets only the holder of the lock commit it. The session may
    /// have any path: nothing in it is found by one.
    #[must_use]
    pub fn fence(&self, epoch: i64, changeset: &str, limits: Option<Limits>, path: &str) -> String {
        self.transaction(Some(&epoch.to_string()), changeset, limits, &quote_literal(path))
    }

    /// The same with epoch and path as SQL, and without the fence where there is no epoch.
    #[must_use]
    pub fn transaction(&self, epoch: Option<&str>, changeset: &str, limits: Option<Limits>, path: &str) -> String {
        let set = |name: &str, value: &str| format!("pg_catalog.set_config('{name}', {value}, true)");
        let mut calls = Vec::new();
        if let Some(limits) = limits {
            calls.push(set("lock_timeout", &format!("'{}'", limits.lock_timeout.millis)));
            calls.push(set("statement_timeout", &format!("'{}'", limits.statement_timeout.millis)));
        }
        calls.push(set("application_name", &quote_literal(&application_name(changeset))));
        calls.push(set("dagmar.started", "pg_catalog.clock_timestamp()::pg_catalog.text"));
        calls.push(set("search_path", path));
        calls.extend(epoch.map(|epoch| format!("{}.fence({epoch})", self.ledger)));
        format!("SELECT {}", calls.join(", "))
    }

    /// Whether the ledger has a changeset that meets a condition, as an SQL expression.
    #[must_use]
    pub fn has_changeset(&self, condition: &str) -> String {
        format!("EXISTS (SELECT FROM {}.changeset WHERE {condition})", self.ledger)
    }

    /// The schema, as SQL.
    #[must_use]
    pub fn ledger(&self) -> &str {
        &self.ledger
    }
}

/// The name of a session while it runs this changeset: what the server keeps of it, 63
/// characters of printable ASCII (manual, chapter 20.8.4).
#[must_use]
pub fn application_name(changeset: &str) -> String {
    let printable = changeset.bytes().map(|b| if (b' '..=b'~').contains(&b) { char::from(b) } else { '?' });
    "dagmar ".chars().chain(printable).take(63).collect()
}

/// A condition as a statement that fails when it does not hold. In a `DO` block, so that the
/// simple protocol can carry it between other statements without a round trip.
#[must_use]
pub fn assertion(check: &StepCheck, what: &str) -> String {
    let body = format!(
        "BEGIN IF ({}\n) IS NOT TRUE THEN RAISE EXCEPTION USING ERRCODE = '{}', MESSAGE = {}; END IF; END",
        check.sql.trim().trim_end_matches(';'),
        code::CHECK,
        // a secret variable in the words of a check is none that is filled in
        quote_literal(&format!("{what} does not hold: {}", check.name.replace(PLACEHOLDER, "${")))
    );
    format!("DO {}", quote_dollar(&body, "check"))
}

fn jsonb_of(text: Result<String, serde_json::Error>) -> String {
    // sources have no NUL: DG0310
    let text = text.expect("plans serialise to JSON");
    format!("{}::jsonb", quote_literal(&text))
}
