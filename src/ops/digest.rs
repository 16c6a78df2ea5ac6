//! The digest of what somebody sees before a run.

use crate::base::checksum;
use crate::gate::GateVerdict;
use crate::plan::Plan;

/// The digest of a plan, of the database that it is for, and of the states of its gates.
#[must_use]
pub fn digest_of(plan: &Plan, place: &str, verdicts: &[GateVerdict]) -> String {
    let mut text = format!("{}\n{}\n{}\n{place}\n", plan.environment, plan.ledger_schema, plan.direction.word());
    for renamed in &plan.renamed {
        text += &format!("rename {} {}\n", renamed.from, renamed.to);
    }
    for step in &plan.steps {
        text += &format!("step {} {} {}\n", step.changeset, step.direction.word(), step.checksum);
        for segment in &step.segments {
            text += &format!("{:?}\n", segment.progress);
            for statement in &segment.statements {
                text += &format!("{} {}\n", statement.sql.len(), statement.sql);
            }
        }
    }
    for verdict in verdicts {
        text += &format!("gate {} {:?}\n", verdict.gate, verdict.status);
    }
    format!("p1:{}", checksum::sha256_hex(text.as_bytes()))
}
