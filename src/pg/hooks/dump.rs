//! A file of `pg_dump`, which is there whole or not at all.

use super::{Before, Detail, Trouble};
use crate::base::{Failure, Kind};
use crate::pg::connect::Connection;
use crate::pg::preflight::asked::Asked;
use crate::pg::preflight::facts::Facts;
use crate::pg::run::stop::Stop;
use crate::run::{Event, Observer};
use crate::source::hook::Dump;
use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

pub(super) async fn make(
    before: &Before<'_>,
    dump: &Dump,
    limit: Duration,
    connection: &Connection,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<Detail, Trouble> {
    let to = before.root.join(before.filled(&dump.to)?);
    let cannot = |what: &str, e: &std::io::Error| {
        Failure::new(Kind::Failed, format!("cannot {what} `{}`: {e}", to.display())).help("look at `to` in dagmar.yaml")
    };
    if to.exists() {
        return Err(Failure::new(
            Kind::Failed,
            format!("`{}` is there already; it may be the only good copy", to.display()),
        )
        .help("put `${run}` into the path, or move the file away")
        .into());
    }
    let mut program = tokio::process::Command::new(before.client("pg_dump"));
    let mut detail = Detail::from_iter([("file".to_owned(), to.display().to_string().into())]);
    if dump.touched {
        match tables(before, connection).await? {
            Some(tables) if tables.is_empty() => {
                let line = "nothing that the plan changes is there yet: no file is written".to_owned();
                observer.on(&Event::HookSaid { line });
                return Ok(Detail::from_iter([("tables".to_owned(), 0.into())]));
            }
            Some(tables) => {
                detail.insert("tables".to_owned(), tables.len().into());
                program.args(tables.iter().flat_map(|table| ["-t", table]));
            }
            None => {
                let line = "what some changeset touches is not known: the whole database is dumped".to_owned();
                observer.on(&Event::HookSaid { line });
            }
        }
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(|e| cannot("make the folder of", &e))?;
    }
    let mut part = to.clone().into_os_string();
    part.push(".part");
    program.args(["-Fc", "--no-password", "-f"]).arg(&part);
    if let Err(trouble) = before.child(program, limit, observer, stop).await {
        let _ = fs::remove_file(&part);
        return Err(trouble);
    }
    fs::rename(&part, &to).map_err(|e| cannot("write", &e))?;
    let bytes = fs::metadata(&to).map_or(0, |m| m.len());
    detail.insert("bytes".to_owned(), bytes.into());
    Ok(detail)
}

/// The tables that the plan changes, as patterns of `pg_dump`; `None`: nobody can tell.
async fn tables(before: &Before<'_>, connection: &Connection) -> Result<Option<BTreeSet<String>>, Failure> {
    let asked = Asked::of(before.plan, 0);
    if asked.opaque {
        return Ok(None);
    }
    let facts = Facts::ask(connection, &asked, before.ledger).await?;
    let used: Vec<_> = asked.relations.values().collect();
    let quoted = |name: &String| format!("\"{}\"", name.replace('"', "\"\""));
    let changed = facts.relations.iter().filter(|r| used.get(r.i).is_some_and(|used| used.changes()));
    Ok(Some(changed.map(|r| r.table.iter().map(quoted).collect::<Vec<_>>().join(".")).collect()))
}
