//! dagmar compiles declarative PostgreSQL migrations: changesets with explicit dependencies
//! form a graph; graph and history become a plan of forward and rollback SQL.

pub mod base;
pub mod change;
#[cfg(feature = "pg")]
pub mod pg;
pub mod plan;
pub mod render;
pub mod sql;
