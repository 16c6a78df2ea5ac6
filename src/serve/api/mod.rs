//! The routes below `/api/v1`, one file for each resource.

mod control;
mod known;
mod promotion;
mod rollback;
mod runs;
mod starting;
mod stream;

use super::route::Route;

/// The routes.
pub const ROUTES: &[Route] = &[
    runs::RUNS,
    runs::START,
    runs::RUN,
    stream::EVENTS,
    control::CANCEL,
    control::PAUSE,
    control::RESUME,
    rollback::ROLLBACK,
    promotion::PROMOTE,
];
