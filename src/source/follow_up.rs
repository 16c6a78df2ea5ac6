//! Problems that only follow from another one: nobody should read them.

use super::variables::{UNDEFINED, Variables};
use crate::base::{Code, Diagnostics, FileId, PathSeg, Place};
use serde_json::Value;
use std::collections::HashSet;

/// The code of a placeholder that is still there.
pub const HOLE_CODE: Code = Code::Hole;

/// Codes after which nothing else that is said of the same value is of use.
const FIRST: [Code; 3] = [UNDEFINED, Code::MalformedVariable, HOLE_CODE];

/// Takes out what follows from a variable without a value or a placeholder: nothing that is said
/// of the same value, or of what is below it, is worth reading.
pub fn remove(problems: &mut Diagnostics) {
    let first: HashSet<(FileId, Vec<PathSeg>)> = problems
        .iter()
        .filter(|d| FIRST.contains(&d.code))
        .filter_map(|d| d.place.as_ref().filter(|p| p.span.is_none()).map(|p| (p.file, p.path.clone())))
        .collect();
    if first.is_empty() {
        return;
    }
    let follows =
        |place: &Place| (0..=place.path.len()).any(|n| first.contains(&(place.file, place.path[..n].to_vec())));
    problems.retain(|d| FIRST.contains(&d.code) || !d.place.as_ref().is_some_and(follows));
}

/// Parts of filled texts, as checks know them, become parts of the texts as they are written.
pub fn as_written(raw: &Value, changeset: &Place, variables: &Variables, problems: &mut Diagnostics) {
    problems.each(|problem| {
        if FIRST.contains(&problem.code) {
            return;
        }
        for place in problem.place.iter_mut().chain(problem.related.iter_mut().map(|(place, _)| place)) {
            let Some(within) = place.within.clone() else { continue };
            let path = place.path.strip_prefix(changeset.path.as_slice()).unwrap_or_default();
            let value = path.iter().try_fold(raw, |value, seg| match seg {
                PathSeg::Key(key) => value.get(key),
                PathSeg::Index(i) => value.get(i),
            });
            if let Some(Value::String(text)) = value {
                place.within = Some(variables.written(text, &within));
            }
        }
    });
}
