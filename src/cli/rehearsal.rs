//! Dry runs: on the environment's server, with its gates and its locks, or on a private one.

use super::gating::Gating;
use super::global::Global;
use super::output::{Form, Output};
use super::progress;
use super::running::{Running, confirm, execute, locked, stop_on_signals, verdict};
use super::session::{Remote, Session, holder};
use crate::base::{Failure, Kind, Span, count};
use crate::ledger::{EventKind, History, RunKind, Status, schema};
use crate::pg::ledger::audit;
use crate::pg::ledger::evidence::{self, Said};
use crate::pg::ledger::read;
use crate::pg::run::rehearse::{self, Rehearsal, RehearsalFailure};
use crate::plan::again::again;
use crate::plan::{Direction, Plan, Progress, secrets};
use crate::report::{self, Line, Text, Tone};
use serde_json::{Value, json};
use std::time::Instant;

/// The options of a dry run on the environment's server.
#[derive(Debug, Clone, clap::Args)]
pub struct OnServer {
    /// Runs it in one transaction that is rolled back, with real locks; the gates that hold for the run
    /// hold for it too
    #[arg(long)]
    pub dry_run: bool,
    /// The most time that a dry run may take, and hold its locks
    #[arg(long, value_name = "TIME", default_value = "1m", requires = "dry_run")]
    pub dry_run_limit: Span,
}

/// The options of a dry run on either kind of server.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    #[command(flatten)]
    pub on_server: OnServer,
    /// Makes the dry run on a private server, after what the ledger has as applied there, and removes
    /// that server; the environment's database is only read
    #[arg(long, requires = "dry_run")]
    pub shadow: bool,
}

/// A dry run.
pub struct DryRun<'a> {
    /// The project.
    pub session: &'a Session,
    /// The command.
    pub command: &'static str,
    /// How it is to be done.
    pub on_server: &'a OnServer,
    /// On a private server instead.
    pub shadow: bool,
    /// Text, or one JSON document.
    pub form: Form,
}

