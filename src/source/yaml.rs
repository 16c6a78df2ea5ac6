//! YAML text to a JSON value, strictly: duplicate keys, tags, other documents are problems.

use super::document::{Document, MERGE};
use super::entries;
use super::spans::{Refusal, Spans, expands_too_far, too_deep};
use super::syntax;
use crate::base::{Code, Diagnostic, Diagnostics, FileId, Place};
use serde_json::{Map, Value};
use serde_yaml::Value as Yaml;

const TOO_DEEP: &str = "the file is nested too deeply";
const DEEPEST: &str = "the limit is 128 levels";
const TOO_MUCH: &str = "the aliases of this file expand beyond the limit";
const WRITE_OUT: &str = "write the repeated part out, or once in a template";

/// Reads a changelog file. `None` when it is not one strict YAML document; the reasons are in `out`.
pub fn document(file: FileId, text: &str, out: &mut Diagnostics) -> Option<Document> {
    if is_hostile(file, text, out) {
        return None;
    }
    match entries::read(text) {
        Some(entries) => Some(entries.into()),
        None => tree(file, text, out).map(Document::from),
    }
}

/// Reads a file. `None` when it is not one strict YAML document; the reasons are in `out`.
/// An empty file is `null`.
pub fn parse(file: FileId, text: &str, out: &mut Diagnostics) -> Option<Value> {
    if is_hostile(file, text, out) {
        return None;
    }
    tree(file, text, out)
}

/// Whether it would take too much to read the file.
fn is_hostile(file: FileId, text: &str, out: &mut Diagnostics) -> bool {
    let problem = |message: &str| Diagnostic::error(Code::NotYaml, format!("not YAML: {message}"));
    match too_deep(text).or_else(|| expands_too_far(text)) {
        None => return false,
        Some(Refusal::Deep(at)) => out.push(problem(TOO_DEEP).at(Place::bytes(file, at..at)).help(DEEPEST)),
        Some(Refusal::Expands(at)) => out.push(problem(TOO_MUCH).at(Place::bytes(file, at)).help(WRITE_OUT)),
        Some(Refusal::Unreadable(at, message)) => {
            syntax::explain(file, text, &message, at).into_iter().for_each(|problem| out.push(problem));
        }
    }
    true
}

fn tree(file: FileId, text: &str, out: &mut Diagnostics) -> Option<Value> {
    match serde_yaml::from_str::<Yaml>(text) {
        Ok(yaml) => {
            let whole = Place::value(file, Vec::new());
            to_json(yaml, &whole, out)
        }
        Err(e) => {
            problems(file, text, &e, out);
            None
        }
    }
}

fn problems(file: FileId, text: &str, error: &serde_yaml::Error, out: &mut Diagnostics) {
    let spans = Spans::of(text);
    let mut twice = false;
    for (key, second, first) in spans.duplicates() {
        twice = true;
        out.push(
            Diagnostic::error(Code::KeyTwice, format!("the key `{key}` occurs twice"))
                .at(Place::bytes(file, second.clone()))
                .related(Place::bytes(file, first.clone()), "first here")
                .help("keep one of them"),
        );
    }
    if twice {
        return;
    }
    let full = error.to_string();
    let at = error.location().map_or(0, |l| l.index().min(text.len()));
    let at = match spans.error() {
        Some((span, _)) if at == 0 => span.start,
        _ => at,
    };
    let problem = |message: &str, place| Diagnostic::error(Code::NotYaml, format!("not YAML: {message}")).at(place);
    if full.contains("more than one document") {
        let place = spans.second_document().map_or(at..at, Clone::clone);
        out.push(
            problem("the file contains more than one YAML document", Place::bytes(file, place))
                .help("put each into a file of its own"),
        );
    } else if full.contains("repetition limit") {
        out.push(problem(TOO_MUCH, Place::bytes(file, at..at)).help(WRITE_OUT));
    } else if full.contains("recursion limit") {
        out.push(problem(TOO_DEEP, Place::bytes(file, at..at)).help(DEEPEST));
    } else {
        syntax::explain(file, text, &full, at).into_iter().for_each(|problem| out.push(problem));
    }
}

/// A YAML value as JSON; what JSON cannot hold is a problem.
fn to_json(yaml: Yaml, place: &Place, out: &mut Diagnostics) -> Option<Value> {
    Some(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(b) => Value::Bool(b),
        Yaml::String(s) => Value::String(s),
        Yaml::Number(n) => {
            let number = n
                .as_u64()
                .map(Into::into)
                .or_else(|| n.as_i64().map(Into::into))
                .or_else(|| n.as_f64().and_then(serde_json::Number::from_f64));
            let Some(number) = number else {
                out.push(
                    Diagnostic::error(Code::WrongValue, format!("`{n}` is not a supported number"))
                        .at(place.clone())
                        .help("quote it to have it as a text"),
                );
                return None;
            };
            Value::Number(number)
        }
        Yaml::Sequence(list) => {
            let mut values = Vec::with_capacity(list.len());
            for (i, item) in list.into_iter().enumerate() {
                // the place is built only where something is wrong below
                values.push(convert_child(item, out, || place.at(i))?);
            }
            Value::Array(values)
        }
        Yaml::Mapping(map) => {
            let mut object = Map::with_capacity(map.len());
            let mut merged = Vec::new();
            for (key, value) in map {
                let Yaml::String(key) = key else {
                    out.push(
                        Diagnostic::error(Code::KeyNoText, format!("the key `{}` is not a text", show(&key)))
                            .at(place.clone())
                            .help("quote it"),
                    );
                    return None;
                };
                let value = convert_child(value, out, || place.child(&key))?;
                if key == MERGE {
                    out.push(
                        Diagnostic::error(Code::MergeKey, "YAML merge keys (`<<`) are not supported")
                            .at(place.child(MERGE).as_key())
                            .help("write the keys out; an anchor may stand for a whole value: `columns: *columns`"),
                    );
                    merged.push(value);
                    continue;
                }
                object.insert(key, value);
            }
            // as it was meant, so that what is said of the rest is right
            for part in merged.iter().flat_map(|m| m.as_array().cloned().unwrap_or_else(|| vec![m.clone()])) {
                for (key, value) in part.as_object().cloned().unwrap_or_default() {
                    object.entry(key).or_insert(value);
                }
            }
            Value::Object(object)
        }
        Yaml::Tagged(tagged) => {
            out.push(
                Diagnostic::error(Code::YamlTag, format!("the YAML tag `{}` is not supported here", tagged.tag))
                    .at(place.clone())
                    .help("write `name: value` instead of `!name value`"),
            );
            return None;
        }
    })
}

