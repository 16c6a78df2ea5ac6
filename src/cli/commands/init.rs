//! `dagmar init`: a new project.

use super::schema;
use crate::base::file::{FileError, read_text};
use crate::base::{Failure, FailureKind};
use crate::cli::answers::Initialised;
use crate::cli::shell::file::{self, Existing};
use crate::cli::shell::global::Global;
use crate::cli::shell::output::{Form, Output, form};
use crate::cli::shell::schema_line::FOLDER;
use crate::cli::shell::task::Outcome;
use crate::report::Line;
use crate::source::schema::Custom;
use std::path::{Path, PathBuf};

/// What a new project holds besides the schemas.
const FILES: [(&str, &str); 3] = [
    ("dagmar.yaml", include_str!("../../../templates/init/dagmar.yaml")),
    ("plans/001_first.yaml", include_str!("../../../templates/init/001_first.yaml")),
    ("tests/db/001_first.yaml", include_str!("../../../templates/init/001_first_test.yaml")),
];

/// What somebody with a new project does next.
const NEXT: [(&str, &str); 5] = [
    ("check", "checks the files without a database"),
    ("plan --sql", "shows what would run, with its rollback"),
    ("test", "runs the tests in tests/db"),
    ("apply", "runs it on a private PostgreSQL of this machine"),
    ("new add-authors", "creates the next changeset"),
];

/// The line that keeps the embedded server's data out of the repository.
const IGNORED: &str = "/.dagmar/";

/// Creates a project: dagmar.yaml, a first changeset and a test of it, schemas for the editor.
///
/// Overwrites nothing. The first changeset can be applied and rolled back as it is; edit or delete it with its test.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar init
  dagmar init services/billing")]
pub struct Args {
    /// The folder; it may exist [default: the current one]
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let dir = args.dir.as_ref().or(global.project.as_ref()).cloned().unwrap_or_else(|| PathBuf::from("."));
    let mut files: Vec<(String, String)> = FILES.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
    for (name, value) in schema::files(&Custom::new()) {
        files.push((format!("{}/{name}", FOLDER), crate::source::schema::text(&value)));
    }
    // a link that leads nowhere is in the way too
    let in_the_way: Vec<&String> =
        files.iter().map(|(path, _)| path).filter(|p| dir.join(p).symlink_metadata().is_ok()).collect();
    if !in_the_way.is_empty() {
        let mut failure = Failure::new(
            FailureKind::Usage,
            format!("files in `{}` would be overwritten; nothing was written", dir.display()),
        )
        .help("name another folder; `dagmar schema --write` updates the schemas of a project");
        for path in in_the_way {
            failure = failure.note(format!("exists already: {path}"));
        }
        return Err(failure);
    }
    let mut written = Vec::new();
    for (path, text) in &files {
        write(&dir.join(path), text)?;
        written.push(path.as_str());
    }
    if ignore(&dir.join(".gitignore"))? {
        written.push(".gitignore");
    }
    match form {
        Form::Json => out.json(&Initialised { directory: &dir, written }),
        Form::Text => {
            written.iter().for_each(|path| out.data(path));
            out.say("");
            out.say("next:");
            if dir != Path::new(".") {
                out.say(format!("  cd {}", dir.display()));
            }
            for (command, what) in NEXT {
                out.say(Line::from(format!("  dagmar {command:<18} {what}")).hang(28));
            }
        }
    }
    Ok(())
}

/// Writes a new file and the folders around it.
pub fn write(path: &Path, text: &str) -> Result<(), Failure> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)
            .map_err(|e| Failure::new(FailureKind::Usage, format!("cannot write `{}`: {e}", path.display())))?;
    }
    file::write(path, text, 0o666, Existing::Stays)
}

/// Adds our line to a `.gitignore`, unless it is there.
fn ignore(path: &Path) -> Result<bool, Failure> {
    let before = match read_text(path, 1 << 20) {
        Ok(text) => text,
        Err(FileError::Missing(_)) => String::new(),
        Err(e) => return Err(Failure::new(FailureKind::Usage, format!("`{}` {e}", path.display()))),
    };
    if before.lines().any(|line| line.trim().trim_matches('/') == ".dagmar") {
        return Ok(false);
    }
    let gap = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    file::write(path, &format!("{before}{gap}{IGNORED}\n"), 0o666, Existing::Replaced)?;
    Ok(true)
}
