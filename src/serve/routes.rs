//! All routes: router, guard, documentation and the tests' table at once.

use super::old;
use super::route::Route;

/// The tables of routes, one for each folder of handlers.
pub const ROUTES: &[&[Route]] = &[old::ROUTES];
