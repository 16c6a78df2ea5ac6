//! So many people as the environment asks for have agreed to exactly this plan, and nobody
//! has spoken against it.

use super::Outcome;
use super::evidence::{Evidence, SealedPlan, Target};
use crate::base::count;
use crate::base::{Operation, Remedy, Setting};
use crate::history::approval::last_words;
use crate::history::{Approval, ApprovalVerdict};
use crate::plan::{Direction, Plan};
use crate::source::policy::ApprovalPolicy;
use std::collections::BTreeSet;

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
    let of_plan: Vec<&Approval> = evidence.approvals.iter().filter(|a| a.digest == sealed.digest).collect();
    let (mut agreed, mut left_out) = (BTreeSet::new(), Vec::new());
    for (approval, weight) in of_plan.iter().zip(weigh(&of_plan, sealed, evidence.plan, policy, evidence.target)) {
        let who = approval.who();
        match weight {
            Weighed::Rejects => {
                return Outcome::unmet(
                    format!("rejected by {who}: {}", approval.reason),
                    "resolve the objection, then seal a new plan",
                );
            }
            Weighed::Counts(name) => _ = agreed.insert(name),
            Weighed::Not(why) => left_out.push(format!("{who} {why}")),
            Weighed::Replaced => {}
        }
    }
    let but = if left_out.is_empty() { String::new() } else { format!("; not counted: {}", left_out.join(", ")) };
    let agreed = agreed.len();
    let said = format!("{agreed} of {wanted}{but}");
    if agreed >= wanted {
        Outcome::met(said)
    } else {
        Outcome::unmet(said, Operation::Approve + format!(": {} more", wanted - agreed))
    }
}

/// What a decision on a plan comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Weighed {
    /// It is an approval that counts, of this name: who approved twice, by a service and by himself, is one where the
    /// names are the same.
    Counts(String),
    /// It is a rejection.
    Rejects,
    /// It does not count: why.
    Not(&'static str),
    /// Who made it has made another one since.
    Replaced,
}

/// What each decision on a plan comes to: of each person the last word.
#[must_use]
pub fn weigh(
    said: &[&Approval],
    sealed: &SealedPlan<'_>,
    plan: &Plan,
    policy: &ApprovalPolicy,
    target: &Target,
) -> Vec<Weighed> {
    let last = last_words(said.iter().copied(), &policy.services);
    let weight = |approval: &Approval| {
        if !last.iter().any(|one| std::ptr::eq(*one, approval)) {
            Weighed::Replaced
        } else if approval.verdict == ApprovalVerdict::Reject {
            Weighed::Rejects
        } else if let Some(why) = why_not(sealed, plan, approval, policy, target) {
            Weighed::Not(why)
        } else {
            Weighed::Counts(approval.person(&policy.services).unwrap_or(&approval.by).to_lowercase())
        }
    };
    said.iter().map(|approval| weight(approval)).collect()
}

/// Why an approval does not count.
fn why_not(
    sealed: &SealedPlan<'_>,
    plan: &Plan,
    approval: &Approval,
    policy: &ApprovalPolicy,
    target: &Target,
) -> Option<&'static str> {
    let ends = policy.expires.map(|s| approval.at.saturating_add(i64::try_from(s.millis).unwrap_or(i64::MAX)));
    let over = [ends, approval.expires_at].into_iter().flatten().any(|at| at <= target.now);
    let person = approval.person(&policy.services);
    let groups = approval.origin.as_ref().map_or(&[][..], |origin| &origin.groups);
    let is_member = |role: &String| match person {
        Some(_) => groups.contains(role),
        None => *role == approval.by || approval.role_memberships.contains(role),
    };
    if over {
        Some("has expired")
    } else if let Some(why) = is_who_runs(target, approval, person) {
        Some(why)
    } else if !policy.roles.is_empty() && !policy.roles.iter().any(is_member) {
        Some(match person {
            Some(_) => "is in no required group",
            None => "is not a member of any required role",
        })
    } else if target.rolled_back.is_some_and(|at| approval.at <= at) {
        Some("approved before it was rolled back here")
    } else if policy.not_author && is_sealer(sealed, approval, person) {
        Some("sealed the plan")
    } else if policy.not_author && plan.steps.iter().any(|s| is_author(s.author.as_deref(), approval, person)) {
        Some("is an author")
    } else {
        None
    }
}

/// Why an approval is that of who runs the plan. A person who came by another way is known by the name alone.
fn is_who_runs(target: &Target, approval: &Approval, person: Option<&str>) -> Option<&'static str> {
    let is = |one: &str, other: &str| names(one).iter().any(|name| names(other).contains(name));
    match (person, &target.person) {
        (Some(person), Some(runs)) => is(person, runs).then_some("is the person who applies it"),
        // the role of the service without a person may be anybody
        (Some(_), None) if approval.by == target.db_user => Some("came by the role that applies it"),
        (Some(person), None) => {
            [&target.db_user, &target.os_user].iter().any(|own| is(person, own)).then_some("is who applies it")
        }
        (None, _) if approval.by == target.db_user => Some("is the role that applies it"),
        (None, Some(runs)) => is(&approval.by, runs).then_some("is the person who applies it"),
        (None, None) => None,
    }
}

fn is_sealer(sealed: &SealedPlan<'_>, approval: &Approval, person: Option<&str>) -> bool {
    match person {
        // a plan is sealed on the command line: only the names can be the same
        Some(person) => {
            let own = [names(sealed.db_user), names(sealed.author)].concat();
            names(person).iter().any(|name| own.contains(name))
        }
        None => sealed.db_user == approval.by || sealed.author == format!("{}@{}", approval.os_user, approval.host),
    }
}

/// The names of somebody, in lower case: of an address, what stands before the `@` too.
fn names(of: &str) -> Vec<String> {
    [Some(of), of.split_once('@').map(|(name, _)| name)].into_iter().flatten().map(str::to_lowercase).collect()
}

fn is_author(author: Option<&str>, approval: &Approval, person: Option<&str>) -> bool {
    let Some(author) = author.map(|a| a.trim().to_lowercase()) else { return false };
    let names: Vec<String> = match person {
        Some(person) => names(person),
        None => vec![approval.by.to_lowercase(), approval.os_user.to_lowercase()],
    };
    // as people write themselves: `anna`, `Anna <anna@example.org>`
    let words = |is_inside: fn(char) -> bool| author.split(move |c: char| !(c.is_alphanumeric() || is_inside(c)));
    let mut all = words(|c| "_-.".contains(c)).chain(words(|c| "_-.@+".contains(c)));
    all.any(|word| names.iter().any(|n| n == word)) || names.contains(&author)
}
