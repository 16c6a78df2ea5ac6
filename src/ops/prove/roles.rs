//! The roles that SQL names and no changeset makes: a server has them already.

use crate::effects::Access;
use crate::plan::{Rollback, Step};
use crate::sql::{Object, objects};
use std::collections::BTreeSet;

/// Their names.
pub fn unmade(steps: &[(usize, Step)]) -> BTreeSet<String> {
    let (mut used, mut made) = (BTreeSet::new(), BTreeSet::new());
    for (_, step) in steps {
        let back = match &step.rollback {
            Rollback::Segments { segments, .. } => segments.as_slice(),
            Rollback::Irreversible { .. } => &[],
        };
        for statement in step.segments.iter().chain(back).flat_map(|segment| &segment.statements) {
            // parsing is the most expensive part, and few statements name a role
            if !MAY_NAME.iter().any(|word| statement.sql.to_ascii_lowercase().contains(word)) {
                continue;
            }
            for mention in objects(&statement.sql).into_iter().flat_map(|objects| objects.mentions) {
                if let Object::Role(name) = mention.object {
                    let list = if mention.how == Access::Create { &mut made } else { &mut used };
                    list.insert(name.as_str().to_owned());
                }
            }
        }
    }
    used.difference(&made).filter(|name| !name.starts_with("pg_")).cloned().collect()
}

/// Words without which no statement names a role.
const MAY_NAME: [&str; 8] = ["role", "user", "grant", "revoke", "owner", "authorization", "policy", " to "];
