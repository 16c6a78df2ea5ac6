//! `dagmar attic`: lists, restores and purges dropped objects and rows.

mod change;
mod list;

use crate::cli::shell::gates::GateArgs;
use crate::cli::shell::global::Global;
use crate::cli::shell::output::Output;
use crate::cli::shell::task::Outcome;
use crate::plan::Direction;
use crate::plan::attic::EntrySelection;
use change::{AtticRequest, ChangeArgs, change};
pub use list::summary;

/// Lists dropped tables, columns and rows that dagmar keeps, restores them, or drops them for good.
///
/// The attic keeps dropped tables and columns, and rows that a rollback or a delete removes. They stay
/// until somebody purges them: the retention of an environment (`attic: { keep: 90d }`) defines what
/// `purge --expired` selects; nothing is purged automatically.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar attic list --env production
  dagmar attic restore 12
  dagmar attic purge --expired --plan
  dagmar attic purge 7 9 --allow losesData --allow irreversible --yes
  dagmar attic list --format json | jq '.entries[] | select(.expired)'")]
pub struct Args {
    #[command(subcommand)]
    what: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Lists the entries: since when, until when, how large, and how to restore them
    List,
    /// Restores rows and values, and tables and columns whose changeset is no longer recorded
    ///
    /// To restore what an applied changeset dropped, roll that changeset back; the error names it.
    Restore(Restore),
    /// Drops entries for good; their changesets can no longer be rolled back
    ///
    /// A purge is a run with the gates of the environment: it loses data and is irreversible. Repeat the
    /// command to continue a purge that was interrupted.
    Purge(Purge),
}

#[derive(Debug, clap::Args)]
struct Restore {
    /// The numbers of the entries
    #[arg(value_name = "ENTRY", required = true)]
    entries: Vec<i64>,
    #[command(flatten)]
    how: ChangeArgs,
}

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("which").required(true).args(["entries", "expired", "all"])))]
struct Purge {
    /// The numbers of the entries
    #[arg(value_name = "ENTRY")]
    entries: Vec<i64>,
    /// All entries past their retention
    #[arg(long)]
    expired: bool,
    /// All entries
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    overrides: GateArgs,
    #[command(flatten)]
    how: ChangeArgs,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    match &args.what {
        Action::List => list::list(global, out),
        Action::Restore(Restore { entries, how }) => {
            let order =
                AtticRequest { direction: Direction::Restore, which: EntrySelection::Ids(entries.clone()), how };
            change(&order, &GateArgs::default(), global, out)
        }
        Action::Purge(Purge { entries, expired, all, overrides, how }) => {
            let which = match (expired, all) {
                (true, _) => EntrySelection::Expired,
                (_, true) => EntrySelection::All,
                _ => EntrySelection::Ids(entries.clone()),
            };
            change(&AtticRequest { direction: Direction::Purge, which, how }, overrides, global, out)
        }
    }
}
