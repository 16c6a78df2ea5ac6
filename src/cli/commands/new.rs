//! `dagmar new`: the next changeset, to be filled in.

use super::{init, schema};
use crate::base::{Failure, FailureKind, diag::nearest};
use crate::cli::answers::NewChangeset;
use crate::cli::shell::complete;
use crate::cli::shell::global::Global;
use crate::cli::shell::open::root;
use crate::cli::shell::output::{Form, Output, form};
use crate::cli::shell::schema_line::schema_line;
use crate::cli::shell::task::Outcome;
use crate::pipeline::Workspace;
use crate::source::changeset::{MAX_ID, is_id};
use crate::source::load::Loaded;
use crate::source::schema::catalogue::Catalogue;
use crate::source::schema::skeleton::scalar;
use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Creates a changeset: a file below plans/ with an id, dependencies and changes to complete.
///
/// Each --change adds the required keys of its type, taken from the schema. `<change_me>` marks a missing
/// value: `dagmar check` refuses it until you replace it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar new add-active-organization --depends-on 003-users-and-permissions
  dagmar new 012-audit --change createTable --change createIndex --label audit --edit
  dagmar new 'Drop the old flags' --description 'nobody reads them since 2.4' --change dropColumn")]
pub struct Args {
    /// Its name; id and file name are derived from it
    #[arg(value_name = "NAME")]
    name: String,
    /// A changeset that must be applied before; may be given several times
    #[arg(long, value_name = "ID", add = complete::changesets())]
    depends_on: Vec<String>,
    /// What it does and why
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Who writes it [default: git's user.name]
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// A label for selectors; may be given several times
    #[arg(long, value_name = "LABEL")]
    label: Vec<String>,
    /// A change type to start with; may be given several times
    #[arg(long, value_name = "TYPE", add = complete::change_types())]
    change: Vec<String>,
    /// Opens the file in $VISUAL or $EDITOR
    #[arg(long)]
    edit: bool,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let workspace = Workspace::open(&root(global)?)?;
    let loaded = &workspace.loaded;
    let id = id_of(&args.name)?;
    let known = Known::of(loaded);
    if let Some(path) = known.path_of(&id) {
        return Err(Failure::new(FailureKind::Usage, format!("the changeset `{id}` already exists"))
            .note(format!("it is in {path}"))
            .help("an id is never reused: give the new changeset another name"));
    }
    for edge in &args.depends_on {
        if known.path_of(edge).is_none() {
            let failure = Failure::new(FailureKind::Usage, format!("the dependency `{edge}` does not exist"));
            return Err(match nearest(edge, known.ids.iter().map(|(id, _)| id.as_str())) {
                Some(near) => failure.help(format!("did you mean `{near}`?")),
                None => failure.help("`dagmar graph` shows all of them"),
            });
        }
    }
    let catalogue = Catalogue::new(&loaded.custom);
    let text = text(args, &id, loaded, &known, &catalogue)?;
    // an id may hold slashes; its file stays in one folder
    let path = format!("{}/{}.yaml", loaded.config.plans.trim_end_matches('/'), id.replace('/', "-"));
    let full = loaded.root.join(&path);
    if full.symlink_metadata().is_ok() {
        return Err(Failure::new(FailureKind::Usage, format!("the file `{path}` already exists"))
            .help("give the changeset another name, or add it to that file manually"));
    }
    init::write(&full, &text)?;
    if loaded.problems.has_errors() {
        out.say("warning: the project has errors, so some changesets may be missing here: see `dagmar check`");
    }
    match form {
        Form::Json => out.json(&NewChangeset { id: &id, path: &path }),
        Form::Text => out.data(&path),
    }
    if args.edit { edit(&full) } else { Ok(()) }
}

/// The changesets of a project as they stand in its files, whether right or wrong.
struct Known {
    /// Ids and the files that hold them.
    ids: Vec<(String, String)>,
    /// Those that nothing depends on.
    ends: Vec<String>,
}

impl Known {
    fn of(loaded: &Loaded) -> Self {
        let mut ids: Vec<(String, String)> = Vec::new();
        let mut needed = Vec::new();
        for (file, document) in &loaded.documents {
            for changeset in document.values() {
                let id = changeset["id"].as_str().map(str::to_owned);
                ids.extend(id.map(|id| (id, loaded.sources.get(*file).path.clone())));
                for edge in changeset["dependsOn"].as_array().into_iter().flatten() {
                    needed.extend(edge.as_str().or_else(|| edge["id"].as_str()).map(str::to_owned));
                }
            }
        }
        let ends = ids.iter().map(|(id, _)| id).filter(|id| !needed.contains(id)).cloned().collect();
        Self { ids, ends }
    }