impl DryRun<'_> {
    /// Makes it, on the server or on a private one.
    ///
    /// # Errors
    /// What keeps it from being made, and what failed in it.
    pub async fn run(
        &self,
        (remote, history): (&Remote, &History),
        plan: &Plan,
        gating: Option<&Gating<'_>>,
        running: &Running,
        global: &Global,
        out: &mut Output,
    ) -> Result<(), Failure> {
        if self.shadow {
            return self.on_shadow(Some((remote, history)), plan, running, global, out).await;
        }
        self.session.check_bound(history)?;
        remote.server.check_writable(self.session.ledger())?;
        secrets::check(plan, &self.session.secrets)?;
        let mut overridden = None;
        if let Some(gating) = gating {
            let judged = gating.judge(remote, plan).await?;
            let refused = gating.refuse(&judged, remote, plan, self.command).await;
            refused.map_err(|failure| match self.command {
                "plan --dry-run" => failure.help(
                    "`--shadow` touches nothing there; `dagmar apply --dry-run` takes `--override GATE --reason TEXT`",
                ),
                _ => failure,
            })?;
            overridden = Some((gating, judged));
        }
        let limit = self.on_server.dry_run_limit;
        if !plan.steps.is_empty() {
            if self.form == Form::Text {
                out.say(announcement(plan, remote, limit));
            }
            let steps = count(plan.steps.len(), "changeset");
            confirm(global, &format!("Make a dry run of {steps} on {}?", remote.describe()))?;
        }
        let locks = locks_json(plan);
        let circumstances = json!({
            "command": self.command,
            "environment": self.session.environment,
            "changesets": plan.steps.iter().map(|s| s.changeset.as_str()).collect::<Vec<_>>(),
            "limitMs": limit.millis,
        });
        let is_recorded = history.version == schema::VERSION && !plan.steps.is_empty();
        let record = |kind, more: Value| {
            let mut detail = circumstances.clone();
            if let (Some(all), Value::Object(more)) = (detail.as_object_mut(), more) {
                all.extend(more);
            }
            [Said { kind, detail }]
        };
        let ledger = self.session.ledger();
        if is_recorded {
            if let Some((gating, judged)) = &overridden {
                gating.note(judged, remote, plan, None, self.command).await?;
            }
            let said = record(EventKind::RehearsalStarted, json!({ "locks": locks }));
            evidence::say(&remote.connection, ledger, &holder(), None, &said).await?;
        }
        let began = Instant::now();
        let stop = stop_on_signals();
        let secrets = &self.session.secrets;
        let result = rehearse::rehearse(&remote.connection, history.version, ledger, plan, secrets, limit, &stop).await;
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        if is_recorded {
            let outcome = match &result {
                Ok(rehearsal) if rehearsal.failed.is_none() => "done",
                Ok(_) => "failed",
                Err(failure) if failure.kind == Kind::Interrupted => "interrupted",
                Err(_) => "ended",
            };
            let said = record(EventKind::RehearsalFinished, json!({ "outcome": outcome, "tookMs": took_ms }));
            let recorded = evidence::say(&remote.connection, ledger, &holder(), None, &said).await;
            // what is wrong with the dry run is what one wants to know
            if result.is_ok() {
                recorded?;
            }
        }
        let rehearsal = result?;
        let place = format!("{}, rolled back", remote.describe());
        let more = json!({ "locks": locks, "limitMs": limit.millis, "tookMs": took_ms });
        self.tell(plan, rehearsal, &place, more, out)
    }

    /// Makes it on a private server; without the other one as if nothing were applied.
    ///
    /// # Errors
    /// When the server cannot be brought to where the other one is, and what failed in it.
    pub async fn on_shadow(
        &self,
        other: Option<(&Remote, &History)>,
        plan: &Plan,
        running: &Running,
        global: &Global,
        out: &mut Output,
    ) -> Result<(), Failure> {
        let session = self.session;
        secrets::check(plan, &session.secrets)?;
        let base = match other {
            Some((remote, history)) => {
                if plan.direction == Direction::Rollback {
                    whole(plan, history)?;
                }
                let ids: Vec<String> = history.changesets.keys().cloned().collect();
                // on the private server it runs as a superuser, with the rights of who runs this
                if history.version >= schema::CHAINED {
                    audit::check_recorded(&remote.connection, session.ledger(), &ids).await?;
                }
                let stored = read::stored(&remote.connection, session.ledger(), &ids).await?;
                again(&session.environment, session.ledger(), history, stored)
            }
            None => again(&session.environment, session.ledger(), &History::default(), Default::default()),
        };
        let mut shadow = session.shadow(other.map(|(remote, _)| remote)).await?;
        let version = shadow.server.release();
        if let Some((remote, _)) = other.filter(|(remote, _)| remote.server.major() != shadow.server.major()) {
            out.warn(&format!(
                "the dry run is on PostgreSQL {version}: version {} of {} is not installed here",
                remote.server.major(),
                remote.describe()
            ));
        }
        let stop = stop_on_signals();
        let before = count(base.steps.len(), "applied changeset");
        if self.form == Form::Text {
            out.say(format!("dry run on a private PostgreSQL {version}, after {before}"));
        }
        let alone = running.for_shadow(Some(1));
        let mut silent = ();
        if !base.steps.is_empty() {
            let lock = locked(session, &mut shadow, alone.lock_wait, &mut silent, &stop).await?;
            let done = execute(session, &mut shadow, &lock, &base, &alone, RunKind::Apply, &mut silent, &stop).await?;
            verdict(&done).map_err(|failure| {
                let message =
                    format!("the private server cannot be brought to where the database is: {}", failure.message);
                Failure { message, ..failure }
                    .note("it has what the ledger recorded, and nothing that came otherwise")
                    .help("make the dry run without `--shadow`, or bring what is missing into a changeset")
            })?;
            lock.release().await?;
        }
        let lock = locked(session, &mut shadow, alone.lock_wait, &mut silent, &stop).await?;
        let plan = &anew(plan);
        let began = Instant::now();
        let finished = {
            let mut observer: Box<dyn crate::run::Observer> = match self.form {
                Form::Json => Box::new(()),
                Form::Text => progress::observer(Form::Text, global, out),
            };
            let running = running.for_shadow(None);
            let kind = if plan.direction == Direction::Rollback { RunKind::Rollback } else { RunKind::Apply };
            execute(session, &mut shadow, &lock, plan, &running, kind, observer.as_mut(), &stop).await?
        };
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        lock.release().await?;
        shadow.close().await?;
        if finished.failed.is_empty() {
            verdict(&finished)?;
        }
        let done = plan.steps.iter().filter(|step| finished.done.contains(&step.changeset));
        let rehearsal = Rehearsal {
            ran: done.flat_map(|step| &step.segments).map(|segment| segment.statements.len()).sum(),
            left_out: Vec::new(),
            failed: finished.failed.into_iter().next().map(RehearsalFailure::from),
        };
        let place = format!("a private PostgreSQL {version}, after {before}, thrown away");
        let more = json!({ "shadow": { "version": version, "applied": base.steps.len() }, "tookMs": took_ms });
        self.tell(plan, rehearsal, &place, more, out)
    }

    fn tell(
        &self,
        plan: &Plan,
        rehearsal: Rehearsal,
        place: &str,
        more: Value,
        out: &mut Output,
    ) -> Result<(), Failure> {
        if self.form == Form::Json {
            let mut value = json!(rehearsal);
            if let (Some(all), Value::Object(more)) = (value.as_object_mut(), more) {
                all.extend(more);
            }
            out.json(&json!({ "plan": plan, "dryRun": value }));
        } else {
            if plan.steps.is_empty() {
                out.data(
                    Line::new().paint(Tone::Strong, "dry run").plain(format!(" on {place}: there is nothing to run")),
                );
                return Ok(());
            }
            let (steps, ran) = (count(plan.steps.len(), "changeset"), count(rehearsal.ran, "statement"));
            out.data(Line::new().paint(Tone::Strong, "dry run").plain(format!(" of {steps} on {place}: {ran} ran")));
            for left_out in &rehearsal.left_out {
                let head = format!("  {}: {} (", left_out.changeset, report::plan::gist(&left_out.sql));
                out.data(Line::from(head).paint(Tone::Warn, &left_out.instead).plain(")"));
            }
        }
        let Some(failed) = rehearsal.failed else { return Ok(()) };
        let mut failure =
            Failure::new(Kind::Failed, format!("the dry run failed in `{}`: {}", failed.changeset, failed.message))
                .help("nothing was changed");
        failure.location = failed.location;
        if let Some(sql) = failed.sql {
            failure.notes = sql.lines().map(str::to_owned).collect();
        }
        failure.notes.extend(failed.detail.iter().flat_map(|d| d.lines()).map(|line| format!("detail: {line}")));
        Err(failure)
    }
}

