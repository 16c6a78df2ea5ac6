//! The rows that are there before a changeset, and what becomes of them.

use super::prover::Prover;
use super::rows::Trial;
use super::transaction::Transaction;
use super::words;
use crate::base::{Failure, Ident, QualifiedName};
use crate::pg::rows::{self, Round, Selection};
use crate::pg::{Database, query_failed};
use crate::plan::Step;
use crate::proof::{ChangesetProof, Leg, ProofFinding, Severity, Verdict};
use crate::rows::{Contents, RowDifference, RowDifferenceKind, Style, compare};
use std::collections::{BTreeMap, BTreeSet};

impl Prover<'_> {
    /// All tables but those of the ledger and its attic.
    fn selection(&self) -> Selection {
        Selection::all(self.scope.without.iter().filter_map(|schema| Ident::new(schema).ok()))
    }

    /// The rows of the tables that the open transaction may have changed.
    pub(super) async fn touched_rows(&self, db: &Database) -> Result<Contents, Failure> {
        if !self.rows.wanted {
            return Ok(Contents::default());
        }
        let selection = self.selection();
        let touched = rows::touched(&db.connection, &selection.without).await?;
        rows::contents(&db.connection, &selection.only(touched)).await
    }

    /// The rows of all tables.
    pub(super) async fn all_rows(&self, db: &Database) -> Result<Contents, Failure> {
        if !self.rows.wanted {
            return Ok(Contents::default());
        }
        execute(db, "BEGIN").await?;
        let contents = rows::contents(&db.connection, &self.selection()).await?;
        execute(db, "COMMIT").await?;
        Ok(contents)
    }

    /// Compares the rows after the rollback with those before the changeset.
    pub(super) fn judge_rows_down(&self, after: &Contents, proof: &mut ChangesetProof) {
        if !self.rows.wanted {
            return;
        }
        let before = self.before(after);
        if before.count() > 0 {
            proof.set(Leg::Data, Verdict::Ok);
        }
        for difference in compare(&before, after) {
            proof.find(found(&difference, "after the rollback"));
        }
    }

    /// Compares what the changeset did to rows the second time with the first time. Values may differ: those of
    /// sequences and clocks do.
    pub(super) fn judge_rows_again(&self, up: &Contents, again: &Contents, proof: &mut ChangesetProof) {
        // what the rollback lost is not there the second time
        if proof.data.is_bad() {
            return;
        }
        let first = counted(&compare(&self.before(up), up));
        for difference in compare(&self.before(again), again) {
            if first.get(&place(&difference)) != Some(&difference.count) {
                proof.find(found(&difference, "after the second time, but not after the first"));
            }
        }
    }

    /// The rows before, of these tables alone.
    fn before(&self, of: &Contents) -> Contents {
        let before = self.rows.before.tables.iter().filter(|(name, _)| of.tables.contains_key(*name));
        Contents { tables: before.map(|(name, table)| (name.clone(), table.clone())).collect(), ..Contents::default() }
    }

    /// Writes rows after the changeset, and rolls it back then: what was there before must be there, and the rollback
    /// should not fail. Leaves the transaction as it was.
    pub(super) async fn between(
        &self,
        db: &Database,
        tx: &mut Transaction<'_>,
        back: &Step,
    ) -> Result<Vec<ProofFinding>, Failure> {
        let mut findings = Vec::new();
        if !self.rows.wanted {
            return Ok(findings);
        }
        tx.savepoint(BETWEEN).await?;
        let touched = rows::touched(&db.connection, &self.selection().without).await?;
        if self.fill(db, touched).await? > 0 {
            match tx.run(std::slice::from_ref(back)).await? {
                Err(error) => findings.push(words::thrown(Leg::Data, &error)),
                Ok(()) => findings = self.lost_between(&self.touched_rows(db).await?),
            }
        }
        tx.back_to(BETWEEN).await?;
        Ok(findings)
    }

    /// Compares the rows after a rollback before which others were written with those before the changeset.
    pub(super) fn lost_between(&self, after: &Contents) -> Vec<ProofFinding> {
        let differences = compare(&self.before(after), after);
        let lost = differences.iter().filter(|difference| difference.kind != RowDifferenceKind::Invented);
        let told = lost.map(|difference| {
            let mut finding = found(difference, "after a rollback before which others were written");
            if difference.kind == RowDifferenceKind::Changed {
                // perhaps what was written was meant to change it
                finding.severity = Severity::Warning;
            }
            finding
        });
        told.collect()
    }

    /// Adds rows to all tables; whether there are any.
    pub(super) async fn add_rows(&self, db: &Database) -> Result<bool, Failure> {
        execute(db, "BEGIN").await?;
        let tables = self.rows.before.tables.keys().cloned().collect();
        let added = self.fill(db, tables).await?;
        execute(db, "COMMIT").await?;
        Ok(added > 0)
    }

    /// Puts other rows, or none, into the tables that a step touches, or into all if that is not known: the step does not
    /// run with those that are there.
    pub(super) async fn prepare(&mut self, db: &Database, step: &Step, trial: Trial) -> Result<(), Failure> {
        if trial == Trial::All {
            return Ok(());
        }
        let touched: Option<BTreeSet<&Ident>> =
            step.touches.as_ref().map(|touches| touches.iter().map(|touch| &touch.name.name).collect());
        let is_meant = |name: &&QualifiedName| touched.as_ref().is_none_or(|names| names.contains(&name.name));
        let tables: Vec<QualifiedName> = self.rows.before.tables.keys().filter(is_meant).cloned().collect();
        if tables.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = tables.iter().map(QualifiedName::sql).collect();
        execute(db, &format!("TRUNCATE {} CASCADE", names.join(", "))).await?;
        let selection = self.selection();
        if trial == Trial::Plain {
            rows::fill(&db.connection, &selection.only(tables), PLAIN).await?;
        }
        self.rows.before = rows::contents(&db.connection, &selection).await?;
        Ok(())
    }

    /// The same in a database that nobody is connected to.
    pub(super) async fn prepare_database(&mut self, name: &str, step: &Step, trial: Trial) -> Result<(), Failure> {
        if trial == Trial::All {
            return Ok(());
        }
        let db = self.shadow.connect(name).await?;
        execute(&db, "BEGIN").await?;
        self.prepare(&db, step, trial).await?;
        execute(&db, "COMMIT").await?;
        db.close().await
    }

    /// Gives rows to the tables that have none, of those that the open transaction may have changed.
    pub(super) async fn grow(&mut self, db: &Database) -> Result<(), Failure> {
        if !self.rows.wanted {
            return Ok(());
        }
        let selection = self.selection();
        let touched = rows::touched(&db.connection, &selection.without).await?;
        self.grow_in(db, &selection.only(touched)).await
    }

    /// Gives rows to all tables that have none.
    pub(super) async fn grow_all(&mut self, db: &Database) -> Result<(), Failure> {
        if !self.rows.wanted {
            return Ok(());
        }
        execute(db, "BEGIN").await?;
        self.rows.before = Contents::default();
        let grown = self.grow_in(db, &self.selection()).await;
        execute(db, "COMMIT").await?;
        grown
    }

    async fn grow_in(&mut self, db: &Database, selection: &Selection) -> Result<(), Failure> {
        let applied = &self.rows.applied;
        let loaded = self.rows.fixtures.load(&db.connection, |id| applied.contains(id)).await?;
        let mut now = rows::contents(&db.connection, selection).await?;
        let is_free = |name: &QualifiedName| {
            let same = |given: &QualifiedName| given.name == name.name && (given.schema.is_none() || given == name);
            !self.rows.given.iter().any(same)
        };
        let empty = now.tables.iter().filter(|(name, table)| table.rows.is_empty() && is_free(name));
        let empty: Vec<QualifiedName> = empty.map(|(name, _)| name.clone()).collect();
        if !empty.is_empty() {
            let filled = rows::fill(&db.connection, &selection.only(empty), Round::default()).await?;
            let grown: Vec<QualifiedName> = filled.rows.keys().cloned().collect();
            now.tables.extend(rows::contents(&db.connection, &selection.only(grown)).await?.tables);
            self.rows.skipped.extend(filled.skipped);
        }
        let loaded: Vec<QualifiedName> = loaded.into_iter().filter_map(|fixture| fixture.table).collect();
        now.tables.extend(rows::contents(&db.connection, &selection.only(loaded)).await?.tables);
        self.rows.before.tables.extend(now.tables);
        Ok(())
    }

    /// Adds rows to tables; how many.
    async fn fill(&self, db: &Database, tables: BTreeSet<QualifiedName>) -> Result<u64, Failure> {
        let filled = rows::fill(&db.connection, &self.selection().only(tables), FURTHER).await?;
        Ok(u64::from(filled.count()))
    }
}

/// Rows with ordinary values.
const PLAIN: Round = Round { number: 0, style: Style::Plain };

/// The rows that are written between a changeset and its rollback.
const FURTHER: Round = Round { number: 1, style: Style::Extreme };

/// The savepoint before rows are written between a changeset and its rollback.
const BETWEEN: &str = "dagmar_between";

async fn execute(db: &Database, sql: &str) -> Result<(), Failure> {
    db.connection.execute(sql).await.map_err(|e| query_failed("cannot read the rows of the shadow", &e))
}

fn found(difference: &RowDifference, when: &str) -> ProofFinding {
    let mut finding = ProofFinding::error(Leg::Data, difference.line(when));
    finding.object = Some(match &difference.column {
        Some(column) => format!("column {}.{column}", difference.table),
        None => format!("table {}", difference.table),
    });
    finding
}

type Where = (QualifiedName, Option<String>, RowDifferenceKind);

fn place(difference: &RowDifference) -> Where {
    (difference.table.clone(), difference.column.clone(), difference.kind)
}

fn counted(differences: &[RowDifference]) -> BTreeMap<Where, u64> {
    differences.iter().map(|difference| (place(difference), difference.count)).collect()
}
