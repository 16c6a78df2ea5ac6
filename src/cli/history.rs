//! `dagmar history`: what ever happened.

use super::global::Global;
use super::output::{Form, Output, form};
use super::session::Session;
use super::{Outcome, block_on};
use crate::base::{Failure, Kind};
use crate::pg::audit::{self, Audit};
use crate::pg::read::{self, LedgerEvent};
use crate::report::{Cell, Table, Tone};
use serde_json::{Value, json};

/// Shows the events of the environment's ledger: who did what, when, from where.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar history
  dagmar history --changeset 008-active-organization
  dagmar history --limit 1000 --format json
  dagmar history --verify")]
pub struct Args {
    /// Only what is about this changeset
    #[arg(long, value_name = "ID")]
    changeset: Option<String>,
    /// The latest so many events
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// Looks whether events were changed, removed or put in by hand; if so, exit code 4
    #[arg(long, conflicts_with_all = ["changeset", "limit"])]
    verify: bool,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let session = Session::open(global, out)?;
    if args.verify {
        return verify(&session, global, form, out);
    }
    let events = block_on(async {
        let remote = session.connect(global, out).await?;
        // a ledger of a later version is refused here as well
        remote.history(session.ledger()).await?;
        let id = args.changeset.as_deref();
        let events = read::events(&remote.connection, &remote.server, session.ledger(), id, args.limit).await?;
        remote.close().await?;
        Ok(events)
    })?;
    match form {
        Form::Json => out.json(&json!({ "environment": session.environment, "events": events })),
        Form::Text if events.is_empty() => out.data("nothing has happened here yet"),
        Form::Text => {
            let mut table = Table::new(&["NO", "AT (UTC)", "EVENT", "CHANGESET", "ROLE", "BY", "DETAIL"]).right(0);
            for event in &events {
                table.row([
                    Cell::from(event.seq.to_string().as_str()),
                    Cell::from(event.at.trim_end_matches('Z').replace('T', " ").as_str()),
                    Cell::from(event.kind.as_str()),
                    Cell::from(event.changeset.as_deref().unwrap_or_default()),
                    Cell::from(event.db_user.as_str()),
                    Cell::from(event.by.as_deref().unwrap_or_default()),
                    Cell::from(detail(event).as_str()),
                ]);
            }
            out.data(&table.plain(out.style));
        }
    }
    Ok(())
}

/// Walks the chain of events.
fn verify(session: &Session, global: &Global, form: Form, out: &mut Output) -> Outcome {
    let audit = block_on(async {
        let remote = session.connect(global, out).await?;
        remote.history(session.ledger()).await?;
        let audit = audit::audit(&remote.connection, &remote.server, session.ledger()).await?;
        remote.close().await?;
        Ok(audit)
    })?;
    let Audit { events, head, problems, doubts, .. } = &audit;
    match form {
        Form::Json => {
            out.data(
                &json!({ "environment": session.environment, "intact": problems.is_empty(), "audit": audit })
                    .to_string(),
            );
        }
        Form::Text => {
            for doubt in doubts {
                out.data(&format!("{}: {doubt}", out.style.paint(Tone::Warn, "note")));
            }
            if problems.is_empty() {
                let word = out.style.paint(Tone::Good, "intact");
                out.data(&format!("{word}: {events} event(s); the last hash is {head}"));
            }
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    let mut failure = Failure::new(Kind::Drift, "the history was changed by hand");
    failure.notes = problems.iter().map(|p| p.message.clone()).collect();
    Err(failure.help("compare it with a backup of the ledger; `dagmar history` shows what is left"))
}

/// What is worth seeing of an event in a line.
fn detail(event: &LedgerEvent) -> String {
    let text = |key: &str| event.detail.get(key).and_then(Value::as_str).map(str::to_owned);
    match event.kind.as_str() {
        "failed" | "rollbackFailed" => text("message").unwrap_or_default(),
        "marked" => {
            format!("{}: {}", text("status").unwrap_or_default(), text("reason").unwrap_or_default())
        }
        "cleared" => format!(
            "{} to {}: {}",
            text("from").unwrap_or_default(),
            text("to").unwrap_or_default(),
            text("reason").unwrap_or_default()
        ),
        "adopted" => format!(
            "from {}: {}",
            text("from").unwrap_or_else(|| "nobody".to_owned()),
            text("reason").unwrap_or_default()
        ),
        "renamed" => format!("from {}", text("from").unwrap_or_default()),
        "paused" | "resumed" | "cancelAsked" => text("reason").unwrap_or_default(),
        "gateOverridden" => format!(
            "{}: {} ({})",
            text("gate").unwrap_or_default(),
            text("reason").unwrap_or_default(),
            text("unmet").unwrap_or_default()
        ),
        "hazardAllowed" => text("hazard").unwrap_or_default(),
        "retried" => format!(
            "attempt {}, {}",
            event.detail.get("attempt").unwrap_or(&Value::Null),
            text("sqlstate").unwrap_or_default()
        ),
        "refused" => {
            let gates = event.detail.get("gates").and_then(Value::as_array).into_iter().flatten();
            let names: Vec<&str> = gates.filter_map(|g| g.get("gate")?.as_str()).collect();
            format!("{}: {}", text("command").unwrap_or_default(), names.join(", "))
        }
        "beforeApply" => {
            format!("{}: {}", text("hook").unwrap_or_default(), text("outcome").unwrap_or_default())
        }
        "runFinished" => text("status").unwrap_or_default(),
        "runStarted" => format!(
            "{}, {} step(s), {}",
            text("kind").unwrap_or_default(),
            event.detail.get("steps").unwrap_or(&Value::Null),
            text("environment").unwrap_or_default()
        ),
        _ => text("checksum").map(|c| c.chars().take(15).collect()).unwrap_or_default(),
    }
}
