//! The command line: parses arguments, calls the operations, shows results. `commands` has one file per command, `shell`
//! what they share. No other room imports it.

mod answers;
mod commands;
mod shell;

use crate::base::FailureKind;
use clap::{CommandFactory, FromArgMatches, Parser};
use commands::Command;
use shell::completion;
use shell::global::Global;
use shell::output::{self, Output};
use std::process::ExitCode;

/// Declarative, reversible PostgreSQL migrations, ordered by their dependencies.
#[derive(Debug, Parser)]
#[command(name = "dagmar", version, max_term_width = 100, propagate_version = true, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0 done                         5 refused: flag, approval or confirmation missing
  1 internal error               6 another run holds the lock
  2 invalid command line         7 the server cannot be reached or used
  3 errors in project files      8 a statement or check failed; recorded
  4 database or history differs  9 interrupted; recorded
                                10 `lint` has findings";

/// The command line. A command below another one has the examples of that one in which it is called.
fn command() -> clap::Command {
    Cli::command().mut_subcommands(|above| {
        let examples = above.get_after_help().map(ToString::to_string).unwrap_or_default();
        let name = above.get_name().to_owned();
        above.mut_subcommands(|below| {
            let call = format!("dagmar {name} {}", below.get_name());
            let own: Vec<&str> = examples.lines().filter(|line| line.contains(&call)).collect();
            if own.is_empty() { below } else { below.after_help(format!("Examples:\n{}", own.join("\n"))) }
        })
    })
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    output::tell_of_faults();
    let fault = |_| ExitCode::from(FailureKind::Internal.exit_code());
    std::panic::catch_unwind(run).unwrap_or_else(fault)
}

fn run() -> ExitCode {
    if let Some(code) = completion::answer(Cli::command) {
        return code;
    }
    let cli = match command().try_get_matches().and_then(|m| Cli::from_arg_matches(&m)) {
        Ok(cli) => cli,
        Err(e) => {
            // help and version go to stdout and are no failure
            output::of_clap(&e);
            return ExitCode::from(if e.use_stderr() { FailureKind::Usage.exit_code() } else { 0 });
        }
    };
    let mut out = Output::new(&cli.global);
    match cli.command.run(&cli.global, &mut out, command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            out.failure(&failure);
            ExitCode::from(failure.kind.exit_code())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_help_has_examples() {
        fn look(command: &clap::Command) {
            for below in command.get_subcommands() {
                let help = below.get_after_help().map(ToString::to_string).unwrap_or_default();
                let called = format!("{} {}", command.get_name(), below.get_name());
                assert!(help.contains("Examples:") && help.contains(&called), "{called}");
                look(below);
            }
        }
        look(&command());
    }

    /// Commands as texts name them: behind a backtick or a prompt, in a page's fence, in a help's examples.
    fn named(text: &str, is_page: bool) -> Vec<&str> {
        let mut found = Vec::new();
        let mut fenced = false;
        for line in text.lines() {
            fenced ^= line.starts_with("```");
            for begin in ["`dagmar ", "$ dagmar ", "$(dagmar "] {
                found.extend(line.split(begin).skip(1));
            }
            found.extend(match is_page {
                true => line.strip_prefix("dagmar ").filter(|_| fenced),
                false => line.strip_prefix("  dagmar "),
            });
        }
        // the name of the lock's session, and the first line of a sealed plan
        found.retain(|rest| !rest.starts_with("lock`") && !rest.starts_with("sealed plan"));
        let ends = ['`', '|', ')', '#', '\\', ';', '&', '>'];
        found.into_iter().map(|rest| rest.split(ends).next().unwrap_or_default()).collect()
    }

    /// What is wrong with one of them, if anything.
    fn wrong(command: &clap::Command, words: &str) -> Option<String> {
        let mut at = command;
        let mut arguments = words.split(" -- ").next().unwrap_or_default().split_whitespace().peekable();
        while at.has_subcommands() {
            let Some(word) = arguments.next_if(|word| !word.starts_with('-')) else { break };
            match at.find_subcommand(word) {
                Some(next) => at = next,
                None if word.chars().all(|c| c.is_ascii_lowercase() || c == '-') => {
                    return Some(format!("there is no command `{word}`"));
                }
                None => return None,
            }
        }
        let known = |option: &str| {
            ["help", "version"].contains(&option)
                || at.get_arguments().chain(command.get_arguments()).any(|a| a.get_long() == Some(option))
        };
        let mut options = arguments
            .filter_map(|word| word.strip_prefix("--"))
            .map(|option| option.split(|c: char| !(c.is_ascii_lowercase() || c == '-')).next().unwrap_or_default());
        options.find(|option| !option.is_empty() && !known(option)).map(|option| format!("there is no `--{option}`"))
    }

    #[test]
    fn commands_that_are_named_exist() {
        fn files(dir: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
            for entry in std::fs::read_dir(dir).expect("a folder") {
                let path = entry.expect("readable").path();
                if path.is_dir() {
                    files(&path, found);
                } else if path.extension().is_some_and(|e| e == "md" || e == "rs") {
                    found.push(path);
                }
            }
        }
        let mut paths = vec!["README.md".into()];
        files("docs".as_ref(), &mut paths);
        files("src".as_ref(), &mut paths);
        let command = command();
        let (mut wrong_ones, mut looked_at) = (Vec::new(), 0);
        for path in paths {
            let text = std::fs::read_to_string(&path).expect("UTF-8");
            let is_page = path.extension().is_some_and(|e| e == "md");
            for words in named(&text, is_page) {
                looked_at += 1;
                wrong_ones.extend(wrong(&command, words).map(|why| format!("{}: {words}: {why}", path.display())));
            }
        }
        assert!(wrong_ones.is_empty() && looked_at > 300, "{looked_at}\n{}", wrong_ones.join("\n"));
        assert!(wrong(&command, "approvals grants --applier deploy").is_some());
        assert!(wrong(&command, "ledger grants --aplier deploy").is_some());
        assert!(wrong(&command, "dev psql -- --csv").is_none());
    }

    #[test]
    fn the_readme_has_every_command() {
        let readme = std::fs::read_to_string("README.md").expect("runs in the crate's folder");
        let (_, section) = readme.split_once("\n## Commands\n").expect("a table of commands");
        let rows: Vec<&str> =
            section.lines().skip_while(|l| !l.starts_with('|')).take_while(|l| l.starts_with('|')).collect();
        let named: Vec<&str> = rows
            .iter()
            .flat_map(|row| row.split('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2))
            .map(|command| command.split(' ').next().unwrap_or_default())
            .collect();
        for command in Cli::command().get_subcommands() {
            assert!(named.contains(&command.get_name()), "`{}` is not in README's table", command.get_name());
        }
    }

    #[test]
    fn the_exit_codes_are_those_of_the_table() {
        for kind in FailureKind::ALL {
            assert!(EXIT_CODES.contains(&format!("{} ", kind.exit_code())), "{kind:?}");
        }
    }
}
