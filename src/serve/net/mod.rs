//! What the service asks of others.

pub mod client;
