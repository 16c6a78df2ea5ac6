//! `${name}` and `${name:-default}` in the texts of a changeset.

use super::spans::Spans;
use crate::base::secret::{PLACEHOLDER, placeholder};
use crate::base::{Diagnostic, Diagnostics, PathSeg, Place, diag::nearest};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The values that names stand for, in one environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables {
    values: BTreeMap<String, String>,
    /// The names of those whose values are secret: a placeholder is filled in for them.
    secret: BTreeSet<String>,
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// A name without a value and without a default.
    Undefined(String),
    /// `${` without a name or without its end.
    Malformed,
    /// A text that reads like the placeholder of a secret variable and is none.
    Reserved,
}

impl Variables {
    /// Sets a value; a later one replaces an earlier one.
    pub fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), value.to_owned());
    }

    /// Says that a variable is secret: its value is filled in when SQL is sent, and not here.
    pub fn set_secret(&mut self, name: &str) {
        self.secret.insert(name.to_owned());
    }

    /// Whether a variable is secret.
    #[must_use]
    pub fn is_secret(&self, name: &str) -> bool {
        self.secret.contains(name)
    }

    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Fills in one text. What is filled in is not searched again. `$${` stands for `${`. In the
    /// place of a secret variable comes its placeholder.
    ///
    /// # Errors
    /// The first name without a value, or `${` without its end; a text or value that would be
    /// taken for the placeholder of a secret variable later.
    pub fn fill(&self, text: &str) -> Result<String, Wrong> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            if rest[..at].ends_with('$') {
                if rest[at..].starts_with(PLACEHOLDER) {
                    return Err(Wrong::Reserved);
                }
                out.push_str(&rest[..at]);
                out.push('{');
                rest = &rest[at + 2..];
                continue;
            }
            out.push_str(&rest[..at]);
            let inner = &rest[at + 2..];
            let end = inner.find('}').ok_or(Wrong::Malformed)?;
            let (name, default) = match inner[..end].split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (&inner[..end], None),
            };
            if !is_name(name) {
                return Err(Wrong::Malformed);
            }
            match self.get(name).or(default) {
                _ if self.is_secret(name) => out.push_str(&placeholder(name)),
                Some(value) if value.contains(PLACEHOLDER) => return Err(Wrong::Reserved),
                Some(value) => out.push_str(value),
                None => return Err(Wrong::Undefined(name.to_owned())),
            }
            rest = &inner[end + 1..];
        }
        out.push_str(rest);
        Ok(out)
    }

    /// Fills in every text below `value`. A scalar that is nothing but one `${name}` without
    /// quotes becomes the number or boolean that its value looks like, as if it stood there;
    /// `spans`, asked for the file's positions, tells which are.
    pub fn fill_value(&self, value: &mut Value, place: &Place, spans: &dyn Fn() -> Arc<Spans>, out: &mut Diagnostics) {
        self.walk(value, &mut place.path.clone(), place, spans, out);
    }

    fn walk(
        &self,
        value: &mut Value,
        path: &mut Vec<PathSeg>,
        place: &Place,
        spans: &dyn Fn() -> Arc<Spans>,
        out: &mut Diagnostics,
    ) {
        match value {
            Value::String(text) if text.contains("${") => {
                let filled = match self.fill(text) {
                    Ok(filled) => filled,
                    Err(wrong) => {
                        out.push(self.problem(&wrong, Place::value(place.file, path.clone())));
                        return;
                    }
                };
                let whole = text.starts_with("${") && text.find('}') == Some(text.len() - 1);
                let plain = whole && spans().is_plain(path);
                *value = match serde_yaml::from_str::<Value>(&filled) {
                    Ok(typed @ (Value::Number(_) | Value::Bool(_))) if plain => typed,
                    _ => Value::String(filled),
                };
            }
            Value::Array(list) => {
                for (i, item) in list.iter_mut().enumerate() {
                    path.push(PathSeg::Index(i));
                    self.walk(item, path, place, spans, out);
                    path.pop();
                }
            }
            Value::Object(map) => {
                for (key, item) in map.iter_mut() {
                    path.push(PathSeg::Key(key.clone()));
                    self.walk(item, path, place, spans, out);
                    path.pop();
                }
            }
            _ => {}
        }
    }

    /// The problem to report for a text.
    #[must_use]
    pub fn problem(&self, wrong: &Wrong, place: Place) -> Diagnostic {
        match wrong {
            Wrong::Undefined(name) => {
                let near = nearest(name, self.values.keys().chain(&self.secret).map(String::as_str));
                Diagnostic::error("DG0111", format!("the variable `{name}` has no value in this environment"))
                    .at(place)
                    .help(near.map_or_else(
                        || format!("set it under `variables:` in dagmar.yaml, with `--var {name}=…`, or write `${{{name}:-default}}`"),
                        |near| format!("did you mean `${{{near}}}`?"),
                    ))
            }
            Wrong::Malformed => Diagnostic::error("DG0112", "`${` is not followed by a name and `}`")
                .at(place)
                .help("write `${name}` or `${name:-default}`; `$${` stands for `${` itself"),
            Wrong::Reserved => Diagnostic::error("DG0117", format!("`{PLACEHOLDER}` is reserved"))
                .at(place)
                .help("a secret variable is written as `${name}`, like any other"),
        }
    }
}

