//! A message of the simple protocol: many statements, and what each of them is.
//!
//! The server runs them one after the other, stops at the first error, and answers each with
//! CommandComplete (manual, chapter 55.2.2): counting the answers tells how far it came. One
//! message can carry many whole transactions, so that a run needs few round trips.

use crate::base::secret::{PLACEHOLDER, Secret, Secrets};
use crate::sql::secret::{self, SecretError};
use std::collections::BTreeMap;

/// Sets dagmar's own path, [`OWN_PATH`](crate::ledger::record::OWN_PATH), for the transaction.
pub const USE_OWN_PATH: &str = "SET LOCAL search_path = pg_catalog, pg_temp";

/// What a statement of a message is. Steps are named by their position in the plan, segments by
/// that in the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementTag {
    /// No step's: the settings of the session, the rows of the run.
    Session,
    /// A guard of a script: the database is as the plan expects it before this step.
    Guard(usize),
    /// A BEGIN.
    Begin(usize),
    /// Paths, limits and roles; the ledger's rows of this step.
    Frame(usize),
    /// The fence: only the holder of the lock comes past it.
    Fence(usize),
    /// The step's own row, which answers how long it took in milliseconds.
    Took(usize),
    /// The locks that a segment takes before its first statement: step and segment.
    Locks(usize, usize),
    /// The precondition of this number.
    Precondition(usize, usize),
    /// A statement of the step: segment and position.
    Statement(usize, usize, usize),
    /// The verify check of this number.
    Verify(usize, usize),
    /// A COMMIT that is the end of no segment.
    Commit(usize),
    /// The COMMIT of a segment that is not the last.
    SegmentDone(usize, usize),
    /// The COMMIT of a step that does not wait for the disk: the next [`StatementTag::StepDone`] of the
    /// message does so for it.
    StepCommitted(usize),
    /// The COMMIT after which the step is recorded.
    StepDone(usize),
}

impl StatementTag {
    /// The step it belongs to.
    #[must_use]
    pub fn step(self) -> Option<usize> {
        match self {
            StatementTag::Session => None,
            StatementTag::Guard(s)
            | StatementTag::Begin(s)
            | StatementTag::Frame(s)
            | StatementTag::Fence(s)
            | StatementTag::Took(s)
            | StatementTag::Locks(s, _)
            | StatementTag::Precondition(s, _)
            | StatementTag::Statement(s, ..)
            | StatementTag::Verify(s, _)
            | StatementTag::Commit(s)
            | StatementTag::SegmentDone(s, _)
            | StatementTag::StepCommitted(s)
            | StatementTag::StepDone(s) => Some(s),
        }
    }

    /// Whether an author wrote it: secret variables are filled in there, and nowhere else.
    #[must_use]
    pub fn is_authors(self) -> bool {
        matches!(self, StatementTag::Statement(..) | StatementTag::Precondition(..) | StatementTag::Verify(..))
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
    placed: Vec<Placed>,
    chars: usize,
}

/// A statement in the text: what it is, and the character and byte at which it begins.
#[derive(Debug, Clone, Copy)]
struct Placed {
    mark: StatementTag,
    char: usize,
    byte: usize,
}

/// What stands behind each statement: a comment at its end must not swallow the semicolon.
const END: &str = "\n;\n";

impl Script {
    /// Adds one statement, without its semicolon.
    pub fn push(&mut self, mark: StatementTag, statement: &str) {
        self.placed.push(Placed { mark, char: self.chars, byte: self.sql.len() });
        self.sql.push_str(statement);
        self.sql.push_str(END);
        self.chars += statement.chars().count() + END.len();
    }

    /// Adds a statement of dagmar's own that is no part of a step's transaction.
    pub fn own(&mut self, mark: StatementTag, statement: &str) {
        let (begin, frame, commit) = match mark.step() {
            Some(step) => (StatementTag::Begin(step), StatementTag::Frame(step), StatementTag::Commit(step)),
            None => (mark, mark, mark),
        };
        self.push(begin, "BEGIN");
        self.push(frame, USE_OWN_PATH);
        self.push(mark, statement);
        self.push(commit, "COMMIT");
    }

    /// Adds several statements of one mark.
    pub fn extend<S: AsRef<str>>(&mut self, mark: StatementTag, statements: impl IntoIterator<Item = S>) {
        for statement in statements {
            self.push(mark, statement.as_ref());
        }
    }

    /// The statements in order, each without its semicolon.
    pub fn statements(&self) -> impl Iterator<Item = (StatementTag, &str)> {
        self.placed.iter().enumerate().map(|(n, placed)| {
            let end = self.placed.get(n + 1).map_or(self.sql.len(), |next| next.byte);
            (placed.mark, &self.sql[placed.byte..end - END.len()])
        })
    }

    /// What the statement of this number is; what no statement says belongs to the session.
    #[must_use]
    pub fn mark(&self, statement: usize) -> StatementTag {
        self.placed.get(statement).map_or(StatementTag::Session, |placed| placed.mark)
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
        for (number, (mark, statement)) in self.statements().enumerate() {
            if mark.is_authors() && secret::has_secrets(statement) {
                let value = |name: &str| secrets.value(name).map(Secret::expose);
                let text = secret::fill(statement, &value).map_err(|why| (number, why))?;
                let same = statement.find(PLACEHOLDER).map_or(0, |at| statement[..at].chars().count());
                filled.same.insert(number, same);
                filled.script.push(mark, &text);
            } else {
                filled.script.push(mark, statement);
            }
        }
        Ok(Some(filled))
    }

    /// How many statements it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.placed.len()
    }

    /// Takes the statements from this one on out of it.
    pub fn truncate(&mut self, statements: usize) {
        if let Some(first) = self.placed.get(statements) {
            self.sql.truncate(first.byte);
            self.chars = first.char;
            self.placed.truncate(statements);
        }
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.placed.is_empty()
    }

    /// The number of the statement in which this position of an error is (characters from 1,
    /// in the message). The server reads a whole message before it runs any of it: a mistake
    /// of syntax is found when nothing was answered yet.
    #[must_use]
    pub fn statement_at(&self, position: usize) -> Option<usize> {
        self.placed.partition_point(|placed| placed.char < position).checked_sub(1)
    }

    /// The server's position of an error (characters from 1, in the message) within the
    /// statement of this number.
    #[must_use]
    pub fn position_in(&self, statement: usize, position: usize) -> Option<usize> {
        position.checked_sub(self.placed.get(statement)?.char)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_lead_back_to_the_statement() {
        let mut script = Script::default();
        script.push(StatementTag::Begin(0), "BEGIN");
        script.push(StatementTag::Statement(0, 0, 0), "SELECT 'é' -- x");
        script.push(StatementTag::Statement(0, 0, 1), "SELECT nothing");
        let at = script.sql.chars().collect::<String>().find("nothing").map(|b| script.sql[..b].chars().count() + 1);
        assert_eq!(script.position_in(2, at.unwrap()), Some(8));
        assert_eq!(script.statement_at(at.unwrap()), Some(2));
        assert_eq!(script.statement_at(1), Some(0));
        let texts: Vec<&str> = script.statements().map(|(_, sql)| sql).collect();
        assert_eq!(texts, ["BEGIN", "SELECT 'é' -- x", "SELECT nothing"]);
        assert_eq!((script.mark(0), script.mark(9)), (StatementTag::Begin(0), StatementTag::Session));
    }
}
