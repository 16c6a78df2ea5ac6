//! Transactions that have been open for long: what is built concurrently waits for them.

use crate::base::HumanDuration;
use crate::pg::preflight::report::Report;
use crate::pg::preflight::view::View;

pub(super) fn check(view: &View<'_>, report: &mut Report<'_>) {
    let concurrent = view.asked.concurrent;
    if !view.facts.transactions.is_empty() {
        let who: Vec<String> = view.facts.transactions.iter().map(|t| t.describe()).collect();
        let who = who.join(", ");
        if concurrent {
            report.warning(
                format!("CONCURRENTLY waits for every open transaction: {who}"),
                "wait until they end, or end them with `pg_terminate_backend`",
            );
        } else {
            report.note(
                format!("long-running transactions: {who}"),
                "they block the run only if they hold conflicting locks",
            );
        }
    }
    for prepared in &view.facts.prepared {
        let age = HumanDuration::secs(u64::try_from(prepared.seconds).unwrap_or(0));
        let message = format!(
            "the transaction `{}` of {} was prepared {age} ago and is still open",
            prepared.gid, prepared.owner
        );
        let remedy = "end it: COMMIT PREPARED or ROLLBACK PREPARED with its name";
        if concurrent {
            report.warning(format!("{message}; CONCURRENTLY waits for it"), remedy);
        } else {
            report.note(message, remedy);
        }
    }
}
