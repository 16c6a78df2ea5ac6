//! Earlier ids: each is claimed once, and is nobody's any more.

use super::changeset::{Changelog, is_id};
use crate::base::{Code, Diagnostic, Diagnostics, Place};
use std::collections::HashMap;

/// Checks `aka` of all changesets.
pub fn check(changelog: &Changelog, out: &mut Diagnostics) {
    let claims: Vec<_> = changelog.changesets.iter().flat_map(|c| c.aka.iter().map(move |old| (c, old))).collect();
    if claims.is_empty() {
        return;
    }
    let declared: HashMap<&str, &Place> = changelog.changesets.iter().map(|c| (c.id.as_str(), &c.place)).collect();
    let mut claimed: HashMap<&str, &Place> = HashMap::new();
    for (changeset, old) in claims {
        let problem = |message: String| Diagnostic::error(Code::EarlierId, message).at(old.place.clone());
        if old.id == changeset.id {
            out.push(problem(format!("`{}` is its own earlier id", old.id)).help("remove this line"));
        } else if !is_id(&old.id) {
            let shown: String = old.id.chars().take(60).collect();
            out.push(
                problem(format!("`{shown}` is not a valid id")).help("write the id that the changeset had before"),
            );
        } else if let Some(place) = declared.get(old.id.as_str()) {
            out.push(
                problem(format!("`{}` is still the id of a changeset", old.id))
                    .related(place.child("id"), "it is declared here")
                    .help("an earlier id must not be the id of a changeset: remove one of the two"),
            );
        } else if let Some(first) = claimed.insert(&old.id, &old.place) {
            out.push(
                problem(format!("`{}` is claimed as an earlier id twice", old.id))
                    .related(first.clone(), "first here")
                    .help("only one changeset can replace it: remove one of them"),
            );
        }
    }
}
