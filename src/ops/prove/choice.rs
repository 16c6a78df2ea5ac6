//! Which changesets are proven.

use crate::base::{Failure, FailureKind};
use crate::history::{History, RecordedStatus};
use crate::ledger::schema;
use crate::ops::Target;
use crate::ops::since::Base;
use crate::pg::Database;
use crate::pg::ledger::{audit, read};
use crate::pipeline::View;
use crate::plan::again::applied_step;
use crate::plan::rollback::Stored;
use crate::plan::{self, Step};
use std::collections::{BTreeMap, BTreeSet};

/// Which changesets are proven.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Which {
    /// Those that are not applied in the environment.
    #[default]
    Pending,
    /// All.
    All,
    /// Those that are new or changed since a commit, branch or tag.
    Since(String),
}

/// The changesets to prove.
pub(super) struct Chosen {
    /// Their positions.
    pub positions: BTreeSet<usize>,
    /// The earlier versions of those that are repeatable and changed, by id.
    pub versions: BTreeMap<String, Step>,
}

/// Chooses changesets; `applied`: the environment's database and the history in its ledger, if it is connected.
///
/// # Errors
/// A selector that matches nothing, a revision that git does not have, or an applied version that cannot be read.
pub(super) async fn chosen(
    target: &Target,
    view: &View<'_>,
    which: &Which,
    selectors: &[String],
    applied: Option<(&Database, &History)>,
) -> Result<Chosen, Failure> {
    let changesets = &view.changelog.changesets;
    let base = match which {
        Which::Since(revision) => Some(Base::open(target, view, revision)?),
        Which::Pending | Which::All => None,
    };
    // under the ids that they have now
    let history = applied.map(|(_, history)| history.with_new_ids(&plan::renamed(&view.changelog, history)));
    let mut positions: BTreeSet<usize> = match (which, &base, &history) {
        (_, Some(base), _) => base.changed(target, view),
        (Which::Pending, _, Some(history)) => {
            let pending = |at: &usize| {
                history.changesets.get(&changesets[*at].id).is_none_or(|recorded| {
                    recorded.status != RecordedStatus::Applied || recorded.checksum != changesets[*at].checksum
                })
            };
            (0..changesets.len()).filter(pending).collect()
        }
        (Which::All, ..) => (0..changesets.len()).collect(),
        (Which::Pending | Which::Since(_), ..) => {
            return Err(Failure::new(FailureKind::Internal, "what is pending is not known"));
        }
    };
    if let Some(selected) = view.select(selectors)? {
        positions.retain(|at| selected.contains(at));
    }
    positions.retain(|at| changesets[*at].is_for(&view.environment));
    let repeatable = positions.iter().map(|at| &changesets[*at]).filter(|changeset| changeset.repeatable);
    let repeatable = repeatable.map(|changeset| changeset.id.as_str());
    let versions = match (&base, applied) {
        (Some(base), _) => base.versions(view, repeatable),
        (None, Some((db, history))) => recorded(target, db, history, repeatable).await?,
        (None, None) => BTreeMap::new(),
    };
    Ok(Chosen { positions, versions })
}

/// The versions that are applied in the environment.
async fn recorded(
    target: &Target,
    db: &Database,
    history: &History,
    ids: impl Iterator<Item = &str>,
) -> Result<BTreeMap<String, Step>, Failure> {
    let is_applied =
        |id: &&str| history.changesets.get(*id).is_some_and(|recorded| recorded.status == RecordedStatus::Applied);
    let ids: Vec<String> = ids.filter(is_applied).map(str::to_owned).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    // it runs as a superuser, with the rights of who runs this
    if history.version >= schema::CHAINED {
        audit::check_recorded(&db.connection, target.ledger(), &ids).await?;
    }
    let stored = read::stored(&db.connection, target.ledger(), &ids).await?;
    let step = |(id, row): (String, Stored)| {
        let step = applied_step(&id, history.changesets.get(&id)?, row);
        Some((id, step))
    };
    Ok(stored.into_iter().filter_map(step).collect())
}
