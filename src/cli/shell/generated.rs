//! Generated changesets: how they are shown, and how they become files of the project.

use super::file::{self, Existing};
use super::output::Output;
use super::schema_line::schema_line;
use crate::base::{Failure, FailureKind, count};
use crate::generate::{GeneratedChangeset, LeftOut, Note, yaml};
use crate::inspect::{Difference, NotCompared, words};
use crate::ops::generate::Verified;
use crate::report::{Line, Text, Tone};
use crate::source::load::Loaded;
use std::collections::BTreeMap;
use std::path::Path;

/// What a comparison is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For a terminal.
    Text,
    /// For programs.
    Json,
    /// The changesets.
    Yaml,
}

/// Their names.
pub const FORMS: [(&str, Form); 3] = [("text", Form::Text), ("json", Form::Json), ("yaml", Form::Yaml)];

/// The changesets for people: a line for each.
pub fn changesets(changesets: &[GeneratedChangeset], text: &mut Text) {
    for changeset in changesets {
        let mut line = Line::from("  ").paint(Tone::Strong, &changeset.id);
        if let Some(first) = changeset.depends_on.first() {
            let more = changeset.depends_on.len() - 1;
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            line = line.paint(Tone::Muted, format!("  after {first}{more}"));
        }
        text.line(line.hang(6));
    }
}

/// What to know of the changesets.
pub fn notes(notes: &[Note], text: &mut Text) {
    for Note { changeset, note, .. } in notes {
        text.line(Line::new().paint(Tone::Warn, "note").plain(format!(": {changeset}: {note}")).hang(6));
    }
}

/// Differences, one below the other.
pub fn differences(differences: &[Difference], text: &mut Text) {
    for difference in differences {
        text.block("  ", &words(difference));
    }
}

/// What is in no changeset, and what came of the trial.
pub fn rest(left_out: &[LeftOut], not_compared: &[NotCompared], verified: Option<&Verified>, text: &mut Text) {
    for LeftOut { object, property, why } in left_out {
        let what = property.as_ref().map_or_else(|| object.to_string(), |property| format!("{property} of {object}"));
        text.line(Line::new().paint(Tone::Warn, "left out").plain(format!(": {what}: {why}")).hang(10));
    }
    for NotCompared { what, why } in not_compared {
        text.line(Line::new().paint(Tone::Warn, "not compared").plain(format!(": {what}: {why}")).hang(10));
    }
    let Some(verified) = verified else { return };
    if verified.is_good() && !verified.irreversible.is_empty() {
        text.line(Line::new().paint(Tone::Good, "verified").plain(format!(
            " on PostgreSQL {}: the changesets make this catalog; rollbacks were not tried, {} cannot be rolled back",
            verified.server_version,
            verified.irreversible.join(", ")
        )));
        return;
    }
    if verified.is_good() {
        text.line(Line::new().paint(Tone::Good, "verified").plain(format!(
            " on PostgreSQL {}: the changesets make this catalog, and their rollbacks the one before",
            verified.server_version
        )));
        return;
    }
    let head = |what: String| Line::new().paint(Tone::Bad, "not verified").plain(format!(": {what}")).hang(10);
    if let Some(why) = &verified.failed {
        text.line(head(why.clone()));
    }
    if !verified.differences.is_empty() {
        text.line(head(format!("after the changesets there are {}", count(verified.differences.len(), "difference"))));
        differences(&verified.differences, text);
    }
    if let Some(why) = &verified.rollback_failed {
        text.line(head(format!("the rollback: {why}")));
    }
    let back = verified.rollback_differences.as_deref().unwrap_or_default();
    if !back.is_empty() {
        text.line(head(format!("after the rollback there are {}", count(back.len(), "difference"))));
        differences(back, text);
    }
}

/// The failure of a trial that went wrong.
pub fn failure(verified: Option<&Verified>, left_out: &[LeftOut]) -> Option<Failure> {
    let failed = verified.is_some_and(|verified| !verified.is_good());
    // another order of columns is told, and is no mistake
    let lacking = left_out.iter().filter(|left| !left.is_move()).count();
    let message = match (failed, lacking) {
        (true, _) => "the changesets were tried on a private server and are not right".to_owned(),
        (false, 0) => return None,
        (false, more) => format!(
            "{} in no changeset",
            if more == 1 { "one object is".to_owned() } else { format!("{more} objects are") }
        ),
    };
    Some(Failure::new(FailureKind::Findings, message))
}

/// Writes files below the folder of the changesets; gives their paths. Nothing is written if one is there.
///
/// # Errors
/// If a file exists, or cannot be written.
pub fn write(loaded: &Loaded, files: &BTreeMap<String, String>) -> Result<Vec<String>, Failure> {
    for path in files.keys() {
        if loaded.root.join(path).symlink_metadata().is_ok() {
            return Err(Failure::new(
                FailureKind::Usage,
                format!("the file `{path}` already exists; nothing was written"),
            )
            .help("name another one: `--write=PATH`"));
        }
    }
    for (path, text) in files {
        let full = loaded.root.join(path);
        let folder = full.parent().unwrap_or(&loaded.root);
        std::fs::create_dir_all(folder)
            .map_err(|e| Failure::new(FailureKind::Usage, format!("cannot create `{}`: {e}", folder.display())))?;
        let folder = Path::new(path).parent().unwrap_or(Path::new("")).display().to_string();
        file::write(&full, &format!("{}{text}", schema_line(loaded, &folder)), 0o666, Existing::Stays)?;
    }
    Ok(files.keys().cloned().collect())
}

/// Writes changesets to one file, as a path relative to the project.
///
/// # Errors
/// If the file exists, or cannot be written.
pub fn write_one(loaded: &Loaded, path: &str, changesets: &[GeneratedChangeset]) -> Result<Vec<String>, Failure> {
    let text = yaml(changesets);
    write(loaded, &[(path.trim_start_matches("./").to_owned(), text)].into())
}

/// Says which files were written.
pub fn written(written: Option<&[String]>, out: &mut Output) {
    if let Some(written) = written {
        for path in written {
            out.say(format!("wrote {path}"));
        }
        out.say("next: `dagmar check`, then `dagmar prove`");
    }
}
