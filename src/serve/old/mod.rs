//! The routes of scripts that run migrations over HTTP: a project that had such a script keeps its CI.

mod health;

use super::route::Route;

/// The routes.
pub const ROUTES: &[Route] = &[health::HEALTH];
