//! Renders a review. To add a format: its file here, its `mod` line and its row in [`LintFormat::ALL`]; a test compares
//! them.

mod answer;
mod github;
mod gitlab;
mod json;
mod junit;
mod markdown;
mod sarif;
mod text;

pub use answer::{LintAnswer, LintFinding, LintPlace};

use super::Style;
use crate::base::Sources;

/// How a review is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LintFormat {
    /// For a terminal, with excerpts of the files.
    Text,
    /// For programs.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Commands of GitHub Actions, which become annotations.
    Github,
    /// The code quality report of GitLab.
    Gitlab,
    /// JUnit XML.
    Junit,
    /// For a comment on a pull request.
    Markdown,
}

impl LintFormat {
    /// All formats; each is the file of its name in this folder.
    pub const ALL: &[LintFormat] = &[
        LintFormat::Text,
        LintFormat::Json,
        LintFormat::Sarif,
        LintFormat::Github,
        LintFormat::Gitlab,
        LintFormat::Junit,
        LintFormat::Markdown,
    ];

    /// The name on the command line, and of the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            LintFormat::Text => "text",
            LintFormat::Json => "json",
            LintFormat::Sarif => "sarif",
            LintFormat::Github => "github",
            LintFormat::Gitlab => "gitlab",
            LintFormat::Junit => "junit",
            LintFormat::Markdown => "markdown",
        }
    }

    /// Writes a review; the same review gives the same text. Every character that others wrote is harmless.
    #[must_use]
    pub fn render(self, answer: &LintAnswer, sources: &dyn Sources, style: Style) -> String {
        match self {
            LintFormat::Text => text::render(answer, sources, style),
            LintFormat::Json => json::render(answer),
            LintFormat::Sarif => sarif::render(answer),
            LintFormat::Github => github::render(answer),
            LintFormat::Gitlab => gitlab::render(answer),
            LintFormat::Junit => junit::render(answer),
            LintFormat::Markdown => markdown::render(answer),
        }
    }
}

#[cfg(test)]
mod tests;
