//! What is to be said of changesets that a run has nothing to do with: those that were not selected, are
//! excluded, or have no file any more.

use super::output::Output;
use crate::base::{count, words::plural};
use crate::ops::Planned;
use crate::plan::decide;

/// Tells which applied changesets have no file any more: nothing runs for them, and a database made anew would not have them.
pub fn warn_of(missing: &[String], out: &mut Output) {
    if missing.is_empty() {
        return;
    }
    let names: Vec<String> = missing.iter().map(|id| format!("`{id}`")).collect();
    let (n, has) = (count(missing.len(), "applied changeset"), if missing.len() == 1 { "has" } else { "have" });
    out.warn(&format!(
        "{n} {has} no file any more: {}; restore the {}, or roll them back with `dagmar rollback`",
        names.join(", "),
        plural(&missing.len(), "file")
    ));
}

/// What is said where nothing is to be done.
pub fn nothing(planned: &Planned<'_>) -> String {
    let Planned { gates: gating, plan, history, .. } = planned;
    let to = &plan.environment;
    let (Some(view), None) = (gating.view(), gating.source()) else { return gating.nothing() };
    let Some(selected) = gating.selected() else {
        return match plan.waiting.is_empty() && plan.blocked.is_empty() {
            true => gating.nothing(),
            false => format!("nothing to do now: everything that can run in {to} is applied"),
        };
    };
    let of_selected = |id: &&String| view.graph.position(id).is_some_and(|position| selected.contains(&position));
    let never: Vec<String> = plan.excluded.iter().filter(of_selected).map(|id| format!("`{id}`")).collect();
    let others = decide(&view.changelog, &view.graph, history, to, None).planned.len();
    let mut said = format!("nothing to do: no selected changeset is pending in {to}");
    if !never.is_empty() {
        said += &format!("; not for {to}: {}", never.join(", "));
    }
    if others > 0 {
        let verb = if others == 1 { "is" } else { "are" };
        said += &format!("; {} {verb} pending that {verb} not selected", count(others, "changeset"));
    }
    said
}
