//! The commands, one file each with its arguments and a `run`.
//!
//! To add one: the file, its `mod` line, a variant of [`Command`] and its arm in [`Command::run`]; a test compares the
//! files with the variants.

mod adopt;
mod apply;
mod approvals;
mod approve;
mod attic;
mod baseline;
mod cancel;
mod check;
mod clear;
mod completions;
mod dev;
mod diff;
mod drift;
mod generate;
mod graph;
mod history;
mod init;
mod key;
mod ledger;
mod lint;
mod man;
mod mark;
mod new;
mod pause;
mod plan;
mod promote;
mod prove;
mod reject;
mod resume;
mod rollback;
mod schema;
#[cfg(feature = "serve")]
mod serve;
mod sql;
mod status;
mod test;
#[cfg(feature = "serve")]
mod token;
mod why;

use super::shell::global::Global;
use super::shell::output::Output;
use super::shell::task::Outcome;
use clap::Subcommand;

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Init(init::Args),
    New(new::Args),
    Check(check::Args),
    Lint(lint::Args),
    Prove(prove::Args),
    Test(test::Args),
    Drift(drift::Args),
    Diff(diff::Args),
    Generate(generate::Args),
    Graph(graph::Args),
    Plan(plan::Args),
    Sql(sql::Args),
    Apply(apply::Args),
    Promote(promote::Args),
    Rollback(rollback::Args),
    Approve(approve::Args),
    Reject(reject::Args),
    Approvals(approvals::Args),
    Pause(pause::Args),
    Resume(resume::Args),
    Cancel(cancel::Args),
    Attic(attic::Args),
    Status(status::Args),
    Why(why::Args),
    History(history::Args),
    Baseline(baseline::Args),
    Mark(mark::Args),
    Clear(clear::Args),
    Adopt(adopt::Args),
    Ledger(ledger::Args),
    Key(key::Args),
    Schema(schema::Args),
    #[cfg(feature = "serve")]
    Serve(serve::Args),
    #[cfg(feature = "serve")]
    Token(token::Args),
    Dev(dev::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Command {
    /// Does it; `whole` is the command line that it is part of.
    pub(super) fn run(self, global: &Global, out: &mut Output, whole: fn() -> clap::Command) -> Outcome {
        match self {
            Command::Init(args) => init::run(&args, global, out),
            Command::New(args) => new::run(&args, global, out),
            Command::Check(args) => check::run(&args, global, out),
            Command::Lint(args) => lint::run(&args, global, out),
            Command::Prove(args) => prove::run(&args, global, out),
            Command::Test(args) => test::run(&args, global, out),
            Command::Drift(args) => drift::run(&args, global, out),
            Command::Diff(args) => diff::run(&args, global, out),
            Command::Generate(args) => generate::run(&args, global, out),
            Command::Graph(args) => graph::run(&args, global, out),
            Command::Plan(args) => plan::run(&args, global, out),
            Command::Sql(args) => sql::run(&args, global, out),
            Command::Apply(args) => apply::run(&args, global, out),
            Command::Promote(args) => promote::run(&args, global, out),
            Command::Rollback(args) => rollback::run(&args, global, out),
            Command::Approve(args) => approve::run(&args, global, out),
            Command::Reject(args) => reject::run(&args, global, out),
            Command::Approvals(args) => approvals::run(&args, global, out),
            Command::Pause(args) => pause::run(&args, global, out),
            Command::Resume(args) => resume::run(&args, global, out),
            Command::Cancel(args) => cancel::run(&args, global, out),
            Command::Attic(args) => attic::run(&args, global, out),
            Command::Status(args) => status::run(&args, global, out),
            Command::Why(args) => why::run(&args, global, out),
            Command::History(args) => history::run(&args, global, out),
            Command::Baseline(args) => baseline::run(&args, global, out),
            Command::Mark(args) => mark::run(&args, global, out),
            Command::Clear(args) => clear::run(&args, global, out),
            Command::Adopt(args) => adopt::run(&args, global, out),
            Command::Ledger(args) => ledger::run(&args, global, out),
            Command::Key(args) => key::run(&args, global, out),
            Command::Schema(args) => schema::run(&args, global, out),
            #[cfg(feature = "serve")]
            Command::Serve(args) => serve::run(&args, global, out),
            #[cfg(feature = "serve")]
            Command::Token(args) => token::run(&args, global, out),
            Command::Dev(args) => dev::run(&args, global, out),
            Command::Completions(args) => completions::run(&args, global, out),
            Command::Man(args) => man::run(&args, whole(), global, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_a_file() {
        let mut files: Vec<String> = std::fs::read_dir("src/cli/commands")
            .expect("runs in the crate's folder")
            .map(|e| e.expect("readable").path().file_stem().expect("a file").to_string_lossy().into_owned())
            .filter(|stem| stem != "mod")
            .collect();
        files.sort();
        let mut commands: Vec<String> = Command::augment_subcommands(clap::Command::new("dagmar"))
            .get_subcommands()
            .map(|c| c.get_name().replace('-', "_"))
            .collect();
        commands.sort();
        assert_eq!(files, commands);
    }
}
