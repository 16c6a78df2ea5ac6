//! `dagmar man`: the help as manual pages.

use super::global::Global;
use super::output::Output;
use super::{Cli, Outcome};
use crate::base::{Failure, Kind, count};
use clap::CommandFactory;
use std::path::PathBuf;

/// Writes the manual pages: the first one, or one per command into a folder.
///
/// The pages are in roff, as `man` reads them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar man | man -l -
  dagmar man /usr/local/share/man/man1")]
pub struct Args {
    /// Writes dagmar.1, dagmar-apply.1 and so on into this folder
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub fn run(args: &Args, _: &Global, out: &mut Output) -> Outcome {
    let Some(dir) = &args.dir else {
        let mut text = Vec::new();
        let page = clap_mangen::Man::new(Cli::command()).render(&mut text);
        page.map_err(|e| Failure::new(Kind::Internal, format!("cannot write the page: {e}")))?;
        out.document(&String::from_utf8_lossy(&text));
        return Ok(());
    };
    let wrong = |e| Failure::new(Kind::Usage, format!("cannot write into `{}`: {e}", dir.display()));
    std::fs::create_dir_all(dir).map_err(wrong)?;
    clap_mangen::generate_to(Cli::command(), dir).map_err(wrong)?;
    let pages = std::fs::read_dir(dir).map_err(wrong)?.flatten();
    let ours = pages.filter(|page| {
        let name = page.file_name();
        let name = name.to_string_lossy();
        name.starts_with("dagmar") && name.ends_with(".1")
    });
    out.say(format!("{} in {}", count(ours.count(), "page"), dir.display()));
    Ok(())
}
