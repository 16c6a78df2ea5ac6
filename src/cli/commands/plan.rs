//! `dagmar plan`: what would run.

use super::check;
use crate::base::{Failure, Kind, Span};
use crate::cli::shell::audit::{Tried, audited};
use crate::cli::shell::gating::{Gating, What, Words};
use crate::cli::shell::global::Global;
use crate::cli::shell::left;
use crate::cli::shell::look;
use crate::cli::shell::output::{Form, Output, choose};
use crate::cli::shell::rehearsal::{self, DryRun};
use crate::cli::shell::running::Running;
use crate::cli::shell::seal;
use crate::cli::shell::session::{Remote, Session};
use crate::cli::shell::{about, complete};
use crate::cli::{Outcome, block_on};
use crate::ledger::History;
use crate::pg::ledger::read;
use crate::pipeline::View;
use crate::plan::{Edited, Plan};
use crate::report::{Detail, PlanFormat, PlanOptions, Preview};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Shows what `apply` would run: order, waves, SQL both ways, locks, hazards.
///
/// Only reads the environment's database; `--dry-run` runs the plan there, with its locks, and rolls it back.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar plan
  dagmar plan --sql --env staging
  dagmar plan --against production
  dagmar plan --select +008-active-organization --format markdown
  dagmar plan --dry-run --url postgres://localhost/shop
  dagmar plan --dry-run --shadow --env production
  dagmar plan --for staging,production --out release.plan --sign release.key
  dagmar plan --verify release.plan --key release.key.pub --sql
  dagmar plan --offline --format html > plan.html")]
pub struct Args {
    /// Only these: id, +id (with what it needs), id+ (with what needs it), label:x
    #[arg(long, short, value_name = "SELECTOR", add = complete::selectors())]
    select: Vec<String>,
    /// Shows the SQL of both directions
    #[arg(long)]
    sql: bool,
    #[command(flatten)]
    dry: rehearsal::Options,
    /// Runs the checks that `apply` makes before a run as well: rights, room on the disk, who holds
    /// locks; errors end it with exit code 5
    #[arg(long, value_name = "ENV|URL", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["offline", "dry_run"], add = complete::environments())]
    against: Option<String>,
    /// Connects to nothing: as if the database were empty
    #[arg(long)]
    offline: bool,
    /// Seals the plan into this file: `dagmar apply FILE` runs it and nothing else
    #[arg(long, value_name = "FILE", conflicts_with_all = ["offline", "dry_run", "against", "sql"])]
    out: Option<PathBuf>,
    /// With --out: overwrites a file that is no sealed plan; never a private key
    #[arg(long, requires = "out")]
    force: bool,
    /// Seals it for these environments, in the order of promotion: staging,production
    #[arg(long = "for", value_name = "ENV", value_delimiter = ',', requires = "out", add = complete::environments())]
    environments: Vec<String>,
    /// Signs it with this private key, see `dagmar key`
    #[arg(long, value_name = "KEYFILE", requires = "out")]
    sign: Option<PathBuf>,
    /// How long the sealed plan may be run
    #[arg(long, value_name = "TIME", default_value = "7d", requires = "out")]
    expires: Span,
    /// Checks digest, signature and expiry of a sealed plan and says what is in it, without a
    /// server
    #[arg(long, value_name = "FILE", conflicts_with_all = ["out", "offline", "dry_run", "against", "select"])]
    verify: Option<PathBuf>,
    /// With --verify: the plan must be signed with the private half of this key
    #[arg(long, value_name = "KEYFILE", requires = "verify")]
    key: Option<PathBuf>,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    if let Some(file) = &args.verify {
        return seal::verify(file, args.key.as_deref(), args.sql, global, out);
    }
    if let Some(file) = &args.out {
        let Args { environments, sign, expires, select, force, .. } = args;
        let order =
            seal::Order { out: file, environments, sign: sign.as_deref(), expires: *expires, select, force: *force };
        return seal::seal(&order, global, out);
    }
    let format = choose(global, &formats())?;
    let global = &look::against(global, args.against.as_deref().unwrap_or_default())?;
    let session = Session::open(global)?;
    let view = session.view()?;
    check::hint(&view, out);
    let detail = if args.sql { Detail::Sql } else { Detail::Statements };
    let options = PlanOptions { limit: out.limit(), detail };
    let form = if format == PlanFormat::Json { Form::Json } else { Form::Text };
    let dry = DryRun {
        session: &session,
        command: "plan --dry-run",
        on_server: &args.dry.on_server,
        shadow: args.dry.shadow,
        form,
    };
    if args.offline {
        let plan = view.plan(&History::default(), &args.select)?.unwrap_or_else(|_| unreachable!("nothing is applied"));
        out.warnings(&view.exposed_passwords(&plan));
        if args.dry.shadow {
            return block_on(dry.on_shadow(None, &plan, &Running::default(), global, out));
        }
        if args.dry.on_server.dry_run {
            return Err(Failure::new(Kind::Usage, "a dry run needs a server, and `--offline` connects to none")
                .help("`--shadow` makes it on a private server that is thrown away"));
        }
        let about = about::offline(&session);
        out.report(format.render(&[Preview::new(&plan, &about)], options));
        return Ok(());
    }
    let result = block_on(async {
        let mut remote = session.connect(global, out).await?;
        let history = remote.history(session.ledger()).await?;
        if let Some(other) = session.bound_elsewhere(&history) {
            out.warn(&format!("the ledger of this database belongs to `{other}`; see `dagmar adopt`"));
        }
        let words = Words::default();
        let mut gating = Gating::new(&session, What::Files(&view), &words, view.select(&args.select)?, None)?;
        let plan = gating.compile(&remote, &history).await?;
        out.warnings(&view.exposed_passwords(&plan));
        left::warn_of(&left::without_file(&view, &history), out);
        if args.against.is_some() {
            let found = look::findings_and_pooler(&session, &mut remote, &plan).await?;
            let about = about::online(&session, &remote, &plan).await;
            let preview = Preview { findings: Some(&found), ..Preview::new(&plan, &about) };
            out.report(format.render(&[preview], options));
            remote.close().await?;
            return look::refusal(&found);
        }
        if args.dry.on_server.dry_run {
            dry.run((&remote, &history), &plan, Some(&gating), &Running::default(), global, out).await?;
        } else {
            let about = about::online(&session, &remote, &plan).await;
            out.report(format.render(&[Preview::new(&plan, &about)], options));
        }
        remote.close().await
    });
    match args.dry.on_server.dry_run && !args.dry.shadow {
        true => audited(result, Tried { command: dry.command, plan: None }, &session, global, out),
        false => result,
    }
}

