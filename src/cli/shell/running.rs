//! Running a plan: what apply and rollback have in common.

use super::global::Global;
use super::output::{Form, Output, ask, event};
use super::wording::worded;
use crate::base::{Failure, FailureKind, Granularity, HumanDuration, count};
use crate::ops::keys::private_key;
use crate::ops::lines::RunEvent;
use crate::ops::run::RunOptions;
use crate::pg::Stop;
use crate::pg::run::OnFailure;
use crate::plan::Direction;
use crate::plan::signature::PrivateKey;
use crate::report::{self, Detail, PlanFormat, PlanOptions, Preview};
use crate::run::{Finding, FindingSeverity};
use std::path::PathBuf;
use std::sync::Arc;

/// How a plan is run: the options that apply and rollback share.
#[derive(Debug, Clone, clap::Args)]
pub struct Running {
    /// Runs independent steps on up to N connections; 1: one step at a time
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub jobs: Option<u16>,
    /// When a step fails: let running steps finish, or cancel them; no new step starts either way
    #[arg(long, value_name = "WHAT", value_enum, default_value = "finish")]
    pub on_failure: Others,
    /// The scope of a transaction: each changeset, or the whole plan (all or nothing)
    #[arg(long, value_name = "WHAT", value_enum)]
    pub transaction: Option<Transaction>,
    /// How long to wait for another run to end
    #[arg(long, value_name = "TIME", default_value = "10m")]
    pub lock_wait: HumanDuration,
    /// How much of the plan to show before it runs [default: statements; for a long plan, summary]
    #[arg(long, value_name = "WHAT", value_enum)]
    pub show: Option<Show>,
    #[command(flatten)]
    pub signing: Signing,
}

/// How the history is signed: the option of every run.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Signing {
    /// Signs the history at the end of the run with this private key; `history --verify --key` verifies
    /// the signature
    #[arg(long, value_name = "KEYFILE", env = "DAGMAR_SIGN_HISTORY", hide_env_values = true)]
    sign_history: Option<PathBuf>,
}

impl Signing {
    /// The key that the history is signed with.
    pub fn key(&self) -> Result<Option<Arc<PrivateKey>>, Failure> {
        Ok(self.sign_history.as_deref().map(private_key).transpose()?.map(Arc::new))
    }
}

/// How much of a plan is shown before it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Show {
    /// A line for each changeset
    Summary,
    /// The first lines of the statements, with their locks
    Statements,
    /// The SQL of both directions, as with -v
    Sql,
}

/// A plan of more lines is shown as a summary, unless more is asked for.
const LONG: usize = 60;

/// What happens to the steps that run when one fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Others {
    /// They finish
    Finish,
    /// They are cancelled
    Stop,
}

/// What one transaction holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Transaction {
    /// Each changeset, or each segment of it
    Changeset,
    /// The whole plan: all or nothing
    Plan,
}

impl Default for Running {
    fn default() -> Self {
        Self {
            jobs: None,
            on_failure: Others::Finish,
            transaction: None,
            lock_wait: HumanDuration::secs(600),
            show: None,
            signing: Signing::default(),
        }
    }
}

impl Running {
    /// The options as the run takes them. A key that cannot be used is told before anything runs.
    pub fn options(&self) -> Result<RunOptions, Failure> {
        Ok(RunOptions { sign: self.signing.key()?, ..self.unsigned() })
    }

    /// The same where nothing is signed: of a dry run.
    pub fn unsigned(&self) -> RunOptions {
        RunOptions {
            jobs: self.jobs,
            on_failure: match self.on_failure {
                Others::Finish => OnFailure::Finish,
                Others::Stop => OnFailure::Stop,
            },
            transaction: self.transaction.map(|transaction| match transaction {
                Transaction::Changeset => Granularity::Changeset,
                Transaction::Plan => Granularity::Plan,
            }),
            lock_wait: self.lock_wait,
            sign: None,
        }
    }

    /// Shows what is about to run.
    pub fn announce(&self, preview: &Preview<'_>, global: &Global, out: &mut Output) {
        let limit = out.messages().limit;
        let text = |detail| report::plan::text(preview, PlanOptions { detail, limit });
        let detail = match self.show {
            Some(Show::Summary) => Detail::Summary,
            Some(Show::Statements) => Detail::Statements,
            Some(Show::Sql) => Detail::Sql,
            None if global.verbose > 0 => Detail::Sql,
            None => {
                let whole = text(Detail::Statements);
                if whole.lines() <= LONG {
                    return out.say(whole);
                }
                out.say(text(Detail::Summary));
                let command = match preview.plan.direction {
                    Direction::Forward => "plan",
                    Direction::Rollback => "rollback --plan",
                    Direction::Purge => "attic purge --plan",
                    Direction::Restore => "attic restore --plan",
                };
                return out.say(format!(
                    "this is the summary of a plan of {}: `--show statements` and `--show sql` show all of it here, \
                     `dagmar {command}` without running it",
                    count(whole.lines(), "line")
                ));
            }
        };
        out.say(text(detail));
    }
}

/// Asks, unless `--yes` was given.
pub fn confirm(global: &Global, question: &str) -> Result<(), Failure> {
    if global.yes {
        return Ok(());
    }
    if ask(question)? { Ok(()) } else { Err(Failure::new(FailureKind::Refused, "not confirmed; nothing was changed")) }
}

/// A request to stop that Ctrl-C and SIGTERM express.
pub fn stop_on_signals() -> Arc<Stop> {
    let stop = Arc::new(Stop::default());
    let requested = Arc::clone(&stop);
    tokio::spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
            return;
        };
        let mut times = 0;
        loop {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => times += 1,
            }
            requested.request();
            if times > 1 {
                // asked twice: at once; the server undoes what was not committed
                std::process::exit(i32::from(FailureKind::Interrupted.exit_code()));
            }
        }
    });
    stop
}

/// Shows what the preflight found; errors are said by the refusal.
pub fn show_findings(findings: &[Finding], form: Form, global: &Global, out: &mut Output) {
    if findings.is_empty() {
        return;
    }
    if form == Form::Json {
        return event(&RunEvent::preflight(findings, worded));
    }
    let most = if global.verbose > 0 { FindingSeverity::Note } else { FindingSeverity::Warning };
    let shown: Vec<Finding> =
        findings.iter().filter(|f| f.severity > FindingSeverity::Error && f.severity <= most).cloned().collect();
    if !shown.is_empty() {
        out.say(report::preflight::text(&shown, worded));
    }
}

/// The formats of a plan.
pub fn plan_formats() -> Vec<(&'static str, PlanFormat)> {
    PlanFormat::ALL.iter().map(|f| (f.name(), *f)).collect()
}
