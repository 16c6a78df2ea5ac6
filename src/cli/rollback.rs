//! `dagmar rollback`: takes changesets back.

use super::about;
use super::audit::{Tried, audited};
use super::complete;
use super::global::Global;
use super::output::{Form, Output, choose, event, form};
use super::plan::formats as plan_formats;
use super::progress;
use super::rehearsal::{self, DryRun};
use super::running::{Running, confirm, execute, locked, preflight, stop_on_signals, verdict};
use super::session::{Remote, Session};
use super::{Outcome, block_on};
use crate::base::{Failure, Kind, count};
use crate::ledger::{History, RunKind};
use crate::pg::ledger::{attic, audit, read};
use crate::pg::run::RunStatus;
use crate::plan::rollback::{self, Target};
use crate::plan::{Plan, secrets};
use crate::report::{Detail, Line, PlanFormat, PlanOptions, Preview, Tone};
use serde_json::json;

/// Takes changesets back, by the SQL that was stored when they were applied.
///
/// Works also when the files are gone. What depends on a changeset has to come along: it is
/// shown, and taken back with --cascade; unrelated later changesets stay.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar rollback --last-run
  dagmar rollback 008-active-organization
  dagmar rollback 003-users-and-permissions --cascade --dry-run
  dagmar rollback --last-run --dry-run --shadow
  dagmar rollback --to 002-billing --env staging --yes
  dagmar rollback --last-run --no-preflight --yes")]
#[command(group(clap::ArgGroup::new("what").required(true).args(["ids", "last_run", "to", "all"])))]
pub struct Args {
    /// These changesets
    #[arg(value_name = "ID", add = complete::changesets())]
    ids: Vec<String>,
    /// What the last run brought
    #[arg(long)]
    last_run: bool,
    /// Everything that came after this changeset
    #[arg(long, value_name = "ID", add = complete::changesets())]
    to: Option<String>,
    /// Everything
    #[arg(long)]
    all: bool,
    /// Takes what depends on them along
    #[arg(long)]
    cascade: bool,
    #[command(flatten)]
    dry: rehearsal::Options,
    /// Shows what would run, and its SQL, and ends
    #[arg(long)]
    plan: bool,
    /// Runs also what the preflight has errors against
    #[arg(long)]
    no_preflight: bool,
    #[command(flatten)]
    running: Running,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let format = if args.plan { choose(global, &plan_formats())? } else { PlanFormat::Text };
    let form = if args.plan { Form::Text } else { form(global)? };
    let session = Session::open(global)?;
    let target = match args {
        Args { all: true, .. } => Target::All,
        Args { last_run: true, .. } => Target::LastRun,
        Args { to: Some(id), .. } => Target::To(id.clone()),
        Args { ids, .. } => Target::Ids(ids.clone()),
    };
    let result = block_on(async {
        let mut remote = session.connect(global, out).await?;
        let history = remote.history(session.ledger()).await?;
        let plan = compile(&session, &remote, &history, &target, args.cascade).await?;
        if args.plan {
            let about = about::online(&session, &remote, &plan).await;
            let options = PlanOptions { limit: out.limit(), detail: Detail::Sql };
            out.report(format.render(&[Preview::new(&plan, &about)], options));
            return remote.close().await;
        }
        if args.dry.on_server.dry_run {
            let dry = DryRun {
                session: &session,
                command: "rollback --dry-run",
                on_server: &args.dry.on_server,
                shadow: args.dry.shadow,
                form,
            };
            dry.run((&remote, &history), &plan, None, &args.running, global, out).await?;
            return remote.close().await;
        }
        if plan.steps.is_empty() {
            finish(&plan, &[], "done", form, out);
            return remote.close().await;
        }
        session.check_bound(&history)?;
        remote.server.check_writable(session.ledger())?;
        args.running.granularity(&session, &plan)?;
        secrets::check(&plan, &session.secrets)?;
        args.running.signing.key()?;
        if form == Form::Text {
            let about = about::online(&session, &remote, &plan).await;
            args.running.announce(&Preview::new(&plan, &about), global, out);
        }
        if !args.no_preflight {
            preflight(&session, &remote, &plan, form, global, out).await?;
        }
        confirm(global, &format!("Roll back {} on {}?", count(plan.steps.len(), "changeset"), remote.describe()))?;
        let stop = stop_on_signals();
        let mut observer = progress::observer(form, global, out);
        let lock = locked(&session, &mut remote, args.running.lock_wait, observer.as_mut(), &stop).await?;
        let now = remote.history(session.ledger()).await?;
        if moved(&history, &now) {
            drop(observer);
            lock.release().await?;
            return Err(Failure::new(Kind::Drift, "another run has changed the database since the plan was shown")
                .help("run the command again and look at what it would do now"));
        }
        let finished =
            execute(&session, &mut remote, &lock, &plan, &args.running, RunKind::Rollback, observer.as_mut(), &stop)
                .await;
        let finished = match finished {
            Err(failure) if failure.kind == Kind::Locked || remote.is_gone().await => {
                return Err(unsettled(failure, &plan));
            }
            other => other?,
        };
        drop(observer);
        lock.release().await?;
        finish(&plan, &finished.done, finished.status.word(), form, out);
        remote.close().await?;
        if finished.status == RunStatus::Done { Ok(()) } else { verdict(&finished) }
    });
    let command = if args.dry.on_server.dry_run { "rollback --dry-run" } else { "rollback" };
    match args.plan || args.dry.shadow {
        true => result,
        false => audited(result, Tried { command, plan: None }, &session, global, out),
    }
}

/// Compiles the rollback from what the ledger has.
pub async fn compile(
    session: &Session,
    remote: &Remote,
    history: &History,
    target: &Target,
    cascade: bool,
) -> Result<Plan, Failure> {
    let chosen = rollback::choose(history, target, cascade)?;
    let ids: Vec<String> = chosen.list.iter().map(|(id, _)| id.clone()).collect();
    if !ids.is_empty() {
        audit::check_recorded(&remote.connection, session.ledger(), &ids).await?;
    }
    let stored = read::stored(&remote.connection, session.ledger(), &ids).await?;
    let purged = attic::purged(&remote.connection, session.ledger(), &ids).await?;
    rollback::compile(&session.environment, session.ledger(), history, &chosen, stored, &purged)
}

/// A run that was cut off: what it had done is known to the ledger alone, and `--last-run` and
/// its like may mean something else by then. So it does not go on by itself.
fn unsettled(failure: Failure, plan: &Plan) -> Failure {
    let ids: Vec<&str> = plan.steps.iter().map(|s| s.changeset.as_str()).collect();
    failure
        .note(format!("it was to take back: {}", ids.join(", ")))
        .help("`dagmar status` shows which of them are still applied: `dagmar rollback ID...` takes those back")
}

/// Whether something else than the clock is different.
fn moved(before: &History, now: &History) -> bool {
    before.changesets != now.changesets
}

fn finish(plan: &Plan, done: &[String], status: &str, form: Form, out: &mut Output) {
    if form == Form::Json {
        let summary =
            json!({ "event": "summary", "status": status, "environment": plan.environment, "rolledBack": done });
        event(&summary);
    } else if plan.steps.is_empty() {
        out.data("nothing to roll back");
    } else if done.len() == plan.steps.len() {
        out.data(Line::new().paint(Tone::Good, "rolled back").plain(format!(" {}", count(done.len(), "changeset"))));
    } else {
        out.data(format!("rolled back {} of {}", done.len(), count(plan.steps.len(), "changeset")));
    }
}
