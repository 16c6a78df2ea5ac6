//! The helpers through which every value goes; each fails on a missing or null argument.

use super::mark;
use crate::base::count;
use crate::base::name::{Ident, QualifiedName, quote_dollar, quote_literal};
use crate::change::value::{SqlValue, check_type, literal};
use handlebars::template::Template;
use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderError, RenderErrorReason,
    ScopedJson, no_escape,
};
use serde_json::Value;
use std::cell::Cell;

/// A helper: its arguments to SQL text, or what is wrong with them.
type Write = fn(&[&Value]) -> Result<String, String>;

/// Name, number of arguments, function.
const WRITERS: &[(&str, usize, Write)] = &[
    ("ident", 1, |v| Ok(Ident::new(text(v[0])?)?.sql().into_owned())),
    ("idents", 1, |v| joined(v[0], |item| Ok(Ident::new(text(item)?)?.sql().into_owned()))),
    ("roles", 1, |v| joined(v[0], |item| role(text(item)?))),
    ("qname", 1, |v| Ok(name(v[0])?.sql())),
    ("regclass", 1, |v| Ok(format!("{}::regclass", quote_literal(&name(v[0])?.sql())))),
    ("nameText", 1, |v| Ok(quote_literal(&name(v[0])?.sql()))),
    ("literal", 1, |v| literal(v[0])),
    ("value", 1, |v| value(v[0])),
    ("list", 1, |v| joined(v[0], |item| Ok(text(item)?.to_owned()))),
    ("literals", 1, |v| joined(v[0], literal)),
    ("type", 1, |v| {
        let name = text(v[0])?;
        check_type(name).map(|()| name.to_owned())
    }),
    ("raw", 1, |v| Ok(text(v[0])?.trim().to_owned())),
    ("dollar", 1, |v| Ok(quote_dollar(text(v[0])?, "body"))),
    ("keyword", 1, |v| keyword(text(v[0])?)),
];

/// The names of the helpers that write SQL.
pub fn writers() -> impl Iterator<Item = &'static str> {
    WRITERS.iter().map(|(name, ..)| *name)
}

struct Writer {
    name: &'static str,
    arity: usize,
    write: Write,
    /// Whether its values have marks, and what it writes gets some.
    traced: bool,
}

impl HelperDef for Writer {
    fn call<'reg: 'rc, 'rc>(
        &self,
        h: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let wrong = |message: String| RenderError::from(RenderErrorReason::Other(message));
        if h.params().len() != self.arity {
            return Err(wrong(format!(
                "`{}` takes {}, here are {}",
                self.name,
                count(self.arity, "value"),
                h.params().len()
            )));
        }
        let mut values = Vec::with_capacity(self.arity);
        for param in h.params() {
            let path = param.relative_path().map_or("this", String::as_str);
            if param.is_value_missing() {
                return Err(wrong(format!("`{path}` is missing")));
            }
            if param.value().is_null() && self.name != "value" {
                return Err(wrong(format!("`{path}` is null")));
            }
            values.push(param.value());
        }
        let write = |values: &[&Value]| (self.write)(values).map_err(|why| wrong(format!("`{}`: {why}", self.name)));
        if self.traced {
            let plain: Vec<(Value, Option<&str>)> = values.iter().map(|value| mark::unmark(value)).collect();
            let sql = write(&plain.iter().map(|(value, _)| value).collect::<Vec<_>>())?;
            out.write(&mark::written(&sql, plain.iter().find_map(|(_, number)| *number)))?;
        } else {
            out.write(&write(&values)?)?;
        }
        Ok(())
    }
}

/// A question for `if`: answers true or false.
struct Ask(fn(&Value, bool) -> bool);

impl HelperDef for Ask {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        h: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let answer = h.param(0).is_some_and(|p| (self.0)(p.value(), p.is_value_missing()));
        Ok(ScopedJson::Derived(Value::Bool(answer)))
    }
}

/// A comparison of values that have marks.
struct Compare {
    equal: bool,
}

impl HelperDef for Compare {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        h: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let value = |n: usize| h.param(n).map(|p| mark::unmark(p.value()).0);
        Ok(ScopedJson::Derived(Value::Bool((value(0) == value(1)) == self.equal)))
    }
}

/// The same registry for a context with marks.
pub fn traced() -> Handlebars<'static> {
    let mut registry = registry();
    for (name, arity, write) in WRITERS {
        registry.register_helper(name, Box::new(Writer { name, arity: *arity, write: *write, traced: true }));
    }
    registry.register_helper("eq", Box::new(Compare { equal: true }));
    registry.register_helper("ne", Box::new(Compare { equal: false }));
    registry
}

/// Blocks, turns of loops and partials of one section that are rendered.
const MOST_STEPS: u32 = 5_000_000;

/// Bytes of SQL that one section may come to.
const MOST_SQL: usize = 64 * 1024 * 1024;

/// The name of the helper that counts; no template can call it.
const STEP: &str = "dagmar-step";

thread_local! {
    /// Steps of the section that this thread renders.
    static STEPS: Cell<u32> = const { Cell::new(0) };
}

/// Begins to count for the next section.
pub fn begin_steps() {
    STEPS.set(0);
}

/// A template that counts a step.
pub fn step() -> Template {
    Template::compile(&format!("{{{{{STEP}}}}}")).unwrap_or_default()
}

struct Step;

