//! Dry runs: their options, and how they are shown.

use super::global::Global;
use super::output::{Form, Output};
use super::progress;
use super::running::{Running, confirm, stop_on_signals};
use crate::base::{Failure, HumanDuration, count};
use crate::ops::rehearsal::{DryRun, DryRunAnswer, Shadow, ShadowServer, verdict_of};
use crate::ops::{Planned, Target};
use crate::plan::Plan;
use crate::report::{Line, Text, Tone};
use crate::run::Observer;

/// The options of a dry run on the environment's server.
#[derive(Debug, Clone, clap::Args)]
pub struct ServerDryRunArgs {
    /// Runs everything in one transaction and rolls it back, with real locks; requires the same gates as
    /// the run
    #[arg(long)]
    pub dry_run: bool,
    /// The maximum time that a dry run may take and hold its locks
    #[arg(long, value_name = "TIME", default_value = "1m", requires = "dry_run")]
    pub dry_run_limit: HumanDuration,
}

/// The options of a dry run on either kind of server.
#[derive(Debug, Clone, clap::Args)]
pub struct DryRunArgs {
    #[command(flatten)]
    pub on_server: ServerDryRunArgs,
    /// Makes the dry run on a temporary private server, on top of the changesets applied in the ledger; only
    /// reads the environment's database
    #[arg(long, requires = "dry_run")]
    pub shadow: bool,
}

impl DryRunArgs {
    /// Whether it is a dry run.
    pub fn dry_run(&self) -> bool {
        self.on_server.dry_run
    }
}

/// Makes a dry run, on the server or on a private one.
pub async fn dry_run(
    planned: &Planned<'_>,
    command: &'static str,
    args: &DryRunArgs,
    running: &Running,
    form: Form,
    global: &Global,
    out: &mut Output,
) -> Result<(), Failure> {
    match args.shadow {
        true => on_shadow(planned.target, Some(planned), &planned.plan, running, form, global, out).await,
        false => on_server(planned, command, args.on_server.dry_run_limit, form, global, out).await,
    }
}

/// Makes it on the environment's server.
pub async fn on_server(
    planned: &Planned<'_>,
    command: &'static str,
    limit: HumanDuration,
    form: Form,
    global: &Global,
    out: &mut Output,
) -> Result<(), Failure> {
    let dry = DryRun::prepare(planned, command, limit).await.map_err(|failure| match command {
        "plan --dry-run" if failure.recorded => failure
            .help("`--shadow` changes nothing there; `dagmar apply --dry-run` takes `--override GATE --reason TEXT`"),
        _ => failure,
    })?;
    let place = planned.db.describe();
    if !planned.plan.steps.is_empty() {
        if form == Form::Text {
            out.say(announcement(&dry, &place, limit));
        }
        confirm(global, &format!("Make a dry run of {} on {place}?", count(planned.plan.steps.len(), "changeset")))?;
    }
    let rehearsed = dry.run(&stop_on_signals()).await?;
    tell(&dry.answer(&rehearsed), &format!("{place}, rolled back"), form, out)
}

/// Makes it on a private server; without the other database as if nothing were applied.
pub async fn on_shadow(
    target: &Target,
    other: Option<&Planned<'_>>,
    plan: &Plan,
    running: &Running,
    form: Form,
    global: &Global,
    out: &mut Output,
) -> Result<(), Failure> {
    let stop = stop_on_signals();
    let shadow = Shadow::start(target, other.map(|other| (&other.db, &other.history)), plan, &stop).await?;
    let (version, applied) = (shadow.version.clone(), shadow.applied);
    if let Some(db) = other.map(|other| &other.db).filter(|db| db.server.major() != shadow.major()) {
        out.warn(&format!(
            "the dry run is on PostgreSQL {version}: version {} of {} is not installed here",
            db.server.major(),
            db.describe()
        ));
    }
    let before = count(applied, "applied changeset");
    let mut observer: Box<dyn Observer> = match form {
        Form::Json => Box::new(()),
        Form::Text => {
            out.say(format!("dry run on a private PostgreSQL {version}, after {before}"));
            progress::observer(form, global, out)
        }
    };
    let rehearsed = shadow.run(plan, &running.unsigned(), observer.as_mut(), &stop).await?;
    drop(observer);
    let place = format!("a private PostgreSQL {version}, after {before}, thrown away");
    tell(&DryRunAnswer::on_shadow(plan, &rehearsed, ShadowServer { version: &version, applied }), &place, form, out)
}

/// Shows what came of it.
fn tell(answer: &DryRunAnswer<'_>, place: &str, form: Form, out: &mut Output) -> Result<(), Failure> {
    let (plan, rehearsal) = (answer.plan, answer.dry_run.rehearsal);
    if form == Form::Json {
        out.json(answer);
    } else {
        let head = Line::new().paint(Tone::Strong, "dry run");
        if plan.steps.is_empty() {
            out.data(head.plain(format!(" on {place}: nothing to run")));
            return Ok(());
        }
        let (steps, ran) = (count(plan.steps.len(), "changeset"), count(rehearsal.ran, "statement"));
        out.data(head.plain(format!(" of {steps} on {place}: {ran} ran")));
        for left_out in &rehearsal.left_out {
            let head = format!("  {}: {} (", left_out.changeset, crate::sql::gist(&left_out.sql));
            out.data(Line::from(head).paint(Tone::Warn, &left_out.instead).plain(")"));
        }
    }
    verdict_of(rehearsal)
}

/// What will be locked, and for how long at most.
fn announcement(dry: &DryRun<'_>, place: &str, limit: HumanDuration) -> Text {
    let mut text = Text::new();
    let head = Line::new().paint(Tone::Strong, "dry run").plain(format!(" on {place}"));
    if dry.locks.is_empty() {
        text.line(head.plain(format!(": its locks are unknown; it is rolled back after {limit} at the latest")));
        return text;
    }
    text.line(
        head.plain(format!(
            ": it takes these locks and holds them until it is rolled back, after {limit} at the latest"
        )),
    );
    for (object, mode) in &dry.locks {
        let line = Line::from(format!("  {} on {object}: ", mode.sql()));
        text.line(match mode.effect() {
            "blocks nobody" => line.plain(mode.effect()),
            effect => line.paint(Tone::Warn, effect),
        });
    }
    text
}
