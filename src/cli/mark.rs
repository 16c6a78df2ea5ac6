//! `dagmar mark`: says by hand what a changeset is.

use super::audit::{Tried, audited};
use super::by_hand::{Said, Words, say};
use super::global::Global;
use super::output::{Form, Output, form};
use super::running::given;
use super::session::Session;
use super::{Outcome, block_on};
use crate::base::{Failure, Kind};
use crate::ledger::EventKind;
use crate::ledger::record::Recorder;
use crate::ledger::{History, Status};
use crate::plan::{Plan, Step, renamed};
use serde_json::json;

/// Marks changesets as applied, skipped, held or pending without running anything.
///
/// applied: its effect is there already (an adopted database). skipped: it shall not run
/// here; what depends on it may. held: neither it nor what depends on it runs. pending: takes
/// such a mark back.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar mark applied 001-platform-schema --reason 'was there before dagmar'
  dagmar mark held 007-row-level-security --reason 'waits for the security review'
  dagmar mark pending 007-row-level-security --reason 'reviewed'")]
pub struct Args {
    /// What they are
    #[arg(value_name = "STATE")]
    state: Mark,
    /// The changesets: id, +id, id+, label:x
    #[arg(value_name = "SELECTOR", required = true)]
    selectors: Vec<String>,
    #[command(flatten)]
    words: Words,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Mark {
    /// Counts as done, without having been run
    Applied,
    /// Shall not run here; what depends on it may
    Skipped,
    /// Must not run, nor what depends on it
    Held,
    /// As if never marked
    Pending,
}

impl Mark {
    fn word(self) -> &'static str {
        match self {
            Mark::Applied => "applied",
            Mark::Skipped => "skipped",
            Mark::Held => "held",
            Mark::Pending => "pending",
        }
    }
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    given(&args.words.reason)?;
    let session = Session::open(global, out)?;
    let view = session.view()?;
    // rendered as if nothing were applied: a mark keeps how the changeset is taken back
    let all = view.plan(&History::default(), &[])?.map_err(|_| Failure::new(Kind::Internal, "nothing is applied"))?;
    let chosen = crate::graph::select::select(&args.selectors, &view.changelog, &view.graph)
        .map_err(|why| Failure::new(Kind::Usage, why))?;
    let ids: Vec<String> = view
        .graph
        .order()
        .iter()
        .filter(|p| chosen.contains(p))
        .map(|p| view.changelog.changesets[*p].id.clone())
        .collect();
    let steps = rendered(&session, &view, &ids, &all)?;
    let result = block_on(async {
        let remote = session.connect(global, out).await?;
        remote.server.check_writable(session.ledger())?;
        let question = format!("Mark {} as {} on {}?", ids.join(", "), args.state.word(), remote.describe());
        let said = Said { kind: "mark", steps: steps.len(), question: &question, words: &args.words };
        say(&said, &session, remote, global, out, |history, recorder| {
            session.check_bound(history)?;
            let renamed = renamed(&view.changelog, history);
            refuse(args.state, &ids, &history.with_new_ids(&renamed))?;
            let mut rows: Vec<String> = renamed.iter().flat_map(|r| recorder.rename(r)).collect();
            rows.extend(marks(args, &steps, recorder));
            Ok(rows)
        })
        .await
    });
    audited(result, Tried { command: "mark", plan: None }, &session, global, out)?;
    match form {
        Form::Json => out.json(&json!({ "state": args.state.word(), "changesets": ids, "reason": args.words.reason })),
        Form::Text => out.data(&format!("marked as {}: {}", args.state.word(), ids.join(", "))),
    }
    Ok(())
}

/// The steps of these changesets; those that wait for time are rendered as well.
fn rendered(
    session: &Session,
    view: &crate::pipeline::View<'_>,
    ids: &[String],
    all: &Plan,
) -> Result<Vec<Step>, Failure> {
    let mut steps = Vec::with_capacity(ids.len());
    for id in ids {
        if let Some(step) = all.steps.iter().find(|s| s.changeset == *id) {
            steps.push(step.clone());
        } else if all.not_for_here.contains(id) {
            return Err(Failure::new(
                Kind::Usage,
                format!("`{id}` is not for the environment `{}`", session.environment),
            ));
        } else {
            steps.push(view.render_one(id)?);
        }
    }
    Ok(steps)
}

/// What must not be marked over.
fn refuse(mark: Mark, ids: &[String], history: &History) -> Result<(), Failure> {
    for id in ids {
        let status = history.status(id);
        let marked = history.changesets.get(id).is_some_and(|r| r.reason.is_some());
        let refused = match status {
            Some(Status::Partly) => Some("is half done"),
            Some(Status::Applied) if !marked || mark == Mark::Held || mark == Mark::Skipped => Some("is applied"),
            None if mark == Mark::Pending => Some("is pending already"),
            _ => None,
        };
        if let Some(state) = refused {
            return Err(Failure::new(Kind::Refused, format!("`{id}` {state}; nothing was marked")).help(
                match status {
                    Some(Status::Partly) => format!(
                        "`dagmar rollback {id}` takes back what was run; after a fix by hand: `dagmar clear {id}`"
                    ),
                    None => "only a mark can be taken back".to_owned(),
                    _ => format!("`dagmar rollback {id}` takes back what was run"),
                },
            ));
        }
        if mark == Mark::Pending
            && let Some(dependent) = history.dependents(id).find(|d| !ids.iter().any(|i| i == d))
        {
            return Err(Failure::new(Kind::Refused, format!("`{dependent}` depends on `{id}`; nothing was marked"))
                .help(format!("roll `{dependent}` back first")));
        }
    }
    Ok(())
}

/// The rows that say it.
fn marks(args: &Args, steps: &[Step], recorder: &Recorder) -> Vec<String> {
    if args.state != Mark::Pending {
        return steps.iter().flat_map(|step| recorder.mark(step, args.state.word(), &args.words.reason)).collect();
    }
    let said = json!({ "status": "pending", "reason": args.words.reason });
    let back = |id: &str| [recorder.forget(id), recorder.event(EventKind::Marked, Some(id), &said)];
    steps.iter().rev().flat_map(|step| back(&step.changeset)).collect()
}
