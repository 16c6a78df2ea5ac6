//! `dagmar status`: what the environment has.

use super::attic::{retention, summary as of_attic};
use super::everywhere;
use super::global::Global;
use super::output::{Output, choose};
use super::session::Session;
use super::{Outcome, block_on};
use crate::base::{Kind, Span};
use crate::ledger::RunKind;
use crate::ledger::attic::Totals;
use crate::pg::ledger::attic;
use crate::pg::ledger::request;
use crate::pg::ledger::unfinished::{self, Ending, Unended};
use crate::pg::preflight::sizes;
use crate::plan::states::{Backfill, State, StateRow, recorded, states};
use crate::report::{Cell, Line, Table, Tone};
use serde_json::json;
use std::collections::BTreeMap;

/// Shows the state of every changeset in the environment.
///
/// Reads only: a database without a ledger stays without one. With --all: all environments
/// of dagmar.yaml, side by side. Those that cannot be reached are said so and do not stop the
/// rest; the exit code is 0 when at least one answered.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar status
  dagmar status --env production
  dagmar status --all
  dagmar status --all --timeout 3s --format html > status.html
  dagmar status --format json | jq '.changesets[] | select(.state == \"pending\").id'")]
pub struct Args {
    /// All environments of dagmar.yaml; also as html
    #[arg(long)]
    all: bool,
    /// With --all: waits this long for each environment
    #[arg(long, value_name = "TIME", default_value = "10s", requires = "all")]
    timeout: Span,
}

#[derive(Clone, Copy)]
enum As {
    Text,
    Json,
    Markdown,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    if args.all {
        return everywhere::run(args.timeout, global, out);
    }
    let form = choose(global, &[("text", As::Text), ("json", As::Json), ("markdown", As::Markdown)])?;
    let session = Session::open(global)?;
    // mistakes in the files do not keep anybody from seeing what the database has
    let (view, broken) = match session.view() {
        Ok(view) => (Some(view), None),
        Err(failure) if failure.kind == Kind::Source => (None, Some(failure)),
        Err(failure) => return Err(failure),
    };
    let keep = retention(&session);
    let (history, place, database, paused, runs, walks, kept) = block_on(async {
        let remote = session.connect(global, out).await?;
        let history = remote.history(session.ledger()).await?;
        let paused = request::paused(&remote.connection, history.version, session.ledger()).await?;
        let runs = unfinished::unended(&remote.connection, &remote.server, session.ledger()).await?;
        let walks = sizes::walks(&remote.connection, session.ledger(), history.version).await?;
        let mut kept = attic::entries(&remote.connection, &remote.server, session.ledger()).await?;
        kept.retain(|entry| entry.is_kept);
        let (place, database) = (remote.describe(), remote.server.database.clone());
        remote.close().await?;
        let kept = Totals::of(&kept, keep, history.now);
        Ok((history, place, database, paused, runs, walks, kept))
    })?;
    if let Some(other) = session.bound_elsewhere(&history) {
        out.warn(&format!("the ledger of this database belongs to `{other}`; see `dagmar adopt`"));
    }
    let sources = &session.workspace.loaded.sources;
    let mut rows = match &view {
        Some(view) => states(&view.changelog, &view.graph, sources, &history, &session.environment),
        None => recorded(&history),
    };
    for walk in walks {
        if let Some(row) = rows.iter_mut().find(|row| row.id == walk.changeset) {
            row.backfill = Some(Backfill::new(walk.table, walk.seen, walk.rows));
        }
    }
    let mut counts: BTreeMap<State, usize> = BTreeMap::new();
    for row in &rows {
        *counts.entry(row.state).or_default() += 1;
    }
    match form {
        As::Json => {
            let counts: BTreeMap<&str, usize> = counts.iter().map(|(s, n)| (s.word(), *n)).collect();
            let value = json!({
                "environment": session.environment,
                "database": database,
                "ledgerVersion": history.version,
                "paused": paused,
                "runs": runs,
                "attic": kept,
                "changesets": rows,
                "counts": counts,
            });
            match &broken {
                None => out.json(&value),
                Some(_) => out.beside_failure(value),
            }
        }
        As::Text | As::Markdown => {
            let table = table(&rows);
            match form {
                As::Markdown => out.document(&table.markdown()),
                As::Text | As::Json => out.data(table.text(out.limit())),
            }
            out.data("");
            let summary: Vec<String> = counts.iter().map(|(s, n)| format!("{n} {}", s.words())).collect();
            let ledger = if history.version == 0 { "; no ledger yet" } else { "" };
            out.data(format!("{} on {place}: {}{ledger}", session.environment, summary.join(", ")));
            if kept.expired > 0 {
                out.data(of_attic(&kept, keep));
            }
            for run in &runs {
                out.data(about(run));
            }
            if let Some(paused) = paused {
                let why = paused.reason.map_or_else(String::new, |r| format!(": {r}"));
                let text = format!("backfills are paused by {} since {}{why}", paused.by, paused.at);
                out.data(Line::new().paint(Tone::Warn, text).plain("; `dagmar resume` lets them go on"));
            }
            if broken.is_some() {
                out.data(
                    Line::new().paint(Tone::Warn, "the files have mistakes").plain(": this is what the ledger has"),
                );
            }
        }
    }
    broken.map_or(Ok(()), Err)
}

/// A run that did not say how it ended.
fn about(Unended { kind, by, started_at, ending, .. }: &Unended) -> Line {
    let kind = kind.map_or("run", RunKind::word);
    let what = format!("the {kind} of {by} that began at {started_at}");
    match ending {
        Some(Ending::Running) => Line::from(format!("{what} is on its way")),
        Some(Ending::CutOff) => Line::new()
            .paint(Tone::Warn, format!("{what} was cut off"))
            .plain(": nobody holds its lock; the next run goes on from what is recorded"),
        None => Line::from(format!("{what} had not ended when this standby heard of it last")),
    }
}

fn table(rows: &[StateRow]) -> Table {
    let mut table =
        Table::new(&["CHANGESET", "STATE", "APPLIED AT (UTC)", "BY", "MS", "NOTE"]).right(4).dispensable(&[4, 3, 2]);
    for row in rows {
        // what was never applied has no time, although a failed or held one has a row
        let applied = matches!(row.state, State::Applied | State::Changed | State::Edited | State::Missing);
        let only = |text: &Option<String>| if applied { text.clone().unwrap_or_default() } else { String::new() };
        // what keeps it from being applied is said in full, what it does as far as there is room
        let far = row.backfill.as_ref().map(ToString::to_string);
        let why: Vec<&str> = [&far, &row.reason, &row.error].into_iter().flatten().map(String::as_str).collect();
        let note = match why.is_empty() {
            false => Cell::from(why.join("; ")),
            true => Cell::from(row.description.as_deref().unwrap_or_default()).short(),
        };
        table.row([
            Cell::from(row.id.as_str()),
            Cell::state(row.state.words()),
            Cell::from(only(&row.applied_at).trim_end_matches('Z').replace('T', " ").as_str()),
            Cell::from(only(&row.applied_by).as_str()),
            Cell::from(row.duration_ms.filter(|_| applied).map(|ms| ms.to_string()).unwrap_or_default().as_str()),
            note,
        ]);
    }
    table
}
