//! A plan as a preview. In: the complete plan. Out: text; nothing of the plan is changed
//! or left out silently.

mod html;
mod json;
mod markdown;
mod text;
mod words;

pub use words::{Hazard, Totals, gist, hazards};

use super::lines::{Rendered, Text};
use crate::plan::Plan;

/// What a preview can be adjusted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlanOptions {
    /// How many columns the terminal has: statements' heads are cut off there; `None`: it is none.
    pub limit: Option<usize>,
    /// Whether the text for a terminal has the SQL of both directions; the other formats
    /// always have it.
    pub sql: bool,
}

/// How a plan is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanFormat {
    /// For a terminal.
    Text,
    /// The plan itself, for programs.
    Json,
    /// For a comment on a pull request.
    Markdown,
    /// A page of its own.
    Html,
}

impl PlanFormat {
    /// All formats; each is the file of its name in this folder.
    pub const ALL: &[PlanFormat] = &[PlanFormat::Text, PlanFormat::Json, PlanFormat::Markdown, PlanFormat::Html];

    /// The name on the command line, and of the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            PlanFormat::Text => "text",
            PlanFormat::Json => "json",
            PlanFormat::Markdown => "markdown",
            PlanFormat::Html => "html",
        }
    }

    /// The format of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.name() == name)
    }

    /// Writes `plan`. The same plan gives the same text.
    #[must_use]
    pub fn render(self, plan: &Plan, options: PlanOptions) -> Rendered {
        Rendered::Document(match self {
            PlanFormat::Text => return Rendered::Text(text::render(plan, options)),
            PlanFormat::Json => json::render(plan),
            PlanFormat::Markdown => markdown::render(plan),
            PlanFormat::Html => html::render(plan),
        })
    }
}

/// Writes `plan` for a terminal.
#[must_use]
pub fn text(plan: &Plan, options: PlanOptions) -> Text {
    text::render(plan, options)
}

#[cfg(test)]
pub(super) mod tests;
