//! What the statements of a plan do to a running database: how long they hold their locks, and for whom they wait.

use super::about::Size;
use super::hazard::{Destructive, Hazard};
use super::model::{Mode, Plan, Progress, Segment, Statement};
use super::session::TableLock;
use super::work::{Work, estimate};
use crate::base::QualifiedName;
use crate::sql::LockMode;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// What the database and the policies of its environment say of a plan at one moment.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// The locks of other sessions, by the names that the plan has for the tables.
    pub locks: BTreeMap<String, Vec<TableLock>>,
    /// The destructive kinds of steps that the environment allows; `None`: all.
    pub allow: Option<Vec<Destructive>>,
}

/// What a statement does to a running database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impact {
    /// The longest work that is done while the locks of this statement are held: until the end of its transaction
    /// (manual, chapter 13.3).
    pub held: Work,
    /// Who does it, if it is not the statement itself.
    pub by: Option<HeldBy>,
    /// The estimated time in milliseconds until the locks are released; `None`: unknown.
    pub estimate_ms: Option<u64>,
    /// The locks for which the statement would wait now, with their tables: held ones, and those that sessions before
    /// it in the queue wait for.
    pub waits_for: Vec<(QualifiedName, TableLock)>,
    /// The locks for which other sessions wait now, with their tables.
    pub waiting: Vec<(QualifiedName, TableLock)>,
    /// The kinds that the environment does not allow.
    pub refused: Vec<Destructive>,
}

/// What keeps locks beside the statement that has taken them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum HeldBy {
    /// A later statement of the same segment.
    Statement {
        /// Its position, from 0.
        statement: usize,
    },
    /// The checks after the step (`verify`).
    Verify,
    /// A later step of the same transaction.
    Changeset {
        /// Its changeset.
        changeset: String,
    },
}

/// What is done in a transaction from some statement on.
#[derive(Debug, Clone)]
struct Held {
    /// All of it, in milliseconds; `None`: unknown.
    sum: Option<u64>,
    /// The longest work, with its time.
    time: Option<u64>,
    work: Work,
    by: Option<HeldBy>,
}

impl Held {
    fn new(work: Work, time: Option<u64>, by: Option<HeldBy>) -> Self {
        Self { sum: time, time, work, by }
    }

    /// With what follows in the same transaction. Work of unknown length counts as shorter than work whose length is
    /// known.
    fn then(self, later: Option<Self>) -> Self {
        let Some(later) = later else { return self };
        let sum = self.sum.zip(later.sum).map(|(a, b)| a + b);
        let rank = |held: &Self| (held.time.unwrap_or(0), held.work);
        let longest = if rank(&later) > rank(&self) { later } else { self };
        Self { sum, ..longest }
    }

    /// The same, as what follows a statement sees it.
    fn by(self, who: HeldBy) -> Self {
        Self { by: Some(self.by.unwrap_or(who)), ..self }
    }
}

/// The impact of every statement of a plan.
#[derive(Debug, Default)]
pub struct Impacts(Vec<Vec<Vec<Impact>>>);

