//! For whom the frames of a plan are printed. What these do not have in common is decided here,
//! by one function for each decision; all else is the same for all of them.

use crate::base::name::quote_literal;
use crate::base::{HumanDuration, Limits};
use crate::plan::{Mode, Progress, Segment, Statement, Step};
use crate::sql;

/// Who reads the frames.
#[derive(Debug, Clone)]
pub enum Printer {
    /// A server, in messages of a run that holds the lock.
    Wire {
        /// The epoch of its lock.
        epoch: i64,
        /// The `search_path` that authors wrote their SQL for.
        author_path: String,
    },
    /// psql, which runs a script alone. What only the session knows is in variables of psql, which no
    /// statement of an author resets: `dagmar_run`, `dagmar_epoch`, `dagmar_path`.
    Psql,
    /// A server, in one transaction that is rolled back.
    DryRun {
        /// The `search_path` that authors wrote their SQL for.
        author_path: String,
    },
}

/// What becomes of a statement in a dry run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rehearsed {
    /// It runs as it is.
    AsItIs,
    /// It runs in this form.
    Plain(String),
    /// It runs once, for the first rows.
    FirstBatch,
    /// It is left out, and why.
    Not(&'static str),
}

impl Printer {
    /// The epoch that the fence compares, as SQL; a dry run commits nothing, and so has no fence.
    pub(super) fn epoch(&self) -> Option<String> {
        match self {
            Printer::Wire { epoch, .. } => Some(epoch.to_string()),
            Printer::Psql => Some(":dagmar_epoch".to_owned()),
            Printer::DryRun { .. } => None,
        }
    }

    /// The `search_path` of authors, as SQL.
    pub(super) fn author_path(&self) -> String {
        match self {
            Printer::Wire { author_path, .. } | Printer::DryRun { author_path } => quote_literal(author_path),
            Printer::Psql => ":'dagmar_path'".to_owned(),
        }
    }

    /// Whether each step is preceded by a guard. A run has read the ledger under its lock; a
    /// script was written before it has the lock.
    pub(super) fn has_guards(&self) -> bool {
        matches!(self, Printer::Psql)
    }

    /// The limits of a transaction that has none of its own. Settings of a transaction end with it;
    /// a dry run is one, and those of the step before would go on.
    pub(super) fn no_limits(&self) -> Option<Limits> {
        let none = Limits {
            lock_timeout: HumanDuration::default(),
            statement_timeout: HumanDuration::default(),
            lock_retries: 0,
        };
        matches!(self, Printer::DryRun { .. }).then_some(none)
    }

    /// The limits of batches. In a script all of them are one statement, which may take its time.
    pub(super) fn batch_limits(&self, limits: Limits) -> Limits {
        match self {
            Printer::Psql => Limits { statement_timeout: HumanDuration::default(), ..limits },
            Printer::Wire { .. } | Printer::DryRun { .. } => limits,
        }
    }
}

/// What a dry run makes of a statement: what cannot be in a transaction, or was begun outside of
/// one, is not in it.
#[must_use]
pub fn rehearsed(segment: &Segment, statement: &Statement) -> Rehearsed {
    match segment.mode {
        Mode::Transaction => Rehearsed::AsItIs,
        Mode::Batched => Rehearsed::FirstBatch,
        // a run looks how far that one came
        Mode::Outside if segment.progress == Progress::Started => {
            Rehearsed::Not("not rehearsed: an earlier run has begun it")
        }
        Mode::Outside => match sql::without_concurrently(&statement.sql) {
            Some(plain) => Rehearsed::Plain(plain),
            None => Rehearsed::Not("not rehearsed"),
        },
    }
}

/// Whether a dry run asks the `verify` checks of a step: what it left out, or a batch has not
/// reached yet, may be what a check asks for.
#[must_use]
pub fn is_verified(step: &Step) -> bool {
    step.segments.iter().all(|segment| segment.mode == Mode::Transaction)
}
