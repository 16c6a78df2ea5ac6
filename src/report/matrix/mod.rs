//! Renders the matrix of environments: which environment has which changesets.

mod cells;
mod html;
mod json;
mod markdown;
mod text;

use super::lines::Rendered;
use crate::plan::matrix::Matrix;
pub use cells::MatrixOptions;
use cells::{summary, table, word};
pub use json::MatrixAnswer;

/// How a matrix is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatrixFormat {
    /// For a terminal.
    Text,
    /// For programs.
    Json,
    /// For a comment, a wiki.
    Markdown,
    /// A page of its own.
    Html,
}

impl MatrixFormat {
    /// All formats; each is the file of its name in this folder.
    pub const ALL: &[MatrixFormat] =
        &[MatrixFormat::Text, MatrixFormat::Json, MatrixFormat::Markdown, MatrixFormat::Html];

    /// The name on the command line, and of the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            MatrixFormat::Text => "text",
            MatrixFormat::Json => "json",
            MatrixFormat::Markdown => "markdown",
            MatrixFormat::Html => "html",
        }
    }

    /// Writes the matrix.
    #[must_use]
    pub fn render(self, matrix: &Matrix, options: MatrixOptions) -> Rendered {
        Rendered::Document(match self {
            MatrixFormat::Text => return Rendered::Text(text::render(matrix, options)),
            MatrixFormat::Json => json::render(matrix, options.wording),
            MatrixFormat::Markdown => markdown::render(matrix, options.wording),
            MatrixFormat::Html => html::render(matrix, options.wording),
        })
    }
}

#[cfg(test)]
mod tests;
