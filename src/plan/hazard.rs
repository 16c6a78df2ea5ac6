//! What may hurt: decided here and nowhere else, for previews, gates and sealed plans.

use super::model::{Direction, Plan, Rollback, Segment, Statement, Step};
use crate::change;
pub use crate::source::policy::Destructive;
use crate::sql::{self, AlsoLocked, LockMode, Outside, Through};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use std::borrow::Cow;

/// A hazard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hazard {
    /// A hazard that an environment can refuse with `allow`.
    Destructive(Destructive),
    /// The statement blocks all access to a table.
    BlocksReads,
    /// The statement blocks writes to a table.
    BlocksWrites,
    /// The statement reads a whole table while it holds a lock that blocks other sessions.
    Scans,
    /// The statement may lock tables that it does not name, and that are not known.
    MayLockMore,
    /// After a crash, dagmar cannot tell whether the statement succeeded.
    OutcomeUnknown,
}

/// A hazard with its word in JSON, its words for people, and a sign, so that colours need not tell them apart.
type Row = (Hazard, &'static str, &'static str, &'static str);

impl Hazard {
    /// The step has no way back.
    pub const IRREVERSIBLE: Hazard = Hazard::Destructive(Destructive::Irreversible);
    /// Rows or values are gone afterwards.
    pub const LOSES_DATA: Hazard = Hazard::Destructive(Destructive::LosesData);
    /// A table is written anew.
    pub const REWRITES: Hazard = Hazard::Destructive(Destructive::Rewrites);
    /// The text does not show what a statement does.
    pub const OPAQUE: Hazard = Hazard::Destructive(Destructive::Opaque);

    /// How many there are.
    pub const COUNT: usize = 9;

    /// Every hazard, worst first.
    const TABLE: [Row; Self::COUNT] = [
        (Hazard::IRREVERSIBLE, Destructive::Irreversible.word(), "cannot be undone", "⊘"),
        (Hazard::LOSES_DATA, Destructive::LosesData.word(), "loses data", "✕"),
        (Hazard::BlocksReads, "blocksReads", "blocks reads and writes", "■"),
        (Hazard::BlocksWrites, "blocksWrites", "blocks writes", "◧"),
        (Hazard::REWRITES, Destructive::Rewrites.word(), "rewrites", "↻"),
        (Hazard::Scans, "scans", "scans", "≡"),
        (Hazard::MayLockMore, "mayLockMore", "may lock more", "⋯"),
        (Hazard::OPAQUE, Destructive::Opaque.word(), "opaque SQL", "◌"),
        (Hazard::OutcomeUnknown, "outcomeUnknown", "outcome unknown after a crash", "?"),
    ];

    /// Every hazard, worst first.
    pub fn all() -> impl Iterator<Item = Hazard> {
        Self::TABLE.into_iter().map(|(hazard, ..)| hazard)
    }

    /// How bad it is, from 0, the worst: its position in [`Hazard::all`].
    #[must_use]
    pub fn rank(self) -> usize {
        Self::TABLE.iter().position(|(hazard, ..)| *hazard == self).unwrap_or(Self::TABLE.len())
    }

    fn row(self) -> Row {
        Self::TABLE[self.rank()]
    }

    /// The word in JSON; of those that an environment may refuse also in `dagmar.yaml`.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.row().1
    }

    /// A few words for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        self.row().2
    }

    /// A sign, so that colours need not tell them apart.
    #[must_use]
    pub fn mark(self) -> &'static str {
        self.row().3
    }

    /// The hazard that people know by these words.
    #[must_use]
    pub fn from_words(words: &str) -> Option<Self> {
        Self::all().find(|hazard| hazard.words() == words)
    }

    /// Whether it follows from the mode of a lock alone.
    #[must_use]
    pub fn is_of_lock(self) -> bool {
        matches!(self, Hazard::BlocksReads | Hazard::BlocksWrites)
    }
}

impl JsonSchema for Hazard {
    fn schema_name() -> Cow<'static, str> {
        "Hazard".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<&str> = Self::all().map(Self::word).collect();
        json_schema!({ "type": "string", "description": "What may hurt.", "enum": words })
    }
}

impl Serialize for Hazard {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.word())
    }
}

impl Hazard {
    /// What a lock of this mode does to others, where it hurts them.
    #[must_use]
    pub fn of_lock(mode: LockMode) -> Option<Self> {
        match mode {
            LockMode::AccessExclusive => Some(Hazard::BlocksReads),
            LockMode::Share | LockMode::ShareRowExclusive | LockMode::Exclusive => Some(Hazard::BlocksWrites),
            LockMode::AccessShare | LockMode::RowShare | LockMode::RowExclusive | LockMode::ShareUpdateExclusive => {
                None
            }
        }
    }
}

