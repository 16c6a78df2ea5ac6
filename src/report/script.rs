//! A plan as a script that psql alone can run, the ledger's rows included.

use super::plan::about_lines;
use super::psql_secrets;
use crate::base::name::{quote_dollar, quote_literal};
use crate::base::{Ident, count};
use crate::ledger::record::{self, Recorder, RunRef, RunStart};
use crate::ledger::walk::Position;
use crate::ledger::{RunKind, RunStatus};
use crate::ledger::{schema, walk};
use crate::plan::{About, Direction, Limits, Mode, Plan, Progress, Segment, Step, Why, secrets};
use crate::sql::ends_in_comment;
use crate::sql::secret::SecretError;
use std::fmt::Write;

/// Writes the script. It makes the ledger where there is none, takes the same lock as
/// dagmar, refuses a database that is not as the plan expects, and records what it does.
///
/// # Errors
/// When the plan's ledger schema is no name.
pub fn script(plan: &Plan, about: &About) -> Result<String, String> {
    let ledger = Ident::new(plan.ledger_schema.clone())?;
    let recorder = Recorder::new(&ledger, RunRef::Setting);
    let mut writer = Writer { out: String::new(), ledger, recorder, wrong: None };
    writer.head(plan, about);
    for step in &plan.steps {
        writer.step(step);
    }
    writer.tail(plan);
    writer.wrong.map_or(Ok(writer.out), |wrong| Err(wrong.message))
}

/// Whether a text is such a script.
#[must_use]
pub fn is_script(text: &str) -> bool {
    text.starts_with("-- ") && text.lines().take(20).any(|line| line == HOW)
}

/// How to run it: a line of every script.
const HOW: &str = "-- Run it with: psql -X -f FILE. It stops at the first error.";

struct Writer {
    out: String,
    ledger: Ident,
    recorder: Recorder,
    /// A secret variable that cannot be a variable of psql.
    wrong: Option<SecretError>,
}

impl Writer {
    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// Statements, each with its semicolon on a line of its own: a comment at a statement's
    /// end must not swallow it.
    fn statements<S: AsRef<str>>(&mut self, list: impl IntoIterator<Item = S>) {
        for statement in list {
            let statement = statement.as_ref().trim_end();
            self.out.push_str(statement);
            self.out.push_str(if ends_in_comment(statement) { "\n;\n" } else { ";\n" });
        }
    }

    /// Statements as the author wrote them, whose secret variables psql fills in.
    fn authors<S: AsRef<str>>(&mut self, list: impl IntoIterator<Item = S>) {
        for statement in list {
            match psql_secrets::for_psql(statement.as_ref()) {
                Ok((before, sql)) => {
                    self.out.push_str(&before);
                    self.statements([sql]);
                }
                Err(wrong) => self.wrong = Some(wrong),
            }
        }
    }

    fn head(&mut self, plan: &Plan, about: &About) {
        let l = self.ledger.sql().into_owned();
        let _ = writeln!(
            self.out,
            "-- {} of {} for the environment {}",
            plan.direction.word(),
            count(plan.steps.len(), "changeset"),
            one_line(&plan.environment)
        );
        for (name, text) in about_lines(plan, about) {
            let _ = writeln!(self.out, "--   {name:<10}{}", one_line(&text));
        }
        self.line(HOW);
        self.line("\\set ON_ERROR_STOP on\n\\set AUTOCOMMIT on\n\\set QUIET on");
        self.out.push_str(&psql_secrets::head(secrets::needed(plan).into_keys()));
        let _ = writeln!(
            self.out,
            "SELECT pg_catalog.pg_try_advisory_lock({}, {}) AS dagmar_locked \\gset\n\\if :dagmar_locked\n\\else\n\
             DO $$ BEGIN RAISE 'another run holds the lock of this database'; END $$;\n\\endif",
            schema::LOCK_CLASS,
            schema::lock_key(&self.ledger)
        );
        self.line(
            "-- what dagmar wrote runs under a search_path of its own, what the authors wrote under that of the role\n\
             DO $$ BEGIN PERFORM pg_catalog.set_config('dagmar.search_path', pg_catalog.current_setting('search_path'), \
             false); END $$;\nSET search_path = pg_catalog, pg_temp;",
        );
        self.ledger();
        self.line("BEGIN;");
        self.line("DO $$ BEGIN PERFORM set_config('dagmar.run', gen_random_uuid()::text, false); END $$;");
        self.statements([format!(
            "UPDATE {l}.lease SET epoch = epoch + 1, holder = 'psql', backend_pid = pg_backend_pid(), taken_at = \
             clock_timestamp(), heartbeat_at = clock_timestamp()"
        )]);
        let start = RunStart {
            kind: RunKind::Script,
            environment: &plan.environment,
            steps: plan.steps.len(),
            os_user: "psql",
            host: "",
            policy: None,
        };
        let start = self.recorder.start_run(&start);
        self.statements(start);
        for renamed in &plan.renamed {
            let rows = self.recorder.rename(renamed);
            self.statements(rows);
        }
        self.line("COMMIT;");
    }

