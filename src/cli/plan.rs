//! `dagmar plan`: what would run.

use super::global::Global;
use super::look;
use super::output::{Output, choose};
use super::seal;
use super::session::{Remote, Session};
use super::{Outcome, block_on};
use crate::base::{Failure, Kind, Span};
use crate::ledger::History;
use crate::pg::{read, rehearse};
use crate::pipeline::View;
use crate::plan::{Edited, Plan, secrets};
use crate::report::{self, PlanFormat, PlanOptions, Style, Tone};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Shows what `apply` would run: order, waves, SQL both ways, locks, hazards.
///
/// Reads the environment's database and changes nothing in it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar plan
  dagmar plan --sql --env staging
  dagmar plan --against production
  dagmar plan --select +008-active-organization --format markdown
  dagmar plan --dry-run --url postgres://localhost/shop
  dagmar plan --for staging,production --out release.plan --sign release.key
  dagmar plan --verify release.plan --key release.key.pub --sql
  dagmar plan --offline --format html > plan.html")]
pub struct Args {
    /// Only these: id, +id (with what it needs), id+ (with what needs it), label:x
    #[arg(long, short, value_name = "SELECTOR")]
    select: Vec<String>,
    /// Shows the SQL of both directions
    #[arg(long)]
    sql: bool,
    /// Runs it on the server inside of a transaction that is rolled back
    #[arg(long, conflicts_with = "offline")]
    dry_run: bool,
    /// Looks as well what the database would have against it: rights, room, who is in the
    /// way; errors end it with exit code 5
    #[arg(long, value_name = "ENV|URL", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["offline", "dry_run"])]
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
    #[arg(long = "for", value_name = "ENV", value_delimiter = ',', requires = "out")]
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
    /// It must be signed with the private half of this key
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
    let known: Vec<(&str, PlanFormat)> = PlanFormat::ALL.iter().map(|f| (f.name(), *f)).collect();
    let format = choose(global, &known)?;
    let global = &look::against(global, args.against.as_deref().unwrap_or_default())?;
    let session = Session::open(global, out)?;
    let view = session.view()?;
    let options = PlanOptions { style: out.style, sql: args.sql };
    if args.offline {
        let plan = view.plan(&History::default(), &args.select)?.unwrap_or_else(|_| unreachable!("nothing is applied"));
        out.warnings(&view.warnings(&plan));
        out.data(&format.render(&plan, options));
        return Ok(());
    }
    block_on(async {
        let mut remote = session.connect(global, out).await?;
        let history = remote.history(session.ledger()).await?;
        if let Some(other) = session.bound_elsewhere(&history) {
            out.say(&format!("warning: the ledger of this database belongs to `{other}`; see `dagmar adopt`"));
        }
        let plan = compile(&view, &remote, &history, &args.select, out.err_style).await?;
        out.warnings(&view.warnings(&plan));
        if args.against.is_some() {
            let found = look::findings_and_pooler(&session, &mut remote, &plan).await?;
            out.data(&report::preflight::with_plan(format, &plan, &found, options));
            remote.close().await?;
            return look::refusal(&found);
        }
        if args.dry_run {
            dry_run(&session, &remote, &history, &plan, format, out).await?;
        } else {
            out.data(&format.render(&plan, options));
        }
        remote.close().await
    })
}

/// Compiles, or says how applied changesets differ from their files.
pub async fn compile(
    view: &View<'_>,
    remote: &Remote,
    history: &History,
    select: &[String],
    style: Style,
) -> Result<Plan, Failure> {
    compile_of(view, remote, history, view.select(select)?.as_ref(), style).await
}

/// The same of changesets by their positions; `None`: all.
pub async fn compile_of(
    view: &View<'_>,
    remote: &Remote,
    history: &History,
    selected: Option<&BTreeSet<usize>>,
    style: Style,
) -> Result<Plan, Failure> {
    match view.plan_of(history, selected)? {
        Ok(plan) => Ok(plan),
        Err(edited) => Err(edited_failure(view, remote, &edited, style).await?),
    }
}

/// A diff between what was applied and what the file says now.
async fn edited_failure(view: &View<'_>, remote: &Remote, edited: &[Edited], style: Style) -> Result<Failure, Failure> {
    let ledger = &view.workspace.loaded.config.ledger.schema;
    let ids: Vec<String> = edited.iter().map(|e| e.id.clone()).collect();
    let stored = read::stored(&remote.connection, ledger, &ids).await?;
    let names: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
    let verb = if names.len() == 1 { "was" } else { "were" };
    let mut failure = Failure::new(Kind::Drift, format!("{} {verb} edited after being applied", names.join(", ")))
        .help("take the edit back and put the change into a new changeset; or roll it back here, and apply it again");
    for e in edited {
        let changeset = &view.changelog.changesets[e.position];
        let yaml = |value: &serde_json::Value| serde_yaml::to_string(value).unwrap_or_default();
        let old = stored.get(&e.id).map(|s| yaml(&sorted(&s.body))).unwrap_or_default();
        let new = yaml(&sorted(&changeset.body));
        let file = &view.workspace.loaded.sources.get(changeset.file).path;
        let diff = report::diff::unified(&format!("{} as applied", e.id), &format!("{file} now"), &old, &new, style);
        failure.notes.extend(diff.lines().map(str::to_owned));
    }
    Ok(failure)
}

/// With sorted keys: jsonb does not keep their order.
fn sorted(value: &serde_json::Value) -> serde_json::Value {
    let mut text = String::new();
    crate::base::checksum::canonical(value, &mut text);
    serde_json::from_str(&text).unwrap_or_default()
}

/// Rehearses a plan and tells what came of it.
pub async fn dry_run(
    session: &Session,
    remote: &Remote,
    history: &History,
    plan: &Plan,
    format: PlanFormat,
    out: &mut Output,
) -> Result<(), Failure> {
    remote.server.check_writable(session.ledger())?;
    secrets::check(plan, &session.secrets)?;
    let rehearsal = rehearse::rehearse(
        &remote.connection,
        history.version,
        session.ledger(),
        plan,
        &session.secrets,
        Span::secs(60),
        &Default::default(),
    )
    .await?;
    if format == PlanFormat::Json {
        out.json(&json!({ "plan": plan, "dryRun": rehearsal }));
    } else {
        out.data(&format!(
            "{} of {} changeset(s) on {}, rolled back: {} statement(s) ran",
            out.style.paint(Tone::Strong, "dry run"),
            plan.steps.len(),
            remote.describe(),
            rehearsal.ran
        ));
        for left_out in &rehearsal.left_out {
            let line = format!(
                "  {}: {} ({})",
                left_out.changeset,
                report::plan::gist(&left_out.sql),
                out.style.paint(Tone::Warn, &left_out.instead)
            );
            out.data(&line);
        }
    }
    let Some(failed) = rehearsal.failed else { return Ok(()) };
    let mut failure =
        Failure::new(Kind::Failed, format!("the dry run failed in `{}`: {}", failed.changeset, failed.message))
            .help("nothing was changed");
    if let Some(sql) = failed.sql {
        failure.notes = sql.lines().map(str::to_owned).collect();
    }
    failure.notes.extend(failed.detail.iter().flat_map(|d| d.lines()).map(|line| format!("detail: {line}")));
    Err(failure)
}
