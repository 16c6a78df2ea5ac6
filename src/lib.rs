//! dagmar runs declarative PostgreSQL migrations: changesets with explicit dependencies form a graph; dagmar compiles
//! graph and history to a plan of forward and rollback SQL, previews it, rehearses it, runs it in order, and records it
//! in the database.
//!
//! # Using it from a program
//!
//! [`ops`] has the operations. A [`Project`](ops::Project) has the files, and a [`Target`](ops::Target) names an
//! environment of it and the actor. Prepare a run, look at it, confirm it and run it:
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
//! An [`Observer`](run::Observer) in place of `&mut ()` receives each [`Event`](run::Event); [`Stop`](pg::Stop) stops a
//! run from any thread. A [`Failure`](base::Failure) contains the error and the remedy. A run stays on one thread: in a
//! program with other tasks, give it a separate runtime (`tokio`'s `current_thread`). `examples/embed.rs` is a complete
//! program, and `examples/startup.rs` is one with embedded migrations.
//!
//! # Features
//!
//! | feature | brings |
//! | --- | --- |
//! | none | reading, compiling and reporting, without a runtime |
//! | `pg` | connections to PostgreSQL and the operations |
//! | `cli` (default) | the command line |
//! | `serve` (default) | the service, HTTP beside the operations |
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
//! A module imports only modules to its left:
//! base, effects, sql, inspect, rows, change, render, source, graph, generate, history, proof, plan, edges, ledger, run, lint, exec, gate, testing, report, pipeline, pg, ops, serve, cli.

#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod base;
pub mod change;
#[cfg(feature = "cli")]
pub mod cli;
pub mod edges;
pub mod effects;
pub mod exec;
pub mod gate;
pub mod generate;
pub mod graph;
pub mod history;
pub mod inspect;
pub mod ledger;
pub mod lint;
#[cfg(feature = "pg")]
pub mod ops;
#[cfg(feature = "pg")]
pub mod pg;
pub mod pipeline;
pub mod plan;
pub mod proof;
pub mod render;
pub mod report;
pub mod rows;
pub mod run;
#[cfg(feature = "serve")]
pub mod serve;
pub mod source;
pub mod sql;
pub mod testing;
