//! The routes below `/api/v1`, one file for each resource.

mod control;
mod known;
mod previewing;
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
    rollback::PREVIEW,
    rollback::ROLLBACK,
    promotion::PREVIEW,
    promotion::PROMOTE,
];