/// The formats of a plan.
pub fn formats() -> Vec<(&'static str, PlanFormat)> {
    PlanFormat::ALL.iter().map(|f| (f.name(), *f)).collect()
}

/// Compiles, or says how applied changesets differ from their files.
pub async fn compile(view: &View<'_>, remote: &Remote, history: &History, select: &[String]) -> Result<Plan, Failure> {
    compile_of(view, remote, history, view.select(select)?.as_ref()).await
}

/// The same of changesets by their positions; `None`: all.
pub async fn compile_of(
    view: &View<'_>,
    remote: &Remote,
    history: &History,
    selected: Option<&BTreeSet<usize>>,
) -> Result<Plan, Failure> {
    match view.plan_of(history, selected)? {
        Ok(plan) => Ok(plan),
        Err(edited) => Err(edited_failure(view, remote, &edited).await?),
    }
}

/// A diff between what was applied and what the file says now.
async fn edited_failure(view: &View<'_>, remote: &Remote, edited: &[Edited]) -> Result<Failure, Failure> {
    let ledger = &view.workspace.loaded.config.ledger.schema;
    let ids: Vec<String> = edited.iter().map(|e| e.id.clone()).collect();
    let stored = read::stored(&remote.connection, ledger, &ids).await?;
    let names: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
    let verb = if names.len() == 1 { "was" } else { "were" };
    let mut failure = Failure::new(Kind::Drift, format!("{} {verb} edited after being applied", names.join(", ")))
        .help(
            "take the edit back and put the change into a new changeset; or roll it back here, and apply it again; or, \
             where the database is as the file says now, `dagmar mark applied ID --reason TEXT` accepts the edit",
        );
    for e in edited {
        let changeset = &view.changelog.changesets[e.position];
        let file = &view.workspace.loaded.sources.get(changeset.file).path;
        let none = serde_json::Value::Null;
        let old = stored.get(&e.id).map_or(&none, |s| &s.body);
        failure.diffs.push(about::difference(&e.id, file, old, &changeset.body));
    }
    Ok(failure)
}
