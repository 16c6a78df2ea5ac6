//! PostgreSQL: the only folder that names `tokio_postgres`.
//!
//! [`mod@connect`]: [`Settings`] come out of a URL, the environment and libpq's files, read as libpq
//! reads them, and become a [`Connection`]. [`embedded`]: a server of our own, started from
//! installed binaries. [`ledger`]: reading and writing the database's memory. [`lock`]: one run at
//! a time. [`preflight`]: what can be known before the first statement. [`hooks`]: what an
//! environment wants done before it. [`run`]: running a plan, or trying it without effect.
//!
//! What goes wrong on the way is a [`Failure`](crate::base::Failure) with a remedy, what a
//! statement meets is a [`ServerError`]. Neither ever holds a password.

pub mod connect;
mod database;
pub mod embedded;
pub mod hooks;
pub mod ledger;
pub mod lock;
pub mod preflight;
pub mod run;
mod stop;

pub use crate::base::Secret;
pub use connect::{
    Canceler, Connection, FileText, Notice, Place, ProcessEnv, ServerError, SessionKind, Settings, SslMode, Target,
    connect, connect_with, failure, query_failed, remember, user_name,
};
pub use database::Database;
pub use embedded::{Embedded, Home};
pub use stop::Stop;
