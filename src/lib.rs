//! dagmar compiles declarative PostgreSQL migrations: changesets with explicit dependencies
//! form a graph; graph and history become a plan of forward and rollback SQL, which is
//! previewed, rehearsed, run in order, and recorded in the database.
//!
//! ```text
//! plans/*.yaml -load-> SourceSet -parse-> Changelog -build-> Graph ---+
//! templates/   ------------------------------> Renderer              |
//! database -read-> History ------------------> compile(Graph, History) -> Plan
//!                                                                          |
//!                              report (text, json, markdown, html) <-------+
//!                              Ledger <- execute(Plan) -> Events
//! ```
//!
//! A module imports only what stands left of it:
//! base, change, source, graph, sql, ledger, render, plan, run, exec, gate, report, pipeline, pg, cli.

#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod base;
pub mod change;
#[cfg(feature = "cli")]
pub mod cli;
pub mod exec;
pub mod gate;
pub mod graph;
pub mod ledger;
#[cfg(feature = "pg")]
pub mod pg;
pub mod pipeline;
pub mod plan;
pub mod render;
pub mod report;
pub mod run;
pub mod source;
pub mod sql;
