//! `dagmar generate`: an existing database as changesets.

use crate::cli::shell::counted::Counted;
use crate::cli::shell::generated::{self, FORMS, Form};
use crate::cli::shell::global::Global;
use crate::cli::shell::open;
use crate::cli::shell::output::{Output, choose};
use crate::cli::shell::running::stop_on_signals;
use crate::cli::shell::task::{Outcome, block_on};
use crate::generate::{Layout, yaml};
use crate::ops::generate::{self, GenerateOptions};
use crate::ops::progress::Progress;
use crate::report::{Rendered, Text, json};
use std::collections::BTreeMap;

/// Turns the database of the environment into changesets: one for each table, view, type and function, with rollback
/// and dependencies.
///
/// Only reads the database. The changesets are tried on a private server: applied there, they must make an equal
/// catalog, and their rollbacks must leave nothing. Owners are not written for what the connected role owns. Rows are
/// not part of it. Afterwards, `dagmar baseline` marks the changesets as applied in the database that they are from.
/// Ends with exit code 10 if something is in no changeset.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar generate --env production
  dagmar generate --env production --write
  dagmar generate --env production --schema billing --layout object --write
  dagmar generate --env production --format yaml > production.yaml

Formats: text, json, yaml.")]
pub struct Args {
    /// Only this schema; may be given several times
    #[arg(long, value_name = "NAME")]
    schema: Vec<String>,
    /// Writes files below the folder of the changesets, or below this one
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true)]
    write: Option<Option<String>>,
    /// A file for each schema, or for each object
    #[arg(long, value_name = "LAYOUT", default_value = "schema")]
    layout: LayoutArg,
    /// Does not try the changesets on a private server
    #[arg(long)]
    no_verify: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum LayoutArg {
    /// A file for each schema
    Schema,
    /// A folder for each schema, with a file for each object
    Object,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = choose(global, &FORMS)?;
    let target = open::target(global)?;
    let options = GenerateOptions { schemas: args.schema.clone(), unverified: args.no_verify };
    let mut answer = block_on(async {
        let stop = stop_on_signals();
        let bar = Counted::new(global, out);
        let mut hear = |at: Progress<'_>| bar.at(at.what, at.changeset, at.done, at.of);
        let answer = generate::generate(&target, &options, out, &stop, &mut hear).await;
        drop(bar);
        answer
    })?;
    let layout = match args.layout {
        LayoutArg::Schema => Layout::Schema,
        LayoutArg::Object => Layout::Object,
    };
    let loaded = &target.workspace().loaded;
    if let Some(folder) = &args.write {
        let folder = folder.as_deref().unwrap_or(&loaded.config.plans).trim_end_matches('/');
        let files: BTreeMap<String, String> = layout
            .files(&answer.changesets)
            .into_iter()
            .map(|(path, text)| (format!("{folder}/{path}"), text))
            .collect();
        answer.written = Some(generated::write(loaded, &files)?);
    }
    let failure = generated::failure(answer.verified.as_ref(), &answer.left_out);
    match form {
        Form::Json => out.verdict(Rendered::Document(json::pretty(&answer))),
        Form::Yaml => out.document(&yaml(&answer.changesets)),
        Form::Text => {
            let mut text = Text::new();
            text.line(format!(
                "{} of {} (PostgreSQL {})",
                crate::base::count(answer.changesets.len(), "changeset"),
                answer.database,
                answer.server_version
            ));
            generated::changesets(&answer.changesets, &mut text);
            generated::notes(&answer.notes, &mut text);
            generated::rest(&answer.left_out, &answer.not_compared, answer.verified.as_ref(), &mut text);
            out.data(text);
        }
    }
    generated::written(answer.written.as_deref(), out);
    if answer.written.is_none() && form == Form::Text {
        out.say("nothing was written: `--write` writes files, `--format yaml` shows the changesets");
    }
    failure.map_or(Ok(()), Err)
}
