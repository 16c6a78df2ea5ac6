//! What stands on top of a plan.

use super::{common_limits, limits};
use crate::base::words::{grouped, plural};
use crate::plan::{About, Destination, Plan, Size};
use crate::report::plan::Seal;

/// How large a table is: `2,000,000 rows, 86 MB`.
pub(in crate::report::plan) fn large(size: Size) -> String {
    let bytes = match size.bytes {
        0 => "empty".to_owned(),
        b if b < 10 << 20 => format!("{} kB", b.div_ceil(1 << 10)),
        b if b < 10 << 30 => format!("{} MB", b >> 20),
        b if b < 10 << 40 => format!("{} GB", b >> 30),
        b => format!("{} TB", b >> 40),
    };
    match size.rows {
        Some(rows) if rows > 0 && size.bytes == 0 => format!("{} {}", grouped(rows), plural(&rows, "row")),
        Some(rows) if size.bytes > 0 => format!("{} {}, {bytes}", grouped(rows), plural(&rows, "row")),
        _ => bytes,
    }
}

/// What stands on top of a plan: name and text of each line.
#[must_use]
pub fn about(plan: &Plan, about: &About) -> Vec<(&'static str, String)> {
    let database = match &about.target {
        None => "offline: compiled for an empty database".to_owned(),
        Some(Destination { database, address, server, system }) => {
            let address = address.as_ref().map_or_else(String::new, |address| format!(" on {address}"));
            let system = system.as_ref().map_or_else(String::new, |system| format!(", server {system}"));
            format!("{database}{address}, PostgreSQL {server}{system}")
        }
    };
    let user = about.made_by.database.as_ref().map_or_else(String::new, |user| format!(", database user {user}"));
    let at = about.made_at.trim_end_matches('Z').replace('T', " ");
    let mut lines = vec![("database", database), ("made", format!("{at} UTC by {}{user}", about.made_by.os))];
    let commit = about.commit.as_ref().map(|commit| {
        let id = commit.id.get(..12).unwrap_or(&commit.id);
        let changed = if commit.uncommitted { ", with uncommitted changes" } else { "" };
        format!(", project at commit {id}{changed}")
    });
    lines.push(("dagmar", format!("{}{}", about.dagmar, commit.unwrap_or_default())));
    if let Some(said) = common_limits(plan).map(|common| limits(&common)).filter(|said| !said.is_empty()) {
        lines.push(("limits", format!("in a transaction: {said}")));
    }
    lines
}

/// The lines of a seal, in the same way; and whether it is signed.
pub(in crate::report::plan) fn seal(seal: &Seal) -> Vec<(&'static str, String, bool)> {
    let signed = match &seal.signed_by {
        Some(key) => ("signed", format!("with the key {key}"), true),
        None => ("signed", "NOT SIGNED: anybody may have written it".to_owned(), false),
    };
    vec![("sealed", seal.digest.clone(), true), signed, ("expires", seal.expires_at.clone(), true)]
}
