//! What is wrong with a text of SQL before any server sees it.

use std::fmt::Display;

/// SQL text that cannot be taken apart or must not be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SqlError {
    /// Where, in bytes from the start of the text.
    pub offset: usize,
    /// What is wrong.
    pub message: String,
    /// The remedy.
    pub help: String,
}

impl SqlError {
    pub(super) fn new(offset: usize, message: impl Display, help: impl Display) -> Self {
        Self { offset, message: message.to_string(), help: help.to_string() }
    }

    /// Something that starts at `offset` and has no end.
    pub(super) fn open(offset: usize, what: &str, help: impl Display) -> Self {
        Self::new(offset, format_args!("this {what} does not end"), help)
    }
}
