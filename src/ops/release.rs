//! A sealed plan that `apply` or `promote` runs.

use super::Target;
use crate::base::{Failure, FailureKind};
use crate::gate::evidence::{Proof, SealedPlan};
use crate::history::approval::{Approval, ApprovalVerdict, last_words};
use crate::history::{EventKind, History};
use crate::pg::ledger::{approvals, fingerprint};
use crate::pg::lock::Lock;
use crate::pg::{Database, query_failed};
use crate::pipeline::View;
use crate::plan::sealed::{Sealed, SealedProof, same};
use crate::plan::{Plan, Progress, Rollback, Segment, Statement, Step};
use crate::sql::Facts;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A sealed plan that is about to run.
pub struct Release<'a> {
    /// The plan.
    pub plan: Sealed,
    /// The files, if they must still render to the sealed plan.
    pub check: Option<View<'a>>,
}

impl Release<'_> {
    /// The digest of the plan.
    pub fn digest(&self) -> &str {
        &self.plan.digest
    }

    /// The evidence about the plan for the gates.
    pub fn evidence(&self) -> SealedPlan<'_> {
        evidence(&self.plan)
    }

    /// The proofs that the plan carries, for the gates; `now` is the clock of the environment's server. Only a signature
    /// with a key of the environment's `signedBy` makes them count: anybody else may have written them.
    pub fn proofs(&self, target: &Target, now: i64) -> Vec<Proof> {
        let signed_by = self.evidence().signed_by;
        let is_trusted = target.trusted_keys().iter().flatten().any(|key| Some(key.as_str()) == signed_by);
        let part = self.plan.part(&target.environment).ok().filter(|_| is_trusted);
        let of = |proof: &SealedProof| Proof {
            digest: proof.digest.clone(),
            major: proof.server,
            age: now.saturating_sub(proof.at).max(0),
        };
        part.iter().flat_map(|part| part.proofs.iter().map(of)).collect()
    }

    /// Compiles the part of the plan that is still to run; refuses a plan that does not fit any more.
    pub async fn compile(&self, target: &Target, db: &Database, history: &History) -> Result<Plan, Failure> {
        let left = fit(&self.plan, target, db, history).await?;
        match &self.check {
            Some(view) => same_render(view, &left).map(|()| left),
            None => Ok(left),
        }
    }

    /// Records in the run that it executes a sealed plan.
    pub async fn note(&self, target: &Target, db: &Database, lock: &Lock) -> Result<(), Failure> {
        let plan = &self.plan;
        let recorder = lock.recorder(target.ledger());
        let detail = json!({
            "plan": plan.digest, "author": plan.content.author, "by": target.actor.to_string(),
            "signedBy": plan.signature.as_ref().and_then(|s| s.get("key")),
        });
        let sql = [
            "BEGIN".to_owned(),
            format!("SELECT {}.fence({})", target.ledger().sql(), lock.epoch),
            recorder.event(EventKind::SealedPlan, None, &detail),
            "COMMIT".to_owned(),
        ];
        let sent = db.connection.execute(&sql.join(";\n")).await;
        sent.map_err(|e| query_failed("cannot record the plan", &e))
    }

    /// The approvals and rejections of the plan in this ledger.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub async fn approvals(&self, target: &Target, db: &Database, history: &History) -> Result<Vec<Approval>, Failure> {
        approvals::read(&db.connection, &db.server, history.version, target.ledger(), Some(self.digest())).await
    }
}

/// The evidence about a plan for the gates.
#[must_use]
pub fn evidence(plan: &Sealed) -> SealedPlan<'_> {
    let Sealed { content, digest, signature, .. } = plan;
    SealedPlan {
        digest,
        author: &content.author,
        db_user: &content.db_user,
        // one that is wrong was refused when the file was opened
        signed_by: signature.as_ref().and_then(|s| s.get("key")).and_then(Value::as_str),
    }
}

