//! A step as the text that is sent for it: frame, statements, the ledger's rows.

use super::script::{Mark, Script};
use crate::base::name::quote_literal;
use crate::ledger::record::{self, Recorder};
use crate::plan::{Direction, Limits, Mode, Progress, Segment, Step, Why};

/// Writes the frames of one run.
#[derive(Debug)]
pub struct Writer {
    /// Writes the ledger's rows.
    pub recorder: Recorder,
    /// The epoch of the lock that this run holds.
    pub epoch: i64,
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
    pub fn begin(&self, script: &mut Script, step: usize, limits: Option<Limits>) {
        script.push(Mark::Frame(step), "BEGIN");
        script.push(Mark::Fence(step), &self.recorder.fence(self.epoch, limits));
    }

    /// A step that is one transaction.
    pub fn single(&self, script: &mut Script, number: usize, step: &Step) {
        self.begin(script, number, step.segments.first().map(|s| s.limits));
        self.before(script, number, step);
        if let Some(segment) = step.segments.first() {
            statements(script, number, 0, segment);
            self.reset_inside(script, number, segment);
        }
        self.finish(script, number, step);
        if let Some(segment) = step.segments.first() {
            reset_session(script, number, segment);
        }
    }

    /// What a step needs before its first statement.
    pub fn before(&self, script: &mut Script, number: usize, step: &Step) {
        if step.why == Why::Changed {
            script.extend(Mark::Frame(number), self.recorder.supersede(&step.changeset));
        }
        if step.why != Why::Resumed {
            for (i, check) in step.preconditions.iter().enumerate() {
                script.push(Mark::Precondition(number, i), &record::assertion(check, "the precondition"));
            }
        }
    }

    /// Notes in the ledger that a step of several segments is on its way.
    pub fn enter(&self, script: &mut Script, number: usize, step: &Step) {
        match step.direction {
            Direction::Forward => {
                script.extend(Mark::Frame(number), self.recorder.changeset(step, "partly", record::STARTED));
            }
            Direction::Rollback => script.push(Mark::Frame(number), &self.recorder.partly(&step.changeset)),
        }
    }

    /// The end of a step: verify, record, commit.
    pub fn finish(&self, script: &mut Script, number: usize, step: &Step) {
        for (i, check) in step.verify.iter().enumerate() {
            script.push(Mark::Verify(number, i), &record::assertion(check, "the check"));
        }
        script.extend(Mark::Frame(number), self.recorder.finish_step(step, is_single(step)));
        script.push(Mark::StepDone(number), "COMMIT");
    }

    /// A transactional segment of a step that has several.
    pub fn segment(&self, script: &mut Script, number: usize, step: &Step, no: usize, first: bool) {
        let segment = &step.segments[no];
        self.begin(script, number, Some(segment.limits));
        if first {
            self.before(script, number, step);
            self.enter(script, number, step);
        }
        statements(script, number, no, segment);
        self.reset_inside(script, number, segment);
        if no + 1 == step.segments.len() {
            self.finish(script, number, step);
        } else {
            script.push(Mark::Frame(number), &self.recorder.segment(&step.changeset, step.direction, no, true));
            script.push(Mark::SegmentDone(number, no), "COMMIT");
        }
        reset_session(script, number, segment);
    }

    /// Notes that a segment outside of a transaction, or in batches, is about to begin.
    pub fn intent(&self, script: &mut Script, number: usize, step: &Step, no: usize, first: bool) {
        self.begin(script, number, None);
        if first {
            self.before(script, number, step);
            self.enter(script, number, step);
        }
        script.push(Mark::Frame(number), &self.recorder.segment(&step.changeset, step.direction, no, false));
        script.push(Mark::Frame(number), "COMMIT");
    }

    /// Notes that such a segment is done; after the last one the step is finished in a
    /// transaction of its own, so that a failed check does not hide what has happened.
    pub fn done(&self, script: &mut Script, number: usize, step: &Step, no: usize) {
        self.begin(script, number, None);
        script.push(Mark::Frame(number), &self.recorder.segment(&step.changeset, step.direction, no, true));
        script.push(Mark::SegmentDone(number, no), "COMMIT");
        if no + 1 == step.segments.len() {
            self.begin(script, number, None);
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

/// Puts a session back after statements that left something in it: the next changeset must
/// not see it. In a transaction of its own: bare statements of a message would become part
/// of the next one (manual, chapter 55.2.2.1).
fn reset_session(script: &mut Script, number: usize, segment: &Segment) {
    if segment.statements.iter().any(|s| s.facts.session) {
        let frame = Mark::Frame(number);
        script.extend(frame, ["BEGIN", "RESET ALL", "DISCARD TEMP", "UNLISTEN *", "CLOSE ALL", "DEALLOCATE ALL"]);
        script.extend(frame, session_sql());
        script.push(frame, "COMMIT");
    }
}

fn statements(script: &mut Script, number: usize, no: usize, segment: &Segment) {
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
