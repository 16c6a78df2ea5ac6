//! The words for tables that a statement locks and does not name.

use super::sized;
use crate::plan::{About, Hazard};
use crate::sql::{AlsoLocked, Facts, LockMode, Through};

/// Tables of one connection that are named; the others are counted.
const MOST_NAMED: usize = 5;

/// One line per group of tables that the statement does not name: `ACCESS EXCLUSIVE on the partitions a, b of t:
/// blocks reads and writes`, with the mode; or that there may be such, without.
pub(super) fn also(facts: &Facts, about: &About, is_opaque: bool) -> Vec<(Option<LockMode>, String)> {
    let shown = facts.also.iter().filter(|also| !(also.through == Through::Functions && is_opaque));
    let known =
        |also: &AlsoLocked| (!also.tables.is_empty() || also.through == Through::IndexTable).then_some(also.mode);
    shown.filter_map(|also| Some((known(also), also_line(also, about)?))).collect()
}

fn also_line(also: &AlsoLocked, about: &About) -> Option<String> {
    let of = also.of.as_ref().map_or_else(|| "it".to_owned(), ToString::to_string);
    match also.through {
        Through::Functions => return Some("may lock more: what it runs is unknown".to_owned()),
        Through::Triggers => return Some(format!("may lock more: triggers and rules on {of}, if any, run")),
        Through::Truncation => {
            let mode = also.mode.sql();
            return Some(format!("may take {mode} on {of} for a moment: to cut off the empty end of its file"));
        }
        Through::ColumnDomain => {
            let kind = also.part.as_ref().map_or_else(String::new, |part| format!(" {part}"));
            return Some(match also.tables.is_empty() {
                true => format!("may rewrite {of}: if the type{kind} is a domain with constraints or a default"),
                false => format!("rewrites {of}: the type{kind} is a domain with constraints or a default"),
            });
        }
        _ => {}
    }
    let kind = kind_of(also, &of);
    let mut effects: Vec<&str> = Vec::new();
    if Hazard::of_lock(also.mode).is_some() {
        effects.push(also.mode.effect());
    }
    let flags = [(also.loses_data, "loses data"), (also.rewrites, "rewrites"), (also.scans, "reads all rows")];
    effects.extend(flags.into_iter().filter_map(|(on, words)| on.then_some(words)));
    let effects = if effects.is_empty() { also.mode.effect().to_owned() } else { effects.join(", ") };
    let mode = also.mode.sql();
    if also.tables.is_empty() {
        // what disturbs nobody is not worth a line that it may be
        let disturbs = Hazard::of_lock(also.mode).is_some() || also.loses_data || also.rewrites;
        return disturbs.then(|| match also.through {
            Through::IndexTable => format!("{mode} on {kind}: {effects}"),
            _ => format!("may lock more: {mode} on {kind}, if any: {effects}"),
        });
    }
    let mut names: Vec<String> = also.tables.iter().take(MOST_NAMED).map(|table| sized(table, about)).collect();
    if also.tables.len() > MOST_NAMED {
        names.push(format!("{} more", also.tables.len() - MOST_NAMED));
    }
    let more = if also.complete { "" } else { ", and there may be more" };
    Some(format!("{mode} on {} ({kind}{more}): {effects}", names.join(", ")))
}

/// `partitions of app.t`.
fn kind_of(also: &AlsoLocked, of: &str) -> String {
    let part = also.part.as_ref().map_or_else(|| of.to_owned(), |part| format!("{of}.{}", part.name));
    match also.through {
        Through::Descendants => format!("partitions and inheritance children of {of}"),
        Through::Partitions => format!("partitions of {of}"),
        Through::DefaultPartition => format!("the default partition of {of}"),
        Through::PartitionedTable => format!("the partitioned table of {of} and its default partition"),
        Through::ReferencedTables => format!("tables that foreign keys of {part} reference"),
        Through::ReferencingTables => format!("tables whose foreign keys reference {part}"),
        Through::DomainUsers => format!("tables with columns of the domain {of}"),
        Through::TypedTables => format!("tables of the type {of}"),
        Through::Dependents if also.of.is_none() => "tables with dependent objects".to_owned(),
        Through::Dependents => format!("objects that depend on {part}"),
        Through::BaseRelations => format!("tables below the view {of}"),
        Through::OwnedSequences => format!("sequences that columns of {of} own"),
        Through::IndexTable => format!("the table of {of}"),
        Through::PublishedTables => format!("tables of the publication {of}"),
        Through::Schema => format!("tables in the schema {of}"),
        Through::Database => "tables of the whole database".to_owned(),
        Through::Owner => format!("objects of the role {of}"),
        Through::Tablespace => format!("tables in the tablespace {of}"),
        Through::Recalled => format!("tables that {part} was connected with by foreign keys or as a partition"),
        Through::ColumnDomain | Through::Truncation | Through::Triggers | Through::Functions => of.to_owned(),
    }
}
