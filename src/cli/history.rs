//! `dagmar history`: what ever happened.

use super::global::Global;
use super::output::{Form, Output, form};
use super::session::Session;
use super::{Outcome, block_on};
use crate::pg::read::{self, LedgerEvent};
use crate::report::{Cell, Table};
use serde_json::{Value, json};

/// Shows the events of the environment's ledger: who did what, when, from where.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar history
  dagmar history --changeset 008-active-organization
  dagmar history --limit 1000 --format json")]
pub struct Args {
    /// Only what is about this changeset
    #[arg(long, value_name = "ID")]
    changeset: Option<String>,
    /// The latest so many events
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let session = Session::open(global, out)?;
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

/// What is worth seeing of an event in a line.
fn detail(event: &LedgerEvent) -> String {
    let text = |key: &str| event.detail.get(key).and_then(Value::as_str).map(str::to_owned);
    match event.kind.as_str() {
        "failed" | "rollbackFailed" => text("message").unwrap_or_default(),
        "marked" => {
            format!("{}: {}", text("status").unwrap_or_default(), text("reason").unwrap_or_default())
        }
        "paused" | "resumed" | "cancelAsked" => text("reason").unwrap_or_default(),
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
