//! Gates, for people: terminals, tickets, pages.

use super::lines::Text;
use super::page::text;
use super::style::Tone;
use super::table::{Cell, Table};
use crate::gate::{GateStatus, GateVerdict};

/// The table of gates: met, unmet and why; below, what to do.
#[must_use]
pub fn terminal(verdicts: &[GateVerdict], limit: Option<usize>) -> Text {
    let mut table = Table::new(&["GATE", "STATE", "WHY"]);
    for verdict in verdicts {
        table.row([Cell::from(verdict.gate), state(verdict), Cell::from(verdict.reason.as_str())]);
        if let Some(remedy) = &verdict.remedy {
            table.row(["", "", &format!("to do: {remedy}")]);
        }
    }
    table.text(limit)
}

fn state(verdict: &GateVerdict) -> Cell {
    let tone = match verdict.status {
        GateStatus::Met => Tone::Good,
        GateStatus::Unmet => Tone::Bad,
        GateStatus::Overridden => Tone::Warn,
    };
    Cell::new(verdict.status.word(), tone)
}

/// `all met`, `2 of 9 not met`.
fn summary(verdicts: &[GateVerdict]) -> String {
    match verdicts.iter().filter(|v| v.status == GateStatus::Unmet).count() {
        0 if verdicts.iter().any(|v| v.status == GateStatus::Overridden) => "met, or overridden".to_owned(),
        0 => "all met".to_owned(),
        n => format!("{n} of {} not met", verdicts.len()),
    }
}

/// The same for a page.
pub(super) fn page(verdicts: &[GateVerdict]) -> String {
    let mut out = format!("<h2>Gates: {}</h2>\n<table>\n", summary(verdicts));
    out.push_str("<tr><th>Gate</th><th></th><th>Why</th><th>What to do</th></tr>\n");
    for verdict in verdicts {
        let class = match verdict.status {
            GateStatus::Met => "good",
            GateStatus::Unmet => "bad",
            GateStatus::Overridden => "warn",
        };
        out.push_str(&format!(
            "<tr><td><code>{}</code></td><td><span class=\"tag {class}\">{}</span></td><td>{}</td><td>{}</td></tr>\n",
            text(verdict.gate),
            verdict.status.word(),
            text(&verdict.reason),
            text(verdict.remedy.as_deref().unwrap_or_default())
        ));
    }
    out.push_str("</table>\n");
    out
}

/// The same for a ticket or a comment.
#[must_use]
pub fn markdown(verdicts: &[GateVerdict]) -> String {
    let mut table = Table::new(&["Gate", "State", "Why", "What to do"]);
    for verdict in verdicts {
        let remedy = verdict.remedy.as_deref().unwrap_or_default();
        table.row([Cell::from(verdict.gate), state(verdict), Cell::from(&verdict.reason), Cell::from(remedy)]);
    }
    format!("#### Gates: {}\n\n{}", summary(verdicts), table.markdown())
}