    fn path_of(&self, id: &str) -> Option<&str> {
        self.ids.iter().find(|(known, _)| known == id).map(|(_, path)| path.as_str())
    }
}

/// The id that a name makes: what an id cannot hold becomes a hyphen.
fn id_of(name: &str) -> Result<String, Failure> {
    let mut id = String::new();
    for c in name.trim().chars() {
        match c {
            c if c.is_ascii_alphanumeric() => id.push(c.to_ascii_lowercase()),
            '_' | '.' | '/' => id.push(c),
            _ if id.ends_with('-') || id.is_empty() => {}
            _ => id.push('-'),
        }
    }
    let id = id.trim_end_matches('-').to_owned();
    if is_id(&id) {
        Ok(id)
    } else {
        Err(Failure::new(FailureKind::Usage, format!("`{name}` gives no valid id")).help(format!(
            "use letters, digits, `-`, `_`, `.` and `/`, at most {MAX_ID}, starting with a letter or digit"
        )))
    }
}

fn text(args: &Args, id: &str, loaded: &Loaded, known: &Known, catalogue: &Catalogue) -> Result<String, Failure> {
    let mut out = String::new();
    out.push_str(&schema_line(loaded, &loaded.config.plans));
    let _ = writeln!(out, "changesets:\n  - id: {}", scalar(id));
    let author = args.author.clone().or_else(|| git_user(&loaded.root));
    let pairs = [("author", author.as_deref()), ("description", args.description.as_deref())];
    for (key, value) in pairs {
        if let Some(value) = value.filter(|v| !v.trim().is_empty()) {
            let _ = writeln!(out, "    {key}: {}", scalar(value.trim()));
        }
    }
    edges(args, known, &mut out);
    if !args.label.is_empty() {
        let labels: Vec<String> = args.label.iter().map(|label| scalar(label)).collect();
        let _ = writeln!(out, "    labels: [{}]", labels.join(", "));
    }
    if args.change.is_empty() {
        out.push_str("    # one entry for each change: `dagmar schema --list` shows what there is\n    changes: []\n");
        return Ok(out);
    }
    out.push_str("    changes:\n");
    for kind in &args.change {
        out.push_str(&catalogue.skeleton(kind, 6).ok_or_else(|| schema::unknown(kind, catalogue))?);
    }
    Ok(out)
}

fn edges(args: &Args, known: &Known, out: &mut String) {
    if !args.depends_on.is_empty() {
        out.push_str("    dependsOn:\n");
        for edge in &args.depends_on {
            let _ = writeln!(out, "      - {}", scalar(edge));
        }
    } else if !known.ends.is_empty() {
        out.push_str("    # nothing depends on these yet:\n    # dependsOn:\n");
        for id in &known.ends {
            let _ = writeln!(out, "    #   - {}", scalar(id));
        }
    }
}

/// The author as git knows him, where git is there.
fn git_user(root: &Path) -> Option<String> {
    let answer =
        Command::new("git").args(["config", "user.name"]).current_dir(root).stderr(Stdio::null()).output().ok()?;
    let name = String::from_utf8(answer.stdout).ok()?;
    Some(name.trim().to_owned()).filter(|name| answer.status.success() && !name.is_empty())
}

/// Opens a file in the user's editor, which may be a command with arguments.
fn edit(path: &Path) -> Outcome {
    let set = |name| std::env::var(name).ok().filter(|v| !v.trim().is_empty());
    let editor = set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    let status = Command::new("sh").arg("-c").arg(format!("{editor} \"$1\"")).arg("sh").arg(path).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::new(FailureKind::Usage, format!("the editor `{editor}` ended with {status}"))
            .help("set `EDITOR`; the file is written")),
        Err(e) => Err(Failure::new(FailureKind::Usage, format!("cannot start the editor `{editor}`: {e}"))
            .help("set `EDITOR`; the file is written")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_ids() {
        for (name, id) in [
            ("Add user's e-mail", "add-user-s-e-mail"),
            ("008-active", "008-active"),
            (" team/Orders_v2 ", "team/orders_v2"),
            ("what? now!", "what-now"),
        ] {
            assert_eq!(id_of(name).unwrap(), id);
        }
        for bad in ["", "…", "/x", &"x".repeat(200)] {
            assert!(id_of(bad).is_err(), "{bad}");
        }
    }
}
