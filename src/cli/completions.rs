//! `dagmar completions`: what a shell needs to complete the command line.

use super::global::Global;
use super::output::Output;
use super::{Cli, Outcome};
use clap::CommandFactory;
use clap_complete::Shell;

/// Writes the completions of the command line for a shell.
///
/// Put the text where your shell looks for it, or read it in when the shell starts.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar completions bash > ~/.local/share/bash-completion/completions/dagmar
  dagmar completions zsh > ~/.zfunc/_dagmar
  dagmar completions fish > ~/.config/fish/completions/dagmar.fish")]
pub struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub fn run(args: &Args, _: &Global, out: &mut Output) -> Outcome {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "dagmar", &mut text);
    out.document(&String::from_utf8_lossy(&text));
    Ok(())
}
