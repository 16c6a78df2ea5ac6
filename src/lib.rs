//! dagmar compiles declarative PostgreSQL migrations: changesets with explicit dependencies
//! form a graph; graph and history become a plan of forward and rollback SQL.

pub mod base;
pub mod change;
pub mod graph;
pub mod ledger;
pub mod plan;
pub mod render;
pub mod run;
pub mod source;
pub mod sql;
