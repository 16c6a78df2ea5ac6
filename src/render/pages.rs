//! Renders the pages of the service. Here every value is escaped for HTML, also where a template forgets to ask.

use super::TemplateError;
use crate::base::Markup;
use crate::base::markup::{self, escaped};
use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext};
use serde::Serialize;
use std::sync::OnceLock;

/// The templates: name and text.
const TEMPLATES: &[(&str, &str)] = &[
    ("head", include_str!("../../templates/html/serve/head.hbs")),
    ("foot", include_str!("../../templates/html/serve/foot.hbs")),
    ("tag", include_str!("../../templates/html/serve/tag.hbs")),
    ("login", include_str!("../../templates/html/serve/login.hbs")),
    ("again", include_str!("../../templates/html/serve/again.hbs")),
    ("events", include_str!("../../templates/html/serve/events.hbs")),
    ("mistakes", include_str!("../../templates/html/serve/mistakes.hbs")),
    ("broken", include_str!("../../templates/html/serve/broken.hbs")),
    ("confirm", include_str!("../../templates/html/serve/confirm.hbs")),
    ("notice", include_str!("../../templates/html/serve/notice.hbs")),
    ("found", include_str!("../../templates/html/serve/found.hbs")),
    ("refused", include_str!("../../templates/html/serve/refused.hbs")),
    ("problem", include_str!("../../templates/html/serve/problem.hbs")),
    ("overview", include_str!("../../templates/html/serve/overview.hbs")),
    ("environment", include_str!("../../templates/html/serve/environment.hbs")),
    ("graph", include_str!("../../templates/html/serve/graph.hbs")),
    ("plan", include_str!("../../templates/html/serve/plan.hbs")),
    ("matrix", include_str!("../../templates/html/serve/matrix.hbs")),
    ("promotion", include_str!("../../templates/html/serve/promotion.hbs")),
    ("rollback", include_str!("../../templates/html/serve/rollback.hbs")),
    ("rollback_rows", include_str!("../../templates/html/serve/rollback_rows.hbs")),
    ("rollback_chosen", include_str!("../../templates/html/serve/rollback_chosen.hbs")),
    ("sealed", include_str!("../../templates/html/serve/sealed.hbs")),
    ("sealed_upload", include_str!("../../templates/html/serve/sealed_upload.hbs")),
    ("sealed_plan", include_str!("../../templates/html/serve/sealed_plan.hbs")),
    ("sealed_run", include_str!("../../templates/html/serve/sealed_run.hbs")),
    ("runs", include_str!("../../templates/html/serve/runs.hbs")),
    ("run", include_str!("../../templates/html/serve/run.hbs")),
    ("controls", include_str!("../../templates/html/serve/controls.hbs")),
    ("run_state", include_str!("../../templates/html/serve/run_state.hbs")),
    ("history", include_str!("../../templates/html/serve/history.hbs")),
    ("backfills", include_str!("../../templates/html/serve/backfills.hbs")),
    ("changeset_sql", include_str!("../../templates/html/serve/changeset_sql.hbs")),
    ("changeset", include_str!("../../templates/html/serve/changeset.hbs")),
];

/// A template with its values.
///
/// # Errors
/// A value that the template names and that is not there.
pub fn page(name: &str, values: &impl Serialize) -> Result<Markup, TemplateError> {
    static REGISTRY: OnceLock<Handlebars<'static>> = OnceLock::new();
    let registry = REGISTRY.get_or_init(registry);
    registry.render(name, values).map(Markup::made).map_err(|e| TemplateError {
        template: format!("html/serve/{name}.hbs"),
        line: e.line_no,
        column: e.column_no,
        message: e.reason().to_string(),
    })
}

/// `{{prose sentence}}`: parts in backticks become code.
fn prose(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let sentence = helper.param(0).and_then(|param| param.value().as_str()).unwrap_or_default();
    Ok(out.write(&markup::prose(sentence))?)
}

fn registry() -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(escaped);
    registry.register_helper("prose", Box::new(prose));
    for (name, text) in TEMPLATES {
        // built-in templates have no mistakes: a test compiles them
        let _ = registry.register_template_string(name, text);
    }
    registry
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn templates_compile_and_put_nothing_in_raw() {
        for (name, text) in TEMPLATES {
            assert!(Handlebars::new().register_template_string(name, text).is_ok(), "{name}");
            assert!(!text.contains("{{{") && !text.contains("{{&"), "{name} puts in what is not escaped");
            assert!(!text.contains("style=") && !text.contains("<style"), "{name}: the policy allows no inline style");
            assert!(!text.contains("<script>") && !has_listener(text), "{name}: the policy allows no inline script");
        }
    }

    /// Whether it has an attribute as `onclick="…"`.
    fn has_listener(text: &str) -> bool {
        let named = |word: &str| word.starts_with("on") && word.contains('=');
        text.split_ascii_whitespace().any(named)
    }

    #[test]
    fn values_are_escaped_and_must_be_there() {
        let values = json!({"class": "\"><script>", "text": "<b>&\u{202e}", "href": null});
        let shown = page("tag", &values).unwrap();
        assert!(!shown.as_str().contains("<script>") && shown.as_str().contains("&lt;b&gt;&amp;\u{fffd}"), "{shown:?}");
        assert!(page("tag", &json!({"class": "good"})).is_err());
        let next = json!({"text": "run `a<b>`", "href": null});
        let card = json!({"name": "<i>", "href": "/e", "promote_from": null, "error": null, "place": "p", "tags": [], "facts": [], "next": next});
        let shown = page("overview", &json!({"cards": [card]})).unwrap();
        assert!(shown.as_str().contains("run <code>a&lt;b&gt;</code>") && !shown.as_str().contains("<i>"), "{shown:?}");
    }
}
