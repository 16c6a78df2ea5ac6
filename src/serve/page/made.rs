//! Parts of pages from templates.

use crate::base::Markup;
use crate::render::pages;
use crate::serve::problem::{Kind, Problem};
use serde::Serialize;
use serde_json::{Value, json};

/// A template with its values.
///
/// # Errors
/// A value is missing: a mistake of the service.
pub(super) fn part(template: &str, values: &impl Serialize) -> Result<Markup, Problem> {
    pages::page(template, values).map_err(|e| {
        tracing::error!(template = e.template, line = e.line, "a page cannot be made: {}", e.message);
        Problem::new(Kind::Internal, "an internal error of dagmar; its log says more")
    })
}

/// What a problem says, with a value for everything that its templates name.
pub(super) fn said(problem: &Problem, id: &str) -> Value {
    let document = problem.document(id);
    let text = |value: &Value, name: &str| value.get(name).map_or_else(String::new, plain);
    let all = |name: &str| document.get(name).and_then(Value::as_array).into_iter().flatten();
    let mistakes: Vec<Value> = all("diagnostics")
        .map(|one| {
            let line = one.get("line").map_or_else(String::new, |line| format!(":{line}"));
            let place = text(one, "file") + &line;
            json!({"code": text(one, "code"), "place": place, "message": text(one, "message"), "help": text(one, "help")})
        })
        .collect();
    json!({
        "title": text(&document, "title"), "detail": text(&document, "detail"), "remedy": text(&document, "remedy"),
        "cause": all("cause").map(plain).collect::<Vec<_>>(), "mistakes": mistakes, "request": id,
    })
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
