//! A message of the simple protocol: many statements, and what each of them is.
//!
//! The server runs them one after the other, stops at the first error, and answers each with
//! CommandComplete (manual, chapter 55.2.2): counting the answers tells how far it came. One
//! message can carry many whole transactions, so that a run needs few round trips.

use crate::base::secret::{PLACEHOLDER, Secret, Secrets};
use crate::pg::connect::query::USE_OWN_PATH;
use crate::sql::secret::{self, SecretError};
use std::collections::BTreeMap;

/// What a statement of a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Transaction control, limits, the ledger's rows of this step.
    Frame(usize),
    /// The fence: only the holder of the lock comes past it.
    Fence(usize),
    /// The locks that a segment takes before its first statement: step and segment.
    Locks(usize, usize),
    /// The precondition of this number.
    Precondition(usize, usize),
    /// A statement of the step: segment and position.
    Statement(usize, usize, usize),
    /// The verify check of this number.
    Verify(usize, usize),
    /// The COMMIT of a segment that is not the last.
    SegmentDone(usize, usize),
    /// The COMMIT after which the step is recorded.
    StepDone(usize),
}

impl Mark {
    /// The step it belongs to, by its position in the plan.
    #[must_use]
    pub fn step(self) -> usize {
        match self {
            Mark::Frame(s)
            | Mark::Fence(s)
            | Mark::Locks(s, _)
            | Mark::Precondition(s, _)
            | Mark::Statement(s, ..)
            | Mark::Verify(s, _)
            | Mark::SegmentDone(s, _)
            | Mark::StepDone(s) => s,
        }
    }
}

/// A message with the values of secret variables.
#[derive(Default)]
pub struct Filled {
    /// The message.
    pub script: Script,
    /// Of the statements that have values: how many characters stand before the first of them.
    same: BTreeMap<usize, usize>,
}

impl Filled {
    /// A position within a statement as one of the statement without values, where it has one.
    #[must_use]
    pub fn position(&self, statement: usize, position: usize) -> Option<usize> {
        Some(position).filter(|p| self.same.get(&statement).is_none_or(|same| p <= same))
    }
}

/// A message in the making.
#[derive(Debug, Default)]
pub struct Script {
    /// The text.
    pub sql: String,
    /// What each statement is, and the character at which it begins.
    pub marks: Vec<(Mark, usize)>,
    chars: usize,
}

impl Script {
    /// Adds one statement, without its semicolon.
    pub fn push(&mut self, mark: Mark, statement: &str) {
        self.marks.push((mark, self.chars));
        self.sql.push_str(statement);
        // a comment at the statement's end must not swallow the semicolon
        self.sql.push_str("\n;\n");
        self.chars += statement.chars().count() + 3;
    }

    /// Adds a statement of dagmar's own that is no part of a step's transaction.
    pub fn own(&mut self, mark: Mark, statement: &str) {
        self.extend(mark, ["BEGIN", USE_OWN_PATH, statement, "COMMIT"]);
    }

    /// Adds several statements of one mark.
    pub fn extend<S: AsRef<str>>(&mut self, mark: Mark, statements: impl IntoIterator<Item = S>) {
        for statement in statements {
            self.push(mark, statement.as_ref());
        }
    }

    /// The same with the values of secret variables in what the author wrote: the ledger's rows
    /// keep the placeholders. `None`: it needs none.
    ///
    /// # Errors
    /// The statement, by its number, and why it cannot be filled in.
    pub fn filled(&self, secrets: &Secrets) -> Result<Option<Filled>, (usize, SecretError)> {
        if !secret::has_secrets(&self.sql) {
            return Ok(None);
        }
        let mut filled = Filled::default();
        let mut rest = self.sql.as_str();
        for (number, (mark, start)) in self.marks.iter().enumerate() {
            let chars = self.marks.get(number + 1).map_or(self.chars, |(_, next)| *next) - start;
            let end = rest.char_indices().nth(chars).map_or(rest.len(), |(at, _)| at);
            let (statement, after) = (rest[..end].strip_suffix("\n;\n").unwrap_or(&rest[..end]), &rest[end..]);
            rest = after;
            let is_authors = matches!(mark, Mark::Statement(..) | Mark::Precondition(..) | Mark::Verify(..));
            if is_authors && secret::has_secrets(statement) {
                let value = |name: &str| secrets.value(name).map(Secret::expose);
                let text = secret::fill(statement, &value).map_err(|why| (number, why))?;
                let same = statement.find(PLACEHOLDER).map_or(0, |at| statement[..at].chars().count());
                filled.same.insert(number, same);
                filled.script.push(*mark, &text);
            } else {
                filled.script.push(*mark, statement);
            }
        }
        Ok(Some(filled))
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// The number of the statement in which this position of an error is (characters from 1,
    /// in the message). The server reads a whole message before it runs any of it: a mistake
    /// of syntax is found when nothing was answered yet.
    #[must_use]
    pub fn statement_at(&self, position: usize) -> Option<usize> {
        self.marks.partition_point(|(_, start)| *start < position).checked_sub(1)
    }

    /// The server's position of an error (characters from 1, in the message) within the
    /// statement of this number.
    #[must_use]
    pub fn position_in(&self, statement: usize, position: usize) -> Option<usize> {
        position.checked_sub(self.marks.get(statement)?.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_lead_back_to_the_statement() {
        let mut script = Script::default();
        script.push(Mark::Frame(0), "BEGIN");
        script.push(Mark::Statement(0, 0, 0), "SELECT 'é' -- x");
        script.push(Mark::Statement(0, 0, 1), "SELECT nothing");
        let at = script.sql.chars().collect::<String>().find("nothing").map(|b| script.sql[..b].chars().count() + 1);
        assert_eq!(script.position_in(2, at.unwrap()), Some(8));
        assert_eq!(script.statement_at(at.unwrap()), Some(2));
        assert_eq!(script.statement_at(1), Some(0));
    }
}
