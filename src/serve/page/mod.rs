//! The pages: what the API answers, for people in a browser. Everything can be read without scripts.
//!
//! A handler has its part of the page made on a desk, together with all who ask the same; what is the caller's own (the
//! name, the form token) is put around it in `layout.rs`.

mod assets;
mod changeset;
mod environment;
mod graph;
mod history;
mod layout;
mod login;
mod made;
mod next;
mod overview;
mod plan;
mod refusal;
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
    history::HISTORY,
];
