//! The routes below `/api/v1`, one file for each resource.

mod changesets;
mod control;
mod graph;
mod history;
mod known;
mod ledger;
mod matrix;
mod me;
mod openapi;
pub(in crate::serve) mod plan;
mod previewing;
mod project;
mod promotion;
mod reading;
mod review;
mod rollback;
mod runs;
mod starting;
mod status;
mod stream;
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
];
