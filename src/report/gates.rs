//! Gates, for terminals.

use super::lines::Text;
use super::style::Tone;
use super::table::{Cell, Table};
use crate::gate::{Status, Verdict};

/// The table of gates: met, unmet, and what to do.
#[must_use]
pub fn text(verdicts: &[Verdict], limit: Option<usize>) -> Text {
    let mut table = Table::new(&["GATE", "STATE", "WHY", "WHAT TO DO"]);
    for verdict in verdicts {
        let tone = match verdict.status {
            Status::Met => Tone::Good,
            Status::Unmet => Tone::Bad,
            Status::Overridden => Tone::Warn,
        };
        table.row([
            Cell::from(verdict.gate),
            Cell::new(verdict.status.word(), tone),
            Cell::from(verdict.reason.as_str()),
            Cell::from(verdict.remedy.as_deref().unwrap_or_default()),
        ]);
    }
    table.text(limit)
}
