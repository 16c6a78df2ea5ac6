//! From an untyped document to a type, with every mistake and not only the first.

use super::Code;
use super::diag::{Diagnostic, Diagnostics, PathSeg, Place, nearest};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

/// Mistakes reported in one value; more would be noise.
const MOST: usize = 20;

/// Reads `value`, a mapping, as a `T`. Each mistake becomes a problem with its own place: the wrong part is
/// removed and the rest is read again.
pub fn typed<T: DeserializeOwned>(value: &Value, place: &Place, out: &mut Diagnostics) -> Option<T> {
    let before = out.counts();
    partly(value, place, out).filter(|_| out.counts() == before)
}

/// As [`typed`], and also returns the value without its wrong parts, so that one mistake does not cause others.
pub fn partly<T: DeserializeOwned>(value: &Value, place: &Place, out: &mut Diagnostics) -> Option<T> {
    if value.is_array() {
        // serde takes a list for a mapping without its keys
        out.push(problem("invalid type: sequence, expected a map", &[], place));
        return None;
    }
    let (mut message, mut path) = match attempt::<T>(value) {
        Ok(good) => return Some(good),
        Err(problem) => problem,
    };
    let mut rest = value.clone();
    let mut removed = Vec::new();
    let mut meant: Option<String> = None;
    for _ in 0..MOST {
        // a key that was taken out as wrong, or misspelt, is not missing too
        let missing = quoted_after(&message, "missing field `");
        if missing.is_none_or(|key| meant.as_deref() != Some(key) && !removed.iter().any(|r| r == key)) {
            out.push(problem(&message, &path, place));
        }
        if let Some(key) = quoted_after(&message, "unknown field `") {
            meant = nearest(key, expected(&message)).map(str::to_owned).or(meant);
        }
        // what is not whole goes as a whole, so that what stands beside it is looked at too
        if missing.is_some() && path.is_empty() {
            break;
        }
        let Some(PathSeg::Key(key)) = remove(&mut rest, &path) else { break };
        removed.push(key);
        match attempt::<T>(&rest) {
            Ok(left) => return Some(left),
            Err(next) => (message, path) = next,
        }
    }
    None
}

fn attempt<T: DeserializeOwned>(value: &Value) -> Result<T, (String, Vec<PathSeg>)> {
    // tracking the path doubles the cost, and only a mistake needs it
    if let Ok(good) = T::deserialize(value) {
        return Ok(good);
    }
    serde_path_to_error::deserialize(value).map_err(|e| {
        let path = e
            .path()
            .iter()
            .filter_map(|segment| match segment {
                Segment::Seq { index } => Some(PathSeg::Index(*index)),
                Segment::Map { key } => Some(PathSeg::Key(key.clone())),
                Segment::Enum { variant } => Some(PathSeg::Key(variant.clone())),
                Segment::Unknown => None,
            })
            .collect();
        (e.into_inner().to_string(), path)
    })
}

fn problem(message: &str, path: &[PathSeg], place: &Place) -> Diagnostic {
    let mut at = place.clone();
    at.path.extend_from_slice(path);
    if let Some(key) = quoted_after(message, "unknown field `") {
        // serde names the key as the last hop when it reports one
        if at.path.last() != Some(&PathSeg::Key(key.to_owned())) {
            at = at.child(key);
        }
        let known = expected(message);
        let others = (!known.is_empty()).then(|| format!("supported here: {}", known.join(", ")));
        return Diagnostic::error(Code::UnknownKey, format!("unknown key `{key}`"))
            .at(at.as_key())
            .maybe_help(others)
            .meant(nearest(key, known.iter().copied()));
    }
    if let Some(key) = quoted_after(message, "missing field `") {
        return Diagnostic::error(Code::MissingKey, format!("the key `{key}` is missing"))
            .at(at)
            .help(format!("add `{key}:`"));
    }
    if let Some(given) = quoted_after(message, "unknown variant `") {
        let known = expected(message);
        let help = nearest(given, known.iter().copied())
            .map(|near| format!("did you mean `{near}`?"))
            .unwrap_or_else(|| format!("one of: {}", known.join(", ")));
        return Diagnostic::error(Code::UnknownValue, format!("unknown value `{given}`")).at(at).help(help);
    }
    let (message, help) = in_words(message);
    Diagnostic::error(Code::WrongValue, message).at(at).maybe_help(help)
}

