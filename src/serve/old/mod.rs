//! The routes of scripts that run migrations over HTTP: a project that had such a script keeps its CI.

mod asking;
mod health;
mod migrate;
mod names;
mod rollback;
mod status;

use super::route::Route;

/// The routes.
pub const ROUTES: &[Route] = &[health::HEALTH, health::READY, status::STATUS, migrate::MIGRATE, rollback::ROLLBACK];