/// Letters, digits, `_`, `-` and `.`, not starting with a digit.
#[must_use]
pub fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::FileId;
    use serde_json::json;

    fn variables() -> Variables {
        let mut v = Variables::default();
        v.set("schema", "platform");
        v.set("tricky", "${schema}'; drop table x; --");
        v.set("n", "500");
        v
    }

    #[test]
    fn fills_once_and_only_once() {
        let v = variables();
        assert_eq!(v.fill("${schema}.t ${x:-a b} $1 $$").unwrap(), "platform.t a b $1 $$");
        assert_eq!(v.fill("${tricky}").unwrap(), "${schema}'; drop table x; --");
        assert_eq!(v.fill("$${schema}").unwrap(), "${schema}");
        assert_eq!(v.fill("${nope}"), Err(Wrong::Undefined("nope".into())));
        assert_eq!(v.fill("${"), Err(Wrong::Malformed));
        assert_eq!(v.fill("${a b}"), Err(Wrong::Malformed));
    }

    #[test]
    fn secret_variables_leave_a_placeholder() {
        let mut v = variables();
        v.set_secret("pw");
        assert_eq!(v.fill("a '${pw}' ${schema} ${pw:-default}").unwrap(), "a '${secret:pw}' platform ${secret:pw}");
        // nothing else can become one
        v.set("sly", "x ${secret:pw}");
        for text in ["$${secret:pw}", "${sly}", "${nope:-${secret:pw}}"] {
            assert!(matches!(v.fill(text), Err(Wrong::Reserved | Wrong::Malformed)), "{text}");
        }
        assert_eq!(v.fill("${secret:pw}"), Err(Wrong::Malformed));
    }

    #[test]
    fn plain_scalars_take_their_type() {
        let source = "a: ${n}\nb: \"${n}\"\nc: ${n} rows\n";
        let mut value: Value = serde_yaml::from_str(source).unwrap();
        let mut out = Diagnostics::default();
        variables().fill_value(&mut value, &Place::value(FileId(0), vec![]), &|| Arc::new(Spans::of(source)), &mut out);
        assert_eq!(value, json!({"a": 500, "b": "500", "c": "500 rows"}));
    }

    #[test]
    fn undefined_names_have_a_place() {
        let mut value = json!({"a": ["${shema}", "${other}"]});
        let mut out = Diagnostics::default();
        variables().fill_value(&mut value, &Place::value(FileId(0), vec![]), &Arc::default, &mut out);
        let helps: Vec<_> = out.iter().map(|d| d.help.clone().unwrap()).collect();
        assert_eq!(helps[0], "did you mean `${schema}`?");
        assert!(helps[1].contains("--var other="));
    }
}
