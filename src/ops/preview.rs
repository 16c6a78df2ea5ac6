//! What a run would do, as a value that outlives the connection.

use super::gates::Overrides;
use super::preflight::refusal;
use super::prepare::Now;
use super::{Planned, RunSource, Target, lint};
use crate::base::{Diagnostics, Failure, Wording};
use crate::gate::GateVerdict;
use crate::plan::{About, Plan};
use crate::report::{LintAnswer, Preview};
use crate::run::Observer;

/// What is asked beside the plan.
pub struct Asked<'a> {
    /// The overrides of gates.
    pub overrides: &'a Overrides,
    /// The source environment of a promotion.
    pub from: Option<Target>,
    /// Whether the gates are asked and the preflight looks at the database.
    pub looks: bool,
    /// Whether the changesets are reviewed.
    pub reviews: bool,
}

/// A plan with what is to be said about it.
#[derive(Debug)]
pub struct Previewed {
    /// The plan.
    pub plan: Plan,
    /// For which database it is, when and by whom it was made.
    pub about: About,
    /// What the gates and the preflight said; `None`: they were not asked.
    pub now: Option<Now>,
    /// The findings of the review; `None`: there was none.
    pub review: Option<LintAnswer>,
    /// The digest by which a run of it is confirmed; `None`: the gates were not asked.
    pub digest: Option<String>,
    /// The source environment of a promotion.
    pub from: Option<String>,
    /// The applied changesets that are in no file.
    pub missing: Vec<String>,
    /// Warnings about passwords in the plan's SQL.
    pub exposed: Diagnostics,
    /// The other environment that the ledger belongs to.
    pub elsewhere: Option<String>,
    /// Why a run of it would be refused now: gates that are not met, errors of the preflight.
    pub refused: Option<Failure>,
    /// Why nothing is run in this database: its ledger belongs to another environment.
    pub bound: Option<Failure>,
}

/// Compiles the plan, and asks what is to be said about it. Changes and records nothing.
///
/// # Errors
/// As [`Planned::new`], and a server that does not answer.
pub async fn preview(
    target: &Target,
    source: &RunSource<'_>,
    asked: Asked<'_>,
    observer: &mut dyn Observer,
) -> Result<Previewed, Failure> {
    let Asked { overrides, from, looks, reviews } = asked;
    let mut planned = Planned::new(target, source, overrides, from, observer).await?;
    let review = if reviews { lint::answer(target, source, &planned.plan)? } else { None };
    let now = if looks { Some(planned.now().await?) } else { None };
    let (about, digest) = (planned.about().await, now.as_ref().map(|now| planned.digest(&now.judgement.verdicts)));
    let refusal = |now: &Now| planned.gates.refusal(&now.judgement).and_then(|()| refusal(&now.findings)).err();
    let refused = now.as_ref().and_then(refusal);
    let (missing, exposed) = (planned.missing(), planned.exposed_passwords());
    let bound = target.check_bound(&planned.history).err();
    let elsewhere = target.bound_elsewhere(&planned.history).map(str::to_owned);
    let from = planned.gates.source().map(str::to_owned);
    let Planned { db, gates, plan, .. } = planned;
    gates.close().await?;
    db.close().await?;
    Ok(Previewed { plan, about, now, review, digest, from, missing, exposed, elsewhere, refused, bound })
}

impl Previewed {
    /// The verdict of each gate that was asked.
    #[must_use]
    pub fn verdicts(&self) -> &[GateVerdict] {
        self.now.as_ref().map_or(&[], |now| &now.judgement.verdicts)
    }

    /// For the formats of a plan.
    #[must_use]
    pub fn shown(&self, wording: Wording) -> Preview<'_> {
        Preview {
            findings: self.now.as_ref().map(|now| now.findings.as_slice()),
            gates: Some(self.verdicts()).filter(|verdicts| !verdicts.is_empty()),
            live: self.now.as_ref().map(|now| &now.live),
            review: self.review.as_ref(),
            ..Preview::new(&self.plan, &self.about, wording)
        }
    }
}
