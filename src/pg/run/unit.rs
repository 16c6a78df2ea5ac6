//! A step as the text that is sent for it: frame, statements, the ledger's rows.

use super::script::{Mark, Script};
use crate::base::Secrets;
use crate::base::name::{quote_dollar, quote_literal};
use crate::ledger::record::{self, OWN_PATH, Recorder};
use crate::pg::connect::query::{USE_OWN_PATH, set_path};
use crate::plan::{Limits, Mode, Progress, Segment, Step, Why};
use crate::sql::{Facts, LockMode};

/// Writes the frames of one run.
#[derive(Debug)]
pub struct Writer {
    /// Writes the ledger's rows.
    pub recorder: Recorder,
    /// The epoch of the lock that this run holds.
    pub epoch: i64,
    /// The values of the secret variables, filled in when SQL is sent.
    pub secrets: Secrets,
    /// The `search_path` that authors wrote their SQL for.
    pub author_path: String,
}

/// Whose statements come first in a transaction, and so under whose `search_path` it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// The author's.
    Author,
    /// dagmar's own.
    Own,
}

/// Whether the whole step is one transaction that nothing was done of before.
#[must_use]
pub fn is_single(step: &Step) -> bool {
    match step.segments.as_slice() {
        [] => true,
        [only] => only.mode == Mode::Transaction && only.progress == Progress::Todo,
        _ => false,
    }
}

impl Writer {
    /// Opens a transaction that only the holder of the lock can commit.
    pub fn begin(&self, script: &mut Script, number: usize, step: &Step, limits: Option<Limits>, first: First) {
        script.push(Mark::Frame(number), "BEGIN");
        self.fence(script, number, step, limits, first);
    }

    fn fence(&self, script: &mut Script, number: usize, step: &Step, limits: Option<Limits>, first: First) {
        let path = match first {
            First::Author => &self.author_path,
            First::Own => OWN_PATH,
        };
        script.push(Mark::Fence(number), &self.recorder.fence(self.epoch, &step.changeset, limits, path));
    }

    /// What follows is the author's, until the end of the transaction or [`own`].
    fn author(&self, script: &mut Script, number: usize) {
        script.push(Mark::Frame(number), &set_path(&self.author_path, true));
    }

    /// A step that is one transaction.
    pub fn single(&self, script: &mut Script, number: usize, step: &Step) {
        self.begin(script, number, step, step.segments.first().map(|s| s.limits), First::Author);
        self.body(script, number, step);
        script.push(Mark::StepDone(number), "COMMIT");
        if leaves_session(step) {
            // in a transaction of its own: bare statements of a message would become part of
            // the next one (manual, chapter 55.2.2.1)
            script.push(Mark::Frame(number), "BEGIN");
            reset_session(script, number);
            script.push(Mark::Frame(number), "COMMIT");
        }
    }

    /// A step as a part of the transaction that holds the whole plan.
    pub fn part(&self, script: &mut Script, number: usize, step: &Step) {
        self.fence(script, number, step, step.segments.first().map(|s| s.limits), First::Author);
        self.body(script, number, step);
        if leaves_session(step) {
            reset_session(script, number);
        }
    }

    fn body(&self, script: &mut Script, number: usize, step: &Step) {
        self.before(script, number, step);
        if let Some(segment) = step.segments.first() {
            statements(script, number, 0, segment);
            self.reset_inside(script, number, segment);
        }
        self.record(script, number, step);
    }

    /// What a step needs before its first statement.
    pub fn before(&self, script: &mut Script, number: usize, step: &Step) {
        if step.why == Why::Changed {
            own(script, number);
            script.extend(Mark::Frame(number), self.recorder.supersede(&step.changeset));
            self.author(script, number);
        }
        if step.why != Why::Resumed {
            for (i, check) in step.preconditions.iter().enumerate() {
                script.push(Mark::Precondition(number, i), &record::assertion(check, "the precondition"));
            }
        }
    }