impl Impacts {
    /// Computes them. `sizes`: the known sizes of tables, by name; `one_transaction`: the whole plan runs in one.
    #[must_use]
    pub fn of(plan: &Plan, sizes: &BTreeMap<String, Size>, live: &Live, one_transaction: bool) -> Self {
        let mut all = Vec::with_capacity(plan.steps.len());
        // what follows in the same transaction: from the end of the plan to its beginning
        let mut after: Option<Held> = None;
        for step in plan.steps.iter().rev() {
            let (mut later, mut segments) = (after.take(), Vec::with_capacity(step.segments.len()));
            if !step.verify.is_empty() {
                later = Some(Held::new(Work::Query, None, Some(HeldBy::Verify)).then(later));
            }
            for segment in step.segments.iter().rev() {
                let is_transaction = segment.mode == Mode::Transaction;
                later = later.filter(|_| is_transaction);
                let mut impacts = Vec::with_capacity(segment.statements.len());
                for (at, statement) in segment.statements.iter().enumerate().rev() {
                    let hazards = plan.statement_hazards(step, segment, statement);
                    let is_opaque = hazards.contains(&Hazard::OPAQUE);
                    let work = Work::of(statement, segment.mode, is_opaque, &plan.ledger_schema);
                    let held = Held::new(work, estimate(statement, work, sizes), None).then(later);
                    impacts.push(impact(statement, segment, &held, &hazards, live));
                    later = is_transaction.then(|| held.by(HeldBy::Statement { statement: at }));
                }
                impacts.reverse();
                segments.push(impacts);
                later = later.filter(|_| one_transaction);
            }
            segments.reverse();
            all.push(segments);
            let changeset = || HeldBy::Changeset { changeset: step.changeset.clone() };
            after = later.filter(|_| one_transaction).map(|held| match held.by {
                Some(HeldBy::Changeset { .. }) => held,
                _ => Held { by: Some(changeset()), ..held },
            });
        }
        all.reverse();
        Self(all)
    }

    /// The impact of each statement of a segment, in their order; step and segment by their positions in the plan.
    #[must_use]
    pub fn of_segment(&self, step: usize, segment: usize) -> &[Impact] {
        &self.0[step][segment]
    }
}

fn impact(statement: &Statement, segment: &Segment, held: &Held, hazards: &[Hazard], live: &Live) -> Impact {
    let todo = segment.progress != Progress::Done;
    let in_the_way =
        |modes: [LockMode; 2], lock: &TableLock| todo && modes.iter().any(|mode| mode.conflicts(lock.mode));
    Impact {
        held: held.work,
        by: held.by.clone(),
        estimate_ms: held.sum,
        waits_for: others(statement, live, in_the_way),
        waiting: others(statement, live, |_, lock| todo && !lock.granted),
        refused: refused(hazards, live),
    }
}

/// The tables that a statement locks, with the modes whose conflicts it waits for.
fn locked(statement: &Statement) -> impl Iterator<Item = (&QualifiedName, [LockMode; 2])> {
    let facts = &statement.facts;
    let named = facts.locks.iter().map(|(name, mode)| (name, facts.waits_with(*mode)));
    named.chain(facts.also.iter().flat_map(|also| also.tables.iter().map(|name| (name, [also.mode; 2]))))
}

/// The locks of others on the tables of a statement that `keep` chooses, each once.
fn others(
    statement: &Statement,
    live: &Live,
    keep: impl Fn([LockMode; 2], &TableLock) -> bool,
) -> Vec<(QualifiedName, TableLock)> {
    let mut found: Vec<(QualifiedName, TableLock)> = Vec::new();
    for (name, modes) in locked(statement) {
        let locks = live.locks.get(&name.to_string()).into_iter().flatten();
        for lock in locks.filter(|lock| keep(modes, lock)) {
            if !found.iter().any(|(n, l)| n == name && l.granted == lock.granted && l.holder() == lock.holder()) {
                found.push((name.clone(), lock.clone()));
            }
        }
    }
    found
}

