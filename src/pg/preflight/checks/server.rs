//! Whether anything can be written here at all.

use crate::pg::preflight::report::Report;
use crate::pg::preflight::view::View;

pub(super) fn check(view: &View<'_>, report: &mut Report<'_>) {
    if let Err(failure) = view.server.check_writable(view.ledger) {
        report.error(failure.message, failure.help.unwrap_or_default());
    }
}
