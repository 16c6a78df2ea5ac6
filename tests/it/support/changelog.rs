//! Changesets and changelogs, built key by key and written as YAML.

use super::project::Project;
use serde_json::{Map, Value, json};
use std::fmt::{Display, Formatter, Result};

/// A changeset; `to_string` writes it as an item of `changesets`.
#[derive(Clone)]
pub struct Changeset {
    /// Every key but `changes`, in the order in which they were set.
    keys: Map<String, Value>,
    changes: Vec<(String, Value)>,
}

/// A changeset without changes.
pub fn changeset(id: &str) -> Changeset {
    Changeset { keys: Map::from_iter([("id".to_owned(), json!(id))]), changes: Vec::new() }
}

/// A changeset of one `sql` change.
pub fn sql(id: &str, forward: &str, rollback: &str) -> Changeset {
    changeset(id).sql(forward, rollback)
}

/// A changeset that makes a table of its own name.
pub fn table(id: &str) -> Changeset {
    sql(id, &format!("CREATE TABLE \"{id}\" (n int)"), &format!("DROP TABLE \"{id}\""))
}

/// A repeatable changeset of a view of its own name.
pub fn view(id: &str, query: &str) -> Changeset {
    changeset(id).with("repeatable", true).change("createView", json!({ "name": id, "query": query }))
}

/// The parameters of a change, as they are written between braces: `table: t, key: [id]`.
pub fn parameters(text: &str) -> Value {
    serde_yaml::from_str(&format!("{{ {text} }}")).unwrap()
}

impl Changeset {
    /// Sets a key of the changeset, or replaces its value.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.keys.insert(key.to_owned(), value.into());
        self
    }

    pub fn depends_on<const N: usize>(self, ids: [&str; N]) -> Self {
        self.with("dependsOn", ids.as_slice())
    }

    pub fn environments<const N: usize>(self, names: [&str; N]) -> Self {
        self.with("environments", names.as_slice())
    }

    pub fn aka<const N: usize>(self, ids: [&str; N]) -> Self {
        self.with("aka", ids.as_slice())
    }

    /// Adds a change of this type.
    pub fn change(mut self, kind: &str, parameters: Value) -> Self {
        self.changes.push((kind.to_owned(), parameters));
        self
    }

    /// Adds an index that is built concurrently.
    pub fn create_index<const N: usize>(self, name: &str, table: &str, columns: [&str; N]) -> Self {
        self.change("createIndex", json!({ "name": name, "table": table, "columns": columns.as_slice() }))
    }

    /// Adds a table with these columns.
    pub fn create_table<const N: usize>(self, table: &str, columns: [(&str, &str); N]) -> Self {
        let columns: Vec<Value> = columns.iter().map(|(name, kind)| json!({ "name": name, "type": kind })).collect();
        self.change("createTable", json!({ "table": table, "columns": columns }))
    }

    /// Adds a `sql` change.
    pub fn sql(self, forward: &str, rollback: &str) -> Self {
        self.change("sql", json!({ "forward": lines(forward), "rollback": lines(rollback) }))
    }
}

/// Texts of SQL end with their last line.
fn lines(text: &str) -> String {
    format!("{}\n", text.trim_end_matches('\n'))
}

impl Display for Changeset {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for (no, (key, value)) in self.keys.iter().enumerate() {
            writeln!(f, "  {} {key}: {}", if no == 0 { "-" } else { " " }, flow(value))?;
        }
        writeln!(f, "    changes:")?;
        for (kind, parameters) in &self.changes {
            match parameters {
                Value::Object(map) if kind == "sql" => {
                    writeln!(f, "      - sql:")?;
                    for (key, value) in map {
                        writeln!(f, "          {key}: {}", block(value))?;
                    }
                }
                other => writeln!(f, "      - {kind}: {}", flow(other))?,
            }
        }
        Ok(())
    }
}

/// A text of lines as a block at this indentation, anything else on its line.
fn block(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    let control = |c: char| c.is_control() && c != '\n';
    if !text.ends_with('\n') || text.ends_with("\n\n") || text.starts_with([' ', '\n']) || text.contains(control) {
        return flow(value);
    }
    let lines: Vec<String> = text.lines().map(|line| format!("            {line}")).collect();
    format!("|\n{}", lines.join("\n"))
}

/// A value on one line: JSON, with what needs no quotes without them.
fn flow(value: &Value) -> String {
    match value {
        Value::Array(list) => format!("[{}]", list.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let pairs: Vec<String> = map.iter().map(|(key, value)| format!("{key}: {}", flow(value))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        Value::String(text) if is_plain(text) => text.clone(),
        other => other.to_string().chars().map(escaped).collect(),
    }
}

/// What may not stand in YAML as it is; quoted texts alone have such characters.
fn escaped(c: char) -> String {
    let breaks = matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}');
    if c.is_control() || breaks { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() }
}

/// Whether a text is one in YAML without quotes, in every version of it.
fn is_plain(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(word)
        && !words.contains(&text.to_ascii_lowercase().as_str())
}

/// A file with these changesets.
pub fn file(changesets: &[impl Display]) -> String {
    let items: String = changesets.iter().map(ToString::to_string).collect();
    format!("changesets:\n{items}")
}

/// A project of one file.
pub fn project(changesets: &[impl Display]) -> Project {
    Project::new(&[("plans/a.yaml", &file(changesets))])
}

#[test]
fn what_is_built_is_what_is_read() {
    let odd = [
        "a",
        "no",
        "a: b",
        "- x",
        "'q'",
        "\"q\"",
        "#",
        "${x}",
        "tab\there",
        " first\nsecond\n",
        "1e3",
        "日本",
        "\u{7f}\u{9b}[2J\u{85}\u{2028}\u{202e}\u{feff}",
    ];
    let built = changeset("a")
        .with("aka", odd.as_slice())
        .with("limits", json!({ "lockTimeout": "3s", "lockRetries": 2 }))
        .change("sql", json!({ "forward": odd[9], "rollback": "one\n\n  two\n" }))
        .change("comment", json!({ "table": "a.\"b\"", "text": odd[2] }));
    let read: Value = serde_yaml::from_str(&file(&[built])).unwrap();
    let expected = json!({ "changesets": [{
        "id": "a", "aka": odd, "limits": { "lockTimeout": "3s", "lockRetries": 2 }, "changes": [
            { "sql": { "forward": odd[9], "rollback": "one\n\n  two\n" } },
            { "comment": { "table": "a.\"b\"", "text": odd[2] } },
        ] }] });
    assert_eq!(read, expected);
}
