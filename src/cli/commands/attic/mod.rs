//! `dagmar attic`: what was dropped and is kept.

mod change;
mod list;

use crate::cli::shell::gates::GateArgs;
use crate::cli::shell::global::Global;
use crate::cli::shell::output::Output;
use crate::cli::shell::task::Outcome;
use crate::plan::Direction;
use crate::plan::attic::Which;
use change::{How, Order, change};
pub use list::summary;

/// Shows what was dropped and is kept, puts it back, or drops it for good.
///
/// A dropped table or column, and rows that a rollback or a delete takes away, are kept in the
/// attic. They stay until somebody purges them: the retention of an environment
/// (`attic: { keep: 90d }`) says what `purge --expired` means, and purges nothing by itself.
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
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Shows what is kept: since when, until when, how large it is, and how it comes back
    List,
    /// Puts kept rows and values back, and tables and columns whose changeset is not recorded any more
    ///
    /// What an applied changeset has dropped comes back by its rollback: the command says which.
    Restore(Restore),
    /// Drops for good what is kept; its changeset cannot be rolled back from then on
    ///
    /// A run of its own, with the gates of the environment: a purge loses data and is irreversible.
    /// One that was stopped or killed goes on when it is given again.
    Purge(Purge),
}

#[derive(Debug, clap::Args)]
struct Restore {
    /// The numbers of the entries
    #[arg(value_name = "ENTRY", required = true)]
    entries: Vec<i64>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("which").required(true).args(["entries", "expired", "all"])))]
struct Purge {
    /// The numbers of the entries
    #[arg(value_name = "ENTRY")]
    entries: Vec<i64>,
    /// All whose retention is over
    #[arg(long)]
    expired: bool,
    /// All that there is
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    overrides: GateArgs,
    #[command(flatten)]
    how: How,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    match &args.what {
        What::List => list::list(global, out),
        What::Restore(Restore { entries, how }) => {
            let order = Order { direction: Direction::Restore, which: Which::Ids(entries.clone()), how };
            change(&order, &GateArgs::default(), global, out)
        }
        What::Purge(Purge { entries, expired, all, overrides, how }) => {
            let which = match (expired, all) {
                (true, _) => Which::Expired,
                (_, true) => Which::All,
                _ => Which::Ids(entries.clone()),
            };
            change(&Order { direction: Direction::Purge, which, how }, overrides, global, out)
        }
    }
}
