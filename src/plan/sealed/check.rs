//! Whether a sealed plan is one that dagmar could have sealed: anybody can compute a digest. What
//! is said of its SQL is found out again from the SQL itself.

use super::{Content, Part, changed};
use crate::base::{Failure, FailureKind, Operation, Setting};
use crate::plan::model::{Direction, FORMAT, Mode, Rollback, Segment, Step};
use crate::plan::{facts, step};
use crate::source::lint;
use crate::sql;
use serde_json::Value;

/// Refuses what does not fit together; what is known of each statement is made anew.
pub(super) fn renew(content: &mut Content) -> Result<(), Failure> {
    let sealed_at = content.sealed_at;
    one_each(&content.environments)?;
    for part in &mut content.environments {
        if part.plan.format == 0 || part.plan.format > FORMAT || part.plan.direction != Direction::Forward {
            return Err(changed().note("dagmar does not seal plans of this form"));
        }
        for step in &mut part.plan.steps {
            check(step).map_err(|why| changed().note(format!("`{}`: {why}", step.changeset)))?;
            facts::renew_step(step);
            modes(step)?;
        }
        proofs(part, sealed_at).map_err(|why| changed().note(why))?;
    }
    Ok(())
}

/// Whoever looks at one plan for an environment must not run another one.
fn one_each(parts: &[Part]) -> Result<(), Failure> {
    let is_again = |&(i, part): &(usize, &Part)| parts[..i].iter().any(|other| other.environment == part.environment);
    let Some((_, part)) = parts.iter().enumerate().find(is_again) else { return Ok(()) };
    Err(Failure::new(FailureKind::Drift, "the file is not a sealed plan that dagmar makes")
        .note(format!("it has two plans for the environment `{}`", part.environment))
        .help("seal a new one with " + Operation::Plan.with(Setting::Out.open())))
}

/// A proof is of a changeset of the plan in this form, and was there before the plan.
fn proofs(part: &Part, sealed_at: i64) -> Result<(), String> {
    for proof in &part.proofs {
        let id = &proof.changeset;
        if !part.plan.steps.iter().any(|step| step.changeset == *id && step.digest == proof.digest) {
            return Err(format!("the proof of `{id}` is not of the SQL in its plan"));
        }
        if proof.at > sealed_at {
            return Err(format!("the proof of `{id}` is later than the plan"));
        }
    }
    Ok(())
}

fn check(step: &Step) -> Result<(), String> {
    if step.direction != Direction::Forward {
        return Err("it is a rollback".to_owned());
    }
    let body = step.body.value();
    let checksum = lint::checksum(&body, &step.body);
    if checksum != step.checksum {
        return Err(format!("its checksum is not that of the changeset, which has {checksum}"));
    }
    let digest = step::digest(&step.segments, &step.rollback);
    if digest != step.digest {
        return Err(format!("its digest is not that of its SQL, which has {digest}"));
    }
    segments(&step.segments, body.get("changes"))?;
    if let Rollback::Segments { derived, segments: back, .. } = &step.rollback {
        segments(back, body.get(if *derived { "changes" } else { "rollback" }))?;
    }
    Ok(())
}

/// Each statement is one, and belongs to the change that is named.
fn segments(segments: &[Segment], changes: Option<&Value>) -> Result<(), String> {
    for segment in segments {
        let one = segment.statements.len() == 1;
        let fits = match segment.mode {
            Mode::Transaction => !segment.statements.is_empty() && segment.batch.is_none(),
            Mode::Outside => one && segment.batch.is_none(),
            Mode::Batched => one && segment.batch.is_some(),
        };
        if !fits {
            return Err(format!("a segment that runs {} has the wrong number of statements", segment.mode.words()));
        }
        for statement in &segment.statements {
            let text = &statement.sql;
            if segment.mode == Mode::Batched
                && let Some(fault) = sql::batch_fault(text)
            {
                return Err(format!("a statement cannot run in batches: {fault}"));
            }
            let pieces = sql::split(text).map_err(|e| e.message)?;
            if pieces.len() != 1 {
                return Err(format!("one of its statements is {} statements", pieces.len()));
            }
            if let Some(forbidden) = sql::forbidden(text) {
                return Err(format!("{} is not allowed in a changeset", forbidden.what));
            }
            let of = changes.and_then(|list| list.get(statement.change));
            if of.and_then(|change| change.get(&statement.kind)).is_none() {
                return Err(format!("its change {} is not a `{}`", statement.change + 1, statement.kind));
            }
        }
    }
    Ok(())
}

/// What cannot be in a transaction is in none. REINDEX and CLUSTER were in one in plans of earlier versions.
fn modes(step: &Step) -> Result<(), Failure> {
    let in_one = step.segments.iter().filter(|segment| segment.mode == Mode::Transaction);
    let mut wrong = in_one.flat_map(|segment| &segment.statements).filter(|s| s.facts.outside.is_some());
    let Some(statement) = wrong.next() else { return Ok(()) };
    let id = &step.changeset;
    if !matches!(sql::command(&statement.sql).as_str(), "reindex" | "cluster") {
        return Err(changed().note(format!("`{id}`: a statement that cannot run in a transaction is in one")));
    }
    Err(Failure::new(
        FailureKind::Drift,
        format!(
            "`{id}` of the sealed plan has a statement in a transaction that this version of dagmar runs outside of one"
        ),
    )
    .note(sql::gist(&statement.sql))
    .help("seal a new plan with " + Operation::Plan.with(Setting::Out.open())))
}
