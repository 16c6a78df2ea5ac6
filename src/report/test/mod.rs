//! Renders the results of tests. To add a format: its file here, its `mod` line and its row in [`TestFormat::ALL`]; a test
//! compares them.

mod answer;
mod json;
mod junit;
mod text;

pub use answer::TestAnswer;

use super::Rendered;

/// How the results of tests are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestFormat {
    /// For a terminal.
    Text,
    /// For programs.
    Json,
    /// JUnit XML.
    Junit,
}

impl TestFormat {
    /// All formats; each is the file of its name in this folder.
    pub const ALL: &[TestFormat] = &[TestFormat::Text, TestFormat::Json, TestFormat::Junit];

    /// The name on the command line, and of the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TestFormat::Text => "text",
            TestFormat::Json => "json",
            TestFormat::Junit => "junit",
        }
    }

    /// Writes results; the same results give the same text. `limit`: the columns of a terminal.
    #[must_use]
    pub fn render(self, answer: &TestAnswer, limit: Option<usize>) -> Rendered {
        match self {
            TestFormat::Text => Rendered::Text(text::render(answer, limit)),
            TestFormat::Json => Rendered::Document(json::render(answer)),
            TestFormat::Junit => Rendered::Document(junit::render(answer)),
        }
    }
}

#[cfg(test)]
mod tests;
