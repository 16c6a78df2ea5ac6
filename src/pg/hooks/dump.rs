//! A file of `pg_dump`, which is there whole or not at all.

use super::before::{Before, Detail, HookError};
use crate::base::{Failure, FailureKind};
use crate::pg::connect::Connection;
use crate::pg::preflight::facts::Facts;
use crate::pg::preflight::requirements::Requirements;
use crate::pg::stop::Stop;
use crate::run::{Event, Observer};
use crate::source::hook::{Dump, is_below};
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(super) async fn make(
    before: &Before<'_>,
    dump: &Dump,
    limit: Duration,
    connection: &Connection,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<Detail, HookError> {
    let to = place(before.hooks.root, &before.filled(&dump.to)?)?;
    let cannot = |what: &str, e: &std::io::Error| {
        Failure::new(FailureKind::Failed, format!("cannot {what} `{}`: {e}", to.display()))
            .help("check `to` in dagmar.yaml")
    };
    // a link that leads nowhere is in the way too
    if to.symlink_metadata().is_ok() {
        return Err(Failure::new(
            FailureKind::Failed,
            format!("`{}` already exists; it may be the only copy", to.display()),
        )
        .help("put `${run}` into the path, or move the file away")
        .into());
    }
    let mut program = tokio::process::Command::new(before.client("pg_dump"));
    let mut detail = Detail::from_iter([("file".to_owned(), to.display().to_string().into())]);
    if dump.touched {
        match tables(before, connection).await? {
            Some(tables) if tables.is_empty() => {
                let line = "the plan changes no existing object: no dump is written".to_owned();
                observer.on(&Event::HookSaid { line });
                return Ok(Detail::from_iter([("tables".to_owned(), 0.into())]));
            }
            Some(tables) => {
                detail.insert("tables".to_owned(), tables.len().into());
                program.args(tables.iter().flat_map(|table| ["-t", table]));
            }
            None => {
                let line = "the objects of a changeset are unknown: the whole database is dumped".to_owned();
                observer.on(&Event::HookSaid { line });
            }
        }
    }
    let folder = to.parent().unwrap_or(before.hooks.root);
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|e| cannot("make the folder of", &e))?;
    // the file is ours alone before there is anything in it, whatever the umask
    let part = tempfile::Builder::new()
        .prefix(".dagmar-dump-")
        .tempfile_in(folder)
        .map_err(|e| cannot("write", &e))?
        .into_temp_path();
    program.args(["-Fc", "--no-password", "-f"]).arg(&part);
    before.child(program, limit, observer, stop).await?;
    // in the same moment as it is seen that nothing is there
    part.persist_noclobber(&to).map_err(|e| cannot("write", &e.error))?;
    let bytes = fs::metadata(&to).map_or(0, |m| m.len());
    detail.insert("bytes".to_owned(), bytes.into());
    Ok(detail)
}

/// The path of the file, which is below the project's folder, also when links are followed.
fn place(root: &Path, to: &str) -> Result<PathBuf, Failure> {
    let outside = || {
        Failure::new(FailureKind::Failed, format!("`{to}` leads out of the project's folder"))
            .help("a dump is below the project's folder; elsewhere a `run` hook can write it")
    };
    if !is_below(to) {
        return Err(outside());
    }
    let path = root.join(to);
    // what is not there yet cannot be a link
    let there = path.ancestors().skip(1).find_map(|folder| folder.canonicalize().ok());
    let root = root.canonicalize().ok();
    match (there, root) {
        (Some(there), Some(root)) if there.starts_with(&root) => Ok(path),
        _ => Err(outside()),
    }
}

/// The tables that the plan changes, as patterns of `pg_dump`; `None`: nobody can tell.
async fn tables(before: &Before<'_>, connection: &Connection) -> Result<Option<BTreeSet<String>>, Failure> {
    let asked = Requirements::of(before.plan, 0);
    if asked.opaque {
        return Ok(None);
    }
    let facts = Facts::ask(connection, &asked, before.hooks.ledger).await?;
    let used: Vec<_> = asked.relations.values().collect();
    let quoted = |name: &String| format!("\"{}\"", name.replace('"', "\"\""));
    let changed = facts.relations.iter().filter(|r| used.get(r.i).is_some_and(|used| used.changes()));
    Ok(Some(changed.map(|r| r.table.iter().map(quoted).collect::<Vec<_>>().join(".")).collect()))
}
