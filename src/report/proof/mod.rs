//! Renders a proof. To add a format: its file here, its `mod` line and its row in [`ProofFormat::ALL`]; a test compares
//! them.

mod answer;
mod html;
mod json;
mod junit;
mod markdown;
mod text;

pub use answer::{ProofAnswer, ProofCounts, ProofVerdict};

use super::lines::Rendered;

/// How a proof is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofFormat {
    /// For a terminal.
    Text,
    /// For programs.
    Json,
    /// JUnit XML.
    Junit,
    /// For a comment on a pull request.
    Markdown,
    /// A page of its own.
    Html,
}

impl ProofFormat {
    /// All formats; each is the file of its name in this folder.
    pub const ALL: &[ProofFormat] =
        &[ProofFormat::Text, ProofFormat::Json, ProofFormat::Junit, ProofFormat::Markdown, ProofFormat::Html];

    /// The name on the command line, and of the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ProofFormat::Text => "text",
            ProofFormat::Json => "json",
            ProofFormat::Junit => "junit",
            ProofFormat::Markdown => "markdown",
            ProofFormat::Html => "html",
        }
    }

    /// Writes a proof; every character that others wrote is harmless.
    #[must_use]
    pub fn render(self, answer: &ProofAnswer) -> Rendered {
        Rendered::Document(match self {
            ProofFormat::Text => return Rendered::Text(text::render(answer)),
            ProofFormat::Json => json::render(answer),
            ProofFormat::Junit => junit::render(answer),
            ProofFormat::Markdown => markdown::render(answer),
            ProofFormat::Html => html::render(answer),
        })
    }
}

#[cfg(test)]
mod tests;