impl HelperDef for Step {
    fn call<'reg: 'rc, 'rc>(
        &self,
        _: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        _: &mut dyn Output,
    ) -> HelperResult {
        let steps = STEPS.get() + 1;
        STEPS.set(steps);
        if steps > MOST_STEPS {
            let message = format!("the template takes more than {MOST_STEPS} steps; divide the change into several");
            return Err(RenderErrorReason::Other(message).into());
        }
        Ok(())
    }
}

/// SQL that is being rendered, up to its limit.
#[derive(Default)]
pub struct Limited(Vec<u8>);

impl Limited {
    /// The SQL.
    pub fn text(self) -> String {
        String::from_utf8(self.0).unwrap_or_default()
    }
}

impl std::io::Write for &mut Limited {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > MOST_SQL {
            let message =
                format!("the template makes more than {} MB of SQL; divide the change into several", MOST_SQL >> 20);
            return Err(std::io::Error::other(message));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// An empty registry with the helpers, strict and without HTML escaping.
pub fn registry() -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.set_prevent_indent(true);
    registry.register_escape_fn(no_escape);
    for (name, arity, write) in WRITERS {
        registry.register_helper(name, Box::new(Writer { name, arity: *arity, write: *write, traced: false }));
    }
    registry.register_helper(STEP, Box::new(Step));
    // `if` cannot tell absent from false or 0
    registry.register_helper("isGiven", Box::new(Ask(|_, missing| !missing)));
    registry.register_helper("isFalse", Box::new(Ask(|value, _| value == &Value::Bool(false))));
    registry
}

/// What went wrong, without handlebars' own frame.
pub fn message(error: &RenderError) -> String {
    match error.reason() {
        RenderErrorReason::Other(message) => message.clone(),
        RenderErrorReason::IOError(error) => error.to_string(),
        RenderErrorReason::MissingVariable(path) => {
            format!("`{}` is missing", path.as_deref().unwrap_or("a value"))
        }
        reason => reason.to_string(),
    }
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| format!("takes a text, this is `{value}`"))
}

fn name(value: &Value) -> Result<QualifiedName, String> {
    text(value)?.parse()
}

/// A role, or one of the words that stand for one (manual, GRANT, role_specification).
fn role(name: &str) -> Result<String, String> {
    match name {
        "public" | "current_user" | "current_role" | "session_user" => Ok(name.to_ascii_uppercase()),
        name => Ok(Ident::new(name)?.sql().into_owned()),
    }
}

fn joined(value: &Value, each: impl Fn(&Value) -> Result<String, String>) -> Result<String, String> {
    let list = value.as_array().ok_or_else(|| format!("takes a list, this is `{value}`"))?;
    Ok(list.iter().map(each).collect::<Result<Vec<_>, _>>()?.join(", "))
}

/// A constant, or the expression of `{ sql: … }`.
fn value(value: &Value) -> Result<String, String> {
    serde_json::from_value::<SqlValue>(value.clone()).map_err(|e| e.to_string())?.sql()
}

/// `setNull` as `SET NULL`: the words of our own enumerations.
fn keyword(text: &str) -> Result<String, String> {
    if text.is_empty() || !text.chars().all(|c| c.is_ascii_alphabetic()) {
        return Err(format!("`{text}` is not a key word"));
    }
    let mut out = String::with_capacity(text.len() + 2);
    for c in text.chars() {
        if c.is_ascii_uppercase() {
            out.push(' ');
        }
        out.push(c.to_ascii_uppercase());
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn render(template: &str, context: &Value) -> Result<String, String> {
        registry().render_template(template, context).map_err(|e| message(&e))
    }

    #[test]
    fn values_are_quoted_by_their_kind() {
        let context = json!({
            "q": "o'x", "b": "a\\b", "n": 1.5, "t": true, "j": {"a": ["'"]}, "sql": {"sql": "now()"},
            "name": "Or\"der", "table": "app.Users", "cols": ["id", "user"], "roles": ["public", "current_user", "App"]
        });
        for (template, sql) in [
            ("{{literal q}}", "'o''x'"),
            ("{{literal b}}", "E'a\\\\b'"),
            ("{{literal n}} {{value t}}", "1.5 true"),
            ("{{value j}}", r#"'{"a":["''"]}'"#),
            ("{{value sql}}", "now()"),
            ("{{ident name}}", "\"Or\"\"der\""),
            ("{{qname table}} {{regclass table}}", "app.\"Users\" 'app.\"Users\"'::regclass"),
            ("{{nameText table}}", "'app.\"Users\"'"),
            ("{{idents cols}}", "id, \"user\""),
            ("{{roles roles}}", "PUBLIC, CURRENT_USER, \"App\""),
        ] {
            assert_eq!(render(template, &context).unwrap(), sql, "{template}");
        }
    }

    #[test]
    fn missing_and_null_are_errors() {
        for helper in writers() {
            let template = format!("{{{{{helper} nothing}}}}");
            assert!(render(&template, &json!({})).is_err(), "{helper} takes a missing value");
            if helper != "value" {
                assert!(render(&template, &json!({"nothing": null})).is_err(), "{helper} takes null");
            }
        }
        assert_eq!(render("{{value nothing}}", &json!({"nothing": null})).unwrap(), "NULL");
    }

    #[test]
    fn wrong_kinds_are_errors() {
        assert!(render("{{ident a}}", &json!({"a": 1})).unwrap_err().contains("takes a text"));
        assert!(render("{{type a}}", &json!({"a": "int; drop"})).is_err());
        assert!(render("{{literal a}}", &json!({"a": "x\u{0}"})).is_err());
        assert!(render("{{ident a}}", &json!({"a": "é".repeat(40)})).unwrap_err().contains("63"));
    }
}
