//! All routes: router, guard, documentation and the tests' table at once.

use super::route::Route;
use super::watch::scrape;
use super::{api, old, page};

/// The tables of routes, one for each folder of handlers.
pub const ROUTES: &[&[Route]] = &[api::ROUTES, old::ROUTES, scrape::ROUTES, page::ROUTES];
