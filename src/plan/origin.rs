//! Where a statement is written, as it travels with the plan: what fails on the server is told
//! by file and line, also when the plan is run elsewhere or the statement comes from the ledger.

use crate::base::Lines;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The place in the source of a statement or check. No checksum covers it, because lines move.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// The file, relative to the project; absent: the file of the changeset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// The places of its parts, if they are not contiguous.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<Run>,
}

/// The place of a statement's text from one character on. As JSON `[at, line, column]`, with a fourth number if
/// the source contains the text unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Numbers", into = "Numbers")]
#[schemars(rename = "OriginRun")]
pub struct Run {
    /// The first character of the statement for which it holds, from 0.
    pub at: u32,
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
    /// Characters before each further line; `None`: all of it is written at this one place.
    pub indent: Option<u32>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Numbers {
    Same([u32; 4]),
    Place([u32; 3]),
}

impl From<Run> for Numbers {
    fn from(Run { at, line, column, indent }: Run) -> Self {
        match indent {
            Some(indent) => Numbers::Same([at, line, column, indent]),
            None => Numbers::Place([at, line, column]),
        }
    }
}

impl From<Numbers> for Run {
    fn from(numbers: Numbers) -> Self {
        match numbers {
            Numbers::Same([at, line, column, indent]) => Self { at, line, column, indent: Some(indent) },
            Numbers::Place([at, line, column]) => Self { at, line, column, indent: None },
        }
    }
}

impl Origin {
    /// The line and column of a character of the statement `sql`, counted from 1 as the server
    /// does; without one those of the statement.
    #[must_use]
    pub fn at(&self, sql: &str, position: Option<usize>) -> (u32, u32) {
        let Some(position) = position else { return (self.line, self.column) };
        let lines = Lines::of(sql);
        self.at_byte(sql, &lines, lines.byte(sql, position.saturating_sub(1)))
    }

    /// The line and column of a byte of the statement, whose lines these are.
    #[must_use]
    pub fn at_byte(&self, sql: &str, lines: &Lines, byte: usize) -> (u32, u32) {
        let position = lines.before(sql, byte);
        let run = self.runs.partition_point(|run| run.at as usize <= position);
        let Some(run) = run.checked_sub(1).map(|last| self.runs[last]) else { return (self.line, self.column) };
        let Some(indent) = run.indent else { return (run.line, run.column) };
        let breaks = lines.line(byte) - lines.line(lines.byte(sql, run.at as usize));
        let (from, column) = match breaks {
            0 => (run.at as usize, run.column),
            _ => (lines.before(sql, lines.start(lines.line(byte))), indent.saturating_add(1)),
        };
        let more = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        (run.line.saturating_add(more(breaks)), column.saturating_add(more(position - from)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_lead_to_lines() {
        let sql = "CREATE VIEW v AS\nSELECT é,\n  nope\n);";
        let run = |at, line, column, indent| Run { at, line, column, indent };
        let runs = vec![run(0, 5, 9, None), run(17, 8, 13, Some(12)), run(33, 5, 9, None)];
        let origin = Origin { file: None, line: 5, column: 9, runs };
        let place = |part: &str| {
            let at = sql.find(part).map(|byte| sql[..byte].chars().count() + 1);
            origin.at(sql, at)
        };
        assert_eq!(origin.at(sql, None), (5, 9));
        assert_eq!((place("CREATE"), place("VIEW")), ((5, 9), (5, 9)));
        assert_eq!((place("SELECT"), place("é"), place("nope")), ((8, 13), (8, 20), (9, 15)));
        assert_eq!(place(");"), (5, 9));
        assert_eq!(origin.at(sql, Some(9999)), (5, 9));
        assert_eq!(Origin::default().at("", Some(7)), (0, 0));
    }

    #[test]
    fn json_is_short() {
        let runs =
            vec![Run { at: 0, line: 4, column: 1, indent: Some(0) }, Run { at: 9, line: 7, column: 2, indent: None }];
        let origin = Origin { file: Some("sql/a.sql".into()), line: 4, column: 1, runs };
        let text = serde_json::to_string(&origin).unwrap();
        assert_eq!(text, r#"{"file":"sql/a.sql","line":4,"column":1,"runs":[[0,4,1,0],[9,7,2]]}"#);
        assert_eq!(serde_json::from_str::<Origin>(&text).unwrap(), origin);
    }
}
