//! A review as a value, for programs and for the other formats.

use crate::base::{Level, Place, Rule, Sources};
use crate::lint::{Counts, Finding, Review, Verdict};
use crate::report::diag::fit;
use schemars::JsonSchema;
use serde::Serialize;

/// The result of a review.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LintAnswer {
    /// Whether a finding is at or above the severity that fails.
    pub verdict: Verdict,
    /// The severity from which on the review fails; absent: it never fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail_on: Option<Level>,
    /// The number of findings by severity.
    pub counts: Counts,
    /// The environment whose variables, levels and policies were used.
    pub environment: String,
    /// The commit, branch or tag since which changesets are new or changed; absent: all were reviewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// The number of reviewed changesets.
    pub changesets: usize,
    /// The findings, by file and line.
    pub findings: Vec<LintFinding>,
    /// The path of the project in its Git repository, with a slash at its end; empty: they are the same.
    pub prefix: String,
}

/// A finding of the review.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LintFinding {
    /// The code of the rule; `docs/lint` has a page for each.
    pub code: Rule,
    /// The severity in this environment.
    pub severity: Level,
    /// The changeset.
    pub changeset: String,
    /// True if it is about the rollback.
    pub rollback: bool,
    /// The place in the file of the changeset, or in a file of SQL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<LintPlace>,
    /// What was found.
    pub message: String,
    /// What to do instead.
    pub remedy: String,
    /// The safe form of this change, as YAML or SQL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safe_form: Option<String>,
    /// The bytes in the file.
    #[serde(skip)]
    pub source: Option<Place>,
}

/// A place in a file.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LintPlace {
    /// The file, relative to the project.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The line of the position after the last character.
    pub end_line: usize,
    /// The column of the position after the last character.
    pub end_column: usize,
}

impl LintAnswer {
    /// The answer for a review.
    #[must_use]
    pub fn of(
        review: &Review,
        sources: &dyn Sources,
        environment: &str,
        prefix: String,
        base: Option<String>,
        fail_on: Option<Level>,
    ) -> Self {
        let counts = Counts::of(&review.findings);
        let fails = fail_on.is_some_and(|level| counts.at_least(level) > 0);
        Self {
            verdict: if fails { Verdict::DoNotMerge } else { Verdict::Merge },
            fail_on,
            counts,
            environment: environment.to_owned(),
            base,
            changesets: review.changesets,
            findings: review.findings.iter().map(|finding| LintFinding::of(finding, sources)).collect(),
            prefix,
        }
    }

    /// The findings by severity: `1 blocking, 2 high`.
    #[must_use]
    pub fn counted(&self) -> String {
        let some = Level::SEVERITIES.into_iter().filter(|level| self.counts.get(*level) > 0);
        let words: Vec<String> = some.map(|level| format!("{} {}", self.counts.get(level), level.word())).collect();
        if words.is_empty() { "no findings".to_owned() } else { words.join(", ") }
    }

    /// The path of a finding in the repository.
    pub(super) fn path(&self, place: &LintPlace) -> String {
        format!("{}{}", self.prefix, place.file)
    }
}

impl LintFinding {
    fn of(finding: &Finding, sources: &dyn Sources) -> Self {
        Self {
            code: finding.rule,
            severity: finding.severity,
            changeset: finding.changeset.clone(),
            rollback: finding.rollback,
            place: finding.place.as_ref().map(|place| LintPlace::of(place, sources)),
            message: finding.message.clone(),
            remedy: finding.remedy.clone(),
            safe_form: finding.safe.clone(),
            source: finding.place.clone(),
        }
    }

    /// Whether the safe form is SQL, whose first word is in capitals, and not YAML.
    pub(in crate::report) fn is_sql(&self) -> bool {
        self.safe_form
            .as_ref()
            .is_some_and(|safe| safe.starts_with(|c: char| c.is_ascii_uppercase()) || safe.starts_with("--"))
    }

    /// What was found and what to do, in one text.
    pub(super) fn words(&self) -> String {
        if self.remedy.is_empty() { self.message.clone() } else { format!("{}; {}", self.message, self.remedy) }
    }
}

impl LintPlace {
    fn of(place: &Place, sources: &dyn Sources) -> Self {
        let (text, lines) = (sources.text(place.file), sources.lines(place.file));
        let span = fit(text, &place.span.clone().unwrap_or_default());
        let (line, column) = lines.line_column(text, span.start);
        let (end_line, end_column) = lines.line_column(text, span.end);
        Self { file: sources.path(place.file).to_owned(), line, column, end_line, end_column }
    }
}
