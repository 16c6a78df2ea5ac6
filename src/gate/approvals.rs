//! So many people as the environment asks for have agreed to exactly this plan, and nobody
//! has spoken against it.

use super::Outcome;
use super::evidence::Evidence;
use crate::base::count;
use crate::ledger::{Approval, Verdict};
use std::collections::BTreeMap;

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let Some(policy) = &evidence.policy.approvals else { return Outcome::NotAsked };
    let wanted = usize::from(policy.count);
    let then = if evidence.source.is_some() { "promote" } else { "apply" };
    let remedy = format!("seal the plan with `dagmar plan --out FILE`, have it approved, and {then} that file");
    let Some(digest) = evidence.digest else {
        return Outcome::unmet(format!("{} needed, and the plan is not sealed", count(wanted, "approval")), remedy);
    };
    // of each person the last word counts
    let mut words: BTreeMap<&str, &Approval> = BTreeMap::new();
    let mut of_plan: Vec<&Approval> = evidence.approvals.iter().filter(|a| a.digest == digest).collect();
    of_plan.sort_by_key(|a| a.at);
    for approval in of_plan {
        words.insert(&approval.by, approval);
    }
    let (mut agreed, mut left_out) = (0, Vec::new());
    for approval in words.values() {
        let who = format!("{} ({})", approval.by, approval.os_user);
        if approval.verdict == Verdict::Reject {
            return Outcome::unmet(format!("rejected by {who}: {}", approval.reason), "settle it, and seal a new plan");
        }
        match why_not(evidence, approval, policy) {
            Some(why) => left_out.push(format!("{who} {why}")),
            None => agreed += 1,
        }
    }
    let but = if left_out.is_empty() { String::new() } else { format!("; not counted: {}", left_out.join(", ")) };
    let said = format!("{} of {wanted}{but}", agreed);
    if agreed >= wanted {
        Outcome::met(said)
    } else {
        Outcome::unmet(said, format!("`dagmar approve`: {} more", wanted - agreed))
    }
}

/// Why an approval does not count.
fn why_not(
    evidence: &Evidence<'_>,
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
        Some("is who applies it")
    } else if !policy.roles.is_empty() && !policy.roles.iter().any(is_member) {
        Some("has none of the roles")
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
