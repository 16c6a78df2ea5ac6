//! The events of a ledger for people: what is worth seeing of one in a line.

use crate::base::count;
use crate::gate::differences;
use crate::history::EventKind;
use crate::pg::ledger::read::LedgerEvent;
use crate::pg::ledger::unfinished::Liveness;
use serde_json::Value;

/// An event in a line, with the way of the request to the service that asked for it.
#[must_use]
pub fn told(event: &LedgerEvent) -> String {
    let detail = detail(event);
    match &event.origin {
        Some(origin) if event.detail.get("origin").is_some() => {
            let via = format!("via {}", origin.words());
            if detail.is_empty() { via } else { format!("{detail}; {via}") }
        }
        _ => detail,
    }
}

/// What is worth seeing of an event in a line.
fn detail(event: &LedgerEvent) -> String {
    let text = |key: &str| event.detail.get(key).and_then(Value::as_str).map(str::to_owned);
    use EventKind as K;
    // a ledger whose constraints were dropped by hand may hold other words
    let Some(kind) = K::from_word(&event.kind) else { return String::new() };
    match kind {
        K::Failed | K::RollbackFailed | K::PurgeFailed | K::AtticRestoreFailed => text("message").unwrap_or_default(),
        K::Marked => {
            format!("{}: {}", text("status").unwrap_or_default(), text("reason").unwrap_or_default())
        }
        K::Cleared => format!(
            "{} to {}: {}",
            text("from").unwrap_or_default(),
            text("to").unwrap_or_default(),
            text("reason").unwrap_or_default()
        ),
        K::Adopted => format!(
            "from {}: {}",
            text("from").unwrap_or_else(|| "nobody".to_owned()),
            text("reason").unwrap_or_default()
        ),
        K::Renamed => format!("from {}", text("from").unwrap_or_default()),
        K::Paused | K::Resumed | K::CancelAsked => text("reason").unwrap_or_default(),
        K::GateOverridden => format!(
            "{}: {} ({})",
            text("gate").unwrap_or_default(),
            text("reason").unwrap_or_default(),
            text("unmet").unwrap_or_default()
        ),
        K::HazardAllowed => text("hazard").unwrap_or_default(),
        K::Retried => format!(
            "attempt {}, {}",
            event.detail.get("attempt").unwrap_or(&Value::Null),
            text("sqlstate").unwrap_or_default()
        ),
        K::Approved | K::Rejected => format!("{}: {}", short(text("plan")), text("reason").unwrap_or_default()),
        K::SealedPlan | K::PlanUploaded => short(text("plan")),
        K::DriftChecked => {
            let number = event.detail.get("differences").and_then(Value::as_u64).unwrap_or_default();
            if number == 0 {
                "no drift".to_owned()
            } else {
                count(usize::try_from(number).unwrap_or(usize::MAX), "difference")
            }
        }
        K::Proven => {
            let proven = event.detail.get("changesets").and_then(Value::as_array).map_or(0, Vec::len);
            format!("{} on PostgreSQL {}", count(proven, "changeset"), text("serverVersion").unwrap_or_default())
        }
        K::Refused => {
            let gates = event.detail.get("gates").and_then(Value::as_array).into_iter().flatten();
            let names: Vec<&str> = gates.filter_map(|g| g.get("gate")?.as_str()).collect();
            let why = if names.is_empty() { text("why").unwrap_or_default() } else { names.join(", ") };
            format!("{}: {why}", text("command").unwrap_or_default())
        }
        K::BeforeApply => {
            let (hook, outcome) = (text("hook").unwrap_or_default(), text("outcome").unwrap_or_default());
            let number = |key: &str| event.detail.get(key).and_then(Value::as_u64);
            match (text("file"), number("tables")) {
                // under the name that the file got
                (Some(file), tables) => {
                    let tables = tables.map_or_else(String::new, |n| format!("{}, ", count(n, "table")));
                    format!("dump {file} ({tables}{}): {outcome}", count(number("bytes").unwrap_or_default(), "byte"))
                }
                (None, Some(0)) if outcome == "done" => "dump: nothing to dump".to_owned(),
                _ => match text("lsn") {
                    Some(lsn) => format!("{hook}: {outcome}, at {lsn}"),
                    None => format!("{hook}: {outcome}"),
                },
            }
        }
        K::Purged | K::AtticRestored => {
            let entries = event.detail.get("entries").and_then(Value::as_array).into_iter().flatten();
            let one = |e: &Value| Some(format!("entry {}: {}", e.get("entry")?, e.get("object")?.as_str()?));
            entries.filter_map(one).collect::<Vec<_>>().join("; ")
        }
        K::RehearsalStarted => {
            let steps = event.detail.get("changesets").and_then(Value::as_array).map_or(0, Vec::len);
            format!("{}, {}", text("command").unwrap_or_default(), count(steps, "changeset"))
        }
        K::RehearsalFinished => {
            format!("{}: {}", text("command").unwrap_or_default(), text("outcome").unwrap_or_default())
        }
        K::RunFinished => text("status").unwrap_or_default(),
        K::HeadSigned => {
            event.detail.get("seq").and_then(Value::as_i64).map_or_else(String::new, |seq| format!("up to event {seq}"))
        }
        K::PolicyChanged => {
            let side = |key: &str| event.detail.get(key).unwrap_or(&Value::Null);
            format!("{}: {}", text("environment").unwrap_or_default(), differences(side("from"), side("to")).join(", "))
        }
        K::PolicyRequired => {
            let what = if event.detail.get("policy").is_some_and(Value::is_object) { "demanded" } else { "released" };
            format!("{}, {what}: {}", text("environment").unwrap_or_default(), text("reason").unwrap_or_default())
        }
        K::RunStarted => format!(
            "{}, {}, {}{}",
            text("kind").unwrap_or_default(),
            count(event.detail.get("steps").and_then(Value::as_i64).unwrap_or_default(), "step"),
            text("environment").unwrap_or_default(),
            match event.liveness {
                Some(Liveness::Running) => "; it is running",
                Some(Liveness::Terminated) => "; it was terminated",
                None => "",
            }
        ),
        K::Begun | K::Applied | K::RollbackBegun | K::RolledBack | K::Restored => short(text("checksum")),
        K::Upgraded => String::new(),
    }
}

/// The beginning of a checksum or digest.
fn short(text: Option<String>) -> String {
    text.unwrap_or_default().chars().take(15).collect()
}
