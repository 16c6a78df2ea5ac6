//! `dagmar ledger`: the ledger itself, as its owner keeps it.

use super::audit::{Tried, audited};
use super::by_hand::{Said, Words, say};
use super::global::Global;
use super::output::{Form, Output, form};
use super::pause::up_to_date;
use super::running::{Signing, confirm, given};
use super::session::Session;
use super::{Outcome, block_on};
use crate::base::Span;
use crate::gate::differences;
use crate::ledger::grants::{Roles, grants};
use crate::ledger::{RunKind, schema};
use serde_json::{Value, json};

/// Makes or upgrades the ledger without running anything, and prints the rights of its roles.
///
/// In production the ledger belongs to a role of its own: `install` as that role makes it, and
/// `grants` prints what those are granted who apply, approve and look. dagmar.yaml names the owner:
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
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Makes the ledger of the environment's database, or brings it up to date
    Install,
    /// Shows what the ledger's owner demands that dagmar.yaml says of the environment; demands
    /// what it says now, or nothing any longer
    ///
    /// Whoever applies may change the dagmar.yaml that he runs with. What is demanded here only the
    /// owner of the ledger can change: the gate `required-policy` refuses apply and promote with any
    /// other policy, and no `--override` goes past it.
    Policy(Policy),
    /// Prints the GRANTs for roles that do not own the ledger: an approver cannot apply, an
    /// applier cannot approve, nobody can change what was said
    Grants(Grants),
}

#[derive(Debug, clap::Args)]
struct Policy {
    /// Demands the policy that dagmar.yaml has now
    #[arg(long, requires = "reason", conflicts_with = "release")]
    require: bool,
    /// Demands nothing any longer
    #[arg(long, requires = "reason")]
    release: bool,
    /// Why; kept in the history
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Waits this long for another run to end
    #[arg(long, value_name = "TIME", default_value = "10m")]
    lock_wait: Span,
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
    /// Roles that look
    #[arg(long, value_name = "ROLE", group = "role")]
    reader: Vec<String>,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    match &args.what {
        What::Install => install(global, out),
        What::Policy(args) => policy(args, global, out),
        What::Grants(Grants { applier, approver, reader }) => {
            let session = Session::open(global)?;
            out.document(&grants(session.ledger(), Roles { appliers: applier, approvers: approver, readers: reader }));
            Ok(())
        }
    }
}

fn policy(args: &Policy, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let session = Session::open(global)?;
    let (environment, here) = (session.environment.as_str(), session.policy());
    let changes = args.require || args.release;
    let result = block_on(async {
        let remote = session.connect(global, out).await?;
        let history = remote.history(session.ledger()).await?;
        let demanded = history.policies.get(environment).cloned();
        if !changes {
            remote.close().await?;
            return Ok(demanded);
        }
        remote.server.check_writable(session.ledger())?;
        session.check_bound(&history)?;
        let words = Words {
            reason: args.reason.clone().unwrap_or_default(),
            lock_wait: args.lock_wait,
            signing: args.signing.clone(),
        };
        given(&words.reason)?;
        let wanted = args.require.then_some(&here);
        let question = match wanted {
            Some(_) => format!("Demand this policy of `{environment}` on {}?", remote.describe()),
            None => format!("Demand no policy of `{environment}` any longer on {}?", remote.describe()),
        };
        let said = Said { kind: RunKind::Policy, steps: 0, question: &question, words: &words };
        say(&said, &session, remote, global, out, |_, recorder| {
            Ok(recorder.require_policy(environment, wanted, &words.reason))
        })
        .await?;
        Ok(wanted.cloned())
    });
    let demanded = match changes {
        true => audited(result, Tried { command: "ledger policy", plan: None }, &session, global, out)?,
        false => result?,
    };
    let differing = demanded.as_ref().map(|demanded| differences(demanded, &here)).unwrap_or_default();
    if form == Form::Json {
        out.json(&json!({
            "environment": environment, "required": demanded, "here": here, "differing": differing,
        }));
        return Ok(());
    }
    match &demanded {
        None => out.data(format!("nothing is demanded of `{environment}`")),
        Some(demanded) => {
            out.data(format!("demanded of `{environment}`:"));
            for (key, value) in demanded.as_object().into_iter().flatten() {
                let mark = if differing.contains(&key.as_str()) {
                    format!("   (dagmar.yaml: {})", here.get(key).unwrap_or(&Value::Null))
                } else {
                    String::new()
                };
                out.data(format!("  {key}: {value}{mark}"));
            }
            for key in differing.iter().filter(|key| demanded.get(**key).is_none()) {
                out.data(format!("  {key}: null   (dagmar.yaml: {})", here.get(key).unwrap_or(&Value::Null)));
            }
        }
    }
    Ok(())
}

fn install(global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let session = Session::open(global)?;
    let result = block_on(async {
        let mut remote = session.connect(global, out).await?;
        remote.server.check_writable(session.ledger())?;
        let history = remote.history(session.ledger()).await?;
        session.check_bound(&history)?;
        if history.version < schema::VERSION {
            let what = if history.version == 0 { "Make" } else { "Upgrade" };
            confirm(global, &format!("{what} the ledger `{}` on {}?", session.ledger(), remote.describe()))?;
            up_to_date(&session, &mut remote, &history).await?;
        }
        remote.close().await?;
        Ok(history.version)
    });
    let from = audited(result, Tried { command: "ledger install", plan: None }, &session, global, out)?;
    let (to, name) = (schema::VERSION, session.ledger());
    match form {
        Form::Json => out.json(&json!({ "ledger": name, "environment": session.environment, "from": from, "to": to })),
        Form::Text if from == to => out.data(format!("nothing to do: the ledger `{name}` has version {to}")),
        Form::Text if from == 0 => out.data(format!("made the ledger `{name}`, version {to}")),
        Form::Text => out.data(format!("upgraded the ledger `{name}` from version {from} to {to}")),
    }
    Ok(())
}
