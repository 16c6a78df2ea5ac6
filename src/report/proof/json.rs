//! The proof for programs.

use super::answer::ProofAnswer;
use crate::report::json::pretty;

pub(super) fn render(answer: &ProofAnswer) -> String {
    pretty(answer)
}
