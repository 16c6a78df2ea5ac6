//! `dagmar completions`: what a shell needs to complete the command line.

use crate::cli::shell::completion;
use crate::cli::shell::global::Global;
use crate::cli::shell::output::{Output, only_text};
use crate::cli::shell::task::Outcome;
use clap_complete::Shell;

/// Prints the shell script for command-line completion.
///
/// The script calls dagmar, which completes environments, changesets, labels and change types of the
/// project. Source it again after an upgrade of dagmar.
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
    out.document(&completion::registration(&args.shell.to_string())?);
    Ok(())
}
