//! `dagmar man`: the help as manual pages.

use crate::base::{Failure, FailureKind, count};
use crate::cli::shell::file::{self, Existing};
use crate::cli::shell::global::Global;
use crate::cli::shell::output::{Output, only_text};
use crate::cli::shell::task::Outcome;
use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use std::path::PathBuf;

/// Variables of the process that matter.
const ENVIRONMENT: [(&str, &str); 12] = [
    ("DAGMAR_PROJECT", "The project's folder, as --project."),
    ("DAGMAR_ENV", "The environment, as --env."),
    ("DATABASE_URL", "The connection, where neither --url nor an environment was named."),
    ("PGHOST, PGPORT, PGDATABASE, PGUSER, PGSERVICE, ...", "As libpq reads them; weaker than DATABASE_URL."),
    ("PGPASSWORD, PGPASSFILE", "The password, or the file that has it."),
    ("DAGMAR_PG_BIN", "Where the programs of PostgreSQL are: for the private server and for dumps."),
    ("DAGMAR_SECRET", "The secret of the clients of `dagmar serve`, where --secret-file names no file."),
    ("NO_COLOR", "No colours, as --no-color."),
    ("COLUMNS", "How wide lines are; otherwise the terminal says, and elsewhere no line is broken."),
    ("TERM", "No colours where it is `dumb`."),
    ("VISUAL, EDITOR", "The editor of `dagmar new --edit`."),
    ("DAGMAR_COMPLETE", "Set by a shell that asks what comes next, see dagmar-completions(1)."),
];

/// Files that matter.
const FILES: [(&str, &str); 6] = [
    ("dagmar.yaml", "The project: environments, policies, variables. The nearest one from the working folder upwards."),
    ("plans/**/*.yaml", "The changesets."),
    ("templates/", "The project's own change types, and replacements of built-in ones."),
    (
        ".dagmar/",
        "Data of the private servers; for root they are in /var/tmp/dagmar-0/. `dagmar dev status` shows the place.",
    ),
    ("~/.pgpass", "Passwords, as libpq reads them."),
    ("~/.pg_service.conf", "Services, as libpq reads them."),
];

/// Writes manual pages in roff: the main page, or one page per command into a folder.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar man | man -l -
  dagmar man /usr/local/share/man/man1")]
pub struct Args {
    /// Writes dagmar.1, dagmar-apply.1 and so on into this folder
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    dir: Option<PathBuf>,
    /// With a folder: overwrites files of these names even if they are not manual pages of dagmar
    #[arg(long, requires = "dir")]
    force: bool,
}

pub fn run(args: &Args, command: clap::Command, global: &Global, out: &mut Output) -> Outcome {
    only_text(global)?;
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let Some(dir) = &args.dir else {
        out.document(&page(&command, &[])?);
        return Ok(());
    };
    let wrong = |e| Failure::new(FailureKind::Usage, format!("cannot write into `{}`: {e}", dir.display()));
    std::fs::create_dir_all(dir).map_err(wrong)?;
    let mut all = Vec::new();
    pages(&command, &[], &mut all)?;
    for (name, text) in &all {
        file::write(&dir.join(name), text, 0o666, Existing::by(args.force, is_page))?;
    }
    out.say(format!("{} in {}", count(all.len(), "page"), dir.display()));
    Ok(())
}

/// Whether a text is a manual page of ours.
fn is_page(text: &str) -> bool {
    text.lines().any(|line| line.starts_with(".TH dagmar"))
}

/// The pages of a command and of those below it, with their files' names; `above` are the names of the pages
/// that lead to it.
fn pages(command: &Command, above: &[String], out: &mut Vec<(String, String)>) -> Result<(), Failure> {
    out.push((Man::new(command.clone()).get_filename(), page(command, above)?));
    let mut path = above.to_vec();
    path.push(command.get_display_name().unwrap_or(command.get_name()).to_owned());
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        pages(below, &path, out)?;
    }
    Ok(())
}

fn page(command: &Command, above: &[String]) -> Result<String, Failure> {
    let man =
        Man::new(command.clone()).manual("Manual of dagmar").source(concat!("dagmar ", env!("CARGO_PKG_VERSION")));
    let mut text = Vec::new();
    let mut write = || {
        man.render_title(&mut text)?;
        man.render_name_section(&mut text)?;
        man.render_synopsis_section(&mut text)?;
        man.render_description_section(&mut text)?;
        man.render_options_section(&mut text)?;
        if command.get_subcommands().any(|below| !below.is_hide_set()) {
            man.render_subcommands_section(&mut text)?;
        }
        ours(command, above).to_writer(&mut text)?;
        man.render_version_section(&mut text)
    };
    write().map_err(|e: std::io::Error| Failure::new(FailureKind::Internal, format!("cannot write the page: {e}")))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The sections that the help has not, or has as a text of lines.
fn ours(command: &Command, above: &[String]) -> Roff {
    let mut roff = Roff::default();
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    if let Some((_, examples)) = help.split_once("Examples:\n") {
        roff.control("SH", ["EXAMPLES"]);
        // lines as they are: who reads them copies them
        roff.control("nf", []);
        for line in examples.lines() {
            roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
        }
        roff.control("fi", []);
    }
    roff.control("SH", ["EXIT STATUS"]);
    let codes =
        std::iter::once((0, "done")).chain(FailureKind::ALL.iter().map(|kind| (kind.exit_code(), kind.meaning())));
    for (code, meaning) in codes {
        entry(&mut roff, &code.to_string(), meaning);
    }
    roff.control("SH", ["ENVIRONMENT"]);
    for (name, meaning) in ENVIRONMENT {
        entry(&mut roff, name, meaning);
    }
    roff.control("SH", ["FILES"]);
    for (name, meaning) in FILES {
        entry(&mut roff, name, meaning);
    }
    roff.control("SH", ["SEE ALSO"]);
    let below = command.get_subcommands().filter(|below| !below.is_hide_set());
    let below = below.map(|below| below.get_display_name().unwrap_or(below.get_name()).to_owned());
    let mut see: Vec<String> = above.iter().cloned().chain(below).map(|name| format!("{name}(1)")).collect();
    see.extend(["psql(1)".to_owned(), "pg_dump(1)".to_owned()]);
    roff.text([roman(see.join(", "))]);
    roff
}

fn entry(roff: &mut Roff, name: &str, meaning: &str) {
    roff.control("TP", []);
    roff.text([bold(name)]);
    roff.text([roman(meaning)]);
}
