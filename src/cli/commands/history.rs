//! `dagmar history`: what ever happened.

use crate::base::{Failure, FailureKind, count};
use crate::cli::shell::complete;
use crate::cli::shell::global::Global;
use crate::cli::shell::open;
use crate::cli::shell::output::{Form, Output, choose, form};
use crate::cli::shell::task::{Outcome, block_on};
use crate::history::EventKind;
use crate::ops::event_words::told;
use crate::ops::keys::public_key;
use crate::ops::{Target, history as ops};
use crate::pg::ledger::audit::{Anchor, Audit, AuditProblemKind, Kept};
use crate::pg::ledger::read::{Filter, LedgerEvent, Since};
use crate::report::{Cell, Line, Table, Tone};
use clap::builder::PossibleValuesParser;
use std::path::PathBuf;

/// Shows the events of the environment's ledger: who did what, when, from where.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar history
  dagmar history --changeset 008-active-organization
  dagmar history --since 7d --kind refused --kind rejected
  dagmar history --by deploy --run 6f0c --limit 1000 --format json
  dagmar history --since 2026-01-01 --limit 100000 --format csv > audit.csv
  dagmar history --verify
  dagmar history --verify --anchor 4711:e2:9f86…
  dagmar history --verify --key history.key.pub")]
pub struct Args {
    /// Only events of this changeset
    #[arg(long, value_name = "ID", add = complete::changesets())]
    changeset: Option<String>,
    /// Only events of this kind: applied, rolledBack, marked, approved, refused …; may be given several times
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(EventKind::ALL.map(|(_, word)| word)),
          hide_possible_values = true)]
    kind: Vec<String>,
    /// Only events since then: 7d (ago), 2026-03-01, 2026-03-01T12:00:00Z
    #[arg(long, value_name = "WHEN")]
    since: Option<Since>,
    /// Only events of this run; the beginning of its id is enough
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    /// Only events by this database role, operating system user, or user@host
    #[arg(long, value_name = "WHO")]
    by: Option<String>,
    /// At most this many events, the latest
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// Shows the hash of each event; JSON and CSV always include it
    #[arg(long)]
    hashes: bool,
    /// Verifies that nothing in the ledger was changed, removed or inserted by hand; otherwise exit code 4
    #[arg(long, conflicts_with_all = ["changeset", "kind", "since", "run", "by", "limit", "hashes"])]
    verify: bool,
    /// With --verify: an event and its hash that an earlier --verify printed; may be given several times
    #[arg(long, value_name = "SEQ:HASH", requires = "verify")]
    anchor: Vec<Anchor>,
    /// With --verify: the ends of runs must be signed with this key; KEYFILE is its public half
    #[arg(long, value_name = "KEYFILE", requires = "verify")]
    key: Option<PathBuf>,
}

#[derive(Clone, Copy)]
enum As {
    Text,
    Json,
    Csv,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    if args.verify {
        let form = form(global)?;
        let target = open::target(global)?;
        let key = args.key.as_deref().map(public_key).transpose()?;
        return verify(&target, Kept { anchors: &args.anchor, key: key.as_ref() }, form, out);
    }
    let form = choose(global, &[("text", As::Text), ("json", As::Json), ("csv", As::Csv)])?;
    let target = open::target(global)?;
    let filter = Filter {
        changeset: args.changeset.clone(),
        kinds: args.kind.clone(),
        since: args.since,
        run: args.run.clone(),
        by: args.by.clone(),
        before: None,
        limit: args.limit,
    };
    let answer = block_on(ops::events(&target, &filter, out))?;
    let events = &answer.events;
    match form {
        As::Json => out.json(&answer),
        As::Csv => out.document(&answer.csv()),
        As::Text if events.is_empty() => out.data("no events are recorded yet"),
        As::Text => {
            let mut columns = vec!["NO", "AT (UTC)", "EVENT", "CHANGESET", "ROLE", "BY", "DETAIL"];
            columns.extend(args.hashes.then_some("HASH"));
            let mut table = Table::new(&columns).right(0).dispensable(&[4, 0, 5, 1]);
            for event in events {
                let mut row = vec![
                    Cell::from(number(event).as_str()),
                    Cell::from(event.at.trim_end_matches('Z').replace('T', " ").as_str()),
                    Cell::from(event.kind.as_str()),
                    Cell::from(event.changeset.as_deref().unwrap_or_default()),
                    Cell::from(event.db_user.as_str()),
                    Cell::from(event.by.as_deref().unwrap_or_default()),
                    Cell::from(told(event).as_str()),
                ];
                row.extend(args.hashes.then(|| Cell::from(event.hash.as_deref().unwrap_or_default())));
                table.row(row);
            }
            out.data(table.text(out.limit()));
        }
    }
    Ok(())
}

/// The number of an event.
fn number(event: &LedgerEvent) -> String {
    event.seq.map_or_else(String::new, |seq| seq.to_string())
}

/// Walks the chain of events.
fn verify(target: &Target, kept: Kept<'_>, form: Form, out: &mut Output) -> Outcome {
    let audited = block_on(ops::audit(target, kept, out))?;
    let audit = &audited.audit;
    let Audit { events, head, problems, doubts, .. } = audit;
    match form {
        Form::Json => out.json_line(&audited),
        Form::Text => {
            for doubt in doubts {
                out.data(Line::new().paint(Tone::Warn, "note").plain(format!(": {doubt}")));
            }
            if problems.is_empty() {
                let head = audit.last.map_or_else(String::new, |last| format!("; the last one is {last}:{head}"));
                let signed = audit.signed_to.map_or_else(String::new, |to| format!("; signed up to event {to}"));
                let said = format!(": {}{head}{signed}", count(*events, "event"));
                out.data(Line::new().paint(Tone::Good, "intact").plain(said));
            }
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    // nobody has signed it, or somebody took a signature away
    let unsigned = problems.iter().all(|p| p.what == AuditProblemKind::Unsigned);
    let (message, help) = match unsigned {
        true => (
            "the history is not signed as it should be",
            "if you know these runs, the next run with `--sign-history` signs them as well; otherwise compare it with a backup \
             of the ledger",
        ),
        false => (
            "the history was changed manually",
            "compare it with a backup of the ledger; `dagmar history` shows the remaining events",
        ),
    };
    Err(Failure::new(FailureKind::Drift, message).help(help).notes(problems.iter().map(|p| p.message.clone())))
}
