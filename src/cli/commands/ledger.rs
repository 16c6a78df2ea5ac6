//! `dagmar ledger`: the ledger itself, as its owner keeps it.

use crate::base::{Failure, HumanDuration};
use crate::cli::shell::global::Global;
use crate::cli::shell::manual::ManualArgs;
use crate::cli::shell::output::{Form, Output, form, only_text};
use crate::cli::shell::running::{Signing, confirm, stop_on_signals};
use crate::cli::shell::task::{Outcome, block_on};
use crate::cli::shell::{open, progress};
use crate::ledger::grants::{Roles, grants};
use crate::ledger::schema;
use crate::ops::Target;
use crate::ops::manual::policy;
use crate::ops::refusal::{Attempt, recorded};
use crate::ops::run::{Installed, install as install_ledger};
use serde_json::Value;

/// Creates or upgrades the ledger without a run, prints GRANTs, and manages the required policy.
///
/// In production a role of its own should own the ledger: run `install` as that role, and give the other
/// roles the privileges that `grants` prints. Name the owner in dagmar.yaml:
/// `ledger: { owners: [keeper] }`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar ledger install --env production
  dagmar ledger policy --env production
  dagmar ledger policy --env production --require --reason 'reviewed in CHG-1042'
  dagmar ledger grants --applier deploy --approver reviewer --reader auditor | psql")]
pub struct Args {
    #[command(subcommand)]
    what: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Creates or upgrades the ledger of the environment's database
    Install,
    /// Shows, sets or removes the policy that the ledger's owner requires of the environment
    ///
    /// Whoever applies can edit the dagmar.yaml that he uses. Only the owner of the ledger can change the
    /// required policy: the gate `required-policy` refuses apply and promote with any other policy, and
    /// `--override` does not apply to it.
    Policy(Policy),
    /// Prints the GRANTs for roles that do not own the ledger: approvers cannot apply, appliers cannot
    /// approve, nobody can change recorded decisions
    Grants(Grants),
}

#[derive(Debug, clap::Args)]
struct Policy {
    /// Requires the policy that dagmar.yaml has now
    #[arg(long, requires = "reason", conflicts_with = "release")]
    require: bool,
    /// Removes the requirement
    #[arg(long, requires = "reason")]
    release: bool,
    /// The reason; the history keeps it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// How long to wait for another run to end
    #[arg(long, value_name = "TIME", default_value = "10m")]
    lock_wait: HumanDuration,
    #[command(flatten)]
    signing: Signing,
}

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("role").required(true).multiple(true)))]
struct Grants {
    /// Roles that apply and roll back
    #[arg(long, value_name = "ROLE", group = "role")]
    applier: Vec<String>,
    /// Roles that approve and reject
    #[arg(long, value_name = "ROLE", group = "role")]
    approver: Vec<String>,
    /// Roles that only read
    #[arg(long, value_name = "ROLE", group = "role")]
    reader: Vec<String>,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    match &args.what {
        Action::Install => install(global, out),
        Action::Policy(args) => show_policy(args, global, out),
        Action::Grants(Grants { applier, approver, reader }) => {
            only_text(global)?;
            let target = open::target(global)?;
            out.document(&grants(target.ledger(), Roles { appliers: applier, approvers: approver, readers: reader }));
            Ok(())
        }
    }
}

fn show_policy(args: &Policy, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let target = open::target(global)?;
    let changes = args.require || args.release;
    let policy = match changes {
        false => block_on(policy::required(&target, out))?,
        true => block_on(async {
            let result = require(args, &target, global, out).await;
            recorded(result, Attempt { operation: "ledger policy", plan: None }, &target, out).await
        })?,
    };
    if form == Form::Json {
        out.json(&policy);
        return Ok(());
    }
    let policy::Policy { environment, required, here, differing } = &policy;
    match required {
        None => out.data(format!("no policy is required of `{environment}`")),
        Some(demanded) => {
            out.data(format!("required of `{environment}`:"));
            for (key, value) in demanded.as_object().into_iter().flatten() {
                let mark = if differing.contains(key) {
                    format!("   (dagmar.yaml: {})", here.get(key).unwrap_or(&Value::Null))
                } else {
                    String::new()
                };
                out.data(format!("  {key}: {value}{mark}"));
            }
            for key in differing.iter().filter(|key| demanded.get(*key).is_none()) {
                out.data(format!("  {key}: null   (dagmar.yaml: {})", here.get(key).unwrap_or(&Value::Null)));
            }
        }
    }
    Ok(())
}

/// Asks, and demands what dagmar.yaml says now, or nothing any longer.
async fn require(args: &Policy, target: &Target, global: &Global, out: &mut Output) -> Result<policy::Policy, Failure> {
    let reason = args.reason.clone().unwrap_or_default();
    let manual = ManualArgs { reason, lock_wait: args.lock_wait, signing: args.signing.clone() };
    let options = manual.options()?;
    let prepared = policy::prepare(target, args.require, &options, out).await?;
    let (environment, place) = (&target.environment, prepared.db.describe());
    let question = match args.require {
        true => format!("Require this policy of `{environment}` on {place}?"),
        false => format!("Remove the required policy of `{environment}` on {place}?"),
    };
    confirm(global, &question)?;
    prepared.write(progress::waiting(global, out).as_mut(), &stop_on_signals()).await
}

fn install(global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let target = open::target(global)?;
    let result = block_on(async {
        let mut db = target.connect(out).await?;
        db.check_writable()?;
        let history = db.history().await?;
        target.check_bound(&history)?;
        if history.version < schema::VERSION {
            let what = if history.version == 0 { "Make" } else { "Upgrade" };
            confirm(global, &format!("{what} the ledger `{}` on {}?", target.ledger(), db.describe()))?;
            install_ledger(&target, &mut db).await?;
        }
        db.close().await?;
        Ok(history.version)
    });
    let from = block_on(recorded(result, Attempt { operation: "ledger install", plan: None }, &target, out))?;
    let (to, name) = (schema::VERSION, target.ledger());
    match form {
        Form::Json => {
            out.json(&Installed { ledger: name.to_string(), environment: target.environment.clone(), from, to });
        }
        Form::Text if from == to => out.data(format!("nothing to do: the ledger `{name}` has version {to}")),
        Form::Text if from == 0 => out.data(format!("created the ledger `{name}`, version {to}")),
        Form::Text => out.data(format!("upgraded the ledger `{name}` from version {from} to {to}")),
    }
    Ok(())
}
