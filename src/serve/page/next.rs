//! What to do next in an environment, in one sentence.

use super::words;
use crate::base::words::count;
use crate::ops::status::EnvironmentStatus;
use crate::pg::ledger::unfinished::Liveness;
use crate::plan::states::State;
use serde::Serialize;

/// What to do next.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Next {
    pub text: String,
    /// Where.
    pub href: Option<String>,
}

/// The first of these that holds: what is in progress, what went wrong, what is pending. Who may not see a plan is led to
/// the changesets.
pub(super) fn next(status: &EnvironmentStatus, promote_from: Option<&str>, may_plan: bool) -> Next {
    let name = &status.environment;
    let of = |states: &[State]| -> usize { states.iter().filter_map(|state| status.counts.get(state)).sum() };
    let chosen = |state: State| Some(format!("{}?state={}", words::environment(name), state.word()));
    let say = |text: String, href: Option<String>| Next { text, href };
    let runs = |liveness| status.runs.iter().any(|run| run.liveness == Some(liveness));
    if status.broken.is_some() {
        return say("Mend the problems in the files: only the ledger could be read.".to_owned(), None);
    }
    if let Some(run) = status.runs.iter().find(|run| run.liveness == Some(Liveness::Running)) {
        return say("Wait for the run in progress.".to_owned(), Some(words::run(name, &run.run)));
    }
    let failed = of(&[State::Failed, State::Partly]);
    if failed > 0 {
        let first = status.changesets.iter().find(|row| [State::Failed, State::Partly].contains(&row.state));
        let text = format!("Mend what failed ({}), then run again.", count(failed, "changeset"));
        return say(text, first.map(|row| words::changeset(name, &row.id)));
    }
    for (state, what) in [
        (State::Edited, "was edited after it was applied: restore it, or accept the edit"),
        (State::Missing, "was applied and is in no file: restore the file"),
    ] {
        if let Some(n) = status.counts.get(&state) {
            return say(format!("{} {what}.", count(*n, "changeset")), chosen(state));
        }
    }
    let pending = of(&[State::Pending, State::Changed]);
    let from = promote_from.map_or_else(String::new, |from| format!(", by promotion from {from}"));
    if pending > 0 {
        let again = if runs(Liveness::Terminated) { "Continue the run that ended without a result: " } else { "" };
        let apply = if again.is_empty() { "Apply" } else { "apply" };
        let plan = match promote_from {
            _ if !may_plan => chosen(State::Pending),
            Some(_) => Some(words::promotion(name)),
            None => Some(words::environment(name) + "/plan"),
        };
        return say(format!("{again}{apply} {}{from}.", count(pending, "pending changeset")), plan);
    }
    if let Some(n) = status.counts.get(&State::Blocked) {
        return say(format!("{} blocked: see why.", count(*n, "changeset")), chosen(State::Blocked));
    }
    if let Some(n) = status.counts.get(&State::Waiting) {
        return say(format!("{} for their time.", waits(*n)), chosen(State::Waiting));
    }
    say("Nothing to do: everything is applied.".to_owned(), None)
}

fn waits(n: usize) -> String {
    format!("{} {}", count(n, "changeset"), if n == 1 { "waits" } else { "wait" })
}
