//! PostgreSQL: the only folder that names `tokio_postgres`.
//!
//! Reaching a server: [`Settings`] come out of a URL, the environment and libpq's files, read
//! as libpq reads them; [`connect`] turns them into a [`Connection`]; [`Embedded`] is a server
//! of our own, started from installed binaries. What goes wrong on the way is a
//! [`Failure`](crate::base::Failure) with a remedy, what a statement meets is a [`SqlFailure`].
//! Neither ever holds a password.

mod connect;
pub mod embedded;
mod environment;
mod error;
mod keys;
mod pgpass;
mod resolve;
mod secret;
mod service;
mod settings;
mod tls;
mod url;
mod verify;

#[cfg(test)]
mod tests;

pub use connect::{Canceler, Connection, Notice, connect, connect_with};
pub use embedded::{Embedded, Home};
pub use environment::{Environment, FileText};
pub use error::{SqlFailure, failure};
pub use secret::Secret;
pub use settings::{Place, SessionKind, Settings, SslMode, Target};
