//! The routes below `/api/v1`, one file for each resource.

mod changesets;
mod graph;
mod history;
mod ledger;
mod matrix;
mod me;
mod openapi;
mod plan;
mod project;
mod reading;
mod review;
mod status;

use super::route::Route;

/// The routes.
pub const ROUTES: &[Route] = &[
    openapi::OPENAPI,
    me::ME,
    project::PROJECT,
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
];
