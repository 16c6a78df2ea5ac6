//! `dagmar schema`: what may be written, for editors and for people; and what the commands write, for programs.

use crate::base::{Failure, FailureKind, diag::nearest};
use crate::cli::answers::{ANSWERS, ChangeType, ChangeTypes, WrittenSchemas};
use crate::cli::shell::complete;
use crate::cli::shell::file::{self, Existing};
use crate::cli::shell::global::Global;
use crate::cli::shell::open::root;
use crate::cli::shell::output::{Form, Output, form};
use crate::cli::shell::schema_line::{CHANGELOG, FOLDER};
use crate::cli::shell::task::Outcome;
use crate::pipeline::Workspace;
use crate::report::reference;
use crate::source::schema::catalogue::Catalogue;
use crate::source::schema::{self, Custom, answers, changelog_schema, manifest_schema, project_schema, tests_schema};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Prints JSON Schemas for editors and of what `--format json` writes, and tables of change types.
///
/// Inside of a project they include the project's own change types. Editors with a YAML language server
/// complete and check a file that starts with
/// `# yaml-language-server: $schema=../schema/changelog.schema.json`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar schema --write
  dagmar schema --list
  dagmar schema --type createTable
  dagmar schema changelog > changelog.schema.json
  dagmar schema answers attic list > attic-list.schema.json")]
#[command(group(clap::ArgGroup::new("what").args(["which", "write", "list", "kind", "markdown"])))]
pub struct Args {
    /// Which schema is printed
    #[arg(value_name = "SCHEMA", default_value = "changelog")]
    which: Which,
    /// Of `answers`: only what this command answers, as in `dagmar schema answers attic list`
    #[arg(value_name = "COMMAND", conflicts_with_all = ["write", "list", "kind", "markdown"])]
    command: Vec<String>,
    /// Writes all schemas into the project's folder `schema`
    #[arg(long)]
    write: bool,
    /// With --write: overwrites files even if they are not schemas of dagmar
    #[arg(long, requires = "write")]
    force: bool,
    /// Lists all change types, including the project's own
    #[arg(long)]
    list: bool,
    /// Shows the parameters of one change type
    #[arg(long = "type", value_name = "NAME", add = complete::change_types())]
    kind: Option<String>,
    /// Writes the reference of all change types in Markdown
    #[arg(long)]
    markdown: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Which {
    /// A file below plans/
    Changelog,
    /// The file dagmar.yaml
    Project,
    /// The manifest of a project's own change type
    Manifest,
    /// A file of tests
    Tests,
    /// What the commands write with `--format json`
    Answers,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    if args.write {
        let root = root(global)?;
        let written = write(&root, &own_types(&root, out)?, args.force)?;
        match form {
            Form::Json => out.json(&WrittenSchemas { written }),
            Form::Text => written.iter().for_each(|path| out.data(path)),
        }
        return Ok(());
    }
    if !args.command.is_empty() && args.which != Which::Answers {
        return Err(Failure::new(FailureKind::Usage, "only `answers` has a schema for each command")
            .help(format!("write `dagmar schema answers {}`", args.command.join(" "))));
    }
    // outside of a project there are the built-in types; a folder that was named must be one
    let custom = match root(global) {
        Ok(root) => own_types(&root, out)?,
        Err(failure) if global.project.is_some() => return Err(failure),
        Err(_) => Custom::new(),
    };
    let catalogue = Catalogue::new(&custom);
    if args.markdown {
        out.document(&reference::markdown(&catalogue));
    } else if args.list {
        let entries = catalogue.change_types();
        match form {
            Form::Json => out.json(&ChangeTypes { change_types: entries }),
            Form::Text => out.data(reference::list(&entries, out.limit())),
        }
    } else if let Some(name) = &args.kind {
        let entry = catalogue.change_type(name).ok_or_else(|| unknown(name, &catalogue))?;
        let parts = catalogue.parts(std::slice::from_ref(&entry));
        match form {
            Form::Json => out.json(&ChangeType { change_type: entry, parts }),
            Form::Text => out.data(reference::one(&entry, &parts, out.limit())),
        }
    } else {
        let schema = match args.which {
            Which::Changelog => changelog_schema(&custom),
            Which::Project => project_schema(),
            Which::Manifest => manifest_schema(),
            Which::Tests => tests_schema(),
            Which::Answers => answers_schema(&args.command.join(" "))?,
        };
        out.document(&schema::text(&schema));
    }
    Ok(())
}

/// What a command answers; of no name: what all answer.
fn answers_schema(command: &str) -> Result<Value, Failure> {
    if command.is_empty() {
        return Ok(answers::of_all(ANSWERS));
    }
    let row = ANSWERS.iter().find(|(name, _)| *name == command);
    row.map(|row| answers::of_command(*row)).ok_or_else(|| {
        let near = nearest(command, ANSWERS.iter().map(|(name, _)| *name));
        Failure::new(FailureKind::Usage, format!("no command `{command}` exists with `--format json`")).help(
            near.map_or_else(
                || "`dagmar schema answers` lists all".to_owned(),
                |near| format!("did you mean `{near}`?"),
            ),
        )
    })
}

/// Says that there is no change type of this name.
pub fn unknown(name: &str, catalogue: &Catalogue) -> Failure {
    let help = nearest(name, catalogue.names()).map_or_else(
        || "`dagmar schema --list` shows all change types".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    Failure::new(FailureKind::Usage, format!("the change type `{name}` does not exist")).help(help)
}

/// The project's own change types. Those with mistakes are left out.
fn own_types(root: &Path, out: &mut Output) -> Result<Custom, Failure> {
    let workspace = Workspace::open(root)?;
    let loaded = workspace.loaded;
    let broken = std::fs::read_dir(loaded.root.join(&loaded.config.templates))
        .into_iter()
        .flatten()
        .flatten()
        .filter(|dir| dir.path().join("manifest.yaml").is_file())
        .map(|dir| dir.file_name().to_string_lossy().into_owned())
        .filter(|name| !loaded.custom.contains_key(name));
    for name in broken {
        out.warn(&format!("`{name}` is omitted: `dagmar check` shows its errors"));
    }
    Ok(loaded.custom)
}

/// Writes all schemas below a project's folder; gives their paths, relative to it.
pub fn write(root: &Path, custom: &Custom, force: bool) -> Result<Vec<String>, Failure> {
    let dir = root.join(FOLDER);
    let wrong = |path: &Path, e| Failure::new(FailureKind::Usage, format!("cannot write `{}`: {e}", path.display()));
    std::fs::create_dir_all(&dir).map_err(|e| wrong(&dir, e))?;
    let mut written = Vec::new();
    let answers = ("answers.schema.json", answers::of_all(ANSWERS));
    for (name, value) in files(custom).into_iter().chain([answers]) {
        let path: PathBuf = dir.join(name);
        file::write(&path, &schema::text(&value), 0o666, Existing::by(force, is_schema))?;
        written.push(format!("{FOLDER}/{name}"));
    }
    Ok(written)
}

/// Whether a text is a schema of ours.
fn is_schema(text: &str) -> bool {
    text.contains("\"$id\": \"urn:dagmar:schema:")
}

/// The files of the schemas that editors need, with their contents.
pub fn files(custom: &Custom) -> [(&'static str, Value); 4] {
    [
        (CHANGELOG, changelog_schema(custom)),
        ("project.schema.json", project_schema()),
        ("manifest.schema.json", manifest_schema()),
        ("tests.schema.json", tests_schema()),
    ]
}
