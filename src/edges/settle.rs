//! One finding of many that say the same.

use super::finding::{Finding, Kind};
use super::reach;
use crate::graph::Graph;
use crate::sql::Object;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

/// One finding about each pair of changesets, with the number of the others.
pub(super) fn merged(findings: Vec<Finding>) -> Vec<Finding> {
    let mut by_pair: BTreeMap<(usize, u8, usize, String), Finding> = BTreeMap::new();
    for finding in findings {
        let (kind, other) = match finding.kind {
            Kind::Missing { maker, .. } => (0, maker),
            Kind::Reversed { maker, .. } => (1, maker),
            Kind::BothDefine { other, .. } => (2, other),
            Kind::DroppedBy { other, .. } => (3, other),
            Kind::Unmade => (4, 0),
        };
        let apart = if kind == 4 { finding.object.to_string() } else { String::new() };
        match by_pair.entry((finding.changeset, kind, other, apart)) {
            Entry::Vacant(entry) => {
                entry.insert(finding);
            }
            Entry::Occupied(mut entry) => {
                let first = entry.get_mut();
                let more = first.more + 1;
                if (!finding.certain, rank(&finding.object)) < (!first.certain, rank(&first.object)) {
                    *first = finding;
                }
                first.more = more;
            }
        }
    }
    by_pair.into_values().collect()
}

/// Of a drop and what makes the dropped object one thing is said: the dependency that is missing, unless only the other
/// is certain.
pub(super) fn once_of_drops(findings: &mut Vec<Finding>) {
    let pair = |finding: &Finding| match finding.kind {
        Kind::Missing { maker, .. } => Some((maker, finding.changeset)),
        _ => None,
    };
    let missing: HashMap<(usize, usize), bool> =
        findings.iter().filter_map(|finding| Some((pair(finding)?, finding.certain))).collect();
    let drops: HashSet<(usize, usize)> = findings
        .iter()
        .filter_map(|finding| match finding.kind {
            Kind::DroppedBy { other, .. } if finding.certain => Some((finding.changeset, other)),
            _ => None,
        })
        .collect();
    findings.retain(|finding| match finding.kind {
        Kind::DroppedBy { other, .. } => {
            missing.get(&(finding.changeset, other)).is_none_or(|certain| !certain && finding.certain)
        }
        Kind::Missing { .. } => finding.certain || pair(finding).is_none_or(|pair| !drops.contains(&pair)),
        _ => true,
    });
}

/// What a reader understands best comes first.
fn rank(object: &Object) -> u8 {
    match object {
        Object::Relation(_) => 0,
        Object::Type(_) => 1,
        Object::Function(..) => 2,
        Object::Column(..) => 3,
        _ => 4,
    }
}

/// Leaves out missing dependencies that follow from other missing ones.
pub(super) fn without_implied(graph: &Graph, findings: &mut Vec<Finding>) {
    let missing = |finding: &Finding| match finding.kind {
        Kind::Missing { maker, .. } => Some((finding.changeset, maker)),
        _ => None,
    };
    let mut makers: HashMap<usize, Vec<usize>> = HashMap::new();
    for (user, maker) in findings.iter().filter_map(missing) {
        makers.entry(user).or_default().push(maker);
    }
    let pairs =
        makers.values().flat_map(|m| m.iter().flat_map(|a| m.iter().filter(move |b| a != *b).map(|b| (*a, *b))));
    let after = reach::after(graph, pairs.collect::<Vec<_>>());
    let certain: HashSet<(usize, usize)> = findings.iter().filter(|f| f.certain).filter_map(missing).collect();
    findings.retain(|finding| {
        missing(finding).is_none_or(|(user, maker)| {
            let others = makers.get(&user).map(Vec::as_slice).unwrap_or_default();
            !others.iter().any(|other| {
                after.contains(&(*other, maker)) && (!finding.certain || certain.contains(&(user, *other)))
            })
        })
    });
}
