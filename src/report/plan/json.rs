//! The plan for programs: its serialised form, the one that a plan file holds.

use crate::plan::Plan;

pub(super) fn render(plan: &Plan) -> String {
    serde_json::to_string_pretty(plan).expect("a plan has string keys only") + "\n"
}