    /// Notes in the ledger that a step of several segments is on its way.
    pub fn enter(&self, script: &mut Script, number: usize, step: &Step) {
        own(script, number);
        script.extend(Mark::Frame(number), self.recorder.begin_step(step));
    }

    /// The end of a step: verify, record, commit.
    pub fn finish(&self, script: &mut Script, number: usize, step: &Step) {
        self.record(script, number, step);
        script.push(Mark::StepDone(number), "COMMIT");
    }

    fn record(&self, script: &mut Script, number: usize, step: &Step) {
        for (i, check) in step.verify.iter().enumerate() {
            script.push(Mark::Verify(number, i), &record::assertion(check, "the check"));
        }
        own(script, number);
        script.extend(Mark::Frame(number), self.recorder.finish_step(step, is_single(step)));
    }

    /// A transactional segment of a step that has several.
    pub fn segment(&self, script: &mut Script, number: usize, step: &Step, no: usize, first: bool) {
        let segment = &step.segments[no];
        self.begin(script, number, step, Some(segment.limits), First::Author);
        if first {
            self.before(script, number, step);
            self.enter(script, number, step);
            self.author(script, number);
        }
        statements(script, number, no, segment);
        self.reset_inside(script, number, segment);
        if no + 1 == step.segments.len() {
            self.finish(script, number, step);
        } else {
            own(script, number);
            script.push(Mark::Frame(number), &self.recorder.segment(&step.changeset, step.direction, no, true));
            script.push(Mark::SegmentDone(number, no), "COMMIT");
        }
        if segment.statements.iter().any(|s| s.facts.session) {
            script.push(Mark::Frame(number), "BEGIN");
            reset_session(script, number);
            script.push(Mark::Frame(number), "COMMIT");
        }
    }

    /// Notes that a segment outside of a transaction, or in batches, is about to begin.
    pub fn intent(&self, script: &mut Script, number: usize, step: &Step, no: usize, first: bool) {
        self.begin(script, number, step, None, First::Author);
        if first {
            self.before(script, number, step);
            self.enter(script, number, step);
        }
        own(script, number);
        script.push(Mark::Frame(number), &self.recorder.segment(&step.changeset, step.direction, no, false));
        // the session's: what follows is no part of a transaction
        script.push(Mark::Frame(number), &set_path(&self.author_path, false));
        script.push(Mark::Frame(number), "COMMIT");
    }

    /// Notes that such a segment is done; after the last one the step is finished in a
    /// transaction of its own, so that a failed check does not hide what has happened.
    pub fn done(&self, script: &mut Script, number: usize, step: &Step, no: usize) {
        self.begin(script, number, step, None, First::Own);
        script.push(Mark::Frame(number), &self.recorder.segment(&step.changeset, step.direction, no, true));
        script.push(Mark::SegmentDone(number, no), "COMMIT");
        if no + 1 == step.segments.len() {
            self.begin(script, number, step, None, First::Author);
            self.finish(script, number, step);
        }
    }

    /// The ledger's own rows must not be written under a role that the changeset took on.
    fn reset_inside(&self, script: &mut Script, number: usize, segment: &Segment) {
        if segment.statements.iter().any(|s| s.facts.session) {
            script.push(Mark::Frame(number), "RESET SESSION AUTHORIZATION");
            script.push(Mark::Frame(number), "RESET ROLE");
        }
    }
}

/// What follows is dagmar's own, until the end of the transaction.
fn own(script: &mut Script, number: usize) {
    script.push(Mark::Frame(number), USE_OWN_PATH);
}

fn leaves_session(step: &Step) -> bool {
    step.segments.iter().flat_map(|segment| &segment.statements).any(|s| s.facts.session)
}

/// Puts a session back after statements that left something in it: the next changeset must
/// not see it.
fn reset_session(script: &mut Script, number: usize) {
    let frame = Mark::Frame(number);
    script.extend(frame, ["RESET ALL", "DISCARD TEMP", "UNLISTEN *", "CLOSE ALL", "DEALLOCATE ALL"]);
    script.extend(frame, session_sql());
}

