//! The service: a second door to the operations, over HTTP. No rule lives here that the command line does not have.
//!
//! A table ([`routes::ROUTES`]) says what there is: path, guard, parameters, answers, handler. HTTP runs on one thread,
//! which never waits for a database: handlers have work done by the threads of [`desk`], and those who ask the same at
//! the same time share one read ([`flights`]). The room does not import `cli`: it knows no command line, no stream and no
//! environment variable.

pub mod accept;
pub mod aim;
pub mod answer;
pub mod api;
pub mod asking;
pub mod caller;
pub mod config;
pub mod desk;
pub mod details;
pub mod door;
pub mod exchange;
pub mod flights;
pub mod held;
pub mod log;
pub mod memory;
pub mod metrics;
pub mod net;
mod noting;
pub mod old;
pub mod openapi;
pub mod page;
pub mod parameter;
pub mod places;
pub mod problem;
pub mod readiness;
pub mod reading;
mod ready;
pub mod reference;
pub mod route;
pub mod routes;
pub mod runs;
mod sealing;
pub mod service;
pub mod watch;
pub mod who;

pub use config::Config;
pub use door::serve;
pub use reading::Reading;
