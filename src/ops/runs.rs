//! The runs of an environment, by its ledger.

use super::Target;
use crate::base::Failure;
use crate::pg::ledger::runs::{self as ledger, RecordedEvent, RecordedRun, RunFilter, RunName};
use crate::run::Observer;

/// The latest runs that match the filter, the latest first.
///
/// # Errors
/// If the server cannot be reached, or its ledger is of a later version.
pub async fn runs(
    target: &Target,
    filter: &RunFilter,
    observer: &mut dyn Observer,
) -> Result<Vec<RecordedRun>, Failure> {
    let db = target.connect(observer).await?;
    let found = match db.history().await?.version {
        0 => Vec::new(),
        _ => ledger::runs(&db.connection, target.ledger(), filter).await?,
    };
    db.close().await?;
    Ok(found)
}

/// One run. A run that lost its connection and went on has several runs in the ledger: here it is one.
///
/// # Errors
/// As [`runs`].
pub async fn run(target: &Target, name: &RunName, observer: &mut dyn Observer) -> Result<Option<RecordedRun>, Failure> {
    let db = target.connect(observer).await?;
    let parts = match db.history().await?.version {
        0 => Vec::new(),
        _ => ledger::parts(&db.connection, target.ledger(), name).await?,
    };
    db.close().await?;
    Ok(joined(parts))
}

/// The events of a run after a number, oldest first, and how far the run was before they were read; `None`: there is no
/// such run.
///
/// # Errors
/// If the server cannot be reached.
pub async fn events(
    target: &Target,
    name: &RunName,
    after: i64,
    limit: usize,
    observer: &mut dyn Observer,
) -> Result<Option<(RecordedRun, Vec<RecordedEvent>)>, Failure> {
    let db = target.connect(observer).await?;
    let parts = match db.server.has_ledger {
        false => Vec::new(),
        true => ledger::parts(&db.connection, target.ledger(), name).await?,
    };
    let ids: Vec<String> = parts.iter().map(|part| part.run.clone()).collect();
    let found = match joined(parts) {
        None => None,
        Some(run) => Some((run, ledger::events(&db.connection, target.ledger(), &ids, after, limit).await?)),
    };
    db.close().await?;
    Ok(found)
}

/// The parts of a run as one, the first one first: it began with the first and is as far as the last.
fn joined(parts: Vec<RecordedRun>) -> Option<RecordedRun> {
    parts.into_iter().reduce(|before, last| RecordedRun {
        started_at: before.started_at,
        steps: before.done + last.steps,
        done: before.done + last.done,
        changesets: [before.changesets, last.changesets].concat(),
        ..last
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::ledger::runs::RecordedPhase;

    #[test]
    fn the_parts_of_a_run_are_one() {
        let part = |run: &str, phase, started_at, ids: &[&str], steps| RecordedRun {
            run: run.to_owned(),
            kind: None,
            phase,
            by: String::new(),
            from: None,
            origin: None,
            steps,
            started_at,
            finished_at: None,
            message: None,
            done: ids.len() as u64,
            changesets: ids.iter().map(|id| (*id).to_owned()).collect(),
            cursor: started_at,
        };
        let (first, last) =
            (part("1", RecordedPhase::Interrupted, 10, &["a"], 3), part("2", RecordedPhase::Done, 20, &["b", "c"], 2));
        let whole = joined(vec![first, last]).unwrap();
        assert_eq!((whole.run.as_str(), whole.phase, whole.started_at), ("2", RecordedPhase::Done, 10));
        assert_eq!((whole.steps, whole.done, whole.changesets.join(" ")), (3, 3, "a b c".to_owned()));
        assert!(joined(Vec::new()).is_none());
    }
}
