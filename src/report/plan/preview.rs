//! A plan with what is said about it, and how much of it is shown.

use super::words;
use crate::base::Wording;
use crate::gate::GateVerdict;
use crate::plan::{About, Impacts, Limits, Live, Plan};
use crate::report::LintAnswer;
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
    pub gates: Option<&'a [GateVerdict]>,
    /// What the database and the policies say of its statements at this moment; `None`: nobody looked.
    pub live: Option<&'a Live>,
    /// The findings of the review; `None`: there was none.
    pub review: Option<&'a LintAnswer>,
    /// The seal, where it is a sealed plan.
    pub seal: Option<&'a Seal>,
    /// How remedies are worded.
    pub wording: Wording,
}

impl<'a> Preview<'a> {
    /// A plan alone.
    #[must_use]
    pub fn new(plan: &'a Plan, about: &'a About, wording: Wording) -> Self {
        Self { plan, about, findings: None, gates: None, live: None, review: None, seal: None, wording }
    }

    /// What follows from the whole plan.
    pub(super) fn whole(&self) -> Whole {
        let none = Live::default();
        let About { tables, one_transaction, .. } = self.about;
        Whole {
            limits: words::common_limits(self.plan),
            impacts: Impacts::of(self.plan, tables, self.live.unwrap_or(&none), *one_transaction),
        }
    }
}

/// What follows from the whole plan, for its steps.
pub(super) struct Whole {
    /// Limits that are said once for all.
    pub limits: Option<Limits>,
    /// What each statement does to the database.
    pub impacts: Impacts,
}

/// The identification of a sealed plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// The digest of the plan.
    pub digest: String,
    /// The key that it is signed with, if it is.
    pub signed_by: Option<String>,
    /// The expiry time, as RFC 3339 in UTC.
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