fn statements(script: &mut Script, number: usize, no: usize, segment: &Segment) {
    if let Some(sql) = locks(segment) {
        script.push(Mark::Locks(number, no), &sql);
    }
    for (i, statement) in segment.statements.iter().enumerate() {
        script.push(Mark::Statement(number, no, i), &statement.sql);
    }
}

/// The limits of a segment as SQL.
#[must_use]
pub fn limits_sql(limits: Limits, scope: &str) -> [String; 2] {
    [
        format!("SET {scope} lock_timeout = {}", limits.lock_timeout.millis),
        format!("SET {scope} statement_timeout = {}", limits.statement_timeout.millis),
    ]
}

/// The settings of every session that runs changesets. The role's own timeouts must not end
/// a run in the middle, and its settings must not change what SQL means.
#[must_use]
pub fn session_sql() -> Vec<String> {
    let mut sql: Vec<String> = [
        ("statement_timeout", "0"),
        ("lock_timeout", "0"),
        ("idle_in_transaction_session_timeout", "0"),
        ("standard_conforming_strings", "on"),
        ("check_function_bodies", "on"),
        ("row_security", "on"),
        ("default_transaction_read_only", "off"),
        ("default_transaction_isolation", "'read committed'"),
        ("default_transaction_deferrable", "off"),
        ("DateStyle", "'ISO, YMD'"),
        ("IntervalStyle", "'postgres'"),
        ("TimeZone", "'UTC'"),
    ]
    .iter()
    .map(|(name, value)| format!("SET {name} = {value}"))
    .collect();
    // known since 14 and 17; unknown settings would be errors
    for (name, since) in [("idle_session_timeout", 140_000), ("transaction_timeout", 170_000)] {
        sql.push(format!(
            "SELECT set_config({}, '0', false) WHERE current_setting('server_version_num')::int >= {since}",
            quote_literal(name)
        ));
    }
    // a statement whose client is dead ends; an error where the server's system cannot tell
    sql.push(
        "DO $$ BEGIN PERFORM set_config('client_connection_check_interval', '2s', false); \
         EXCEPTION WHEN invalid_parameter_value THEN NULL; END $$"
            .to_owned(),
    );
    sql
}

/// The tables of a segment that touches more than one, locked before its first statement in
/// the order of their oids: two sessions that do so never wait for each other in a ring. ONLY
/// they: which partitions and children a statement locks as well is its own matter. The author's
/// `search_path` finds the tables, and nothing else.
/// Tables that are not there yet, and those that the role may use but not lock, are left to
/// the statements themselves.
fn locks(segment: &Segment) -> Option<String> {
    let mut all = Facts::default();
    for (name, mode) in segment.statements.iter().flat_map(|s| &s.facts.locks) {
        if *mode >= LockMode::RowExclusive {
            all.lock(name.clone(), *mode);
        }
    }
    if all.locks.len() < 2 {
        return None;
    }
    let tables: Vec<String> =
        all.locks.iter().map(|(name, mode)| format!("({}, '{}')", quote_literal(&name.sql()), mode.sql())).collect();
    let body = format!(
        "DECLARE locked record; BEGIN FOR locked IN SELECT c.oid::pg_catalog.regclass AS name, t.mode FROM (VALUES {}) \
         t (name, mode) JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(t.name) WHERE \
         c.relkind OPERATOR(pg_catalog.=) ANY ('{{r,p}}'::pg_catalog.\"char\"[]) AND \
         pg_catalog.has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE') ORDER BY c.oid LOOP EXECUTE \
         pg_catalog.format('LOCK TABLE ONLY %s IN %s MODE', locked.name, locked.mode); END LOOP; END",
        tables.join(", ")
    );
    Some(format!("DO {}", quote_dollar(&body, "locks")))
}
