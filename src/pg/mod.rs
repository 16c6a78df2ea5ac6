//! PostgreSQL: the only room that names `tokio_postgres`. It imports neither `ops` nor `cli`.
//!
//! [`mod@connect`]: [`Settings`] from a URL, the environment and libpq's files, read as libpq reads them, and a
//! [`Connection`]. [`embedded`]: a private server from installed binaries. [`inspect`]: reads the catalog. [`ledger`]: reads and writes the
//! ledger. [`lock`]: one run at a time. [`preflight`]: checks before the first statement. [`hooks`]: the hooks of
//! an environment. [`inspect`]: reads the catalog as a value. [`rows`]: reads and generates rows. [`run`]: executes a plan, or
//! rehearses it. [`shadow`]: databases that are thrown away.
//!
//! An error is a [`Failure`](crate::base::Failure) with a remedy; the error of a statement is a [`ServerError`].
//! Neither ever contains a password.

pub mod connect;
mod database;
pub mod embedded;
pub mod hooks;
pub mod inspect;
pub mod known;
pub mod ledger;
pub mod lock;
pub mod preflight;
pub mod roles;
pub mod rows;
pub mod run;
pub mod shadow;
mod stop;

pub use crate::base::Secret;
pub use connect::{
    Canceler, Connection, FileText, Notice, Place, ProcessEnv, SERVICE_SECRET, ServerError, SessionKind, Settings,
    SslMode, Target, connect, connect_with, failure, query_failed, remember, user_name,
};
pub use database::Database;
pub use embedded::{Embedded, Home};
pub use stop::Stop;
