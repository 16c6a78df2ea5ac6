//! The review for programs.

use super::answer::LintAnswer;
use crate::report::json::pretty;

pub(super) fn render(answer: &LintAnswer) -> String {
    pretty(answer)
}
