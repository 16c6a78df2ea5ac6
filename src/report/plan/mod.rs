//! A plan as a preview. In: the complete plan and what is to be said about it. Out: text; nothing of the
//! plan is changed or left out silently.

mod html;
mod json;
mod markdown;
mod text;
mod words;

pub use words::Totals;
pub(super) use words::{about as about_lines, mark};

use super::lines::{Rendered, Text};
use crate::gate::Verdict;
use crate::plan::{About, Plan};
use crate::run::Finding;

/// A plan with what is to be said about it.
#[derive(Debug, Clone, Copy)]
pub struct Preview<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// For which database it is, when and by whom it was made.
    pub about: &'a About,
    /// What was found in the database that is against it; `None`: nobody looked.
    pub findings: Option<&'a [Finding]>,
    /// What the gates say of it; `None`: they were not asked.
    pub gates: Option<&'a [Verdict]>,
    /// The seal, where it is a sealed plan.
    pub seal: Option<&'a Seal>,
}

impl<'a> Preview<'a> {
    /// A plan alone.
    #[must_use]
    pub fn new(plan: &'a Plan, about: &'a About) -> Self {
        Self { plan, about, findings: None, gates: None, seal: None }
    }
}

/// What a sealed plan is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// Its digest.
    pub digest: String,
    /// The key that it is signed with, if it is.
    pub signed_by: Option<String>,
    /// Until when it may be run, as RFC 3339 in UTC.
    pub expires_at: String,
}

/// How much a text for a terminal shows of a plan; the other formats have all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Detail {
    /// A line for each step.
    Summary,
    /// The statements by their heads, with their locks.
    #[default]
    Statements,
    /// The SQL of both directions.
    Sql,
}

/// What a preview can be adjusted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlanOptions {
    /// How much the text for a terminal shows.
    pub detail: Detail,
    /// How many columns the terminal has: statements' heads are cut off there; `None`: it is none.
    pub limit: Option<usize>,
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

    /// Writes a plan; or several, one for each environment of a sealed plan. The same plans give the same
    /// text.
    #[must_use]
    pub fn render(self, previews: &[Preview<'_>], options: PlanOptions) -> Rendered {
        Rendered::Document(match self {
            PlanFormat::Text => {
                let mut out = Text::new();
                for (i, preview) in previews.iter().enumerate() {
                    if i > 0 {
                        out.gap();
                    }
                    out.append(text::render(preview, options));
                }
                return Rendered::Text(out);
            }
            PlanFormat::Json => json::render(previews),
            PlanFormat::Markdown => markdown::render(previews),
            PlanFormat::Html => html::render(previews),
        })
    }
}

/// Writes a plan for a terminal.
#[must_use]
pub fn text(preview: &Preview<'_>, options: PlanOptions) -> Text {
    text::render(preview, options)
}

#[cfg(test)]
pub(super) mod tests;
