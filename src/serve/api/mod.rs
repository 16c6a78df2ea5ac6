//! The routes below `/api/v1`, one file for each resource.

mod approvals;
mod changesets;
pub(in crate::serve) mod control;
mod graph;
mod history;
pub(in crate::serve) mod known;
mod ledger;
mod matrix;
mod me;
mod openapi;
mod plan;
mod previewing;
mod project;
mod promotion;
mod reading;
mod review;
mod rollback;
pub(in crate::serve) mod runs;
pub(in crate::serve) mod sealed;
pub(in crate::serve) mod sealed_runs;
pub(in crate::serve) mod starting;
mod status;
pub(in crate::serve) mod stream;
mod told;

use super::route::Route;

/// The routes.
pub const ROUTES: &[Route] = &[
    openapi::OPENAPI,
    me::ME,
    project::PROJECT,
    project::RELOAD,
    project::ENVIRONMENTS,
    matrix::MATRIX,
    review::CHECKS,
    review::LINT,
    status::STATUS,
    changesets::CHANGESETS,
    changesets::CHANGESET,
    changesets::WHY,
    changesets::EVENTS,
    graph::GRAPH,
    plan::PLAN,
    plan::PLAN_WITH,
    plan::GATES,
    history::HISTORY,
    history::VERIFICATION,
    ledger::DRIFT,
    ledger::ATTIC,
    ledger::POLICY,
    runs::RUNS,
    runs::START,
    runs::RUN,
    stream::EVENTS,
    control::CANCEL,
    control::PAUSE,
    control::RESUME,
    rollback::PREVIEW,
    rollback::ROLLBACK,
    promotion::PREVIEW,
    promotion::PROMOTE,
    sealed::PLANS,
    sealed::UPLOAD,
    sealed::ONE,
    approvals::APPROVALS,
    approvals::APPROVE,
    approvals::REJECT,
    sealed_runs::PREVIEW,
    sealed_runs::RUN,
];
