//! `dagmar diff`: what differs between two databases, as changesets.

use crate::base::count;
use crate::cli::shell::counted::Counted;
use crate::cli::shell::generated::{self, FORMS, Form};
use crate::cli::shell::global::Global;
use crate::cli::shell::open;
use crate::cli::shell::output::{Output, choose};
use crate::cli::shell::running::stop_on_signals;
use crate::cli::shell::task::{Outcome, block_on};
use crate::generate::yaml;
use crate::ops::generate::{self, DiffOptions, Side};
use crate::ops::progress::Progress;
use crate::report::{Rendered, Text, json};

/// Compares two databases, or a database and the project, and shows the changesets that bring the first to the second.
///
/// A side is an environment of dagmar.yaml, a URL, or `project`: the changesets of the project, applied to an empty
/// database on a private server. The changesets are in the form that does not block: indexes are built concurrently,
/// constraints are validated after they are added, a new type that would rewrite the table is made in a second column
/// that takes the place of the first, dropped tables and columns go to the attic. They are tried on a
/// private server: they must make the second catalog of the first, and their rollbacks the first again. Nothing is
/// changed in either database. Ends with exit code 10 if something is in no changeset.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar diff staging production
  dagmar diff production project
  dagmar diff project production --write
  dagmar diff postgres://app@db1/shop postgres://app@db2/shop --format yaml

Formats: text, json, yaml.")]
pub struct Args {
    /// The database that the changesets are for: an environment, a URL, or `project`
    #[arg(value_name = "FROM")]
    from: String,
    /// What it becomes: an environment, a URL, or `project`
    #[arg(value_name = "TO")]
    to: String,
    /// Only this schema; may be given several times
    #[arg(long, value_name = "NAME")]
    schema: Vec<String>,
    /// Writes a file below the folder of the changesets, or this one
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    write: Option<Option<String>>,
    /// Writes single statements, although they block others while a table with rows is read or written anew
    #[arg(long)]
    blocking: bool,
    /// Does not try the changesets on a private server
    #[arg(long)]
    no_verify: bool,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = choose(global, &FORMS)?;
    let target = open::target(global)?;
    let options = DiffOptions {
        from: Side::parse(&args.from, &target)?,
        to: Side::parse(&args.to, &target)?,
        schemas: args.schema.clone(),
        blocking: args.blocking,
        unverified: args.no_verify,
    };
    let mut answer = block_on(async {
        let stop = stop_on_signals();
        let bar = Counted::new(global, out);
        let mut hear = |at: Progress<'_>| bar.at(at.what, at.changeset, at.done, at.of);
        let answer = generate::diff(&target, &options, out, &stop, &mut hear).await;
        drop(bar);
        answer
    })?;
    let loaded = &target.workspace().loaded;
    if let Some(file) = args.write.as_ref().filter(|_| !answer.changesets.is_empty()) {
        let usual = format!("{}/diff.yaml", loaded.config.plans.trim_end_matches('/'));
        answer.written = Some(generated::write_one(loaded, file.as_deref().unwrap_or(&usual), &answer.changesets)?);
    }
    let failure = generated::failure(answer.verified.as_ref(), &answer.left_out);
    match form {
        Form::Json => out.verdict(Rendered::Document(json::pretty(&answer))),
        Form::Yaml => out.document(&yaml(&answer.changesets)),
        Form::Text => {
            let mut text = Text::new();
            text.line(format!(
                "{}: {} against {}",
                count(answer.differences.len(), "difference"),
                answer.from,
                answer.to
            ));
            generated::differences(&answer.differences, &mut text);
            if !answer.changesets.is_empty() {
                text.line(format!("{}:", count(answer.changesets.len(), "changeset")));
                generated::changesets(&answer.changesets, &mut text);
            }
            generated::notes(&answer.notes, &mut text);
            generated::rest(&answer.left_out, &answer.not_compared, answer.verified.as_ref(), &mut text);
            out.data(text);
        }
    }
    generated::written(answer.written.as_deref(), out);
    failure.map_or(Ok(()), Err)
}
