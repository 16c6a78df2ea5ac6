//! `dagmar test`: the project's own tests.

use crate::base::{Failure, FailureKind};
use crate::cli::shell::global::Global;
use crate::cli::shell::output::{Form, Output, choose, form};
use crate::cli::shell::progress::Tally;
use crate::cli::shell::running::stop_on_signals;
use crate::cli::shell::task::{Outcome, block_on};
use crate::cli::shell::wording::worded;
use crate::cli::shell::{complete, open};
use crate::ops::test::{TestOptions, Tests, failure};
use crate::report::TestFormat;

/// Runs the project's tests on a private server: rows, changesets, what must hold, the way back.
///
/// Tests are YAML files below tests/db: rows that are there, changesets to apply and roll back, SQL of an application,
/// expected results and failures. Changesets run as in `dagmar apply` and `dagmar rollback`. No environment is touched:
/// the server is started from the installed PostgreSQL binaries, and removed at the end. Reports all mistakes in the
/// files before anything runs. Ends with exit code 10 if a test does not pass.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar test
  dagmar test preferences
  dagmar test --file tests/db/010_user_preferences.yaml
  dagmar test --env production --var soak=0s --fail-fast
  dagmar test --format junit > junit.xml

Formats: text, json, junit.")]
pub struct Args {
    /// Only tests whose names contain one of these texts
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Only tests of this file, relative to the project's folder; may be given several times
    #[arg(long, value_name = "FILE", add = complete::test_files())]
    file: Vec<String>,
    /// Ends with the first test that does not pass
    #[arg(long)]
    fail_fast: bool,
    /// Lists the tests and runs none
    #[arg(long, conflicts_with = "fail_fast")]
    list: bool,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let listed = args.list.then(|| form(global)).transpose()?;
    let known: Vec<(&str, TestFormat)> = TestFormat::ALL.iter().map(|format| (format.name(), *format)).collect();
    let format = choose(global, &known)?;
    if global.url.is_some() {
        return Err(Failure::new(FailureKind::Usage, "tests run on a private server: `--url` has no effect on them")
            .help("leave it out; `DAGMAR_PG_BIN` names the installation of PostgreSQL that is used"));
    }
    let target = open::target(global)?;
    let view = target.view()?;
    let options =
        TestOptions { names: args.names.clone(), files: args.file.clone(), fail_fast: args.fail_fast, wording: worded };
    let tests = Tests::read(&target, &view, options)?;
    if let Some(form) = listed {
        let list = tests.list();
        match form {
            Form::Json => out.json(&list),
            Form::Text => {
                list.tests.iter().for_each(|test| out.data(format!("{}:{}: {}", test.file, test.line, test.name)))
            }
        }
        return Ok(());
    }
    let answer = block_on(async {
        let mut tally = Tally::new(global, out);
        let stop = stop_on_signals();
        tests.run(&mut |event| tally.on(event), &stop).await
    })?;
    out.verdict(format.render(&answer, out.limit()));
    failure(&answer).map_or(Ok(()), Err)
}
