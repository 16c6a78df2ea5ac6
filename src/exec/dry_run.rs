//! A plan as one transaction that is rolled back.
//!
//! The frames are those of a run, with these differences: no BEGIN and no COMMIT; what a COMMIT would
//! do for the step after it, as far as it can be had; [`rehearsed`] statements.

use super::frames::{BatchFrames, Frame, Writer, leaves_session};
use super::printer::{Rehearsed, is_verified, rehearsed};
use super::script::USE_OWN_PATH;
use super::script::{Script, StatementTag};
use super::session;
use crate::base::{Actor, QualifiedName};
use crate::history::RunKind;
use crate::ledger::start::RunStart;
use crate::ledger::walk::Position;
use crate::plan::{Plan, Progress, Step};
use crate::sql::{self, Facts, LockMode};
use schemars::JsonSchema;
use serde::Serialize;

/// A statement that cannot run in a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeftOut {
    /// The changeset.
    pub changeset: String,
    /// The statement.
    pub sql: String,
    /// What the dry run did instead.
    pub instead: String,
}

/// The transaction, without its end.
#[derive(Debug, Default)]
pub struct DryRun {
    /// What is sent.
    pub script: Script,
    /// Statements that are not in it, or only in another form.
    pub left_out: Vec<LeftOut>,
}

/// The locks that a dry run takes and holds until it ends, strongest first: those of the plan,
/// and of what it runs in another form.
#[must_use]
pub fn locks(plan: &Plan) -> Vec<(QualifiedName, LockMode)> {
    let mut all = Facts::default();
    let segments = plan.steps.iter().flat_map(|step| &step.segments);
    for segment in segments.filter(|segment| segment.progress != Progress::Done) {
        for statement in &segment.statements {
            let held = match rehearsed(segment, statement) {
                Rehearsed::Plain(plain) => sql::facts(&plain).locks,
                Rehearsed::Not(_) => continue,
                Rehearsed::AsItIs | Rehearsed::FirstBatch => statement.facts.locks.clone(),
            };
            held.into_iter().for_each(|(name, mode)| all.lock(name, mode));
        }
    }
    all.locks.sort_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
    all.locks
}

/// Prints a plan. `upgrade` makes the ledger, or upgrades it; statements in `skipped` are
/// left out.
#[must_use]
pub fn dry_run(writer: &Writer, plan: &Plan, upgrade: &[&str], skipped: &[StatementTag]) -> DryRun {
    let mut this = DryRun { script: begin(writer, plan, upgrade), ..DryRun::default() };
    this.steps(writer, &plan.steps, skipped);
    this
}

/// The start of the transaction, up to the first step.
#[must_use]
pub fn begin(writer: &Writer, plan: &Plan, upgrade: &[&str]) -> Script {
    let mut script = Script::default();
    script.extend(StatementTag::Session, ["BEGIN", USE_OWN_PATH]);
    writer.session(&mut script);
    script.extend(StatementTag::Session, upgrade);
    let start = RunStart {
        kind: RunKind::Rehearsal,
        environment: &plan.environment,
        steps: plan.steps.len(),
        actor: &Actor::new("", ""),
        policy: None,
    };
    writer.start(&mut script, &start, &plan.renamed);
    script
}

/// Prints steps for a transaction that is open.
#[must_use]
pub fn steps(writer: &Writer, steps: &[Step], skipped: &[StatementTag]) -> DryRun {
    let mut this = DryRun::default();
    this.steps(writer, steps, skipped);
    this
}

impl DryRun {
    fn steps(&mut self, writer: &Writer, steps: &[Step], skipped: &[StatementTag]) {
        for (number, step) in steps.iter().enumerate() {
            for frame in writer.step(number, step) {
                self.frame(writer, number, step, &frame, skipped);
            }
        }
    }

