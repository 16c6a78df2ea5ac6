//! Finding a run: of this process, or by the ledger.

use crate::ops::runs;
use crate::pg::ledger::runs::RunName;
use crate::serve::aim::Aim;
use crate::serve::problem::{Kind, Problem};
use crate::serve::runs::past::recorded;
use crate::serve::runs::{Live, Run};
use crate::serve::service::Service;
use std::sync::Arc;

/// Where a run is known.
pub(super) enum Known {
    /// In this process.
    Here(Arc<Live>),
    /// By the ledger, if anywhere.
    Elsewhere(RunName),
}

/// Where the run with this id is known.
pub(super) fn find(service: &Service, aim: &Aim, id: &str) -> Known {
    match service.runs.find(&aim.environment, id) {
        Some(live) => Known::Here(live),
        None => Known::Elsewhere(RunName::Id(id.to_owned())),
    }
}

/// The run with this name by the ledger.
///
/// # Errors
/// There is none, or the ledger cannot be read.
pub(super) async fn one(service: &Service, aim: &Aim, name: RunName) -> Result<Run, Problem> {
    let unknown = not_found(&aim.environment, &name);
    let place = aim.clone();
    let look = move || async move { runs::run(&place.target().await?, &name, &mut ()).await };
    let found = service.work(|| Box::pin(look())).await?;
    found.map(|run| recorded(&aim.environment, run)).ok_or(unknown)
}

/// There is no run of this name.
pub(in crate::serve) fn not_found(environment: &str, name: &RunName) -> Problem {
    let (RunName::Id(id) | RunName::Key(id)) = name;
    Problem::new(Kind::NotFound, format!("there is no run `{id}` in `{environment}`"))
}
