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
                format!("what runs CONCURRENTLY waits for every transaction that is open: {who}"),
                "let them end before, or end them with `pg_terminate_backend`",
            );
        } else {
            report.note(
                format!("transactions are open for long: {who}"),
                "they are in the way only where they hold locks",
            );
        }
    }
    for prepared in &view.facts.prepared {
        let age = HumanDuration::secs(u64::try_from(prepared.seconds).unwrap_or(0));
        let message =
            format!("the transaction `{}` of {} was prepared {age} ago and not ended", prepared.gid, prepared.owner);
        let remedy = "end it: COMMIT PREPARED or ROLLBACK PREPARED with its name";
        if concurrent {
            report.warning(format!("{message}; what runs CONCURRENTLY waits for it"), remedy);
        } else {
            report.note(message, remedy);
        }
    }
}
