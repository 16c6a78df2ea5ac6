//! `dagmar status`: what the environment has.

use super::attic::summary as of_attic;
use crate::base::{HumanDuration, count};
use crate::cli::shell::global::Global;
use crate::cli::shell::output::{Output, choose};
use crate::cli::shell::task::{Outcome, block_on};
use crate::cli::shell::wording::worded;
use crate::cli::shell::{everywhere, open};
use crate::history::RunKind;
use crate::ops::attic::retention;
use crate::ops::status::{EnvironmentStatus, status};
use crate::pg::ledger::unfinished::{Liveness, UnfinishedRun};
use crate::plan::states::{State, StateRow};
use crate::report::{Cell, Line, Table, Tone};

/// Shows the state of every changeset in the environment.
///
/// Only reads: it does not create a ledger. With --all: all environments of dagmar.yaml side by side. An
/// environment that cannot be reached is reported and does not stop the others; the exit code is 0 if at
/// least one answered.
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
    /// With --all: how long to wait for each environment
    #[arg(long, value_name = "TIME", default_value = "10s", requires = "all")]
    timeout: HumanDuration,
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
    let target = open::target(global)?;
    let status = block_on(status(&target, out))?;
    let EnvironmentStatus { environment, changesets, counts, paused, drift, runs, attic, place, broken, .. } = &status;
    match form {
        As::Json => out.json_with(broken.as_ref(), &status.answer(worded)),
        As::Text | As::Markdown => {
            let table = table(changesets);
            match form {
                As::Markdown => out.document(&table.markdown()),
                As::Text | As::Json => out.data(table.text(out.limit())),
            }
            out.data("");
            let summary: Vec<String> = counts.iter().map(|(s, n)| format!("{n} {}", s.words())).collect();
            let ledger = if status.ledger_version == 0 { "; no ledger yet" } else { "" };
            out.data(format!("{environment} on {place}: {}{ledger}", summary.join(", ")));
            match drift {
                Some(drift) if drift.differences > 0 => {
                    let number = usize::try_from(drift.differences).unwrap_or(usize::MAX);
                    let text = format!("drift: {} found on {}", count(number, "difference"), drift.at);
                    out.data(Line::new().paint(Tone::Warn, text).plain("; `dagmar drift` shows what differs"));
                }
                Some(drift) => out.data(format!("drift: none found on {}", drift.at)),
                None => {}
            }
            if attic.expired > 0 {
                out.data(of_attic(attic, retention(&target)));
            }
            for run in runs {
                out.data(about(run));
            }
            if let Some(paused) = paused {
                let why = paused.reason.as_ref().map_or_else(String::new, |r| format!(": {r}"));
                let text = format!("backfills are paused by {} since {}{why}", paused.by, paused.at);
                out.data(Line::new().paint(Tone::Warn, text).plain("; `dagmar resume` continues them"));
            }
            if broken.is_some() {
                out.data(
                    Line::new()
                        .paint(Tone::Warn, "the files have errors")
                        .plain(": only the state in the ledger is shown"),
                );
            }
        }
    }
    status.broken.map_or(Ok(()), Err)
}

/// A run that did not say how it ended.
fn about(UnfinishedRun { kind, by, started_at, liveness, .. }: &UnfinishedRun) -> Line {
    let kind = kind.map_or("run", RunKind::word);
    let what = format!("the {kind} of {by} that began at {started_at}");
    match liveness {
        Some(Liveness::Running) => Line::from(format!("{what} is in progress")),
        Some(Liveness::Terminated) => Line::new()
            .paint(Tone::Warn, format!("{what} was terminated"))
            .plain(": no session holds its lock; the next run continues from the recorded state"),
        None => Line::from(format!("{what} had not ended in the last state that this standby received")),
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
