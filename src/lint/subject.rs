//! What a rule looks at: one changeset with its compiled step.

use crate::base::{Place, QualifiedName, Rule};
use crate::change;
use crate::plan::{Hazard, Mode, Rollback, Segment, Statement, Step};
use crate::source::Changeset;
use crate::source::policy::Destructive;
use crate::sql::review::{Action, Does, NewColumn};
use crate::sql::{self, LockMode, Violation};
use std::collections::BTreeSet;
use std::ops::Range;

/// A changeset under review.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    /// The changeset; absent in a plan without files.
    pub changeset: Option<&'a Changeset>,
    /// Its step.
    pub step: &'a Step,
    /// The statements, forward and then back.
    pub units: Vec<Unit<'a>>,
    /// The changes without a rollback.
    pub no_way_back: Vec<Place>,
    /// The tables and views that the forward statements make.
    pub made: BTreeSet<QualifiedName>,
    /// What may hurt, for the environment's `allow`.
    pub hazards: Vec<Hazard>,
    /// The kinds of steps that the environment allows; `None`: all.
    pub allow: Option<&'a [Destructive]>,
    /// Whether a changeset that it depends on has the phase expand or migrate.
    pub after_expand: bool,
}

/// A statement under review.
#[derive(Debug)]
pub(super) struct Unit<'a> {
    /// The statement.
    pub statement: &'a Statement,
    /// Its number in its direction.
    pub number: usize,
    /// Whether it is part of the rollback.
    pub back: bool,
    /// Its segment.
    pub segment: usize,
    /// The mode of its segment.
    pub mode: Mode,
    /// What it does.
    pub actions: Vec<Action>,
    /// What squawk finds in it.
    pub violations: Vec<Violation>,
}

/// Where a finding is, before it is looked up in the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum At {
    /// Bytes of a statement.
    Statement { back: bool, number: usize, bytes: Range<usize> },
    /// A place in the project's files.
    Place(Place),
    /// A key of the changeset.
    Key(&'static str),
}

/// A finding before its place and severity are known.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub rule: Rule,
    pub at: At,
    pub message: String,
    pub remedy: String,
    pub safe: Option<String>,
    /// The table, with a column, that the rest of the project may know more about.
    pub about: Option<(QualifiedName, String)>,
}

impl Draft {
    /// A finding at an action of a statement.
    pub fn new(rule: Rule, unit: &Unit<'_>, at: &Range<usize>, message: impl Into<String>) -> Self {
        let at = At::Statement { back: unit.back, number: unit.number, bytes: at.clone() };
        let message: String = message.into();
        let message = if unit.back { format!("in the rollback, {message}") } else { message };
        Self { rule, at, message, remedy: String::new(), safe: None, about: None }
    }

    /// A finding at bytes of a forward statement.
    pub fn forward(rule: Rule, number: usize, at: &Range<usize>, message: impl Into<String>) -> Self {
        let at = At::Statement { back: false, number, bytes: at.clone() };
        let (remedy, safe, about) = Default::default();
        Self { rule, at, message: message.into(), remedy, safe, about }
    }

    /// A finding at a key of the changeset.
    pub fn at_key(rule: Rule, key: &'static str, message: impl Into<String>) -> Self {
        let (remedy, safe, about) = Default::default();
        Self { rule, at: At::Key(key), message: message.into(), remedy, safe, about }
    }

    /// Sets what to do instead.
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// Sets the safe form of the change.
    pub fn safe(mut self, safe: impl Into<String>) -> Self {
        self.safe = Some(safe.into());
        self
    }

    /// Sets what the rest of the project may know more about.
    pub fn about(mut self, table: &QualifiedName, column: impl Into<String>) -> Self {
        self.about = Some((table.clone(), column.into()));
        self
    }
}

/// Change types whose SQL the author writes.
pub(super) fn is_raw(kind: &str) -> bool {
    matches!(kind, "sql" | "sqlFile") || change::find(kind).is_none()
}

impl<'a> Subject<'a> {
    /// The statements of a step; of one that is not reviewed it is only known what they do.
    pub fn new(changeset: Option<&'a Changeset>, step: &'a Step, is_reviewed: bool) -> Self {
        let mut units = units(&step.segments, false, is_reviewed, |_| true);
        if let Rollback::Segments { derived, segments, .. } = &step.rollback {
            // dagmar derives the rollback of its change types: nobody can write it in another way
            let is_looked_at = |statement: &Statement| !derived || is_raw(&statement.kind);
            units.extend(self::units(segments, true, is_reviewed, is_looked_at));
        }
        let made = units.iter().filter(|unit| !unit.back).flat_map(|unit| &unit.actions);
        let made = made.filter_map(|action| match &action.does {
            Does::CreateTable { table, .. } => Some(table.clone()),
            _ => None,
        });
        let made = made.collect();
        let (no_way_back, hazards) = Default::default();
        Self { changeset, step, units, no_way_back, made, hazards, allow: None, after_expand: false }
    }

    /// The forward statements.
    pub fn forward(&self) -> impl Iterator<Item = &Unit<'a>> {
        self.units.iter().filter(|unit| !unit.back)
    }

    /// The statements of the rollback.
    pub fn back(&self) -> impl Iterator<Item = &Unit<'a>> {
        self.units.iter().filter(|unit| unit.back)
    }

    /// The new columns of forward statements, with their tables.
    pub fn new_columns(&self) -> impl Iterator<Item = (&Unit<'a>, &QualifiedName, &NewColumn)> {
        self.forward().flat_map(|unit| {
            unit.actions.iter().flat_map(move |action| {
                let (table, columns): (_, &[NewColumn]) = match &action.does {
                    Does::CreateTable { table, columns, .. } => (table, columns),
                    Does::AddColumn { table, column } => (table, std::slice::from_ref(column)),
                    _ => return Vec::new(),
                };
                columns.iter().map(|column| (unit, table, column)).collect::<Vec<_>>()
            })
        })
    }

    /// The strongest lock of a statement on a table that clients may use: neither this changeset made it, nor does
    /// its rollback.
    pub fn lock(&self, unit: &Unit<'_>, table: &QualifiedName) -> Option<LockMode> {
        if unit.back {
            let again = self.back().take_while(|other| other.number < unit.number).flat_map(|other| &other.actions);
            let mut again =
                again.filter(|action| matches!(&action.does, Does::CreateTable { table: t, .. } if t == table));
            if self.made.contains(table) || again.next().is_some() {
                return None;
            }
        }
        unit.statement.facts.locks.iter().find(|(name, _)| name == table).map(|(_, mode)| *mode)
    }

    /// Whether clients may use a table while a statement changes it.
    pub fn is_in_use(&self, unit: &Unit<'_>, table: &QualifiedName) -> bool {
        self.lock(unit, table).is_some()
    }
}

fn units(
    segments: &[Segment],
    back: bool,
    is_reviewed: bool,
    is_looked_at: impl Fn(&Statement) -> bool,
) -> Vec<Unit<'_>> {
    let mut found = Vec::new();
    let mut number = 0;
    for (segment, of) in segments.iter().enumerate() {
        for statement in &of.statements {
            if is_looked_at(statement) {
                let (actions, violations) =
                    if is_reviewed { sql::review(&statement.sql) } else { (sql::actions(&statement.sql), Vec::new()) };
                found.push(Unit { statement, number, back, segment, mode: of.mode, actions, violations });
            }
            number += 1;
        }
    }
    found
}
