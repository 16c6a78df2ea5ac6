//! A plan as a script that psql alone can run, the ledger's rows included.

use super::plan::about_lines;
use super::psql_secrets;
use crate::base::name::quote_literal;
use crate::base::{Actor, Ident, count};
use crate::exec::{BatchFrames, Frame, Printer, Script, StatementTag, Writer};
use crate::history::{RunKind, RunStatus};
use crate::ledger::record::{Recorder, RunRef};
use crate::ledger::schema;
use crate::ledger::start::RunStart;
use crate::plan::{About, Plan, Step, secrets};
use crate::sql::secret::SecretError;
use crate::sql::{self, ends_in_comment};
use std::fmt::Write;

/// Writes the script. It makes the ledger where there is none, takes the same lock as
/// dagmar, refuses a database that is not as the plan expects, and records what it does.
///
/// # Errors
/// When the plan's ledger schema is no name.
pub fn script(plan: &Plan, about: &About) -> Result<String, String> {
    let ledger = Ident::new(plan.ledger_schema.clone())?;
    let writer = Writer { recorder: Recorder::new(&ledger, RunRef::Psql), printer: Printer::Psql };
    let mut out = Psql { out: String::new(), ledger, writer, wrong: None };
    out.head(plan, about);
    for (number, step) in plan.steps.iter().enumerate() {
        out.step(number, step);
    }
    out.tail(plan);
    out.wrong.map_or(Ok(out.out), |wrong| Err(wrong.message))
}

/// Whether a text is such a script.
#[must_use]
pub fn is_script(text: &str) -> bool {
    text.starts_with("-- ") && text.lines().take(20).any(|line| line == HOW)
}

/// How to run it: a line of every script.
const HOW: &str = "-- Run it with: psql -X -f FILE. It stops at the first error.";

struct Psql {
    out: String,
    ledger: Ident,
    writer: Writer,
    /// A secret variable that cannot be a variable of psql.
    wrong: Option<SecretError>,
}

impl Psql {
    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// Frames, in which the values of secret variables and of the session are variables of psql.
    fn print(&mut self, script: &Script) {
        for (mark, sql) in script.statements() {
            if mark.is_authors() {
                self.authors(sql);
            } else {
                self.own(mark, sql);
            }
        }
    }

    /// A statement as the author wrote it, whose secret variables psql fills in.
    fn authors(&mut self, sql: &str) {
        match psql_secrets::for_psql(sql) {
            Ok((before, sql)) => {
                self.out.push_str(&before);
                self.statement(&sql, ";");
            }
            Err(wrong) => self.wrong = Some(wrong),
        }
    }

    /// A statement of dagmar's; what it answers, one row, is nothing to be shown.
    fn own(&mut self, mark: StatementTag, sql: &str) {
        let answers = matches!(mark, StatementTag::Took(_)) || sql::command(sql) == "select";
        self.statement(sql, if answers { " \\gset dagmar_own_" } else { ";" });
    }

    /// A comment at a statement's end must not swallow what ends it.
    fn statement(&mut self, sql: &str, end: &str) {
        let sql = sql.trim_end();
        self.out.push_str(sql);
        if ends_in_comment(sql) {
            self.out.push('\n');
        }
        self.out.push_str(end);
        self.out.push('\n');
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
             SELECT pg_catalog.current_setting('search_path') AS dagmar_path, pg_catalog.gen_random_uuid() AS dagmar_run \\gset\n\
             SET search_path = pg_catalog, pg_temp;",
        );
        let mut session = Script::default();
        self.writer.session(&mut session);
        self.print(&session);
        self.ledger();
        let _ = writeln!(
            self.out,
            "UPDATE {l}.lease SET epoch = epoch + 1, holder = 'psql', backend_pid = pg_backend_pid(), taken_at = \
             clock_timestamp(), heartbeat_at = clock_timestamp() RETURNING epoch AS dagmar_epoch \\gset"
        );
        let start = RunStart {
            kind: RunKind::Script,
            environment: &plan.environment,
            steps: plan.steps.len(),
            actor: &Actor::new("psql", ""),
            policy: None,
        };
        let mut script = Script::default();
        script.push(StatementTag::Session, "BEGIN");
        self.writer.start(&mut script, &start, &plan.renamed);
        script.push(StatementTag::Session, "COMMIT");
        self.print(&script);
    }

    /// Makes the ledger, or upgrades it.
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
        let mut end = Script::default();
        self.writer.end(&mut end, RunStatus::Done, None);
        self.print(&end);
        let _ = writeln!(
            self.out,
            "SELECT pg_catalog.pg_advisory_unlock({}, {}) AS dagmar_unlocked \\gset\n\\echo {}: {} done",
            schema::LOCK_CLASS,
            schema::lock_key(&self.ledger),
            plan.direction.word(),
            count(plan.steps.len(), "changeset")
        );
    }

    fn step(&mut self, number: usize, step: &Step) {
        let _ = writeln!(self.out, "\n-- {}: {}", step.direction.word(), one_line(&step.changeset));
        if let Some(description) = &step.description {
            let _ = writeln!(self.out, "-- {}", one_line(description));
        }
        for frame in self.writer.step(number, step) {
            match frame {
                Frame::Transactions { script, .. } => self.print(&script),
                Frame::Outside { segment, before, after } => {
                    self.print(&before);
                    self.authors(&step.segments[segment].statements[0].sql);
                    self.print(&after);
                }
                Frame::Batches { segment, around: BatchFrames { before, enter, leave, after } } => {
                    self.print(&before);
                    self.print(&enter);
                    if let Some(sql) = self.writer.batch_loop(step, segment, &step.segments[segment]) {
                        self.authors(&sql);
                    }
                    self.print(&leave);
                    self.print(&after);
                }
            }
        }
    }
}

/// A line of a comment: nothing in it ends it.
fn one_line(text: &str) -> String {
    crate::base::text::line(text)
}
