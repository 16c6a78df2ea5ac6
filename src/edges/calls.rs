//! Functions that changesets call: what a body does not tell, the text of its callers does not tell either.

use super::summary::{Body, Summary, same};
use crate::base::QualifiedName;
use crate::sql::Object;
use std::collections::HashMap;

/// The changesets whose text does not tell all that they do, each with the first reason. A function counts with every
/// body that a changeset gives it, and with what it calls.
pub(super) fn unknown(changesets: &[(usize, Summary)]) -> Vec<(usize, String)> {
    let mut by_name: HashMap<&QualifiedName, Vec<&Body>> = HashMap::new();
    for body in changesets.iter().flat_map(|(_, summary)| &summary.bodies) {
        if let Some(name) = body.function.name() {
            by_name.entry(name).or_default().push(body);
        }
    }
    let mut callers: HashMap<*const Body, Vec<&Body>> = HashMap::new();
    let meant = |names: &[Object]| {
        let bodies = |object: &Object| {
            let known = object.name().and_then(|name| by_name.get(name)).map(Vec::as_slice).unwrap_or_default();
            known.iter().copied().filter(|body| same(object, &body.function)).collect::<Vec<&Body>>()
        };
        names.iter().map(bodies).find(|found| !found.is_empty()).unwrap_or_default()
    };
    for body in by_name.values().flatten().copied() {
        for called in body.calls.iter().flat_map(|names| meant(names)) {
            callers.entry(std::ptr::from_ref(called)).or_default().push(body);
        }
    }
    let mut reasons: HashMap<*const Body, &'static str> = HashMap::new();
    let mut open: Vec<(&Body, &'static str)> =
        by_name.values().flatten().filter_map(|body| Some((*body, body.unknown?))).collect();
    while let Some((body, what)) = open.pop() {
        if reasons.insert(std::ptr::from_ref(body), what).is_none() {
            let callers = callers.get(&std::ptr::from_ref(body)).map(Vec::as_slice).unwrap_or_default();
            open.extend(callers.iter().map(|caller| (*caller, what)));
        }
    }
    let reason = |summary: &Summary| {
        let of_call = || {
            summary.calls.iter().flat_map(|names| meant(names)).find_map(|body| {
                let what = reasons.get(&std::ptr::from_ref(body))?;
                Some(format!("a call of the {}, which runs {what}", body.function))
            })
        };
        summary.unknown.map(str::to_owned).or_else(of_call)
    };
    changesets.iter().filter_map(|(position, summary)| Some((*position, reason(summary)?))).collect()
}
