//! dagmar compiles declarative PostgreSQL migrations: changesets with explicit dependencies
//! form a graph; graph and history become a plan of forward and rollback SQL, which is
//! previewed, tried, run in order, and recorded in the database.
//!
//! # Using it from a program
//!
//! [`ops`] has the operations. A [`Project`](ops::Project) is read, a [`Target`](ops::Target) names an
//! environment of it and who acts. A run is prepared, looked at, confirmed and run:
//!
//! ```no_run
//! # async fn migrate() -> Result<(), dagmar::base::Failure> {
//! use dagmar::ops::{Actor, Options, Project, RunSource, TargetSpec, prepare};
//! use dagmar::pg::{ProcessEnv, Stop};
//!
//! let project = Project::open("migrations".as_ref(), ProcessEnv::of_process())?;
//! let target = project.target(TargetSpec::environment("staging"), Actor::new("deploy", "ci-7"))?;
//! let files = RunSource::files(&target, &[])?;
//! let options = Options::default();
//! let prepared = prepare(&target, &files, &options, &mut ()).await?;
//! let seen = prepared.digest(); // beside prepared.plan(), verdicts() and findings()
//! let outcome = prepared.confirmed(&seen).await?.run(&mut (), &Stop::default().into()).await?;
//! outcome.close().await
//! # }
//! ```
//!
//! In place of `&mut ()` an [`Observer`](run::Observer) hears each [`Event`](run::Event); [`Stop`](pg::Stop)
//! stops a run from anywhere. A [`Failure`](base::Failure) says what went wrong and what to do. A run is for
//! one thread: give it a runtime of its own (`tokio`'s `current_thread`) where the program has others.
//! `examples/embed.rs` is a whole program, `examples/startup.rs` one that brings its migrations along.
//!
//! # Features
//!
//! | feature | brings |
//! | --- | --- |
//! | none | reading, compiling and reporting: values to values, without a runtime |
//! | `pg` | PostgreSQL and the operations |
//! | `cli` (default) | the command line |
//!
//! # Rooms
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
//! base, effects, sql, change, render, source, graph, history, plan, ledger, run, exec, gate, report, pipeline, pg, ops, cli.

#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod base;
pub mod change;
#[cfg(feature = "cli")]
pub mod cli;
pub mod effects;
pub mod exec;
pub mod gate;
pub mod graph;
pub mod history;
pub mod ledger;
#[cfg(feature = "pg")]
pub mod ops;
#[cfg(feature = "pg")]
pub mod pg;
pub mod pipeline;
pub mod plan;
pub mod render;
pub mod report;
pub mod run;
pub mod source;
pub mod sql;
