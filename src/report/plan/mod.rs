//! Renders a plan as a preview. It changes nothing of the plan and omits nothing silently.

mod html;
mod json;
mod markdown;
mod preview;
mod text;
mod words;

pub use json::PlanAnswer;
pub use words::Totals;
pub(super) use words::{about as about_lines, mark};

use super::lines::{Rendered, Text};
use crate::base::Markup;
use crate::plan::{Rollback, Segment};
pub use preview::{Detail, PlanOptions, Preview, Seal};

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

/// The plan as a part of a page that has the style already; `leads` says where a changeset's page is.
#[must_use]
pub fn fragment(preview: &Preview<'_>, leads: &dyn Fn(&str) -> String) -> Markup {
    html::fragment(preview, leads)
}

/// The SQL of a changeset and what rolls it back, as a part of a page that has the style already.
#[must_use]
pub fn both_ways(segments: &[Segment], rollback: &Rollback) -> Markup {
    html::both_ways(segments, rollback)
}

/// Writes a plan for a terminal.
#[must_use]
pub fn text(preview: &Preview<'_>, options: PlanOptions) -> Text {
    text::render(preview, options)
}

#[cfg(test)]
pub(super) mod tests;
