//! Batches of a backfill in the forms in which they run: one by one from a run, which adapts them; in
//! a loop of a script, which keeps their size; the first one alone in a dry run.

use super::frames::Writer;
use crate::base::name::quote_dollar;
use crate::ledger::walk::{self, Position};
use crate::plan::{Segment, Step};

/// The condition that finds the row of a segment in the ledger.
#[must_use]
pub fn place(step: &Step, no: usize) -> String {
    walk::place(&step.changeset, step.direction.word(), no)
}

impl Writer {
    /// One batch with its position, behind the fence where there is one; `size` is SQL.
    #[must_use]
    pub fn batch(&self, step: &Step, no: usize, position: Position<'_>, size: &str) -> String {
        let ledger = self.recorder.ledger();
        let answer = match self.printer.epoch() {
            Some(epoch) => format!("SELECT {ledger}.fence({epoch}) FROM dagmar_moved"),
            None => "SELECT count(*) FROM dagmar_moved".to_owned(),
        };
        let sql = &step.segments[no].statements[0].sql;
        walk::batch(sql, ledger, &place(step, no), position, size, &answer)
    }

    /// All batches as a block that commits after each of them (manual, chapter 43.8); the position is kept
    /// in the ledger, so that another script or run goes on from it.
    ///
    /// The fence is not in it: the session that runs the script holds the lock.
    #[must_use]
    pub fn batch_loop(&self, step: &Step, no: usize, segment: &Segment) -> Option<String> {
        let batch = segment.batch.as_ref()?;
        let (l, place) = (self.recorder.ledger(), place(step, no));
        let (pace, size) = (batch.pace.resolve(), batch.size.to_string());
        let answer = "SELECT m.looked, m.cursor INTO dagmar_seen, dagmar_position FROM dagmar_moved AS m";
        let position = Position::Variable("dagmar_position");
        let sql = walk::batch(&segment.statements[0].sql, l, &place, position, &size, answer);
        let again = match (batch.sweep, &batch.left) {
            (false, _) => "false",
            (true, Some(_)) => "dagmar_row.changed > dagmar_row.unmoved",
            (true, None) => "dagmar_row.changed > 0 AND dagmar_row.changed IS DISTINCT FROM dagmar_before",
        };
        let body = format!(
            "DECLARE\n    dagmar_position jsonb;\n    dagmar_seen bigint;\n    dagmar_before bigint;\n    dagmar_row \
             {l}.segment;\nBEGIN\n    SELECT cursor INTO dagmar_position FROM {l}.segment WHERE {place};\n    LOOP\n{sql};\n        \
             COMMIT;\n        PERFORM pg_sleep({pause});\n        CONTINUE WHEN dagmar_seen >= {size};\n        SELECT * INTO \
             dagmar_row FROM {l}.segment WHERE {place};\n        EXIT WHEN NOT ({again});\n        dagmar_before := \
             dagmar_row.changed;\n        dagmar_position := NULL;\n    END LOOP;\nEND",
            pause = pace.pause.millis as f64 / 1e3,
        );
        Some(format!("DO {}", quote_dollar(&body, "batches")))
    }
}
