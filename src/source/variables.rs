//! `${name}` and `${name:-default}` in the texts of a changeset.

use super::set::SourceFile;
use crate::base::secret::{PLACEHOLDER, placeholder};
use crate::base::{Code, Diagnostic, Diagnostics, FileId, PathSeg, Place, Setting, diag::nearest};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The values that names stand for, in one environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables {
    values: BTreeMap<String, String>,
    /// The names of those whose values are secret: a placeholder is filled in for them.
    secret: BTreeSet<String>,
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceholderError {
    /// A name without a value and without a default.
    Undefined(String),
    /// `${` without a name or without its end.
    Malformed,
    /// A text that reads like the placeholder of a secret variable and is none.
    Reserved,
}

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part<'a> {
    /// It stands for itself.
    Plain(&'a str),
    /// `$${`, which stands for `${`.
    Escaped,
    /// What would be taken for the placeholder of a secret variable later.
    Reserved,
    /// A name with its default.
    Name(&'a str, Option<&'a str>),
    /// `${` that is no name.
    Malformed,
}

/// The parts of a text with the bytes that they take in it.
fn parts(text: &str) -> Vec<(Range<usize>, Part<'_>)> {
    let mut parts = Vec::new();
    let (mut plain, mut from) = (0, 0);
    let last_brace = text.rfind('}').unwrap_or(0);
    while let Some(at) = text[from..].find("${").map(|at| at + from) {
        let escaped = at > plain && text.as_bytes()[at - 1] == b'$';
        let start = if escaped { at - 1 } else { at };
        if start > plain {
            parts.push((plain..start, Part::Plain(&text[plain..start])));
        }
        let (end, part) = if escaped {
            let part = if text[at..].starts_with(PLACEHOLDER) { Part::Reserved } else { Part::Escaped };
            (at + 2, part)
        } else {
            variable(text, at + 2, last_brace).unwrap_or((at + 2, Part::Malformed))
        };
        parts.push((start..end, part));
        (plain, from) = (end, end);
    }
    if plain < text.len() {
        parts.push((plain..text.len(), Part::Plain(&text[plain..])));
    }
    parts
}

/// The `name}` or `name:-default}` that begins at a byte, and the byte behind it.
fn variable(text: &str, start: usize, last_brace: usize) -> Option<(usize, Part<'_>)> {
    let of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let name_end = start + text[start..].find(|c| !of_name(c))?;
    let name = &text[start..name_end];
    if !is_name(name) {
        return None;
    }
    let rest = &text[name_end..];
    if rest.starts_with('}') {
        return Some((name_end + 1, Part::Name(name, None)));
    }
    // text without another brace is not searched again for each variable
    let default = rest.strip_prefix(":-").filter(|_| name_end < last_brace)?;
    let len = default.find('}')?;
    Some((name_end + 2 + len + 1, Part::Name(name, Some(&default[..len]))))
}

/// A part of a filled text: where it begins there and in the text as it is written, and whether
/// it is the same in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filled {
    /// Its first byte in the filled text.
    pub at: usize,
    /// Its first byte in the text as it is written.
    pub from: usize,
    /// Whether it stands there as it is.
    pub same: bool,
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
    pub fn fill(&self, text: &str) -> Result<String, PlaceholderError> {
        let mut out = String::with_capacity(text.len());
        for (_, part) in parts(text) {
            out.push_str(&self.value(part)?);
        }
        Ok(out)
    }

    /// Fills in what has a value; the rest stays as it is written.
    #[must_use]
    pub fn fill_known(&self, text: &str) -> String {
        parts(text).into_iter().map(|(range, part)| self.value(part).unwrap_or(text[range].into())).collect()
    }

    fn value<'a>(&'a self, part: Part<'a>) -> Result<Cow<'a, str>, PlaceholderError> {
        match part {
            Part::Plain(text) => Ok(text.into()),
            Part::Escaped => Ok("${".into()),
            Part::Reserved => Err(PlaceholderError::Reserved),
            Part::Name(name, _) if self.is_secret(name) => Ok(placeholder(name).into()),
            Part::Name(name, default) => match self.get(name).or(default) {
                Some(value) if value.contains(PLACEHOLDER) => Err(PlaceholderError::Reserved),
                Some(value) => Ok(value.into()),
                None => Err(PlaceholderError::Undefined(name.to_owned())),
            },
            Part::Malformed => Err(PlaceholderError::Malformed),
        }
    }

    /// Everything that is wrong with a text, each with its bytes.
    #[must_use]
    pub fn wrong(&self, text: &str) -> Vec<(Range<usize>, PlaceholderError)> {
        parts(text).into_iter().filter_map(|(range, part)| Some((range, self.value(part).err()?))).collect()
    }

    /// A text as [`Variables::fill_known`] fills it in: parts that stand in it as they are written,
    /// and such that do not.
    #[must_use]
    pub fn map(&self, text: &str) -> Vec<Filled> {
        let mut at = 0;
        let mut map = Vec::new();
        for (range, part) in parts(text) {
            let value = self.value(part);
            map.push(Filled { at, from: range.start, same: matches!(part, Part::Plain(_)) || value.is_err() });
            at += value.map_or(range.len(), |value| value.len());
        }
        map
    }

    /// The bytes of the text as it is written from which these of the filled one come.
    #[must_use]
    pub fn written(&self, text: &str, filled: &Range<usize>) -> Range<usize> {
        let map = self.map(text);
        let place = |at: usize| {
            let n = map.partition_point(|f| f.at <= at).max(1) - 1;
            let end = map.get(n + 1).map_or(text.len(), |next| next.from);
            match map.get(n) {
                Some(f) if f.same => f.from + at - f.at..f.from + at - f.at + 1,
                Some(f) => f.from..end,
                None => 0..0,
            }
        };
        let start = place(filled.start).start.min(text.len());
        let end = if filled.is_empty() { start } else { place(filled.end - 1).end.min(text.len()) };
        start..end.max(start)
    }

    /// Fills in the text of a file; what is wrong with it has its place there.
    pub fn fill_file(&self, file: &SourceFile, id: FileId, out: &mut Diagnostics) -> String {
        for (bytes, wrong) in self.wrong(&file.text) {
            out.push(self.problem(&wrong, Place::bytes(id, bytes)));
        }
        self.fill_known(&file.text)
    }

    /// Fills in every text below `value`. A scalar that is nothing but one `${name}` without
    /// quotes becomes the number or boolean that its value looks like, as if it stood there;
    /// the positions of `file` tell which are. What has no value stays as it is, and is said.
    pub fn fill_value(&self, value: &mut Value, place: &Place, file: &SourceFile, out: &mut Diagnostics) {
        self.walk(value, &mut place.path.clone(), place, file, out);
    }

    fn walk(
        &self,
        value: &mut Value,
        path: &mut Vec<PathSeg>,
        place: &Place,
        file: &SourceFile,
        out: &mut Diagnostics,
    ) {
        match value {
            Value::String(text) if text.contains("${") => {
                let Ok(filled) = self.fill(text) else {
                    for (bytes, wrong) in self.wrong(text) {
                        let here = Place::value(place.file, path.clone()).within(bytes);
                        out.push(self.problem(&wrong, here));
                    }
                    *text = self.fill_known(text);
                    return;
                };
                let whole = text.starts_with("${") && text.find('}') == Some(text.len() - 1);
                let plain = whole && file.spans().is_plain(path);
                *value = match plain.then(|| serde_yaml::from_str::<Value>(&filled)) {
                    Some(Ok(typed @ (Value::Number(_) | Value::Bool(_)))) => typed,
                    _ => Value::String(filled),
                };
            }
            Value::Array(list) => {
                for (i, item) in list.iter_mut().enumerate() {
                    path.push(PathSeg::Index(i));
                    self.walk(item, path, place, file, out);
                    path.pop();
                }
            }
            Value::Object(map) => {
                for (key, item) in map.iter_mut() {
                    path.push(PathSeg::Key(key.clone()));
                    self.walk(item, path, place, file, out);
                    path.pop();
                }
            }
            _ => {}
        }
    }

    fn problem(&self, wrong: &PlaceholderError, place: Place) -> Diagnostic {
        match wrong {
            PlaceholderError::Undefined(name) => {
                let near = nearest(name, self.values.keys().chain(&self.secret).map(String::as_str));
                Diagnostic::error(UNDEFINED, format!("the variable `{name}` has no value in this environment"))
                    .at(place)
                    .help(near.map_or_else(
                        || {
                            "set it under `variables:` in dagmar.yaml or with "
                                + Setting::Var.to(name)
                                + format!(", or write `${{{name}:-default}}`")
                        },
                        |near| format!("did you mean `${{{near}}}`?").into(),
                    ))
            }
            PlaceholderError::Malformed => {
                Diagnostic::error(Code::MalformedVariable, "`${` is not followed by a name and `}`")
                    .at(place)
                    .help("write `${name}` or `${name:-default}`; `$${` stands for `${` itself")
            }
            PlaceholderError::Reserved => {
                Diagnostic::error(Code::ReservedPlaceholder, format!("`{PLACEHOLDER}` is reserved"))
                    .at(place)
                    .help("a secret variable is written as `${name}`, like any other")
            }
        }
    }
}

