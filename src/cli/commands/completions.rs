//! `dagmar completions`: what a shell needs to complete the command line.

use crate::cli::Outcome;
use crate::cli::shell::complete;
use crate::cli::shell::global::Global;
use crate::cli::shell::output::{Output, only_text};
use clap_complete::Shell;

/// Writes what a shell reads when it starts, so that it completes the command line.
///
/// The shell then asks dagmar itself, which knows the project: environments, changesets, labels,
/// change types. Read it in anew after an upgrade of dagmar.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  echo 'source <(dagmar completions bash)' >> ~/.bashrc
  echo 'source <(dagmar completions zsh)' >> ~/.zshrc
  dagmar completions fish > ~/.config/fish/completions/dagmar.fish")]
pub struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    only_text(global)?;
    out.document(&complete::registration(&args.shell.to_string())?);
    Ok(())
}
