//! All routes: router, guard, documentation and the tests' table at once.

use super::route::Route;
use super::{api, old};

/// The tables of routes, one for each folder of handlers.
pub const ROUTES: &[&[Route]] = &[api::ROUTES, old::ROUTES];
