//! `dagmar mark`: says by hand what a changeset is.

use super::audit::{Tried, audited};
use super::by_hand::{Said, Words, say};
use super::complete;
use super::global::Global;
use super::output::{Form, Output, form};
use super::running::given;
use super::session::Session;
use super::{Outcome, block_on};
use crate::base::{Failure, Kind};
use crate::ledger::EventKind;
use crate::ledger::record::Recorder;
use crate::ledger::{History, RunKind, Status};
use crate::plan::{Plan, Step, renamed};
use serde_json::json;

/// Marks changesets as applied, skipped, held or pending without running anything.
///
/// applied: its effect is there already (an adopted database); of a changeset that was applied and
/// edited since: the edit is accepted, the database is as the file says now, and its way back is that
/// of the file. skipped: it shall not run here; what depends on it may. held: neither it nor what
/// depends on it runs. pending: takes such a mark back.
///
/// What a selector like `001+` brings along is left out where it is not for the environment or has
/// that state already; what is named itself is refused then.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar mark applied 001-platform-schema --reason 'was there before dagmar'
  dagmar mark applied 001-platform-schema+ --reason 'all of it was there before dagmar'
  dagmar mark applied 002-billing --reason 'only a comment was edited, CHG-1042'
  dagmar mark held 007-row-level-security --reason 'waits for the security review'
  dagmar mark pending 007-row-level-security --reason 'reviewed'")]
pub struct Args {
    /// What they are
    #[arg(value_name = "STATE")]
    state: Mark,
    /// The changesets: id, +id, id+, label:x
    #[arg(value_name = "SELECTOR", required = true, add = complete::selectors())]
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
    let session = Session::open(global)?;
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
    let wanted = wanted(args, &session, &view, ids, &all)?;
    let mut done = Done::default();
    let result = block_on(async {
        let remote = session.connect(global, out).await?;
        remote.server.check_writable(session.ledger())?;
        let names: Vec<&str> = wanted.steps.iter().map(|step| step.changeset.as_str()).collect();
        let question = format!("Mark {} as {} on {}?", names.join(", "), args.state.word(), remote.describe());
        let said = Said { kind: RunKind::Mark, steps: wanted.steps.len(), question: &question, words: &args.words };
        say(&said, &session, remote, global, out, |history, recorder| {
            session.check_bound(history)?;
            let renamed = renamed(&view.changelog, history);
            done = sort(args, &wanted, &history.with_new_ids(&renamed))?;
            let mut rows: Vec<String> = renamed.iter().flat_map(|r| recorder.rename(r)).collect();
            let steps: Vec<&Step> = wanted.steps.iter().filter(|step| done.marked.contains(&step.changeset)).collect();
            rows.extend(marks(args, &steps, recorder));
            Ok(rows)
        })
        .await
    });
    audited(result, Tried { command: "mark", plan: None }, &session, global, out)?;
    let Done { marked, accepted, mut left_out } = done;
    left_out.extend(wanted.not_for_here.into_iter().map(|id| (id, format!("not for {}", session.environment))));
    match form {
        Form::Json => out.json(&json!({
            "state": args.state.word(), "changesets": marked, "acceptedEdits": accepted, "reason": args.words.reason,
            "leftOut": left_out.iter().map(|(id, why)| json!({ "id": id, "why": why })).collect::<Vec<_>>(),
        })),
        Form::Text => {
            if marked.is_empty() {
                out.data("nothing was marked");
            } else {
                out.data(format!("marked as {}: {}", args.state.word(), marked.join(", ")));
            }
            if !accepted.is_empty() {
                out.data(format!("accepted as edited: {}", accepted.join(", ")));
            }
            for (id, why) in left_out {
                out.data(format!("left out: {id}, {why}"));
            }
        }
    }
    Ok(())
}

/// What is to be marked.
struct Wanted {
    steps: Vec<Step>,
    not_for_here: Vec<String>,
}

/// What was marked in the end.
#[derive(Default)]
struct Done {
    marked: Vec<String>,
    /// Those of them that were applied, and edited since.
    accepted: Vec<String>,
    /// What was left out, and why.
    left_out: Vec<(String, String)>,
}

/// Whether a changeset was named itself, and not brought along by a selector.
fn is_named(args: &Args, id: &str) -> bool {
    args.selectors.iter().any(|selector| selector == id)
}

/// The steps of these changesets; those that wait for time are rendered as well.
fn wanted(
    args: &Args,
    session: &Session,
    view: &crate::pipeline::View<'_>,
    ids: Vec<String>,
    all: &Plan,
) -> Result<Wanted, Failure> {
    let mut wanted = Wanted { steps: Vec::with_capacity(ids.len()), not_for_here: Vec::new() };
    for id in ids {
        if let Some(step) = all.steps.iter().find(|s| s.changeset == id) {
            wanted.steps.push(step.clone());
        } else if !all.not_for_here.contains(&id) {
            wanted.steps.push(view.render_one(&id)?);
        } else if is_named(args, &id) {
            let message = format!("`{id}` is not for the environment `{}`", session.environment);
            return Err(Failure::new(Kind::Usage, message));
        } else {
            wanted.not_for_here.push(id);
        }
    }
    if wanted.steps.is_empty() {
        let message = format!("nothing that was selected is for the environment `{}`", session.environment);
        return Err(Failure::new(Kind::Usage, message));
    }
    Ok(wanted)
}

/// Tells what is marked from what has that state already; refuses what must not be marked over.
fn sort(args: &Args, wanted: &Wanted, history: &History) -> Result<Done, Failure> {
    let mut done = Done::default();
    for step in &wanted.steps {
        let id = &step.changeset;
        let recorded = history.changesets.get(id);
        let applied = recorded.filter(|r| r.status == Status::Applied);
        match applied.filter(|_| args.state == Mark::Applied) {
            Some(r) if r.checksum == step.checksum && !is_named(args, id) => {
                done.left_out.push((id.clone(), "applied already".to_owned()));
                continue;
            }
            Some(r) if r.checksum != step.checksum && !is_named(args, id) => {
                return Err(Failure::new(
                    Kind::Refused,
                    format!("`{id}` was edited after being applied; nothing was marked"),
                )
                .help(format!("`dagmar plan` shows the edit; `dagmar mark applied {id} --reason ...` accepts it")));
            }
            Some(r) if r.checksum != step.checksum => done.accepted.push(id.clone()),
            _ => {}
        }
        done.marked.push(id.clone());
    }
    let refused: Vec<String> = done.marked.iter().filter(|id| !done.accepted.contains(id)).cloned().collect();
    refuse(args.state, &refused, history)?;
    Ok(done)
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
fn marks(args: &Args, steps: &[&Step], recorder: &Recorder) -> Vec<String> {
    if args.state != Mark::Pending {
        return steps.iter().flat_map(|step| recorder.mark(step, args.state.word(), &args.words.reason)).collect();
    }
    let said = json!({ "status": "pending", "reason": args.words.reason });
    let back = |id: &str| [recorder.forget(id), recorder.event(EventKind::Marked, Some(id), &said)];
    steps.iter().rev().flat_map(|step| back(&step.changeset)).collect()
}
