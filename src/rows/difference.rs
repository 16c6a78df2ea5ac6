//! A difference between the rows of a table at two moments, and its line.

use crate::base::QualifiedName;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Rows that are named in a difference.
pub(super) const SAMPLES: usize = 3;

/// Characters of a value that are shown.
const SHOWN: usize = 40;

/// What happened to rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RowDifferenceKind {
    /// Rows are not there any more; with a column: the column is not there, and its values are lost.
    Lost,
    /// Rows are there that were not there before.
    Invented,
    /// Rows have another value in the column.
    Changed,
}

/// A row of a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RowSample {
    /// The values of the primary key by column; of a table without one, those of the first columns. Long values are
    /// shortened.
    pub key: BTreeMap<String, Option<String>>,
    /// The value of the column before; `null` is NULL. Only with a column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Option<String>>,
    /// The value of the column after; `null` is NULL. Only for `changed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Option<String>>,
}

/// A difference between the rows of a table before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RowDifference {
    /// The table.
    pub table: QualifiedName,
    /// The column whose values differ; absent: whole rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What happened.
    pub kind: RowDifferenceKind,
    /// The number of rows with this difference.
    pub count: u64,
    /// The number of rows of the table: after for `invented`, otherwise before.
    pub of: u64,
    /// Up to three of the rows.
    pub samples: Vec<RowSample>,
}

impl RowDifference {
    /// The difference in one line. `when` says at which moment it shows: `after the rollback`.
    #[must_use]
    pub fn line(&self, when: &str) -> String {
        let Self { table, count, of, .. } = self;
        let (rows, have, are) = match (count, of) {
            (1, 1) => ("the only row".to_owned(), "has", "is"),
            (1, _) => (format!("1 of {of} rows"), "has", "is"),
            (_, _) if count == of => (format!("all {of} rows"), "have", "are"),
            _ => (format!("{count} of {of} rows"), "have", "are"),
        };
        let keys = self.keys();
        match (self.kind, &self.column) {
            (RowDifferenceKind::Changed, column) => {
                let mut line = format!("{table}{}: {rows} {have} another value {when}{keys}", dotted(column));
                if let Some(RowSample { before: Some(before), after: Some(after), .. }) = self.samples.first() {
                    let _ = write!(line, ": {} became {}", shown(before), shown(after));
                }
                line
            }
            (RowDifferenceKind::Lost, Some(_)) => {
                let mut line = format!(
                    "{table}{}: the column is missing {when}, and with it the values of {rows}{keys}",
                    dotted(&self.column)
                );
                if let Some(RowSample { before: Some(before), .. }) = self.samples.first() {
                    let _ = write!(line, ": {} is lost", shown(before));
                }
                line
            }
            (RowDifferenceKind::Lost, None) => format!("{table}: {rows} {are} lost {when}{keys}"),
            (RowDifferenceKind::Invented, _) => {
                format!("{table}: {rows} {when} {} not there before{keys}", if *count == 1 { "was" } else { "were" })
            }
        }
    }

    /// ` (id 1, 2, 4, …)`
    fn keys(&self) -> String {
        let Some(first) = self.samples.first().filter(|sample| !sample.key.is_empty()) else { return String::new() };
        let more = if self.count > self.samples.len() as u64 { ", …" } else { "" };
        if first.key.len() == 1 {
            let column = first.key.keys().next().map_or("", String::as_str);
            let values: Vec<&str> = self.samples.iter().flat_map(|s| s.key.values()).map(bare).collect();
            return format!(" ({column} {}{more})", values.join(", "));
        }
        let one = |sample: &RowSample| {
            sample.key.iter().map(|(column, value)| format!("{column} {}", bare(value))).collect::<Vec<_>>().join(", ")
        };
        let rows: Vec<String> = self.samples.iter().map(one).collect();
        format!(" ({}{})", rows.join("; "), if more.is_empty() { "" } else { "; …" })
    }
}

impl std::fmt::Display for RowDifference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.line("after the rollback"))
    }
}

fn dotted(column: &Option<String>) -> String {
    column.as_ref().map(|column| format!(".{column}")).unwrap_or_default()
}

fn bare(value: &Option<String>) -> &str {
    value.as_deref().unwrap_or("NULL")
}

fn shown(value: &Option<String>) -> String {
    value.as_ref().map_or_else(|| "NULL".to_owned(), |value| format!("'{value}'"))
}

/// A value as it is shown.
pub(super) fn shortened(value: Option<&str>) -> Option<String> {
    let value = value?;
    let head: String = value.chars().take(SHOWN).collect();
    Some(if head.len() < value.len() { head + "…" } else { head })
}
