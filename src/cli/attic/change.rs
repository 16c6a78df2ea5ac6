//! `dagmar attic purge` and `restore`: a run of their own.

use super::list::counted;
use super::{How, retention};
use crate::base::{Failure, Kind};
use crate::cli::about;
use crate::cli::audit::{Tried, audited};
use crate::cli::gating::{self, Gating, What as Gated};
use crate::cli::global::Global;
use crate::cli::output::{Form, Output, choose, event, form};
use crate::cli::plan::formats as plan_formats;
use crate::cli::rehearsal::DryRun;
use crate::cli::running::{confirm, execute, locked, preflight, stop_on_signals, verdict};
use crate::cli::session::{Remote, Session};
use crate::cli::{Outcome, block_on, progress};
use crate::ledger::attic::Entry;
use crate::ledger::{History, RunKind};
use crate::pg::ledger::{attic, audit};
use crate::plan::attic::{Which, compile, to_purge, to_restore};
use crate::plan::{Direction, Plan};
use crate::report::{Detail, Line, PlanFormat, PlanOptions, Preview, Tone};
use serde_json::json;

/// What is to be done.
pub struct Order<'a> {
    /// Purge or restore.
    pub direction: Direction,
    /// Which entries.
    pub which: Which,
    /// How.
    pub how: &'a How,
}

impl Order<'_> {
    /// What kind of run it is.
    fn kind(&self) -> RunKind {
        match self.direction {
            Direction::Purge => RunKind::Purge,
            _ => RunKind::Restore,
        }
    }

    /// As it was called.
    fn command(&self) -> &'static str {
        match (self.direction, self.how.dry.dry_run) {
            (Direction::Purge, false) => "attic purge",
            (Direction::Purge, true) => "attic purge --dry-run",
            (_, false) => "attic restore",
            (_, true) => "attic restore --dry-run",
        }
    }
}

/// Entries of the attic that are purged or put back, as far as they are still there.
pub struct Work<'a> {
    session: &'a Session,
    direction: Direction,
    which: &'a Which,
}

impl Work<'_> {
    /// Compiles what is to run. What was changed by hand is refused.
    pub async fn compile(&self, remote: &Remote, history: &History) -> Result<Plan, Failure> {
        Ok(self.choose(remote, history).await?.0)
    }

    async fn choose(&self, remote: &Remote, history: &History) -> Result<(Plan, Vec<String>), Failure> {
        let session = self.session;
        let entries = attic::entries(&remote.connection, &remote.server, session.ledger()).await?;
        let chosen = match (self.direction, self.which) {
            (Direction::Restore, Which::Ids(ids)) => to_restore(&entries, ids)?,
            _ => to_purge(&entries, self.which, &session.environment, retention(session), history.now)?,
        };
        let limits = session.workspace.loaded.config.limits(&session.environment).resolve();
        let plan = compile(&session.environment, session.ledger(), self.direction, limits, &chosen.entries);
        let ids: Vec<String> = plan.steps.iter().map(|step| step.changeset.clone()).collect();
        if !ids.is_empty() {
            audit::check_recorded(&remote.connection, session.ledger(), &ids).await?;
        }
        let mut notes = chosen.left;
        let mut without: Vec<String> =
            chosen.entries.iter().filter(|e| e.by_rollback).map(|e| format!("`{}`", e.changeset)).collect();
        without.dedup();
        if self.direction == Direction::Purge && !without.is_empty() {
            notes.push(format!("then these cannot be rolled back any more: {}", without.join(", ")));
        }
        Ok((plan, notes))
    }
}

pub fn change(order: &Order<'_>, words: &gating::Words, global: &Global, out: &mut Output) -> Outcome {
    let format = if order.how.plan { Some(choose(global, &plan_formats())?) } else { None };
    let form = if order.how.plan { Form::Text } else { form(global)? };
    let session = Session::open(global)?;
    let work = Work { session: &session, direction: order.direction, which: &order.which };
    let result = block_on(async {
        let remote = session.connect(global, out).await?;
        let gating = Gating::new(&session, Gated::Attic(&work), words, None, None)?;
        carry_out(order, &work, gating, remote, (form, format), global, out).await
    });
    if order.how.plan {
        return result;
    }
    audited(result, Tried { command: order.command(), plan: None }, &session, global, out)
}

