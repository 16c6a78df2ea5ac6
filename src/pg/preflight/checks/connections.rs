//! Whether there are sessions left for the run.

use crate::base::count;
use crate::pg::preflight::report::Report;
use crate::pg::preflight::view::View;

/// With so few left others feel it.
const FEW: i64 = 3;

pub(super) fn check(view: &View<'_>, report: &mut Report<'_>) {
    let room = &view.facts.room;
    let wanted = i64::from(view.asked.sessions);
    let limits = [
        (room.server, room.used, "the server", "max_connections"),
        (room.role, room.role_used, "the role", "ALTER ROLE … CONNECTION LIMIT"),
        (room.database, room.database_used, "the database", "ALTER DATABASE … CONNECTION LIMIT"),
    ];
    // -1: no limit; 0 for the server: it did not say
    let limits = limits.into_iter().filter(|(most, ..)| *most >= 0 && (*most > 0 || room.used > 0));
    let Some((left, whose, how)) = limits.map(|(most, used, whose, how)| (most - used, whose, how)).min() else {
        return;
    };
    let message = format!("{whose} allows {}; the run needs {wanted}", count(left.max(0), "more session"));
    if left < wanted {
        report.error(message, format!("end unused sessions, or raise the limit (`{how}`)"));
    } else if left < wanted + FEW {
        report.warning(message, format!("end unused sessions, or raise the limit (`{how}`)"));
    }
}
