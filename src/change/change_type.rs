//! What every change type is: its face, how it is undone, and what it may know of its surroundings.

use crate::base::{Diagnostics, FileId, PaceSpec, Place, QualifiedName};
use crate::effects::Effects;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::fmt::Debug;

/// What a change type's file implements.
pub trait ChangeType: Serialize + DeserializeOwned + JsonSchema + Debug + Send + Sync + 'static {
    /// Finds what the types alone cannot: contradictions between parameters.
    fn check(&self, place: &Place, out: &mut Diagnostics) {
        let _ = (place, out);
    }

    /// Says which objects it creates, changes, reads and drops.
    fn effects(&self, effects: &mut Effects);

    /// The table (or other object) that it lives and dies with. When the same changeset
    /// made that table, undoing the table is enough.
    fn home(&self) -> Option<&QualifiedName> {
        None
    }

    /// How it is undone.
    fn undo(&self, scope: &Scope) -> Undo {
        match self.home() {
            Some(table) if scope.creates(table) => Undo::Nothing,
            _ => Undo::Derived,
        }
    }

    /// What its template sees besides its own fields.
    fn extra(&self, scope: &Scope, context: &mut serde_json::Map<String, Value>) {
        let _ = (scope, context);
    }

    /// Reads what it refers to outside of the YAML (`sqlFile`).
    fn attach(&mut self, files: &dyn ReadFile, place: &Place, out: &mut Diagnostics) {
        let _ = (files, place, out);
    }

    /// The batched form, where the change works through a table in batches.
    fn batch(&self) -> Option<Batch> {
        None
    }

    /// The texts of the files that it refers to; they belong to the checksum.
    fn files(&self) -> Vec<String> {
        Vec::new()
    }

    /// The file whose text is this value of the template's context; `None`: it stands in the YAML.
    fn file_of(&self, name: &str) -> Option<FileId> {
        let _ = name;
        None
    }
}

/// A file that a change refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileText {
    /// The file.
    pub id: FileId,
    /// Its text.
    pub raw: String,
    /// Its text with the variables of the environment filled in.
    pub filled: String,
}

/// Reads files of the project by their paths relative to the project's folder.
pub trait ReadFile {
    /// The file's text. What is wrong with it is said in the file itself, or at `place`, where
    /// its path is written: outside of the project, not UTF-8, too large, not there, a variable
    /// without a value.
    fn read(&self, path: &str, place: &Place, out: &mut Diagnostics) -> Option<FileText>;
}

/// How a change is undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undo {
    /// By the rollback section of its template.
    Derived,
    /// By undoing what the same changeset created.
    Nothing,
    /// Not at all without help: says what is needed.
    Missing(String),
}

/// How a batched change iterates over its table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    /// The table.
    pub table: QualifiedName,
    /// The columns of a unique key, in order.
    pub key: Vec<crate::base::Ident>,
    /// The number of rows of the first batch; the size of later batches adapts to their duration.
    pub size: u32,
    /// True if a condition tells which rows are left, so that a final sweep finds rows inserted behind the
    /// position.
    pub sweep: bool,
    /// The condition, if each changed row tells whether it still meets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
    /// The load limits of the backfill.
    #[serde(default, skip_serializing_if = "PaceSpec::is_empty")]
    pub pace: PaceSpec,
}

/// What a change may know of its surroundings: the changeset before it.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The id of the changeset.
    pub changeset: String,
    /// The schema of the ledger.
    pub ledger: String,
    /// Whether the changeset is applied again when its content changes.
    pub repeatable: bool,
    /// What the changes before this one do.
    pub before: Effects,
}

impl Scope {
    /// Whether the same changeset created this relation before.
    #[must_use]
    pub fn creates(&self, name: &QualifiedName) -> bool {
        self.before.made.contains(name)
    }

    /// Whether the same changeset added this column before (or made its whole table).
    #[must_use]
    pub fn adds_column(&self, table: &QualifiedName, column: &str) -> bool {
        self.creates(table) || self.before.columns.iter().any(|(t, c)| t == table && c == column)
    }
}

/// One parsed change: a built-in type or the project's own. Object-safe face of [`ChangeType`].
pub trait Change: Debug + Send + Sync {
    /// Its YAML key, such as `createTable`.
    fn kind(&self) -> &str;
    /// See [`ChangeType::check`].
    fn check(&self, place: &Place, out: &mut Diagnostics);
    /// See [`ChangeType::effects`].
    fn effects(&self, effects: &mut Effects);
    /// See [`ChangeType::undo`].
    fn undo(&self, scope: &Scope) -> Undo;
    /// The template's context.
    fn context(&self, scope: &Scope) -> Value;
    /// See [`ChangeType::attach`].
    fn attach(&mut self, files: &dyn ReadFile, place: &Place, out: &mut Diagnostics);
    /// See [`ChangeType::batch`].
    fn batch(&self) -> Option<Batch>;
    /// See [`ChangeType::files`].
    fn files(&self) -> Vec<String>;
    /// See [`ChangeType::file_of`].
    fn file_of(&self, name: &str) -> Option<FileId>;
}

/// A built-in change type with its parameters.
#[derive(Debug)]
pub(super) struct BuiltIn<T> {
    pub kind: &'static str,
    pub change: T,
}

impl<T: ChangeType> Change for BuiltIn<T> {
    fn kind(&self) -> &str {
        self.kind
    }
    fn check(&self, place: &Place, out: &mut Diagnostics) {
        self.change.check(place, out);
    }
    fn effects(&self, effects: &mut Effects) {
        self.change.effects(effects);
    }
    fn undo(&self, scope: &Scope) -> Undo {
        self.change.undo(scope)
    }
    fn context(&self, scope: &Scope) -> Value {
        let value = serde_json::to_value(&self.change).expect("change types serialise to JSON");
        let Value::Object(mut map) = value else { unreachable!("change types are structs") };
        add_scope(scope, &mut map);
        self.change.extra(scope, &mut map);
        Value::Object(map)
    }
    fn attach(&mut self, files: &dyn ReadFile, place: &Place, out: &mut Diagnostics) {
        self.change.attach(files, place, out);
    }
    fn batch(&self) -> Option<Batch> {
        self.change.batch()
    }
    fn files(&self) -> Vec<String> {
        self.change.files()
    }
    fn file_of(&self, name: &str) -> Option<FileId> {
        self.change.file_of(name)
    }
}

/// The names under which every template sees its surroundings.
pub(super) fn add_scope(scope: &Scope, map: &mut serde_json::Map<String, Value>) {
    map.insert("ledgerSchema".to_owned(), Value::String(scope.ledger.clone()));
    map.insert("changesetId".to_owned(), Value::String(scope.changeset.clone()));
    map.insert("repeatable".to_owned(), Value::Bool(scope.repeatable));
}