impl Plan {
    /// The hazards of a step of this plan, worst first, each once. What an earlier run has done of it
    /// hurts nobody any more.
    #[must_use]
    pub fn hazards(&self, step: &Step) -> Vec<Hazard> {
        let mut found = Vec::new();
        if matches!(step.rollback, Rollback::Irreversible { .. }) && step.direction != Direction::Rollback {
            found.push(Hazard::IRREVERSIBLE);
        }
        for (_, segment) in step.left() {
            found.extend(
                segment.statements.iter().flat_map(|statement| self.statement_hazards(step, segment, statement)),
            );
        }
        sorted(found)
    }

    /// The hazards of a statement of a step of this plan, worst first, each once.
    #[must_use]
    pub fn statement_hazards(&self, step: &Step, segment: &Segment, statement: &Statement) -> Vec<Hazard> {
        let facts = &statement.facts;
        let is_opaque = self.is_opaque(step, segment, statement);
        let mut found: Vec<Hazard> = facts.locks.iter().filter_map(|(_, mode)| Hazard::of_lock(*mode)).collect();
        found.extend(facts.also.iter().flat_map(|also| Self::of_also(also, is_opaque)));
        let flags = [
            (facts.loses_data, Hazard::LOSES_DATA),
            (facts.rewrites, Hazard::REWRITES),
            // reading for long hurts nobody under a lock that blocks nobody
            (facts.scans && !found.is_empty(), Hazard::Scans),
            (facts.outside == Some(Outside::Opaque), Hazard::OutcomeUnknown),
            (is_opaque, Hazard::OPAQUE),
        ];
        found.extend(flags.into_iter().filter_map(|(on, hazard)| on.then_some(hazard)));
        sorted(found)
    }

    /// The hazards of tables that the statement does not name: those that are known, and that there may be more. Of
    /// opaque SQL that is said already.
    fn of_also(also: &AlsoLocked, is_opaque: bool) -> Vec<Hazard> {
        let lock = Hazard::of_lock(also.mode);
        // an index always has a table
        let is_there = !also.tables.is_empty() || also.through == Through::IndexTable;
        let unknown = match also.through {
            Through::Functions => !is_opaque,
            _ => !also.complete && (lock.is_some() || also.loses_data || also.rewrites),
        };
        let flags = [
            (also.loses_data && is_there, Hazard::LOSES_DATA),
            (also.rewrites && is_there, Hazard::REWRITES),
            (also.scans && is_there && lock.is_some(), Hazard::Scans),
            (unknown, Hazard::MayLockMore),
        ];
        let flags = flags.into_iter().filter_map(|(on, hazard)| on.then_some(hazard));
        lock.filter(|_| is_there).into_iter().chain(flags).collect()
    }

    /// The changesets whose steps have this hazard.
    #[must_use]
    pub fn having(&self, hazard: Hazard) -> Vec<&str> {
        let having = self.steps.iter().filter(|step| self.hazards(step).contains(&hazard));
        having.map(|step| step.changeset.as_str()).collect()
    }

    /// Whether the text does not show what a statement does. Of the templates of dagmar it is known;
    /// but who seals a plan anew may write any change type beside any statement.
    fn is_opaque(&self, step: &Step, segment: &Segment, statement: &Statement) -> bool {
        let of_author = matches!(statement.kind.as_str(), "sql" | "sqlFile")
            || change::find(&statement.kind).is_none()
            || self.overridden_templates.contains(&statement.kind);
        match (step.direction, segment.mode) {
            // these statements are made of the attic's entries, here
            (Direction::Purge | Direction::Restore, _) => false,
            _ if of_author => sql::is_opaque(&statement.sql),
            _ => !sql::is_of_template(&statement.sql, &self.ledger_schema) && sql::is_opaque(&statement.sql),
        }
    }
}