fn refused(hazards: &[Hazard], live: &Live) -> Vec<Destructive> {
    let Some(allow) = &live.allow else { return Vec::new() };
    let kinds = hazards.iter().filter_map(|hazard| match hazard {
        Hazard::Destructive(kind) => Some(*kind),
        _ => None,
    });
    kinds.filter(|kind| !allow.contains(kind)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Session;
    use crate::sql;
    use serde_json::{Value, json};

    /// A plan with one segment of these statements.
    fn plan(mode: &str, statements: &[&str]) -> Plan {
        let statement = |sql: &&str| json!({ "sql": sql, "change": 0, "kind": "sql", "facts": sql::facts(sql) });
        let statements: Vec<Value> = statements.iter().map(statement).collect();
        serde_json::from_value(json!({
            "format": 1, "environment": "dev", "direction": "forward", "ledgerSchema": "led", "waiting": [], "blocked": [],
            "excluded": [], "overriddenTemplates": [], "steps": [{
                "changeset": "a", "direction": "forward", "wave": 1, "why": "pending", "requires": [], "checksum": "",
                "digest": "", "body": {}, "rollback": { "kind": "irreversible", "reason": "gone" }, "segments": [{
                    "mode": mode, "limits": { "lockTimeout": "5s", "statementTimeout": "0s", "lockRetries": 1 },
                    "statements": statements }],
            }],
        }))
        .unwrap()
    }

    fn sizes() -> BTreeMap<String, Size> {
        let size = |rows, mb: u64| Size { rows, bytes: mb * 1_000_000, total_bytes: mb * 2_000_000 };
        let sizes = [
            ("big", size(Some(9), 400)),
            ("small", size(Some(9), 4)),
            ("empty", size(Some(0), 0)),
            ("new", size(Some(9), 0)),
        ];
        sizes.map(|(name, size)| (name.to_owned(), size)).into()
    }

    fn impacts(mode: &str, statements: &[&str], live: &Live) -> Vec<Impact> {
        let plan = plan(mode, statements);
        Impacts::of(&plan, &sizes(), live, false).of_segment(0, 0).to_vec()
    }

    fn of_statement(statement: usize) -> Option<HeldBy> {
        Some(HeldBy::Statement { statement })
    }

    #[test]
    fn locks_are_held_until_the_transaction_ends() {
        let all = [
            "ALTER TABLE small ADD a int",
            "CREATE INDEX ON small (a)",
            "ALTER TABLE big ALTER a TYPE bigint",
            "UPDATE small SET a = 1",
            "ALTER TABLE small DROP b",
        ];
        let held = |mode| {
            let impacts = impacts(mode, &all, &Live::default());
            impacts.into_iter().map(|i| (i.held, i.by, i.estimate_ms)).collect::<Vec<_>>()
        };
        use Work::{Build, Instant, Rewrite, Rows};
        let expected = [
            (Rewrite, of_statement(2), None),
            (Rewrite, of_statement(2), None),
            (Rewrite, None, None),
            (Rows, None, None),
            (Instant, None, Some(0)),
        ];
        assert_eq!(held("transaction"), expected);
        let alone = [
            (Instant, None, Some(0)),
            (Build, None, Some(100)),
            (Rewrite, None, Some(20_000)),
            (Rows, None, None),
            (Instant, None, Some(0)),
        ];
        assert_eq!(held("outside"), alone);
        assert!(held("batched").iter().all(|(held, by, _)| *held == Work::Batch && by.is_none()));
        // what takes longest counts, not what is worst
        let short = impacts(
            "transaction",
            &["ALTER TABLE small ALTER a TYPE bigint", "CREATE INDEX ON big (a)"],
            &Live::default(),
        );
        assert_eq!((short[0].held, short[0].by.clone(), short[0].estimate_ms), (Build, of_statement(1), Some(10_200)));
        let query = impacts(
            "transaction",
            &["ALTER TABLE small ADD a int", "CREATE TABLE copy AS SELECT * FROM big"],
            &Live::default(),
        );
        assert_eq!((query[0].held, query[0].estimate_ms), (Work::Query, None));
    }

    #[test]
    fn checks_and_later_steps_of_one_transaction_count() {
        let mut plan = plan("transaction", &["ALTER TABLE small ADD a int"]);
        let of = |plan: &Plan, one_transaction| {
            let all = Impacts::of(plan, &sizes(), &Live::default(), one_transaction);
            let one = |step: usize| {
                let impact = &all.of_segment(step, 0)[0];
                (impact.held, impact.by.clone(), impact.estimate_ms)
            };
            (0..plan.steps.len()).map(one).collect::<Vec<_>>()
        };
        let instant = (Work::Instant, None, Some(0));
        assert_eq!(of(&plan, false), std::slice::from_ref(&instant));
        let mut second = plan.steps[0].clone();
        second.changeset = "b".to_owned();
        second.segments[0].statements[0].sql = "CREATE INDEX ON big (a)".to_owned();
        second.segments[0].statements[0].facts = sql::facts("CREATE INDEX ON big (a)");
        plan.steps.push(second);
        let build = (Work::Build, None, Some(10_000));
        assert_eq!(of(&plan, false), [instant, build.clone()]);
        let by_b = Some(HeldBy::Changeset { changeset: "b".to_owned() });
        assert_eq!(of(&plan, true), [(Work::Build, by_b, Some(10_000)), build]);
        plan.steps.truncate(1);
        let check = json!({ "name": "c", "sql": "SELECT true" });
        plan.steps[0].verify = vec![serde_json::from_value(check).unwrap()];
        assert_eq!(of(&plan, false), [(Work::Query, Some(HeldBy::Verify), None)]);
    }

    #[test]
    fn times_are_estimated_from_the_table_that_is_worked_on() {
        let time = |sql: &str| impacts("transaction", &[sql], &Live::default())[0].estimate_ms;
        assert_eq!(time("ALTER TABLE small ADD FOREIGN KEY (a) REFERENCES big"), Some(20));
        assert_eq!(time("ALTER TABLE big ADD FOREIGN KEY (a) REFERENCES small"), Some(2000));
        assert_eq!(time("CREATE INDEX ON big (a)"), Some(10_000));
        assert_eq!(time("CREATE INDEX ON empty (a)"), Some(0));
        // rows that were never counted, and a table that is not there yet
        assert_eq!(time("CREATE INDEX ON new (a)"), None);
        assert_eq!(time("CREATE INDEX ON other (a)"), None);
        assert_eq!(time("DO 'BEGIN PERFORM f(); END'"), None);
    }

    #[test]
    fn a_statement_waits_for_held_locks_and_behind_the_queue() {
        let lock = |pid, mode, granted| TableLock {
            session: Session { pid, ..Session::default() },
            prepared: None,
            mode,
            granted,
        };
        let locks = vec![
            lock(1, LockMode::AccessShare, true),
            lock(2, LockMode::RowExclusive, true),
            lock(3, LockMode::Share, false),
        ];
        let live = Live { locks: [("small".to_owned(), locks)].into(), allow: Some(vec![Destructive::Irreversible]) };
        let pids = |locks: &[(QualifiedName, TableLock)]| locks.iter().map(|(_, l)| l.session.pid).collect::<Vec<_>>();
        let of = |mode, sql: &str| {
            let all = impacts(mode, &[sql], &live);
            (pids(&all[0].waits_for), pids(&all[0].waiting), all[0].refused.clone())
        };
        assert_eq!(of("transaction", "ALTER TABLE small ADD a int"), (vec![1, 2, 3], vec![3], vec![]));
        assert_eq!(of("transaction", "CREATE INDEX ON small (a)"), (vec![2], vec![3], vec![]));
        // it takes a weaker lock, and waits for all writers
        assert_eq!(of("outside", "CREATE INDEX CONCURRENTLY i ON small (a)"), (vec![2, 3], vec![3], vec![]));
        assert_eq!(of("outside", "REINDEX TABLE CONCURRENTLY small"), (vec![1, 2, 3], vec![3], vec![]));
        assert_eq!(of("transaction", "UPDATE small SET a = 1"), (vec![3], vec![3], vec![]));
        assert_eq!(of("transaction", "UPDATE big SET a = 1"), (vec![], vec![], vec![]));
        assert_eq!(of("transaction", "TRUNCATE big").2, [Destructive::LosesData]);
    }
}