/// The part of a sealed plan that is still to run. The plan must fit the target and must not be rejected.
async fn fit(sealed: &Sealed, target: &Target, db: &Database, history: &History) -> Result<Plan, Failure> {
    let left = may_be_approved(sealed, target, db, history).await?;
    let said =
        approvals::read(&db.connection, &db.server, history.version, target.ledger(), Some(&sealed.digest)).await?;
    if let Some(no) =
        last_words(&said, target.approval_services()).into_iter().find(|a| a.verdict == ApprovalVerdict::Reject)
    {
        return Err(Failure::new(FailureKind::Refused, "the plan was rejected; nothing was run")
            .note(format!("by {}", no))
            .help("seal a new plan; or whoever rejected it approves it"));
    }
    Ok(left)
}

/// As `fit`, also for a rejected plan.
pub async fn may_be_approved(
    sealed: &Sealed,
    target: &Target,
    db: &Database,
    history: &History,
) -> Result<Plan, Failure> {
    let part = sealed.part(&target.environment)?;
    if part.plan.ledger_schema != target.ledger().as_str() {
        return Err(Failure::new(
            FailureKind::Drift,
            format!("the plan is sealed for the ledger `{}`, not `{}`", part.plan.ledger_schema, target.ledger()),
        ));
    }
    if !same(&part.policy, &target.policy()) {
        return Err(Failure::new(
            FailureKind::Drift,
            format!("dagmar.yaml has changed for `{}` since the plan was sealed", target.environment),
        )
        .help("use the dagmar.yaml that it was sealed with, or seal a new plan"));
    }
    let seen = fingerprint::look(&db.connection, &db.server, target.ledger(), history).await?;
    sealed.check_expiry(seen.now)?;
    let own = own_runs(target, db, &sealed.digest).await?;
    part.remaining(&seen.target, history, &own)
}

/// The runs of this very plan.
async fn own_runs(target: &Target, db: &Database, digest: &str) -> Result<BTreeSet<String>, Failure> {
    if !db.server.has_ledger {
        return Ok(BTreeSet::new());
    }
    let sql = format!(
        "SELECT DISTINCT run::text FROM {}.event WHERE kind = 'sealedPlan' AND run IS NOT NULL AND detail ->> 'plan' = '{digest}'",
        target.ledger().sql()
    );
    let rows = db.connection.query("cannot read the ledger", &sql).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Refuses when this dagmar would render something else from these files.
fn same_render(view: &View<'_>, plan: &Plan) -> Result<(), Failure> {
    // how far it came is the ledger's to say, and what is known of a statement follows from it
    let bare = |segments: &[Segment]| {
        let statement = |s: &Statement| Statement { facts: Facts::default(), ..s.clone() };
        let todo = |s: &Segment| Segment {
            progress: Progress::Todo,
            statements: s.statements.iter().map(statement).collect(),
            ..s.clone()
        };
        segments.iter().map(todo).collect::<Vec<_>>()
    };
    let back = |rollback: &Rollback| match rollback {
        Rollback::Segments { derived, segments, verify } => {
            Rollback::Segments { derived: *derived, segments: bare(segments), verify: verify.clone() }
        }
        never => never.clone(),
    };
    let parts = |s: &Step| {
        let s = s.clone().without_origins();
        (s.checksum.clone(), bare(&s.segments), s.preconditions.clone(), s.verify.clone(), back(&s.rollback))
    };
    for step in &plan.steps {
        let now = match view.graph.position(&step.changeset) {
            Some(_) => view.render_one(&step.changeset)?,
            None => return Err(other_render(&step.changeset, "no file contains it any more")),
        };
        if now.checksum != step.checksum {
            return Err(other_render(&step.changeset, "its file has changed"));
        }
        if now.digest != step.digest || !same(&parts(&now), &parts(step)) {
            return Err(other_render(&step.changeset, "the same file renders to different SQL"));
        }
    }
    Ok(())
}

fn other_render(id: &str, why: &str) -> Failure {
    Failure::new(FailureKind::Drift, format!("`{id}` no longer compiles to what was sealed; nothing was run"))
        .note(why)
        .help("use the files and the dagmar that it was sealed with, or seal a new plan")
}