    fn frame(&mut self, writer: &Writer, number: usize, step: &Step, frame: &Frame, skipped: &[StatementTag]) {
        match frame {
            Frame::Transactions { script, .. } => self.print(step, script, skipped),
            Frame::Outside { segment, before, after } => {
                self.print(step, before, skipped);
                self.only_statement(writer, step, StatementTag::Statement(number, *segment, 0), skipped);
                self.print(step, after, skipped);
            }
            Frame::Batches { segment, around: BatchFrames { before, enter, leave, after } } => {
                self.print(step, before, skipped);
                self.print(step, enter, skipped);
                self.only_statement(writer, step, StatementTag::Statement(number, *segment, 0), skipped);
                self.print(step, leave, skipped);
                self.print(step, after, skipped);
            }
        }
    }

    /// The statement of a segment that is no transaction.
    fn only_statement(&mut self, writer: &Writer, step: &Step, mark: StatementTag, skipped: &[StatementTag]) {
        let StatementTag::Statement(_, no, _) = mark else { return };
        let segment = &step.segments[no];
        let (text, instead) = match rehearsed(segment, &segment.statements[0]) {
            Rehearsed::AsItIs => (Some(segment.statements[0].sql.clone()), None),
            Rehearsed::Plain(plain) => (Some(plain), Some("rehearsed without CONCURRENTLY")),
            Rehearsed::FirstBatch => {
                let size = segment.batch.as_ref().map_or(1, |batch| batch.size).to_string();
                let text = writer.batch(step, no, Position::Start, &size);
                (Some(text), Some("rehearsed with its first batch only"))
            }
            Rehearsed::Not(why) => (None, Some(why)),
        };
        match text {
            Some(text) => self.statement(step, mark, &text, skipped, instead),
            None => self.leave_out(step, mark, instead.unwrap_or_default()),
        }
    }

    fn print(&mut self, step: &Step, script: &Script, skipped: &[StatementTag]) {
        for (mark, sql) in script.statements() {
            match mark {
                StatementTag::Begin(_) | StatementTag::Commit(_) => {}
                StatementTag::SegmentDone(..) | StatementTag::StepDone(_) => self.end_of_transaction(step, mark),
                StatementTag::Statement(..) => self.statement(step, mark, sql, skipped, None),
                StatementTag::Verify(..) if !is_verified(step) => {}
                _ => self.script.push(mark, sql),
            }
        }
    }

    fn statement(
        &mut self,
        step: &Step,
        mark: StatementTag,
        sql: &str,
        skipped: &[StatementTag],
        instead: Option<&str>,
    ) {
        if skipped.contains(&mark) {
            self.leave_out(step, mark, "not rehearsed: it uses an enum value that is not committed");
            return;
        }
        self.script.push(mark, sql);
        if let Some(instead) = instead {
            self.leave_out(step, mark, instead);
        }
    }

    fn leave_out(&mut self, step: &Step, mark: StatementTag, instead: &str) {
        let StatementTag::Statement(_, no, i) = mark else { return };
        self.left_out.push(LeftOut {
            changeset: step.changeset.clone(),
            sql: step.segments[no].statements[i].sql.clone(),
            instead: instead.to_owned(),
        });
    }

    /// What a COMMIT does, but for making it last: constraints that were put off are checked, and no
    /// trigger of them is pending when the next step alters a table; settings of the transaction end.
    fn end_of_transaction(&mut self, step: &Step, mark: StatementTag) {
        self.script.push(mark, "SET CONSTRAINTS ALL IMMEDIATE");
        let Some(number) = mark.step() else { return };
        // the state that most of them begin with; those that do not are checked a little later
        self.script.push(StatementTag::Frame(number), "SET CONSTRAINTS ALL DEFERRED");
        let statements = step.segments.iter().flat_map(|segment| &segment.statements);
        let sets = |sql: &str| sql::command(sql) == "set" || sql.contains("set_config");
        if !leaves_session(&step.segments) && statements.into_iter().any(|s| sets(&s.sql)) {
            session::reset(&mut self.script, StatementTag::Frame(number));
        }
    }
}
