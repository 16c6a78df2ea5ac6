//! `dagmar man`: the help as manual pages.

use super::file::{self, There};
use super::global::Global;
use super::output::Output;
use super::{Cli, Outcome};
use crate::base::file::read_text;
use crate::base::{Failure, Kind};
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
    /// With a folder: overwrites files of these names that are no manual pages of dagmar
    #[arg(long, requires = "dir")]
    force: bool,
}

pub fn run(args: &Args, _: &Global, out: &mut Output) -> Outcome {
    let Some(dir) = &args.dir else {
        let mut text = Vec::new();
        let page = clap_mangen::Man::new(Cli::command()).render(&mut text);
        page.map_err(|e| Failure::new(Kind::Internal, format!("cannot write the page: {e}")))?;
        out.data(&String::from_utf8_lossy(&text));
        return Ok(());
    };
    let wrong = |e| Failure::new(Kind::Usage, format!("cannot write into `{}`: {e}", dir.display()));
    std::fs::create_dir_all(dir).map_err(wrong)?;
    let made = tempfile::tempdir().map_err(wrong)?;
    clap_mangen::generate_to(Cli::command(), made.path()).map_err(wrong)?;
    let mut pages = 0;
    for page in std::fs::read_dir(made.path()).map_err(wrong)?.flatten() {
        let text = read_text(&page.path(), 1 << 20).map_err(|e| wrong(e.into()))?;
        file::write(&dir.join(page.file_name()), &text, 0o666, There::by(args.force, is_page))?;
        pages += 1;
    }
    out.say(&format!("{pages} pages in {}", dir.display()));
    Ok(())
}

/// Whether a text is a manual page of ours.
fn is_page(text: &str) -> bool {
    text.lines().any(|line| line.starts_with(".TH dagmar"))
}
