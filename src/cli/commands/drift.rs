//! `dagmar drift`: what somebody changed in a database without a changeset.

use crate::base::count;
use crate::cli::shell::counted::Counted;
use crate::cli::shell::generated::{self, FORMS, Form};
use crate::cli::shell::global::Global;
use crate::cli::shell::open;
use crate::cli::shell::output::{Output, choose};
use crate::cli::shell::running::stop_on_signals;
use crate::cli::shell::task::{Outcome, block_on};
use crate::generate::yaml;
use crate::inspect::words;
use crate::ops::generate::{self, DriftAnswer, DriftOptions, Ignored, Resolution};
use crate::ops::progress::Progress;
use crate::report::{Line, Rendered, Text, Tone, json};

/// Compares the database of the environment with what its ledger says: what was added, changed or removed by hand.
///
/// The recorded changesets are applied to an empty database on a private server, and its catalog is compared with that of
/// the environment. The catalog is kept in `.dagmar/`, so that the next comparison of the same state takes less time.
/// --adopt makes changesets that bring the other environments to what this database has, --revert such that bring this
/// database back. Only the catalog is compared, not rows. Ends with exit code 10 if the database has drifted.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar drift --env production
  dagmar drift --env production --adopt --write
  dagmar drift --env production --revert --format yaml
  dagmar drift --env production --record

Formats: text, json, yaml.
`drift.ignore` in dagmar.yaml names objects that others own, see docs/drift.md.")]
pub struct Args {
    /// Makes changesets of what was changed by hand, for all environments
    #[arg(long, conflicts_with = "revert")]
    adopt: bool,
    /// Makes changesets that take back what was changed by hand, for this environment
    #[arg(long)]
    revert: bool,
    /// Writes the changesets to a file below the folder of the changesets, or to this one
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    write: Option<Option<String>>,
    /// Does not try the changesets on a private server
    #[arg(long)]
    no_verify: bool,
    /// Records the result in the ledger, for `status` and the gate `drift`
    #[arg(long)]
    record: bool,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = choose(global, &FORMS)?;
    let target = open::target(global)?;
    let resolution = match (args.adopt, args.revert) {
        (true, _) => Some(Resolution::Adopt),
        (_, true) => Some(Resolution::Revert),
        (false, false) if args.write.is_some() || form == Form::Yaml => {
            return Err(crate::base::Failure::new(
                crate::base::FailureKind::Usage,
                "which changesets are to be made is not said",
            )
            .help("--adopt: changesets of what was changed by hand; --revert: changesets that take it back"));
        }
        (false, false) => None,
    };
    let options = DriftOptions { resolution, unverified: args.no_verify, record: args.record };
    let mut answer = block_on(async {
        let stop = stop_on_signals();
        let bar = Counted::new(global, out);
        let mut hear = |at: Progress<'_>| bar.at(at.what, at.changeset, at.done, at.of);
        let answer = generate::drift(&target, &options, out, &stop, &mut hear).await;
        drop(bar);
        answer
    })?;
    let loaded = &target.workspace().loaded;
    if let Some(file) = args.write.as_ref().filter(|_| !answer.changesets.is_empty()) {
        let usual = format!("{}/drift.yaml", loaded.config.plans.trim_end_matches('/'));
        answer.written = Some(generated::write_one(loaded, file.as_deref().unwrap_or(&usual), &answer.changesets)?);
    }
    match form {
        Form::Json => out.verdict(Rendered::Document(json::pretty(&answer))),
        Form::Yaml => out.document(&yaml(&answer.changesets)),
        Form::Text => out.data(text(&answer)),
    }
    generated::written(answer.written.as_deref(), out);
    if answer.written.is_some() {
        let ids = answer.to_baseline.join(" ");
        out.say(format!(
            "then: `dagmar baseline --env {} {ids} --reason TEXT` marks them as applied there",
            answer.environment
        ));
        if resolution == Some(Resolution::Revert) {
            out.say(format!("then: `dagmar apply --env {}` takes back what was changed by hand", answer.environment));
        }
    }
    // who asked for changesets knows of the drift
    let wrong = generated::failure(answer.verified.as_ref(), &answer.left_out);
    wrong.or_else(|| answer.failure()).map_or(Ok(()), Err)
}

fn text(answer: &DriftAnswer) -> Text {
    let mut text = Text::new();
    let of = format!("{}, {}", answer.database, count(answer.applied, "applied changeset"));
    if answer.drifted {
        let head = Line::new().paint(Tone::Bad, "drift").plain(format!(
            " in {}: {} ({of})",
            answer.environment,
            count(answer.differences.len(), "difference")
        ));
        text.line(head);
    } else {
        text.line(Line::new().paint(Tone::Good, "no drift").plain(format!(" in {} ({of})", answer.environment)));
    }
    generated::differences(&answer.differences, &mut text);
    for Ignored { difference, reason } in &answer.ignored {
        let first = words(difference).lines().next().unwrap_or_default().to_owned();
        text.line(Line::from("  ").paint(Tone::Muted, format!("ignored: {first} ({reason})")).hang(4));
    }
    if !answer.changesets.is_empty() {
        text.line(format!("{}:", count(answer.changesets.len(), "changeset")));
        generated::changesets(&answer.changesets, &mut text);
    }
    generated::notes(&answer.notes, &mut text);
    generated::rest(&answer.left_out, &answer.not_compared, answer.verified.as_ref(), &mut text);
    if answer.recorded {
        text.line(format!("recorded in the ledger of {}", answer.environment));
    }
    text
}
