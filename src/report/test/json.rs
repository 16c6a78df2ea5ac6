//! The results for programs.

use super::answer::TestAnswer;
use crate::report::json::pretty;

pub(super) fn render(answer: &TestAnswer) -> String {
    pretty(answer)
}
