//! The pages: what the API answers, for people in a browser. Everything can be read without scripts.
//!
//! A handler has its part of the page made on a desk, together with all who ask the same; what is the caller's own (the
//! name, the form token) is put around it in `layout.rs`.

mod assets;
mod changeset;
mod control;
mod environment;
mod forms;
mod graph;
mod history;
mod layout;
mod login;
mod made;
mod matrix;
mod next;
mod overview;
mod plan;
mod promotion;
mod proposal;
mod refusal;
mod rollback;
mod run;
mod run_state;
mod run_stream;
mod runs;
mod sealed;
mod sealed_plan;
mod sealed_run;
mod words;

use super::route::Route;

pub use login::login_for;
pub use refusal::{again, problem};

/// The routes.
pub const ROUTES: &[Route] = &[
    assets::ASSET,
    login::ASKED,
    login::SHOWN,
    login::LOGOUT,
    overview::OVERVIEW,
    environment::ENVIRONMENT,
    changeset::CHANGESET,
    graph::GRAPH,
    plan::PLAN,
    plan::START,
    matrix::MATRIX,
    promotion::PROMOTION,
    promotion::PROMOTE,
    rollback::ROLLBACK,
    rollback::CHOICE,
    rollback::ROLL_BACK,
    runs::RUNS,
    run::RUN,
    run_stream::STREAM,
    control::CANCEL,
    control::PAUSE,
    control::RESUME,
    history::HISTORY,
    sealed::PLANS,
    sealed::UPLOAD,
    sealed_plan::PLAN,
    sealed_plan::DECISION,
    sealed_run::LOOK,
    sealed_run::RUN,
];
