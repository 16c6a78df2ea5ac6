//! The form of a test file: what it may hold.

use crate::change::many::Many;
use crate::change::value::SqlValue;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// A file of tests.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "dagmar tests")]
pub struct TestFileForm {
    /// What an environment has before the first changeset, such as roles and extensions: runs on the empty database
    /// before each test of this file.
    #[serde(default)]
    #[schemars(with = "Vec<SetupForm>")]
    pub setup: Vec<Value>,
    /// The tests.
    #[schemars(with = "Vec<TestForm>", length(min = 1))]
    pub tests: Vec<Value>,
}

/// SQL that is run before the first changeset: `sql` or `sqlFile`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SetupForm {
    /// The SQL.
    pub sql: Option<String>,
    /// A file of SQL, relative to the project's directory.
    pub sql_file: Option<String>,
}

/// A test.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TestForm {
    /// The name, once in a file.
    pub name: String,
    /// What is applied first: the id of a changeset or a list of ids, each with all that it depends on, `all` or
    /// `none`; default: all changesets.
    pub apply_to: Option<Many<String>>,
    /// The first rows; the same as a first step `given`.
    #[serde(default)]
    #[schemars(schema_with = "given_schema")]
    pub given: Option<Value>,
    /// The steps, in order.
    #[schemars(with = "Vec<StepForm>", length(min = 1))]
    pub steps: Vec<Value>,
    /// The environments that the test is for; in others it is skipped. Default: all.
    #[serde(default)]
    pub environments: Vec<String>,
}

/// A step of a test: one of `given`, `apply`, `rollback`, `sql`, `sqlFile`, `expect` and `fails`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct StepForm {
    /// Inserts rows.
    #[schemars(schema_with = "given_schema")]
    pub given: Option<Value>,
    /// Applies changesets, each with all that it depends on; `all`: all that are left.
    pub apply: Option<Many<String>>,
    /// Rolls changesets back, with all that depends on them; `all`: everything.
    pub rollback: Option<Many<String>>,
    /// Runs SQL of an application, which must succeed.
    pub sql: Option<String>,
    /// Runs a file of SQL, relative to the project's directory.
    pub sql_file: Option<String>,
    /// Runs a query and compares its result.
    #[schemars(with = "Option<ExpectForm>")]
    pub expect: Option<Value>,
    /// Something that must fail.
    #[schemars(with = "Option<FailsForm>")]
    pub fails: Option<Value>,
    /// The role that runs the SQL of this step; default: a superuser.
    pub role: Option<String>,
    /// Settings of the session that runs the SQL of this step.
    #[schemars(schema_with = "settings_schema")]
    pub settings: Map<String, Value>,
}

/// A query and its result: one of `rows`, `value`, `count` and `empty`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ExpectForm {
    /// The query; of several statements, the result of the last one counts.
    pub sql: Option<String>,
    /// A file with the query, relative to the project's directory.
    pub sql_file: Option<String>,
    /// The rows: mappings of columns to values, or lists of the values of all columns.
    #[schemars(schema_with = "rows_schema")]
    pub rows: Option<Vec<Value>>,
    /// True if the order of the rows matters.
    pub ordered: bool,
    /// The value of the only column of the only row.
    #[serde(deserialize_with = "even_null")]
    #[schemars(schema_with = "value_schema")]
    pub value: Option<Value>,
    /// The number of rows.
    pub count: Option<u64>,
    /// True: no rows; false: at least one.
    pub empty: Option<bool>,
}

/// What must fail: one of `sql`, `sqlFile`, `apply` and `rollback`, with `sqlstate`, `message` or both.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FailsForm {
    /// SQL that must fail.
    pub sql: Option<String>,
    /// A file of SQL that must fail, relative to the project's directory.
    pub sql_file: Option<String>,
    /// Changesets of which one must fail.
    pub apply: Option<Many<String>>,
    /// Changesets whose rollback must fail.
    pub rollback: Option<Many<String>>,
    /// The SQLSTATE of the error, such as `"23505"`.
    #[schemars(schema_with = "sqlstate_schema")]
    pub sqlstate: Option<Value>,
    /// A part of the error message.
    pub message: Option<String>,
}

/// `null` is a value too.
fn even_null<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(d).map(Some)
}

fn given_schema(generator: &mut SchemaGenerator) -> Schema {
    let value = generator.subschema_for::<SqlValue>();
    json_schema!({
        "description": "Rows by table, in this order: { app.users: [{ id: 1 }] }; also `sql` and `sqlFile`.",
        "type": "object",
        "properties": {
            "sql": { "type": "string", "description": "SQL that makes rows." },
            "sqlFile": { "type": "string", "description": "A file of SQL, relative to the project's directory." }
        },
        "additionalProperties": {
            "description": "The rows of a table: column and value. A column that is omitted gets its default.",
            "type": "array",
            "items": { "type": "object", "additionalProperties": value }
        }
    })
}

fn settings_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "Settings of the session that runs the SQL of this step.",
        "type": "object",
        "additionalProperties": { "type": ["string", "number", "boolean"] }
    })
}

fn rows_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "The rows: mappings of columns to values, or lists of the values of all columns.",
        "type": "array",
        "items": { "type": ["object", "array"] }
    })
}

fn value_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "description": "The value of the only column of the only row." })
}

fn sqlstate_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "The SQLSTATE of the error: five digits or capital letters.",
        "type": ["string", "integer"],
        "examples": ["23505", "42501", "P0001"]
    })
}
