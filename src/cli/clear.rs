//! `dagmar clear`: the state of a changeset after a fix by hand.

use super::audit::{Tried, audited};
use super::by_hand::{Said, Words, say};
use super::complete;
use super::global::Global;
use super::output::{Form, Output, form};
use super::running::given;
use super::session::{Remote, Session};
use super::{Outcome, block_on};
use crate::base::{Failure, Kind, count, diag::nearest};
use crate::ledger::{History, Recorded, RunKind, Status};
use crate::pg::ledger::audit;
use crate::plan::renamed;
use crate::report::{Line, Text};
use serde_json::json;

/// Clears the failed or half done state of a changeset after a fix by hand.
///
/// Nothing is run: the ledger notes what you say is so. Left out, nothing of the changeset
/// is there any more, and the next apply runs all of it; with --applied, all of it is there.
/// Where dagmar itself can go on (`dagmar apply`) or take back (`dagmar rollback`), let it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar clear 009-project-limits --reason 'dropped the half built index by hand'
  dagmar clear 009-project-limits --applied --reason 'finished by hand, incident 4711'
  dagmar clear 009-project-limits --as-recorded --reason 'rollback mended by hand, see CHG-1042'
  dagmar clear 009-project-limits --env production --reason 'see incident 4711' --yes")]
pub struct Args {
    /// The changeset
    #[arg(value_name = "ID", add = complete::changesets())]
    id: String,
    /// All of it is there: it was finished by hand
    #[arg(long, conflicts_with = "as_recorded")]
    applied: bool,
    /// Its row in the ledger was changed by hand, and is right as it is now: state, rollback and all
    #[arg(long)]
    as_recorded: bool,
    #[command(flatten)]
    words: Words,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    given(&args.words.reason)?;
    let session = Session::open(global)?;
    let view = session.view()?;
    let id = args.id.as_str();
    // what is noted as applied keeps how it is taken back
    let step = if args.applied { Some(view.render_one(id)?) } else { None };
    let result = block_on(async {
        let remote = session.connect(global, out).await?;
        remote.server.check_writable(session.ledger())?;
        let shown = remote.history(session.ledger()).await?;
        session.check_bound(&shown)?;
        let shown = shown.with_new_ids(&renamed(&view.changelog, &shown)).into_owned();
        let recorded = match shown.changesets.get(id) {
            // of one that was rolled back the attic may keep something
            None if args.as_recorded && is_doubtful(&session, &remote, id).await? => None,
            _ => Some(check(args, &shown)?.clone()),
        };
        out.say(what(args, recorded.as_ref()));
        let question = format!("Clear `{id}` on {}?", remote.describe());
        let said = Said { kind: RunKind::Clear, steps: 1, question: &question, words: &args.words };
        say(&said, &session, remote, global, out, |history, recorder| {
            let names = renamed(&view.changelog, history);
            if history.with_new_ids(&names).changesets.get(id) != recorded.as_ref() {
                return Err(Failure::new(
                    Kind::Drift,
                    format!("another run has changed `{id}` meanwhile; nothing was cleared"),
                )
                .help("look at `dagmar status`, and run the command again if it is still needed"));
            }
            let mut rows: Vec<String> = names.iter().flat_map(|r| recorder.rename(r)).collect();
            match &step {
                Some(step) => rows.extend(recorder.set_by_hand(step, "applied", &args.words.reason)),
                // its event holds what is there
                None if args.as_recorded => {}
                None => rows.push(recorder.forget(id)),
            }
            rows.push(recorder.cleared(
                id,
                word(recorded.as_ref()),
                becomes(args, recorded.as_ref()),
                &args.words.reason,
            ));
            Ok(rows)
        })
        .await?;
        Ok(recorded)
    });
    let was = audited(result, Tried { command: "clear", plan: None }, &session, global, out)?;
    match form {
        Form::Json => {
            out.json(&json!({ "changeset": id, "from": word(was.as_ref()), "to": becomes(args, was.as_ref()), "reason": args.words.reason }));
        }
        Form::Text if args.as_recorded => {
            out.data(format!("cleared {id}: {}, as it is recorded now", word(was.as_ref())))
        }
        Form::Text => out.data(format!("cleared {id}: {}, was {}", becomes(args, was.as_ref()), word(was.as_ref()))),
    }
    Ok(())
}

