//! So many people as the environment asks for have agreed to exactly this plan, and nobody
//! has spoken against it.

use super::Outcome;
use super::evidence::{Evidence, SealedPlan};
use crate::base::count;
use crate::base::{Operation, Remedy, Setting};
use crate::history::approval::last_words;
use crate::history::{Approval, ApprovalVerdict};
use crate::plan::Direction;

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let Some(policy) = &evidence.policy.approvals else { return Outcome::NotAsked };
    let wanted = usize::from(policy.count);
    if evidence.plan.direction == Direction::Purge {
        return Outcome::unmet(
            format!("{} needed, and a purge cannot be sealed and approved", count(wanted, "approval")),
            Remedy::from("get the approval elsewhere and record it: ")
                + vec![Setting::Override.to("approvals"), Setting::Reason.open()],
        );
    }
    let then = if evidence.source.is_some() { "promote" } else { "apply" };
    let remedy = "seal the plan with "
        + Operation::Plan.with(Setting::Out.open())
        + format!(", have it approved, then {then} that file");
    let Some(sealed) = &evidence.sealed else {
        return Outcome::unmet(format!("{} needed, and the plan is not sealed", count(wanted, "approval")), remedy);
    };
    if policy.not_author
        && let Some(step) = evidence.plan.steps.iter().find(|s| s.author.as_deref().is_none_or(|a| a.trim().is_empty()))
    {
        return Outcome::unmet(
            format!("`{}` has no author, and an author must not approve: the author is unknown", step.changeset),
            "give the changeset an `author`, and seal the plan again",
        );
    }
    // of each person the last word counts
    let of_plan: Vec<&Approval> = evidence.approvals.iter().filter(|a| a.digest == sealed.digest).collect();
    let (mut agreed, mut left_out) = (0, Vec::new());
    for approval in last_words(of_plan) {
        let who = approval.who();
        if approval.verdict == ApprovalVerdict::Reject {
            return Outcome::unmet(
                format!("rejected by {who}: {}", approval.reason),
                "resolve the objection, then seal a new plan",
            );
        }
        match why_not(evidence, sealed, approval, policy) {
            Some(why) => left_out.push(format!("{who} {why}")),
            None => agreed += 1,
        }
    }
    let but = if left_out.is_empty() { String::new() } else { format!("; not counted: {}", left_out.join(", ")) };
    let said = format!("{} of {wanted}{but}", agreed);
    if agreed >= wanted {
        Outcome::met(said)
    } else {
        Outcome::unmet(said, Operation::Approve + format!(": {} more", wanted - agreed))
    }
}

/// Why an approval does not count.
fn why_not(
    evidence: &Evidence<'_>,
    sealed: &SealedPlan<'_>,
    approval: &Approval,
    policy: &crate::source::policy::ApprovalPolicy,
) -> Option<&'static str> {
    let target = evidence.target;
    let ends = policy.expires.map(|s| approval.at.saturating_add(i64::try_from(s.millis).unwrap_or(i64::MAX)));
    let over = [ends, approval.expires_at].into_iter().flatten().any(|at| at <= target.now);
    let is_member = |role: &String| *role == approval.by || approval.role_memberships.contains(role);
    if over {
        Some("has expired")
    } else if approval.by == target.db_user {
        Some("is the role that applies it")
    } else if !policy.roles.is_empty() && !policy.roles.iter().any(is_member) {
        Some("is not a member of any required role")
    } else if target.rolled_back.is_some_and(|at| approval.at <= at) {
        Some("approved before it was rolled back here")
    } else if policy.not_author
        && (sealed.db_user == approval.by || sealed.author == format!("{}@{}", approval.os_user, approval.host))
    {
        Some("sealed the plan")
    } else if policy.not_author && evidence.plan.steps.iter().any(|s| is_author(s.author.as_deref(), approval)) {
        Some("is an author")
    } else {
        None
    }
}

fn is_author(author: Option<&str>, approval: &Approval) -> bool {
    let Some(author) = author.map(|a| a.trim().to_lowercase()) else { return false };
    // as people write themselves: `anna`, `Anna <anna@example.org>`
    let names = [&approval.by, &approval.os_user].map(|n| n.to_lowercase());
    author
        .split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))
        .any(|word| names.iter().any(|n| n == word))
        || names.contains(&author)
}
