//! Pages for those who do not get what they asked for.

use super::layout;
use super::login::login_for;
use super::made::{part, said};
use crate::serve::answer::Answer;
use crate::serve::problem::Problem;
use serde_json::json;

/// A problem as a page.
#[must_use]
pub fn problem(problem: &Problem, id: &str) -> Answer {
    let values = said(problem, id);
    let made = layout::bare(values["title"].as_str().unwrap_or_default(), part("problem", &values));
    let mut answer = made.unwrap_or_else(|other| Answer::json(&other.document(id)));
    answer.headers.extend(problem.headers().iter().filter(|(name, _)| *name != "www-authenticate").cloned());
    answer.status(problem.status())
}

/// The same page once more, asked for by itself: a link on another site sends no cookie.
#[must_use]
pub fn again() -> Answer {
    layout::bare("dagmar", part("again", &json!({}))).unwrap_or_else(|_| Answer::see(login_for("/")))
}
