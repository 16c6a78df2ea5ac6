//! What can be asked for: one file per change type.
//!
//! A change type is a struct (which *is* its YAML form and its template's context), what it
//! touches, and how it is undone. It holds no SQL: that is in `templates/sql/<kind>.sql.hbs`.
//! To add one: the file here, its `mod` line and its row in `change_types!` below, its
//! template, and its golden case in `tests/cases/<kind>/`; a test compares all four.

pub mod column;
pub mod custom;
pub mod elsewhere;
pub mod many;
pub mod piece;
#[cfg(test)]
mod testing;
pub mod value;

// one `mod` line per change type, kept outside of the macro: rustfmt must see them
mod add_check;
mod add_column;
mod add_enum_value;
mod add_foreign_key;
mod add_primary_key;
mod add_unique;
mod backfill;
mod change_column_type;
mod comment;
mod create_enum;
mod create_extension;
mod create_function;
mod create_index;
mod create_policy;
mod create_schema;
mod create_table;
mod create_trigger;
mod create_view;
mod delete;
mod drop_column;
mod drop_constraint;
mod drop_default;
mod drop_index;
mod drop_not_null;
mod drop_table;
mod enable_row_level_security;
mod grant;
mod insert;
mod rename_column;
mod rename_table;
mod set_default;
mod set_not_null;
mod sql;
mod sql_file;
mod update;

use crate::base::{Diagnostics, FileId, PaceSpec, Place, QualifiedName, typed::typed};
use crate::effects::Effects;
use schemars::{JsonSchema, Schema, SchemaGenerator};
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

/// How a batched change walks through its table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    /// The table that is walked through.
    pub table: QualifiedName,
    /// The columns of a unique key, in order.
    pub key: Vec<crate::base::Ident>,
    /// Rows in the first batch; the size adapts to the time that a batch takes.
    pub size: u32,
    /// Whether a condition says what is left, so that the table is walked through again for
    /// rows that came in behind the position.
    pub sweep: bool,
    /// The condition, where each changed row tells whether it still meets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
    /// How gently it goes.
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

#[derive(Debug)]
struct BuiltIn<T> {
    kind: &'static str,
    change: T,
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
fn add_scope(scope: &Scope, map: &mut serde_json::Map<String, Value>) {
    map.insert("ledgerSchema".to_owned(), Value::String(scope.ledger.clone()));
    map.insert("changesetId".to_owned(), Value::String(scope.changeset.clone()));
    map.insert("repeatable".to_owned(), Value::Bool(scope.repeatable));
}

/// Reads the parameters of a change.
type Parse = fn(&Value, &Place, &mut Diagnostics) -> Option<Box<dyn Change>>;

/// A built-in change type: a row of the registry.
#[derive(Debug)]
pub struct Kind {
    /// The YAML key: `createTable`.
    pub name: &'static str,
    /// The file's stem: `create_table`.
    pub stem: &'static str,
    /// The text of its template.
    pub template: &'static str,
    /// Reads its parameters.
    pub parse: Parse,
    /// The JSON Schema of its parameters.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
}

fn parse<T: ChangeType>(
    kind: &'static str,
    value: &Value,
    place: &Place,
    out: &mut Diagnostics,
) -> Option<Box<dyn Change>> {
    let change: T = typed(value, place, out)?;
    Some(Box::new(BuiltIn { kind, change }))
}

macro_rules! change_types {
    ($($stem:ident :: $ty:ident = $name:literal),* $(,)?) => {
        /// The built-in change types, in the order of their file names.
        pub static KINDS: &[Kind] = &[$(Kind {
            name: $name,
            stem: stringify!($stem),
            template: include_str!(concat!("../../templates/sql/", stringify!($stem), ".sql.hbs")),
            parse: |value, place, out| parse::<$stem::$ty>($name, value, place, out),
            schema: |generator| generator.subschema_for::<$stem::$ty>(),
        }),*];
    };
}

change_types! {
    add_check::AddCheck = "addCheck",
    add_column::AddColumn = "addColumn",
    add_enum_value::AddEnumValue = "addEnumValue",
    add_foreign_key::AddForeignKey = "addForeignKey",
    add_primary_key::AddPrimaryKey = "addPrimaryKey",
    add_unique::AddUnique = "addUnique",
    backfill::Backfill = "backfill",
    change_column_type::ChangeColumnType = "changeColumnType",
    comment::Comment = "comment",
    create_enum::CreateEnum = "createEnum",
    create_extension::CreateExtension = "createExtension",
    create_function::CreateFunction = "createFunction",
    create_index::CreateIndex = "createIndex",
    create_policy::CreatePolicy = "createPolicy",
    create_schema::CreateSchema = "createSchema",
    create_table::CreateTable = "createTable",
    create_trigger::CreateTrigger = "createTrigger",
    create_view::CreateView = "createView",
    delete::Delete = "delete",
    drop_column::DropColumn = "dropColumn",
    drop_constraint::DropConstraint = "dropConstraint",
    drop_default::DropDefault = "dropDefault",
    drop_index::DropIndex = "dropIndex",
    drop_not_null::DropNotNull = "dropNotNull",
    drop_table::DropTable = "dropTable",
    enable_row_level_security::EnableRowLevelSecurity = "enableRowLevelSecurity",
    grant::Grant = "grant",
    insert::Insert = "insert",
    rename_column::RenameColumn = "renameColumn",
    rename_table::RenameTable = "renameTable",
    set_default::SetDefault = "setDefault",
    set_not_null::SetNotNull = "setNotNull",
    sql::Sql = "sql",
    sql_file::SqlFile = "sqlFile",
    update::Update = "update",
}

/// The built-in change type of this YAML key.
#[must_use]
pub fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_registered() {
        let shared = ["mod", "column", "custom", "effects", "elsewhere", "many", "piece", "testing", "value"];
        let mut files: Vec<String> = std::fs::read_dir("src/change")
            .expect("runs in the crate's folder")
            .map(|e| e.expect("readable").path().file_stem().expect("a file").to_string_lossy().into_owned())
            .filter(|stem| !shared.contains(&stem.as_str()))
            .collect();
        files.sort();
        let stems: Vec<&str> = KINDS.iter().map(|k| k.stem).collect();
        assert_eq!(files, stems, "src/change against the table in src/change/mod.rs");
    }

    #[test]
    fn names_follow_the_files() {
        for kind in KINDS {
            let camel: String = kind
                .stem
                .split('_')
                .enumerate()
                .map(|(i, w)| if i == 0 { w.to_owned() } else { w[..1].to_uppercase() + &w[1..] })
                .collect();
            assert_eq!(kind.name, camel);
        }
    }
}