    /// Makes the ledger, or brings it up to date.
    fn ledger(&mut self) {
        let l = self.ledger.sql().into_owned();
        let _ = writeln!(
            self.out,
            "SELECT pg_catalog.to_regclass({}) IS NULL AS dagmar_fresh \\gset\n\\if :dagmar_fresh\nBEGIN;",
            quote_literal(&format!("{l}.meta"))
        );
        let fresh = schema::upgrade(&self.ledger, 0);
        self.line(&fresh);
        let _ = writeln!(
            self.out,
            "COMMIT;\n\\endif\nSELECT value AS dagmar_version, value::int < {} AS dagmar_old, value::int < {} AS dagmar_unchained \
             FROM {l}.meta WHERE key = 'version' \\gset\n\\if :dagmar_old\nBEGIN;",
            schema::VERSION,
            schema::CHAINED
        );
        for version in 2..=schema::VERSION {
            let tables = schema::tables(&self.ledger, version);
            let _ = writeln!(self.out, "SELECT :dagmar_version < {version} AS dagmar_step \\gset\n\\if :dagmar_step");
            self.line(&tables);
            self.line("\\endif");
        }
        let functions = schema::functions(&self.ledger);
        self.line(&functions);
        let upgraded = schema::upgraded(&self.ledger, ":dagmar_version");
        let _ = writeln!(self.out, "\\if :dagmar_unchained\n{upgraded}\\endif\nCOMMIT;\n\\endif");
    }

    fn tail(&mut self, plan: &Plan) {
        self.line("BEGIN;");
        let end = self.recorder.finish_run(RunStatus::Done, None);
        self.statements(end);
        self.line("COMMIT;");
        let _ = writeln!(
            self.out,
            "SELECT pg_catalog.pg_advisory_unlock({}, {}) AS dagmar_unlocked \\gset\n\\echo {}: {} done",
            schema::LOCK_CLASS,
            schema::lock_key(&self.ledger),
            plan.direction.word(),
            count(plan.steps.len(), "changeset")
        );
    }

    fn step(&mut self, step: &Step) {
        let _ = writeln!(self.out, "\n-- {}: {}", step.direction.word(), one_line(&step.changeset));
        if let Some(description) = &step.description {
            let _ = writeln!(self.out, "-- {}", one_line(description));
        }
        let single = step.segments.len() < 2 && step.segments.iter().all(|s| s.mode == Mode::Transaction);
        let todo: Vec<usize> =
            (0..step.segments.len()).filter(|no| step.segments[*no].progress != Progress::Done).collect();
        if todo.is_empty() {
            self.begin(None);
            self.before(step);
            self.finish(step, single);
            return;
        }
        for (i, &no) in todo.iter().enumerate() {
            let segment = &step.segments[no];
            let (first, last) = (i == 0, no + 1 == step.segments.len());
            match segment.mode {
                Mode::Transaction => {
                    self.begin(Some(segment.limits));
                    if first {
                        self.before(step);
                        if !single {
                            self.enter(step);
                        }
                    }
                    self.author(true);
                    self.authors(segment.statements.iter().map(|s| &s.sql));
                    self.own(true);
                    if last {
                        self.finish(step, single);
                    } else {
                        let done = self.recorder.segment(&step.changeset, step.direction, no, true);
                        self.statements([done]);
                        self.line("COMMIT;");
                    }
                }
                Mode::Outside | Mode::Batched => {
                    self.begin(None);
                    if first {
                        self.before(step);
                        self.enter(step);
                    }
                    let intent = self.recorder.segment(&step.changeset, step.direction, no, false);
                    self.statements([intent]);
                    self.line("COMMIT;");
                    self.author(false);
                    if segment.mode == Mode::Outside {
                        self.authors([&segment.statements[0].sql]);
                    } else {
                        self.batches(step, no, segment);
                    }
                    self.own(false);
                    self.begin(None);
                    let done = self.recorder.segment(&step.changeset, step.direction, no, true);
                    self.statements([done]);
                    if last {
                        self.finish(step, false);
                    } else {
                        self.line("COMMIT;");
                    }
                }
            }
        }
    }

    fn begin(&mut self, limits: Option<Limits>) {
        self.line("BEGIN;");
        if let Some(limits) = limits {
            let _ = writeln!(
                self.out,
                "SET LOCAL lock_timeout = {};\nSET LOCAL statement_timeout = {};",
                limits.lock_timeout.millis, limits.statement_timeout.millis
            );
        }
        self.line("DO $$ BEGIN PERFORM set_config('dagmar.started', clock_timestamp()::text, true); END $$;");
    }