fn sorted(mut found: Vec<Hazard>) -> Vec<Hazard> {
    found.sort_unstable_by_key(|hazard| hazard.rank());
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Progress;
    use serde_json::{Value, json};

    fn plan(direction: &str, statements: &[(&str, &str, Value)]) -> Plan {
        let statement =
            |(kind, sql, facts): &(&str, &str, Value)| json!({ "sql": sql, "change": 0, "kind": kind, "facts": facts });
        let segment = |of: &[Value]| {
            json!({ "mode": "transaction", "limits": { "lockTimeout": "5s", "statementTimeout": "0s", "lockRetries": 1 },
                    "statements": of })
        };
        let segments: Vec<Value> = statements.iter().map(|of| segment(&[statement(of)])).collect();
        serde_json::from_value(json!({
            "format": 1, "environment": "dev", "direction": direction, "ledgerSchema": "led", "waiting": [], "blocked": [],
            "excluded": [], "overriddenTemplates": [], "steps": [{
                "changeset": "a", "direction": direction, "wave": 1, "why": "pending", "requires": [], "checksum": "",
                "digest": "", "body": {}, "segments": segments, "rollback": { "kind": "irreversible", "reason": "gone" },
            }],
        }))
        .unwrap()
    }

    fn found(plan: &Plan) -> String {
        let words: Vec<&str> = plan.hazards(&plan.steps[0]).into_iter().map(Hazard::word).collect();
        words.join(" ")
    }

    fn lock(mode: &str, more: &[&str]) -> Value {
        let mut facts = json!({ "locks": [["app.t", mode]] });
        more.iter().for_each(|name| facts[name] = json!(true));
        facts
    }

    #[test]
    fn every_hazard_has_its_rank_and_word() {
        for (rank, hazard) in Hazard::all().enumerate() {
            assert_eq!((hazard.rank(), Hazard::from_words(hazard.words())), (rank, Some(hazard)));
            assert_eq!(Hazard::all().filter(|other| other.word() == hazard.word()).count(), 1);
        }
        assert!(Destructive::ALL.into_iter().all(|kind| Hazard::all().any(|h| h == Hazard::Destructive(kind))));
    }

    #[test]
    fn hazards_are_told_worst_first_and_once() {
        let facts =
            [lock("share", &["scans"]), lock("accessExclusive", &["rewrites", "losesData"]), lock("share", &[])];
        let all = facts.map(|facts| ("createIndex", "CREATE INDEX ON t (a)", facts));
        assert_eq!(found(&plan("forward", &all)), "irreversible losesData blocksReads blocksWrites rewrites scans");
        // what has no way back of its own is itself one
        assert_eq!(found(&plan("rollback", &all[..1])), "blocksWrites scans");
        let quiet = [("validate", "ALTER TABLE t VALIDATE CONSTRAINT c", lock("shareUpdateExclusive", &["scans"]))];
        assert_eq!(found(&plan("rollback", &quiet)), "");
    }

    #[test]
    fn what_an_earlier_run_has_done_is_no_hazard() {
        let mut plan = plan(
            "forward",
            &[("sql", "DROP TABLE t", lock("accessExclusive", &["losesData"])), ("sql", "CALL p()", json!({}))],
        );
        assert_eq!(found(&plan), "irreversible losesData blocksReads opaque");
        plan.steps[0].segments[0].progress = Progress::Done;
        assert_eq!(found(&plan), "irreversible opaque");
        assert!(plan.having(Hazard::LOSES_DATA).is_empty() && plan.having(Hazard::OPAQUE) == ["a"]);
        plan.steps[0].segments[1].progress = Progress::Started;
        assert_eq!(found(&plan), "irreversible opaque");
    }

    #[test]
    fn opaque_is_what_no_template_of_dagmar_makes() {
        let is_opaque = |plan: &Plan| plan.having(Hazard::OPAQUE) == ["a"];
        let one = |direction, kind, sql| plan(direction, &[(kind, sql, json!({}))]);
        for (kind, sql, expected) in [
            ("sql", "DO 'x'", true),
            ("own_type", "DO 'x'", true),
            ("createTable", "DO 'x'", true),
            ("createTable", "SELECT f()", true),
            ("sql", "SELECT led.keep_table('app.t', 'a')", true),
            ("dropTable", "SELECT led.keep_table('app.t', 'a')", false),
            ("dropTable", "SELECT mine.keep_table('app.t', 'a')", true),
            ("dropTable", "SELECT led.keep_table('app.t', f())", true),
            ("update", "UPDATE t SET a = app.f(a)", false),
            ("sql", "UPDATE t SET a = app.f(a)", true),
            ("backfill", "TRUNCATE t", false),
        ] {
            assert_eq!(is_opaque(&one("forward", kind, sql)), expected, "{kind}: {sql}");
        }
        assert!(is_opaque(&one("rollback", "sql", "DO 'x'")));
        assert!(!is_opaque(&one("purge", "purge", "SELECT led.purge_entry(1)")));
        let mut replaced = one("forward", "update", "UPDATE t SET a = app.f(a)");
        replaced.overridden_templates = vec!["update".to_owned()];
        assert!(is_opaque(&replaced));
    }
}
