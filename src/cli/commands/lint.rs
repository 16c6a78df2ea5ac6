//! `dagmar lint`: the review of changesets.

use crate::base::Level;
use crate::cli::shell::complete;
use crate::cli::shell::global::Global;
use crate::cli::shell::open;
use crate::cli::shell::output::{Output, choose};
use crate::cli::shell::task::Outcome;
use crate::ops::lint::{self, LintOptions};
use crate::report::LintFormat;

/// Reviews changesets: what is likely to go wrong although it can be run.
///
/// Looks at raw SQL and at the SQL of change types alike, forward and rollback, at the graph and at the policies of the
/// environment, without a database. Each finding has the safe form of this very change, and a page in docs/lint.
/// Ends with exit code 10 if a finding is at least as severe as --fail-on, 0 otherwise, 3 if the files have errors
/// and 2 if the command line is invalid.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar lint
  dagmar lint --base origin/main --fail-on medium
  dagmar lint --format sarif > dagmar.sarif
  dagmar lint --base origin/main --format markdown > comment.md

Formats: text, json, sarif, github, gitlab, junit, markdown.
A rule is ignored with `lint: [{ ignore: RULE, reason: TEXT }]` on a changeset, or with a comment on the line before:
`-- dagmar-lint: ignore RULE: TEXT` in SQL, `# dagmar-lint: ignore RULE: TEXT` in YAML.")]
pub struct Args {
    /// Only these changesets: id, +id (with dependencies), id+ (with dependents), label:x
    #[arg(long, short, value_name = "SELECTOR", add = complete::selectors())]
    select: Vec<String>,
    /// Only changesets that are new or changed since this commit, branch or tag
    #[arg(long, value_name = "REV")]
    base: Option<String>,
    /// Fails if there is a finding of this severity or a higher one: findings of high severity block clients or
    /// lose rows
    #[arg(long, value_name = "SEVERITY", default_value = "high")]
    fail_on: FailOn,
}

/// The severity from which on the review fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    Blocking,
    High,
    Medium,
    Low,
    Never,
}

impl FailOn {
    fn level(self) -> Option<Level> {
        match self {
            FailOn::Blocking => Some(Level::Blocking),
            FailOn::High => Some(Level::High),
            FailOn::Medium => Some(Level::Medium),
            FailOn::Low => Some(Level::Low),
            FailOn::Never => None,
        }
    }
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let known: Vec<(&str, LintFormat)> = LintFormat::ALL.iter().map(|format| (format.name(), *format)).collect();
    let format = choose(global, &known)?;
    let target = open::target(global)?;
    let options =
        LintOptions { selectors: args.select.clone(), base: args.base.clone(), fail_on: args.fail_on.level() };
    let linted = lint::lint(&target, &options)?;
    out.review(format, &linted.answer, &*linted.sources);
    // the process ends now: giving back each piece of a large project would take its time
    let failure = linted.failure();
    std::mem::forget((linted, target));
    failure.map_or(Ok(()), Err)
}