    /// What follows is the authors', until the end of the transaction (`local`), or [`Writer::own`].
    fn author(&mut self, local: bool) {
        let _ = writeln!(
            self.out,
            "DO $$ BEGIN PERFORM pg_catalog.set_config('search_path', pg_catalog.current_setting('dagmar.search_path'), \
             {local}); END $$;"
        );
    }

    /// What follows is dagmar's own.
    fn own(&mut self, local: bool) {
        self.line(if local {
            "SET LOCAL search_path = pg_catalog, pg_temp;"
        } else {
            "SET search_path = pg_catalog, pg_temp;"
        });
    }

    /// The database has to be as the plan expects it.
    fn before(&mut self, step: &Step) {
        let l = self.ledger.sql();
        let id = quote_literal(&step.changeset);
        let (condition, message) = match (step.direction, step.why) {
            (Direction::Forward, Why::Pending) => (
                format!("EXISTS (SELECT FROM {l}.changeset WHERE id = {id} AND status <> 'failed')"),
                "is there already",
            ),
            (Direction::Forward | Direction::Purge | Direction::Restore, _) => {
                (format!("NOT EXISTS (SELECT FROM {l}.changeset WHERE id = {id})"), "is not as the plan expects it")
            }
            (Direction::Rollback, _) => (
                format!(
                    "NOT EXISTS (SELECT FROM {l}.changeset WHERE id = {id} AND checksum = {})",
                    quote_literal(&step.checksum)
                ),
                "is not applied as the plan expects it",
            ),
        };
        let body = format!(
            "BEGIN IF {condition} THEN RAISE EXCEPTION USING MESSAGE = {}; END IF; END",
            quote_literal(&format!("the changeset {} {message}", step.changeset))
        );
        self.statements([format!("DO {}", quote_dollar(&body, "guard"))]);
        if step.why == Why::Changed {
            let keep = self.recorder.supersede(&step.changeset);
            self.statements(keep);
        }
        if step.why != Why::Resumed && !step.preconditions.is_empty() {
            self.author(true);
            let checks: Vec<String> =
                step.preconditions.iter().map(|c| record::assertion(c, "the precondition")).collect();
            self.authors(checks);
            self.own(true);
        }
    }

    fn enter(&mut self, step: &Step) {
        let rows = self.recorder.begin_step(step);
        self.statements(rows);
    }

    fn finish(&mut self, step: &Step, single: bool) {
        let rows = self.recorder.finish_step(step, single);
        if !step.verify.is_empty() {
            self.author(true);
            self.authors(step.verify.iter().map(|c| record::assertion(c, "the check")).collect::<Vec<_>>());
            self.own(true);
        }
        self.statements(rows);
        self.line("COMMIT;");
    }

    /// The loop over batches as a block that commits after each of them (manual, chapter
    /// 43.8); the position is kept in the ledger, so that the script can be run again.
    fn batches(&mut self, step: &Step, no: usize, segment: &Segment) {
        let Some(batch) = &segment.batch else { return };
        let l = self.ledger.sql();
        let place = walk::place(&step.changeset, step.direction.word(), no);
        let (pace, size) = (batch.pace.resolve(), batch.size.to_string());
        let sql = walk::batch(&segment.statements[0].sql, &l, &place, Position::Variable("dagmar_position"), &size);
        let again = match (batch.sweep, &batch.left) {
            (false, _) => "false",
            (true, Some(_)) => "dagmar_row.changed > dagmar_row.unmoved",
            (true, None) => "dagmar_row.changed > 0 AND dagmar_row.changed IS DISTINCT FROM dagmar_before",
        };
        let body = format!(
            "DECLARE\n    dagmar_position jsonb;\n    dagmar_seen bigint;\n    dagmar_before bigint;\n    dagmar_row \
             {l}.segment;\nBEGIN\n    SELECT cursor INTO dagmar_position FROM {l}.segment WHERE {place};\n    LOOP\n{sql}\n        \
             SELECT m.looked, m.cursor INTO dagmar_seen, dagmar_position FROM dagmar_moved AS m;\n        \
             COMMIT;\n        PERFORM pg_sleep({pause});\n        CONTINUE WHEN dagmar_seen >= {size};\n        SELECT * INTO \
             dagmar_row FROM {l}.segment WHERE {place};\n        EXIT WHEN NOT ({again});\n        dagmar_before := \
             dagmar_row.changed;\n        dagmar_position := NULL;\n    END LOOP;\nEND",
            pause = pace.pause.millis as f64 / 1e3,
        );
        self.statements(walk::enter());
        self.authors([format!("DO {}", quote_dollar(&body, "batches"))]);
        self.statements(walk::leave());
    }
}

/// A line of a comment: nothing in it ends it.
fn one_line(text: &str) -> String {
    super::text::line(text)
}