/// Whether what the attic keeps for a changeset that is not here is not what the history says.
async fn is_doubtful(session: &Session, remote: &Remote, id: &str) -> Result<bool, Failure> {
    if !remote.server.has_ledger {
        return Ok(false);
    }
    match audit::check_recorded(&remote.connection, session.ledger(), &[id.to_owned()]).await {
        Err(failure) if failure.kind == Kind::Drift => Ok(true),
        other => other.map(|()| false),
    }
}

fn word(recorded: Option<&Recorded>) -> &'static str {
    recorded.map_or("pending", |r| r.status.word())
}

fn becomes(args: &Args, recorded: Option<&Recorded>) -> &'static str {
    match args {
        Args { applied: true, .. } => "applied",
        Args { as_recorded: true, .. } => word(recorded),
        _ => "pending",
    }
}

/// Refuses where there is nothing to be cleared.
fn check<'a>(args: &Args, history: &'a History) -> Result<&'a Recorded, Failure> {
    let id = args.id.as_str();
    let Some(recorded) = history.changesets.get(id) else {
        let near = nearest(id, history.changesets.keys().map(String::as_str));
        return Err(Failure::new(Kind::Usage, format!("`{id}` has no state here that could be cleared"))
            .help(near.map_or("`dagmar status` shows what has".to_owned(), |n| format!("did you mean `{n}`?"))));
    };
    let refused = |message: String, help: String| Err(Failure::new(Kind::Refused, message).help(help));
    if args.as_recorded {
        return Ok(recorded);
    }
    match recorded.status {
        Status::Failed | Status::Partly => {}
        Status::Applied => {
            return refused(
                format!("`{id}` is applied; nothing was cleared"),
                format!("`dagmar rollback {id}` takes it back"),
            );
        }
        Status::Skipped | Status::Held => {
            return refused(
                format!("`{id}` is {}; nothing was cleared", recorded.status.word()),
                format!("`dagmar mark pending {id} --reason ...` takes the mark back"),
            );
        }
    }
    if !args.applied
        && let Some(dependent) = history.dependents(id).next()
    {
        return refused(
            format!("`{dependent}` depends on `{id}`; nothing was cleared"),
            format!("roll `{dependent}` back first, or say `--applied` if all of `{id}` is there"),
        );
    }
    if !args.applied && recorded.versions > 0 {
        return refused(
            format!("earlier versions of `{id}` are kept, and would be forgotten; nothing was cleared"),
            format!("`dagmar rollback {id}` brings the one before back; say `--applied` if all of this one is there"),
        );
    }
    Ok(recorded)
}

/// What will be noted, exactly.
fn what(args: &Args, recorded: Option<&Recorded>) -> Text {
    let Some(recorded) = recorded else {
        let mut text = Text::new();
        text.line(format!(
            "`{}` is not applied; what the attic keeps for it now will be what the history says",
            args.id
        ));
        text.line(format!("an event `cleared` keeps: {}", args.words.reason));
        return text;
    };
    let done = recorded.segments.iter().filter(|s| s.done).count();
    let begun = recorded.segments.len() - done;
    let progress = match recorded.status {
        Status::Partly if !recorded.segments.is_empty() => {
            format!(" ({}: {} done, {begun} begun)", recorded.segments[0].direction.word(), count(done, "segment"))
        }
        _ => String::new(),
    };
    let error = recorded.error.as_ref().map_or_else(String::new, |e| format!(", with: {e}"));
    let note = if args.as_recorded {
        "what its row says now will be what the history says: `dagmar rollback` runs the SQL that stands there"
    } else if args.applied {
        "it will be noted as applied, by hand and by you: all of it is there, and `dagmar rollback` can take it back as if \
         dagmar had run it"
    } else {
        "its row and progress will be forgotten: nothing of it is there, and the next apply runs all of it"
    };
    let mut text = Text::new();
    text.message(Line::new(), &format!("`{}` is {}{progress}{error}", args.id, recorded.status.word()));
    text.line(note);
    text.line(format!("an event `cleared` keeps: {}", args.words.reason));
    text
}