/// What serde says of a value of the wrong kind, in the words of YAML.
fn in_words(message: &str) -> (String, Option<String>) {
    let wrong = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    let Some((found, wanted)) = wrong.and_then(|text| text.split_once(", expected ")) else {
        return (message.to_owned(), None);
    };
    let found = match found {
        "map" => "a mapping".to_owned(),
        "sequence" => "a list".to_owned(),
        "null" | "unit value" => "nothing".to_owned(),
        other => match other.split_once(' ') {
            Some(("string", text)) => format!("the text {text}"),
            Some(("integer" | "boolean", value)) => value.to_owned(),
            Some(("floating", value)) => value.trim_start_matches("point ").to_owned(),
            _ => other.to_owned(),
        },
    };
    let (wanted, help) = match wanted {
        "a sequence" => ("a list", Some("write `[a, b]`, or a line `- a` for each")),
        "a map" => ("a mapping", Some("write `{ key: value }`, or a line `key: value` for each")),
        "a string" => ("a text", Some("write it in quotes: \"…\"")),
        "a boolean" => ("true or false", None),
        "u8" | "u16" | "u32" | "u64" | "usize" => ("a number from 0 on that is not too large", None),
        "i8" | "i16" | "i32" | "i64" => ("a number that is not too large", None),
        other if other.starts_with("struct ") => {
            ("a mapping", Some("write `{ key: value }`, or a line `key: value` for each"))
        }
        other => (other, None),
    };
    // quoting helps a number or boolean, not a list
    let help = help.filter(|_| wanted != "a text" || !matches!(found.as_str(), "a list" | "a mapping" | "nothing"));
    (format!("expected {wanted}, found {found}"), help.map(str::to_owned))
}

fn quoted_after<'a>(message: &'a str, start: &str) -> Option<&'a str> {
    message.strip_prefix(start)?.split('`').next()
}

/// The names that serde lists after "expected".
fn expected(message: &str) -> Vec<&str> {
    let Some((_, list)) = message.split_once(", expected ") else { return Vec::new() };
    list.split('`').skip(1).step_by(2).collect()
}

/// Takes the node at `path` out of `value`; for an element of a sequence the nearest
/// mapping entry around it.
fn remove(value: &mut Value, path: &[PathSeg]) -> Option<PathSeg> {
    let last = path.iter().rposition(|seg| matches!(seg, PathSeg::Key(_)))?;
    let mut node = value;
    for seg in &path[..last] {
        node = match seg {
            PathSeg::Key(key) => node.get_mut(key)?,
            PathSeg::Index(index) => node.get_mut(index)?,
        };
    }
    let PathSeg::Key(key) = &path[last] else { return None };
    node.as_object_mut()?.remove(key)?;
    Some(path[last].clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::FileId;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Column {
        #[expect(dead_code)]
        name: String,
        #[expect(dead_code)]
        size: Option<u8>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Table {
        table: String,
        columns: Vec<Column>,
    }

    #[test]
    fn a_misspelt_key_is_one_mistake() {
        let mut out = Diagnostics::default();
        let value = json!({"tabel": "t", "columns": []});
        assert!(typed::<Table>(&value, &Place::value(FileId(0), vec![]), &mut out).is_none());
        let said: Vec<&str> = out.iter().map(|d| d.message.as_str()).collect();
        assert_eq!(said, ["unknown key `tabel`"]);
    }

    #[test]
    fn a_list_is_no_mapping() {
        let mut out = Diagnostics::default();
        assert!(typed::<Table>(&json!(["t", []]), &Place::value(FileId(0), vec![]), &mut out).is_none());
        assert_eq!(out.iter().next().unwrap().message, "expected a mapping, found a list");
    }

    #[test]
    fn what_is_right_is_left() {
        let mut out = Diagnostics::default();
        let value = json!({"table": "t", "colunms": 1, "columns": [{"name": "a", "size": 300}, {"name": "b"}]});
        let place = Place::value(FileId(0), vec![]);
        let left = partly::<Table>(&value, &place, &mut out).unwrap();
        assert_eq!((left.table.as_str(), left.columns.len(), out.counts()), ("t", 2, (2, 0)));
        assert!(typed::<Table>(&value, &place, &mut out).is_none());
        assert!(typed::<Table>(&json!({"table": "t", "columns": []}), &place, &mut out).is_some(), "out has others");
    }

    #[test]
    fn every_mistake_is_reported() {
        let value = json!({"table": 7, "colums": 1, "columns": [{"name": "a", "size": 300}]});
        let mut out = Diagnostics::default();
        assert!(typed::<Table>(&value, &Place::value(FileId(0), vec![]), &mut out).is_none());
        let mut said: Vec<String> = out.iter().map(|d| d.message.clone()).collect();
        said.sort();
        assert_eq!(
            said,
            [
                "expected a number from 0 on that is not too large, found `300`",
                "expected a text, found `7`",
                "unknown key `colums`"
            ]
        );
        let typo = out.iter().find(|d| d.code == Code::UnknownKey).expect("reported");
        assert_eq!(typo.help, Some("did you mean `columns`?".into()));
    }
}
