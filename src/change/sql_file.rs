use super::sql::{Way, check_not_empty, no_way_back};
use super::{ChangeType, FileText, ReadFile, Scope, Undo};
use crate::base::{Diagnostics, FileId, Place};
use crate::effects::Effects;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Runs the SQL of a file unchanged. A line `-- segment` starts a new transaction.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SqlFile {
    /// The file, relative to the project directory.
    path: String,
    /// The file with the rollback SQL; without it the changeset needs its own `rollback`.
    #[serde(skip_serializing_if = "Option::is_none")]
    rollback_path: Option<String>,
    /// The file of `path`.
    #[serde(skip)]
    forward: Option<FileText>,
    /// The file of `rollback_path`.
    #[serde(skip)]
    rollback: Option<FileText>,
}

impl ChangeType for SqlFile {
    fn effects(&self, effects: &mut Effects) {
        effects.opaque = true;
    }

    fn undo(&self, _: &Scope) -> Undo {
        if self.rollback_path.is_some() { Undo::Derived } else { no_way_back("rollbackPath") }
    }

    fn extra(&self, _: &Scope, context: &mut Map<String, Value>) {
        for (name, file) in [("forward", &self.forward), ("rollback", &self.rollback)] {
            let text = file.as_ref().map(|file| file.filled.clone()).unwrap_or_default();
            context.insert(name.to_owned(), text.into());
        }
    }

    fn attach(&mut self, files: &dyn ReadFile, place: &Place, out: &mut Diagnostics) {
        let mut read = |path: &str, key: &str, way: Way| {
            let here = place.child(key);
            let file = files.read(path, &here, out)?;
            check_not_empty(&file.filled, way, here, out);
            Some(file)
        };
        self.forward = read(&self.path, "path", Way::Forward);
        self.rollback = self.rollback_path.as_deref().and_then(|path| read(path, "rollbackPath", Way::Rollback));
    }

    fn files(&self) -> Vec<String> {
        [&self.forward, &self.rollback].into_iter().flatten().map(|file| file.raw.clone()).collect()
    }

    fn file_of(&self, name: &str) -> Option<FileId> {
        let file = if name == "forward" { &self.forward } else { &self.rollback };
        file.as_ref().map(|file| file.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Code, Diagnostic};
    use serde_json::json;

    struct Files;
    impl ReadFile for Files {
        fn read(&self, path: &str, place: &Place, out: &mut Diagnostics) -> Option<FileText> {
            if path == "up.sql" {
                let text = "SELECT 1;\n".to_owned();
                return Some(FileText { id: FileId(3), raw: text.clone(), filled: text });
            }
            out.push(Diagnostic::error(Code::UnreadableSqlFile, "it is not there").at(place.clone()));
            None
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
        assert_eq!(out.iter().map(|d| d.code).collect::<Vec<_>>(), [Code::UnreadableSqlFile]);
        assert_eq!(out.iter().next().unwrap().place, Some(place.child("rollbackPath")));
        assert_eq!((change.file_of("forward"), change.file_of("rollback")), (Some(FileId(3)), None));
        assert_eq!(change.files(), ["SELECT 1;\n"]);
    }
}