fn convert_child(value: Yaml, out: &mut Diagnostics, place: impl FnOnce() -> Place) -> Option<Value> {
    match value {
        Yaml::Null => Some(Value::Null),
        Yaml::Bool(b) => Some(Value::Bool(b)),
        Yaml::String(s) => Some(Value::String(s)),
        other => to_json(other, &place(), out),
    }
}

fn show(key: &Yaml) -> String {
    serde_yaml::to_string(key).unwrap_or_default().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(text: &str) -> Vec<String> {
        let mut out = Diagnostics::default();
        assert!(parse(FileId(0), text, &mut out).is_none(), "{text}");
        out.iter().map(|d| d.message.clone()).collect()
    }

    #[test]
    fn texts_stay_texts() {
        let mut out = Diagnostics::default();
        let value = parse(FileId(0), "a: yes\nb: 010\nc: 1.10\nd:\n", &mut out).unwrap();
        assert_eq!(value, serde_json::json!({"a": "yes", "b": "010", "c": 1.1, "d": null}));
    }

    #[test]
    fn the_text_of_entries_is_that_of_the_tree() {
        for entries in [
            "[]",
            "[{id: a, n: [1, -1, 1.5, 1.0, -0.0, 1e300, 1E3, 0x1f, 0o17, 18446744073709551615, 9223372036854775808]}]",
            "[{t: [yes, no, true, False, ~, null, '', \"\", 010, 1.10, +1, 1_000, 2024-01-01, '1', 12:30:45]}]",
            "[{text: \"é\\n\\0\\u2028\\t\\\\ \\\" /\", 'a key': {}, 'true': [[], {}, [[1], {a: [b]}]]}]",
            "[a, 1, ~, [b]]",
            "[&x {id: a, l: &y [1, 2]}, *x, {id: b, l: *y}]",
            "\n  - id: a\n    sql: |\n      one\n\n      two\n    folded: >-\n      one\n      two\n  - id: b\n",
            "[{tagged: !!str 1, n: !!int 3, f: !!float 1}]",
        ] {
            let text = format!("changesets: {entries}");
            let tree = parse(FileId(0), &text, &mut Diagnostics::default()).map(Document::from);
            let entries = entries::read(&text).map(Document::from);
            assert_eq!(entries, tree, "{text}");
            assert!(tree.is_some(), "{text}");
        }
    }

    #[test]
    fn every_duplicate_is_named() {
        assert_eq!(messages("a: 1\nb: {c: 1, c: 2}\na: 3\n"), ["the key `c` occurs twice", "the key `a` occurs twice"]);
    }

    #[test]
    fn hostile_files_are_refused() {
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
        for i in 1..10 {
            let refs = vec![format!("*a{}", i - 1); 9].join(",");
            bomb.push_str(&format!("a{i}: &a{i} [{refs}]\n"));
        }
        assert_eq!(
            messages(&bomb),
            ["the aliases of this file expand beyond the limit"].map(|m| format!("not YAML: {m}"))
        );
        // few nodes, but large ones: each alias is a copy of its text
        let large = format!("a: &x \"{}\"\nb: [{}]\n", "y".repeat(1_000_000), vec!["*x"; 100].join(", "));
        assert_eq!(messages(&large), ["not YAML: the aliases of this file expand beyond the limit"]);
        let nested = format!(
            "a: &x [{}]\nb: &y [{}]\nc: [{}]\n",
            "yyyyyyyy, ".repeat(1000),
            "*x, ".repeat(100),
            "*y, ".repeat(100)
        );
        assert!(nested.len() < 100_000 && messages(&nested)[0].contains("beyond the limit"));
        assert!(messages(&"[".repeat(100_000))[0].contains("nested too deeply"));
        // behind a mistake that only one of the parsers finds
        for rest in ["[".repeat(100_000), format!("&x \"{}\"\nc: [{}]\n", "y".repeat(1_000_000), "*x, ".repeat(1500))] {
            let found = messages(&format!("a: [x]# c\nb: {rest}"));
            assert!(found.len() == 1 && found[0].starts_with("not YAML: "), "{found:?}");
        }
        assert!(messages("a: !x 1")[0].contains("tag"));
        assert!(messages("1: x")[0].contains("not a text"));
        assert!(messages("a: 1\n---\nb: 2\n")[0].contains("more than one YAML document"));
        assert!(messages("a:\n\t- b\n")[0].starts_with("not YAML"));
        assert!(messages("a: *nothing")[0].contains("unknown anchor"));
        assert!(messages("a: .nan")[0].contains("number"));
    }
}
