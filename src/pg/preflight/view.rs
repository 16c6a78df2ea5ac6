//! What a check looks at.

use super::facts::Facts;
use super::requirements::Requirements;
use crate::base::Ident;
use crate::pg::connect::server::Server;
use crate::plan::Plan;

/// What a check looks at.
#[derive(Debug)]
pub struct View<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// What the plan needs and touches.
    pub asked: &'a Requirements,
    /// What the server is.
    pub server: &'a Server,
    /// What the server says of what the plan touches.
    pub facts: &'a Facts,
    /// The schema of the ledger.
    pub ledger: &'a Ident,
}
