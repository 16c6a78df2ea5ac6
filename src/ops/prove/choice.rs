//! Which changesets are proven.

use crate::base::{Failure, FailureKind};
use crate::history::{History, RecordedStatus};
use crate::ops::{Target, since};
use crate::pipeline::View;
use std::collections::BTreeSet;

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

/// The positions of the changesets to prove; `history`: of the environment's ledger, if it was read.
///
/// # Errors
/// A selector that matches nothing, or a revision that git does not have.
pub fn chosen(
    target: &Target,
    view: &View<'_>,
    which: &Which,
    selectors: &[String],
    history: Option<&History>,
) -> Result<BTreeSet<usize>, Failure> {
    let all = || (0..view.changelog.changesets.len()).collect();
    let mut chosen: BTreeSet<usize> = match (which, history) {
        (Which::Since(revision), _) => since::changed(target, view, revision)?,
        (Which::Pending, Some(history)) => {
            let renamed = crate::plan::renamed(&view.changelog, history);
            let history = history.with_new_ids(&renamed);
            let pending = |at: &usize| {
                let changeset = &view.changelog.changesets[*at];
                history.changesets.get(&changeset.id).is_none_or(|recorded| {
                    recorded.status != RecordedStatus::Applied || recorded.checksum != changeset.checksum
                })
            };
            (0..view.changelog.changesets.len()).filter(pending).collect()
        }
        (Which::All, _) => all(),
        (Which::Pending, None) => return Err(Failure::new(FailureKind::Internal, "what is pending is not known")),
    };
    if let Some(selected) = view.select(selectors)? {
        chosen.retain(|at| selected.contains(at));
    }
    chosen.retain(|at| view.changelog.changesets[*at].is_for(&view.environment));
    Ok(chosen)
}