/// The code of a variable without a value.
pub const UNDEFINED: Code = Code::UndefinedVariable;

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
        assert_eq!(v.fill("$$${schema}").unwrap(), "$${schema}");
        assert_eq!(v.fill("${nope}"), Err(PlaceholderError::Undefined("nope".into())));
        assert_eq!(v.fill("${"), Err(PlaceholderError::Malformed));
        assert_eq!(v.fill("${a b}"), Err(PlaceholderError::Malformed));
        assert_eq!(v.fill("${a ${schema}"), Err(PlaceholderError::Malformed));
    }

    #[test]
    fn every_mistake_of_a_text_has_its_bytes() {
        let text = "SELECT ${shema}.é, ${schema}, ${ x}, ${other}";
        let wrong: Vec<&str> = variables().wrong(text).into_iter().map(|(bytes, _)| &text[bytes]).collect();
        assert_eq!(wrong, ["${shema}", "${", "${other}"]);
    }

    #[test]
    fn what_is_filled_in_leads_back_to_its_variable() {
        let (v, text) = (variables(), "a ${schema}.t é ${n} $${x}");
        let filled = v.fill(text).unwrap();
        assert_eq!(filled, "a platform.t é 500 ${x}");
        let written = |part: &str| {
            let at = filled.find(part).unwrap();
            &text[v.written(text, &(at..at + part.len()))]
        };
        assert_eq!((written("a"), written("lat"), written(".t é"), written("00")), ("a", "${schema}", ".t é", "${n}"));
        assert_eq!((written("platform.t"), written("x}")), ("${schema}.t", "x}"));
        assert_eq!(v.written(text, &(filled.len()..filled.len())), text.len()..text.len());
        assert_eq!(v.written("", &(3..4)), 0..0);
    }

    fn file(text: &str) -> SourceFile {
        SourceFile::new("plans/a.yaml".to_owned(), text.to_owned())
    }

    #[test]
    fn secret_variables_leave_a_placeholder() {
        let mut v = variables();
        v.set_secret("pw");
        assert_eq!(v.fill("a '${pw}' ${schema} ${pw:-default}").unwrap(), "a '${secret:pw}' platform ${secret:pw}");
        // nothing else can become one
        v.set("sly", "x ${secret:pw}");
        for text in ["$${secret:pw}", "${sly}", "${nope:-${secret:pw}}"] {
            assert!(matches!(v.fill(text), Err(PlaceholderError::Reserved | PlaceholderError::Malformed)), "{text}");
        }
        assert_eq!(v.fill("${secret:pw}"), Err(PlaceholderError::Malformed));
    }

    #[test]
    fn plain_scalars_take_their_type() {
        let source = "a: ${n}\nb: \"${n}\"\nc: ${n} rows\n";
        let mut value: Value = serde_yaml::from_str(source).unwrap();
        let mut out = Diagnostics::default();
        variables().fill_value(&mut value, &Place::value(FileId(0), vec![]), &file(source), &mut out);
        assert_eq!(value, json!({"a": 500, "b": "500", "c": "500 rows"}));
    }

    #[test]
    fn undefined_names_have_a_place() {
        let mut value = json!({"a": ["x ${shema} ${shema}", "${other}"]});
        let mut out = Diagnostics::default();
        variables().fill_value(&mut value, &Place::value(FileId(0), vec![]), &file(""), &mut out);
        let found: Vec<_> = out.iter().map(|d| (d.help.clone().unwrap(), d.place.clone().unwrap().within)).collect();
        assert_eq!(found[0], ("did you mean `${schema}`?".into(), Some(2..10)));
        assert_eq!(found[1].1, Some(11..19));
        assert!(found[2].0.to_string().contains("`var=other`"));
    }
}
