//! Adds dependencies to the text of a file of changesets: every other byte of it stays.

use super::set::SourceFile;
use super::spans::Spans;
use crate::base::PathSeg;
use serde_yaml::Value;

/// Dependencies that a changeset gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDependencies {
    /// The path of the changeset in its file.
    pub path: Vec<PathSeg>,
    /// The ids.
    pub ids: Vec<String>,
}

/// The text of the file with these dependencies; `None` where it is written in a way that nobody expects.
#[must_use]
pub fn with_dependencies(file: &SourceFile, new: &[NewDependencies]) -> Option<String> {
    let spans = file.spans();
    let mut edits: Vec<(usize, String)> = Vec::new();
    for NewDependencies { path, ids } in new {
        edits.push(edit(&file.text, spans, path, ids)?);
    }
    edits.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let mut text = file.text.clone();
    for (at, more) in edits {
        text.insert_str(at, &more);
    }
    is_as_asked(&file.text, &text, new)?.then_some(text)
}

/// Where something is inserted, and what.
fn edit(text: &str, spans: &Spans, path: &[PathSeg], ids: &[String]) -> Option<(usize, String)> {
    let at = |key: &str| [path, &[PathSeg::Key(key.to_owned())]].concat();
    let ids: Vec<String> = ids.iter().map(|id| scalar(id)).collect();
    let line_end = |from: usize| text[from..].find('\n').map_or(text.len(), |n| from + n);
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let break_after = |from: usize, lines: String| {
        let end = line_end(from);
        if end == text.len() { (end, format!("{newline}{lines}")) } else { (end + 1, format!("{lines}{newline}")) }
    };
    if let Some((list, last)) = spans.collection(&at("dependsOn")) {
        let is_flow = text[list.start..].starts_with('[');
        return Some(match (is_flow, last) {
            (true, None) => (list.start + 1, ids.join(", ")),
            (true, Some(last)) => {
                // behind an entry that is a mapping
                let rest = &text[last..list.end];
                let behind = rest.rfind(['}']).map_or(last, |n| last + n + 1);
                (behind, ids.iter().map(|id| format!(", {id}")).collect())
            }
            (false, None) => return None,
            (false, Some(last)) => {
                let mut first = at("dependsOn");
                first.push(PathSeg::Index(0));
                let start = spans.find(&first, false)?.start;
                let line = text[..start].rfind('\n').map_or(0, |n| n + 1);
                let dash = text[line..start].find('-')?;
                let indent = &text[line..line + dash];
                let lines: Vec<String> = ids.iter().map(|id| format!("{indent}- {id}")).collect();
                break_after(last, lines.join(newline))
            }
        });
    }
    if spans.scalar(&at("dependsOn")).is_some() {
        return None;
    }
    let (changeset, _) = spans.collection(path)?;
    let (id, _) = spans.scalar(&at("id"))?;
    if text[changeset.start..].starts_with('{') {
        return Some((id.end, format!(", dependsOn: [{}]", ids.join(", "))));
    }
    let key = spans.find(&at("id"), true)?.start;
    let line = text[..key].rfind('\n').map_or(0, |n| n + 1);
    let indent = " ".repeat(text[line..key].chars().count());
    Some(break_after(id.end, format!("{indent}dependsOn: [{}]", ids.join(", "))))
}

/// An id as a YAML scalar that is a text.
fn scalar(id: &str) -> String {
    match serde_yaml::from_str::<Value>(id) {
        Ok(Value::String(_)) if id.parse::<f64>().is_err() => id.to_owned(),
        _ => format!("'{id}'"),
    }
}

/// Whether the new text says the same as the old one, with these dependencies.
fn is_as_asked(old: &str, new: &str, asked: &[NewDependencies]) -> Option<bool> {
    let mut expected: Value = serde_yaml::from_str(old).ok()?;
    let found: Value = serde_yaml::from_str(new).ok()?;
    for NewDependencies { path, ids } in asked {
        let mut node = &mut expected;
        for seg in path {
            node = match seg {
                PathSeg::Key(key) => node.get_mut(key.as_str())?,
                PathSeg::Index(n) => node.get_mut(*n)?,
            };
        }
        let mapping = node.as_mapping_mut()?;
        let list = mapping.entry(Value::from("dependsOn")).or_insert_with(|| Value::Sequence(Vec::new()));
        if list.is_null() {
            return None;
        }
        list.as_sequence_mut()?.extend(ids.iter().map(|id| Value::from(id.as_str())));
    }
    Some(expected == found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(text: &str, n: usize, ids: &[&str]) -> Option<String> {
        let file = SourceFile::new("a.yaml".to_owned(), text.to_owned());
        let path = vec![PathSeg::Key("changesets".to_owned()), PathSeg::Index(n)];
        with_dependencies(&file, &[NewDependencies { path, ids: ids.iter().map(ToString::to_string).collect() }])
    }

    #[test]
    fn layout_and_comments_stay() {
        for (text, expected) in [
            (
                "changesets:\n  - id: a # first\n    changes: []\n",
                "changesets:\n  - id: a # first\n    dependsOn: [x, y/1]\n    changes: []\n",
            ),
            (
                "changesets:\n  - id: a\n    dependsOn: [b, c]  # why\n    changes: []\n",
                "changesets:\n  - id: a\n    dependsOn: [b, c, x, y/1]  # why\n    changes: []\n",
            ),
            (
                "changesets:\n- id: a\n  dependsOn:\n  - b # why\n  # end\n  changes: []\n",
                "changesets:\n- id: a\n  dependsOn:\n  - b # why\n  - x\n  - y/1\n  # end\n  changes: []\n",
            ),
            (
                "changesets:\n  - changes: []\n    dependsOn:\n      - b\n      - id: c\n        soak: 3d\n    id: a\n",
                "changesets:\n  - changes: []\n    dependsOn:\n      - b\n      - id: c\n        soak: 3d\n      - x\n      - y/1\n    id: a\n",
            ),
            (
                "changesets:\n  - id: a\n    dependsOn: [ b, { id: c, soak: 3d } ]\n",
                "changesets:\n  - id: a\n    dependsOn: [ b, { id: c, soak: 3d }, x, y/1 ]\n",
            ),
            ("changesets:\n  - id: a\n    dependsOn: []\n", "changesets:\n  - id: a\n    dependsOn: [x, y/1]\n"),
            ("changesets: [{ id: a, changes: [] }]", "changesets: [{ id: a, dependsOn: [x, y/1], changes: [] }]"),
            (
                "changesets:\r\n  - changes: []\r\n    id: a",
                "changesets:\r\n  - changes: []\r\n    id: a\r\n    dependsOn: [x, y/1]",
            ),
        ] {
            assert_eq!(added(text, 0, &["x", "y/1"]).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(
            added("changesets:\n  - id: a\n", 0, &["010"]).as_deref(),
            Some("changesets:\n  - id: a\n    dependsOn: ['010']\n")
        );
    }

    #[test]
    fn what_is_written_otherwise_is_left_alone() {
        assert_eq!(added("changesets:\n  - id: a\n    dependsOn: b\n", 0, &["x"]), None);
        assert_eq!(added("changesets:\n  - id: a\n    dependsOn:\n", 0, &["x"]), None);
        assert_eq!(
            added("changesets:\n  - id: a\n    dependsOn: &d [b]\n  - id: c\n    dependsOn: *d\n", 1, &["x"]),
            None
        );
    }
}
