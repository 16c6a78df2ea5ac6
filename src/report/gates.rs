//! Gates, for people: terminals, tickets, pages.

use super::lines::Text;
use super::page::{prose, text};
use super::style::Tone;
use super::table::{Cell, Table};
use crate::base::{Remedy, Wording};
use crate::gate::{GateStatus, GateVerdict};
use schemars::JsonSchema;
use serde::Serialize;

/// A gate that was asked.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "GateVerdict")]
pub struct VerdictAnswer<'a> {
    /// The gate.
    gate: &'static str,
    /// What became of it.
    status: GateStatus,
    /// Why.
    reason: &'a str,
    /// What has to be done; absent where it is met.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    /// The same as text, operations and options; absent: it is text alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy_parts: Option<&'a Remedy>,
}

impl<'a> VerdictAnswer<'a> {
    /// For programs.
    #[must_use]
    pub fn of(verdicts: &'a [GateVerdict], wording: Wording) -> Vec<Self> {
        let one = |verdict: &'a GateVerdict| Self {
            gate: verdict.gate,
            status: verdict.status,
            reason: &verdict.reason,
            remedy: verdict.remedy.as_ref().map(wording),
            remedy_parts: verdict.remedy.as_ref().and_then(Remedy::named),
        };
        verdicts.iter().map(one).collect()
    }
}

/// The table of gates: met, unmet and why; below, what to do.
#[must_use]
pub fn terminal(verdicts: &[GateVerdict], limit: Option<usize>, wording: Wording) -> Text {
    let mut table = Table::new(&["GATE", "STATE", "WHY"]);
    for verdict in verdicts {
        table.row([Cell::from(verdict.gate), state(verdict), Cell::from(verdict.reason.as_str())]);
        if let Some(remedy) = &verdict.remedy {
            table.row(["", "", &format!("to do: {}", wording(remedy))]);
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
pub(super) fn page(verdicts: &[GateVerdict], wording: Wording) -> String {
    let mut out = format!("<h2>Gates: {}</h2>\n<table class=\"stack\">\n", summary(verdicts));
    out.push_str("<tr><th>Gate</th><th></th><th>Why</th><th>What to do</th></tr>\n");
    for verdict in verdicts {
        let class = match verdict.status {
            GateStatus::Met => "good",
            GateStatus::Unmet => "bad",
            GateStatus::Overridden => "warn",
        };
        let remedy = verdict.remedy.as_ref().map(wording).unwrap_or_default();
        out.push_str(&format!(
            "<tr><td><code>{}</code></td><td><span class=\"tag {class}\">{}</span></td><td>{}</td><td>{}</td></tr>\n",
            text(verdict.gate),
            verdict.status.word(),
            prose(&verdict.reason),
            prose(&remedy)
        ));
    }
    out.push_str("</table>\n");
    out
}

/// The same for a ticket or a comment.
#[must_use]
pub fn markdown(verdicts: &[GateVerdict], wording: Wording) -> String {
    let mut table = Table::new(&["Gate", "State", "Why", "What to do"]);
    for verdict in verdicts {
        let remedy = verdict.remedy.as_ref().map(wording).unwrap_or_default();
        table.row([Cell::from(verdict.gate), state(verdict), Cell::from(&verdict.reason), Cell::from(remedy)]);
    }
    format!("#### Gates: {}\n\n{}", summary(verdicts), table.markdown())
}
