//! The plan for programs: its serialised form, the one that a plan file holds.

use crate::plan::Plan;
use crate::report::json;

pub(super) fn render(plan: &Plan) -> String {
    json::pretty(plan)
}