/// Shows what would run, asks the gates, and runs it under the lock.
async fn carry_out(
    order: &Order<'_>,
    work: &Work<'_>,
    mut gating: Gating<'_>,
    mut remote: Remote,
    (form, format): (Form, Option<PlanFormat>),
    global: &Global,
    out: &mut Output,
) -> Result<(), Failure> {
    let (session, how) = (work.session, order.how);
    let history = remote.history(session.ledger()).await?;
    let (_, notes) = work.choose(&remote, &history).await?;
    let plan = gating.compile(&remote, &history).await?;
    let about = about::online(session, &remote, &plan).await;
    let preview = Preview::new(&plan, &about);
    if let Some(format) = format {
        out.report(format.render(&[preview], PlanOptions { limit: out.limit(), detail: Detail::Statements }));
        notes.iter().for_each(|line| out.say(line.as_str()));
        return remote.close().await;
    }
    if plan.steps.is_empty() && !how.dry.dry_run {
        notes.iter().for_each(|line| out.say(line.as_str()));
        finish(order, &plan, &[], "done", form, out);
        return remote.close().await;
    }
    if form == Form::Text {
        how.running.announce(&preview, global, out);
    }
    notes.iter().for_each(|line| out.say(line.as_str()));
    if how.dry.dry_run {
        let dry = DryRun { session, command: order.command(), on_server: &how.dry, shadow: false, form };
        // as in a run: what is put back is not kept waiting
        let gating = (order.direction == Direction::Purge).then_some(&gating);
        dry.run((&remote, &history), &plan, gating, &how.running, global, out).await?;
        return remote.close().await;
    }
    session.check_bound(&history)?;
    remote.server.check_writable(session.ledger())?;
    how.running.granularity(session, &plan)?;
    how.running.signing.key()?;
    let purges = order.direction == Direction::Purge;
    if purges {
        // what is put back is not kept waiting, as a rollback is not
        let judged = gating.judge(&remote, &plan).await?;
        gating.show(&judged, &preview, form, false, out);
        gating.refuse(&judged, &remote, &plan, order.kind().word()).await?;
    }
    if !how.no_preflight {
        preflight(session, &remote, &plan, form, global, out).await?;
    }
    confirm(global, &question(order, &plan, &remote))?;
    let stop = stop_on_signals();
    let mut observer = progress::observer(form, global, out);
    let lock = locked(session, &mut remote, how.running.lock_wait, observer.as_mut(), &stop).await?;
    let prepared = prepare(order, &plan, &mut gating, &remote, &lock.run).await;
    if let Err(refused) = prepared {
        drop(observer);
        lock.release().await?;
        return Err(refused);
    }
    let finished =
        execute(session, &mut remote, &lock, &plan, &how.running, order.kind(), observer.as_mut(), &stop).await;
    let finished = match finished {
        Err(failure) if failure.kind == Kind::Locked || remote.is_gone().await => {
            return Err(failure.help("give the same command again: it goes on with what is left"));
        }
        other => other?,
    };
    drop(observer);
    lock.release().await?;
    let did = entries_of(&plan, |id| finished.done.iter().any(|d| d == id));
    let mut entries = attic::entries(&remote.connection, &remote.server, session.ledger()).await?;
    entries.retain(|e| did.contains(&e.id));
    finish(order, &plan, &entries, finished.status.word(), form, out);
    remote.close().await?;
    verdict(&finished)
}

/// Looks once more under the lock: nothing runs that was not shown, and time has passed.
async fn prepare(
    order: &Order<'_>,
    shown: &Plan,
    gating: &mut Gating<'_>,
    remote: &Remote,
    run: &str,
) -> Result<(), Failure> {
    let history = remote.history(gating.session().ledger()).await?;
    gating.session().check_bound(&history)?;
    let now = gating.compile(remote, &history).await?;
    let same = |a: &Plan, b: &Plan| {
        let of = |plan: &Plan| {
            let entries = plan.steps.iter().flat_map(|s| &s.segments).flat_map(|s| &s.statements);
            entries.map(|s| s.sql.clone()).collect::<Vec<_>>()
        };
        of(a) == of(b)
    };
    if !same(shown, &now) {
        return Err(Failure::new(Kind::Drift, "the attic has changed since this was shown; nothing was run")
            .help("run the command again and look at what it would do now"));
    }
    if order.direction == Direction::Purge {
        let judged = gating.judge(remote, &now).await?;
        gating.refuse(&judged, remote, &now, order.kind().word()).await?;
        gating.note(&judged, remote, &now, Some(run), order.kind().word()).await?;
    }
    Ok(())
}

/// The numbers of the entries of these changesets.
fn entries_of(plan: &Plan, of: impl Fn(&str) -> bool) -> Vec<i64> {
    let steps = plan.steps.iter().filter(|s| of(&s.changeset));
    let entries = steps.flat_map(|s| s.body["entries"].as_array().into_iter().flatten());
    entries.filter_map(|e| e["entry"].as_i64()).collect()
}

fn question(order: &Order<'_>, plan: &Plan, remote: &Remote) -> String {
    let (entries, place) = (counted(entries_of(plan, |_| true).len()), remote.describe());
    match order.direction {
        Direction::Purge => format!("Drop {entries} of the attic on {place} for good?"),
        _ => format!("Put back {entries} of the attic on {place}?"),
    }
}

/// What is to be said at the end of what was done.
fn finish(order: &Order<'_>, plan: &Plan, done: &[Entry], status: &str, form: Form, out: &mut Output) {
    let all = entries_of(plan, |_| true).len();
    let (word, key) = match order.direction {
        Direction::Purge => ("purged", "purged"),
        _ => ("put back", "restored"),
    };
    if form == Form::Json {
        let mut summary = json!({ "event": "summary", "status": status, "environment": plan.environment });
        summary[key] = done.iter().map(Entry::told).collect();
        event(&summary);
        return;
    }
    if order.direction == Direction::Restore {
        done.iter().filter_map(Entry::outcome).for_each(|line| out.say(line));
    }
    if all == 0 {
        out.data(format!("nothing to {}", order.direction.word()));
    } else if done.len() == all {
        out.data(Line::new().paint(Tone::Good, word).plain(format!(" {}", counted(all))));
    } else {
        out.data(format!("{word} {} of {}", done.len(), counted(all)));
    }
}
