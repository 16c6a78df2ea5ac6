use super::effects::Effects;
use super::sql::{check_not_empty, no_way_back};
use super::{ChangeType, ReadFile, Scope, Undo};
use crate::base::{Diagnostic, Diagnostics, Place};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Runs the SQL of a file as it stands. A line `-- segment` in it starts a new transaction.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SqlFile {
    /// The file, relative to the project's folder.
    path: String,
    /// The file with what takes it back; left out: the changeset needs a `rollback` of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    rollback_path: Option<String>,
    /// The text of `path`.
    #[serde(skip)]
    forward: String,
    /// The text of `rollback_path`.
    #[serde(skip)]
    rollback: String,
    /// Both texts before the variables were filled in.
    #[serde(skip)]
    raw: Vec<String>,
}

impl ChangeType for SqlFile {
    fn effects(&self, effects: &mut Effects) {
        effects.opaque = true;
    }

    fn undo(&self, _: &Scope) -> Undo {
        if self.rollback_path.is_some() { Undo::Derived } else { no_way_back("rollbackPath") }
    }

    fn extra(&self, _: &Scope, context: &mut Map<String, Value>) {
        context.insert("forward".to_owned(), self.forward.clone().into());
        context.insert("rollback".to_owned(), self.rollback.clone().into());
    }

    fn attach(&mut self, files: &dyn ReadFile, place: &Place, out: &mut Diagnostics) {
        let mut raw = Vec::new();
        let mut read = |path: &str, key: &str| match files.read(path).and_then(|text| Ok((files.fill(&text)?, text))) {
            Ok((filled, text)) => {
                check_not_empty(&text, place.child(key), out);
                raw.push(text);
                filled
            }
            Err(why) => {
                out.push(
                    Diagnostic::error("DG0321", format!("cannot read `{path}`: {why}"))
                        .at(place.child(key))
                        .help("the path starts at the project's folder, where `dagmar.yaml` is"),
                );
                String::new()
            }
        };
        self.forward = read(&self.path, "path");
        if let Some(path) = &self.rollback_path {
            self.rollback = read(path, "rollbackPath");
        }
        self.raw = raw;
    }

    fn files(&self) -> Vec<String> {
        self.raw.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::FileId;
    use serde_json::json;

    struct Files;
    impl ReadFile for Files {
        fn fill(&self, text: &str) -> Result<String, String> {
            Ok(text.to_owned())
        }

        fn read(&self, path: &str) -> Result<String, String> {
            if path == "up.sql" { Ok("SELECT 1;\n".to_owned()) } else { Err("it is not there".to_owned()) }
        }
    }

    #[test]
    fn files_are_read_and_their_absence_is_named() {
        let mut out = Diagnostics::default();
        let place = Place::value(FileId(0), vec![]);
        let kind = crate::change::find("sqlFile").unwrap();
        let value = json!({"path": "up.sql", "rollbackPath": "down.sql"});
        let mut change = (kind.parse)(&value, &place, &mut out).unwrap();
        change.attach(&Files, &place, &mut out);
        assert_eq!(out.iter().map(|d| d.code).collect::<Vec<_>>(), ["DG0321"]);
        assert_eq!(out.iter().next().unwrap().place, Some(place.child("rollbackPath")));
    }
}