/// What will be locked, and for how long at most.
fn announcement(plan: &Plan, remote: &Remote, limit: Span) -> Text {
    let mut text = Text::new();
    let locks = rehearse::locks(plan);
    let head = Line::new().paint(Tone::Strong, "dry run").plain(format!(" on {}", remote.describe()));
    if locks.is_empty() {
        text.line(
            head.plain(format!(": no lock of it is known beforehand; it is rolled back after {limit} at the latest")),
        );
        return text;
    }
    text.line(
        head.plain(format!(
            ": it takes these locks and holds them until it is rolled back, after {limit} at the latest"
        )),
    );
    for (object, mode) in locks {
        let line = Line::from(format!("  {} on {object}: ", mode.sql()));
        text.line(match mode.effect() {
            "blocks nobody" => line.plain(mode.effect()),
            effect => line.paint(Tone::Warn, effect),
        });
    }
    text
}

fn locks_json(plan: &Plan) -> Value {
    let locks = rehearse::locks(plan).into_iter();
    locks.map(|(object, mode)| json!({ "object": object, "mode": mode, "effect": mode.effect() })).collect()
}

/// The plan from its beginning: what was half done elsewhere is not on a new server.
fn anew(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    plan.steps.iter_mut().flat_map(|s| &mut s.segments).for_each(|segment| segment.progress = Progress::Todo);
    plan
}

/// Refuses to take back on a new server what is half done on the other one.
fn whole(plan: &Plan, history: &History) -> Result<(), Failure> {
    let begun = |id: &str| {
        history.changesets.get(id).is_some_and(|r| r.status != Status::Applied || r.segments.iter().any(|s| !s.done))
    };
    match plan.steps.iter().find(|step| begun(&step.changeset)) {
        None => Ok(()),
        Some(step) => Err(Failure::new(
            Kind::Refused,
            format!("`{}` is half done: no private server can be brought to where it is", step.changeset),
        )
        .help("make the dry run without `--shadow`")),
    }
}
