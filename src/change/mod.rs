//! The change types, one file each. The room contains no SQL: that is in `templates/sql/<kind>.sql.hbs`.
//!
//! A change type is a struct (which *is* its YAML form and its template's context), its effects, and its rollback. To add
//! one: the file here, its `mod` line and its row in `change_types!` below, its template, and its golden case in
//! `tests/cases/<kind>/`; a test compares all four.

mod change_type;
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
mod keep;
mod rename_column;
mod rename_table;
mod set_default;
mod set_not_null;
mod sql;
mod sql_file;
mod update;

use crate::base::{Diagnostics, Place, typed::typed};
pub use change_type::{Batch, Change, ChangeType, FileText, ReadFile, Scope, Undo};
use change_type::{BuiltIn, add_scope};
use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

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
        let shared =
            ["mod", "change_type", "column", "custom", "elsewhere", "keep", "many", "piece", "testing", "value"];
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
