//! Statements outside of a transaction: an intent row first, the statement, a done row; and
//! what to do when an earlier run got no further than the intent.

use super::fault::{StatementError, StepEnd};
use super::worker::Worker;
use crate::base::QualifiedName;
use crate::base::name::quote_literal;
use crate::exec::session::NO_LIMITS;
use crate::exec::{Script, StatementTag};
use crate::plan::{Progress, Step};
use crate::sql::Outside;

/// Whether an index is there, and whether it can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Index {
    Absent,
    Invalid,
    Valid,
}

impl Worker<'_, '_> {
    pub(super) async fn outside(
        &mut self,
        number: usize,
        step: &Step,
        no: usize,
        intent: &Script,
        done: &Script,
    ) -> Result<(), StepEnd> {
        let segment = &step.segments[no];
        let statement = &segment.statements[0];
        let what = statement.facts.outside.clone().unwrap_or(Outside::Opaque);
        let begun = segment.progress == Progress::Started;
        let before = match &what {
            Outside::CreateIndex { index, .. } => self.index(index).await?,
            _ => Index::Absent,
        };
        let run = !begun || !self.has_happened(step, &what, before).await?;
        self.send(intent).await?;
        if run {
            if begun
                && before == Index::Invalid
                && let Outside::CreateIndex { index, .. } = &what
            {
                self.drop_invalid(number, index).await?;
            }
            let mut script = Script::default();
            let sql = match &what {
                Outside::DetachPartition { table, partition } if begun && self.is_detaching(partition).await? => {
                    format!("ALTER TABLE {} DETACH PARTITION {} FINALIZE", table.sql(), partition.sql())
                }
                _ => statement.sql.clone(),
            };
            script.push(StatementTag::Statement(number, no, 0), &sql);
            let mut attempt = 1;
            loop {
                let trouble = match self.send(&script).await {
                    Ok(()) => break,
                    Err(StepEnd::Statement(fault)) if what == Outside::Repeatable => {
                        match self.retry(number, &mut attempt, fault).await {
                            Ok(()) => continue,
                            Err(trouble) => trouble,
                        }
                    }
                    Err(trouble) => trouble,
                };
                if segment.outside_limits().is_some() {
                    let mut reset = Script::default();
                    reset.extend(StatementTag::Frame(number), NO_LIMITS);
                    // a lost connection has no limits
                    let _ = self.send(&reset).await;
                }
                self.clean(number, step, no, &what, begun, before).await?;
                return Err(trouble);
            }
        }
        self.send(done).await
    }

    /// Whether the statement of an earlier run came to its end.
    async fn has_happened(&mut self, step: &Step, what: &Outside, before: Index) -> Result<bool, StepEnd> {
        Ok(match what {
            Outside::CreateIndex { .. } => before == Index::Valid,
            Outside::DropIndex { index } => self.index(index).await? == Index::Absent,
            Outside::DetachPartition { partition, .. } => !self.inherits(partition, "true").await?,
            Outside::Repeatable => false,
            Outside::Opaque => {
                let mut all = !step.verify.is_empty();
                for check in &step.verify {
                    let row = self.author_row(&check.sql).await.map_err(StepEnd::Lost)?;
                    all &= row.first().is_some_and(|v| v.as_deref() == Some("t"));
                }
                all
            }
        })
    }

    /// A failed concurrent build leaves an invalid index behind (manual, CREATE INDEX): one
    /// that this step made is dropped, one that was there before is left alone.
    async fn clean(
        &mut self,
        number: usize,
        step: &Step,
        no: usize,
        what: &Outside,
        begun: bool,
        before: Index,
    ) -> Result<(), StepEnd> {
        if let Outside::CreateIndex { index, .. } = what
            && (begun || before == Index::Absent)
            && self.index(index).await? == Index::Invalid
        {
            self.drop_invalid(number, index).await?;
        }
        let nothing_left = match what {
            Outside::CreateIndex { .. } => true,
            Outside::DropIndex { index } => self.index(index).await? == Index::Valid,
            Outside::DetachPartition { partition, .. } => self.inherits(partition, "NOT inhdetachpending").await?,
            Outside::Repeatable | Outside::Opaque => false,
        };
        if nothing_left {
            let sql = format!(
                "DELETE FROM {}.segment WHERE changeset = {} AND direction = '{}' AND no = {no}",
                self.ledger(),
                quote_literal(&step.changeset),
                step.direction.word()
            );
            let mut script = Script::default();
            script.own(StatementTag::Frame(number), &sql);
            self.send(&script).await?;
        }
        Ok(())
    }

    async fn drop_invalid(&mut self, number: usize, index: &QualifiedName) -> Result<(), StepEnd> {
        let mut script = Script::default();
        script.push(StatementTag::Frame(number), &format!("DROP INDEX CONCURRENTLY IF EXISTS {}", index.sql()));
        // the cancelled build was asked to stop; the cleaning up must not be
        match self.send(&script).await {
            Err(StepEnd::Stopped) => self.send(&script).await,
            other => other,
        }
    }

    /// An interrupted `DETACH … CONCURRENTLY` has to be finished (manual, ALTER TABLE).
    async fn is_detaching(&mut self, partition: &QualifiedName) -> Result<bool, StepEnd> {
        self.inherits(partition, "inhdetachpending").await
    }

    async fn inherits(&mut self, partition: &QualifiedName, condition: &str) -> Result<bool, StepEnd> {
        let sql = format!(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_inherits WHERE inhrelid = {} AND {condition})",
            self.relation(partition)
        );
        let row = self.one_row(&sql).await.map_err(StepEnd::Lost)?;
        Ok(row.first().is_some_and(|v| v.as_deref() == Some("t")))
    }

    async fn index(&mut self, index: &QualifiedName) -> Result<Index, StepEnd> {
        let sql = format!(
            "SELECT (SELECT indisvalid AND indisready FROM pg_catalog.pg_index WHERE indexrelid = {})",
            self.relation(index)
        );
        let row = self.one_row(&sql).await.map_err(StepEnd::Lost)?;
        Ok(match row.first().and_then(|v| v.as_deref()) {
            None => Index::Absent,
            Some("t") => Index::Valid,
            Some(_) => Index::Invalid,
        })
    }
}

impl StatementError {
    /// The fault of a batch, seen as the segment's only statement.
    pub(super) fn at(mut self, mark: StatementTag) -> Self {
        self.mark = mark;
        self
    }
}
