//! `dagmar attic list`.

use crate::base::{HumanDuration, size, time};
use crate::cli::shell::global::Global;
use crate::cli::shell::open;
use crate::cli::shell::output::{Form, Output, form};
use crate::cli::shell::task::{Outcome, block_on};
use crate::cli::shell::wording::command;
use crate::history::attic::{Entry, Recovery, Totals};
use crate::ops::attic::{Kept, kept};
use crate::report::{Cell, Line, Table, Tone};

pub fn list(global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let target = open::target(global)?;
    let kept = block_on(kept(&target, out))?;
    if form == Form::Json {
        out.json(&kept.answer(command));
        return Ok(());
    }
    let Kept { environment, keep, entries, totals, now, place, .. } = kept;
    if entries.is_empty() {
        out.data(format!("the attic of {environment} on {place} keeps nothing"));
        return Ok(());
    }
    out.data(table(&entries, keep, now).text(out.limit()));
    out.data("");
    out.data(Line::from(format!("{environment} on {place}: ")).join(summary(&totals, keep)));
    Ok(())
}

fn table(entries: &[Entry], keep: Option<HumanDuration>, now: i64) -> Table {
    let day = |millis: i64| time::rfc3339(millis).chars().take(10).collect::<String>();
    let mut table =
        Table::new(&["ENTRY", "CHANGESET", "WHAT", "KEPT AS", "ROWS", "SIZE", "SINCE", "UNTIL", "COMES BACK BY"])
            .right(0)
            .right(4)
            .right(5)
            .dispensable(&[4, 3, 6]);
    for entry in entries {
        let until = entry.until(keep).map_or_else(|| "no limit".to_owned(), day);
        let over = if entry.is_expired(keep, now) { ", over" } else { "" };
        let back = match entry.way() {
            Recovery::None(why) => format!("- ({why})"),
            _ => entry.call().as_ref().map(command).unwrap_or_default(),
        };
        table.row([
            Cell::from(entry.id.to_string().as_str()),
            Cell::from(entry.changeset.as_str()),
            Cell::from(entry.describe().as_str()),
            Cell::from(entry.kept_as.as_deref().unwrap_or("the ledger")),
            Cell::from(entry.rows.map(|n| n.to_string()).unwrap_or_default().as_str()),
            Cell::from(entry.bytes.map(size).unwrap_or_default().as_str()),
            Cell::from(day(entry.kept_at).as_str()),
            Cell::from(format!("{until}{over}").as_str()),
            Cell::from(back.as_str()),
        ]);
    }
    table
}

/// `1 entry`, `3 entries`.
pub fn counted(n: usize) -> String {
    if n == 1 { "1 entry".to_owned() } else { format!("{n} entries") }
}

/// `the attic keeps 3 entries, 12 MB; 1 entry, 8 kB, longer than 90d: ...`.
pub fn summary(totals: &Totals, keep: Option<HumanDuration>) -> Line {
    let all = format!("the attic keeps {}, {}", counted(totals.entries), size(totals.bytes));
    match (keep, totals.expired) {
        (None, _) => Line::from(all),
        (Some(keep), 0) => Line::from(format!("{all}, each for {keep}")),
        (Some(keep), over) => {
            let over = format!("{}, {}, longer than {keep}", counted(over), size(totals.expired_bytes));
            Line::from(format!("{all}; ")).paint(Tone::Warn, over).plain(": `dagmar attic purge --expired`")
        }
    }
}
