//! The rules of the review: one code each, with one meaning, for ever. `lint/rules` has what each finds.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How severe the findings of a rule are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "LintLevel")]
pub enum Level {
    /// The rule reports nothing.
    Off,
    /// A preference, or a doubt that the text alone cannot settle.
    Low,
    /// The change works; clients may wait, or the next change is harder.
    Medium,
    /// Clients wait for as long as a table is large, clients fail, or rows are lost.
    High,
    /// Data is lost or wrong, access is opened, or the statement fails.
    Blocking,
}

impl Level {
    /// Every severity, worst first.
    pub const SEVERITIES: [Level; 4] = [Level::Blocking, Level::High, Level::Medium, Level::Low];

    /// The word in `dagmar.yaml`, on the command line and in answers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Level::Off => "off",
            Level::Low => "low",
            Level::Medium => "medium",
            Level::High => "high",
            Level::Blocking => "blocking",
        }
    }
}

/// Makes the enum, its codes, default levels and meanings from one table.
macro_rules! rules {
    ($($name:ident = $code:literal, $level:ident, $meaning:literal;)*) => {
        /// A rule of the review; the meaning of its code never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Rule {
            $(#[doc = $meaning] #[serde(rename = $code)] $name,)*
        }

        impl Rule {
            /// Every rule, in the order of the codes.
            pub const ALL: &'static [Rule] = &[$(Rule::$name,)*];

            /// The code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Rule::$name => $code,)*
                }
            }

            /// The level where the project says nothing.
            #[must_use]
            pub const fn level(self) -> Level {
                match self {
                    $(Rule::$name => Level::$level,)*
                }
            }

            /// The meaning, in a sentence without its full stop.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Rule::$name => $meaning,)*
                }
            }
        }
    };
}

rules! {
    AttachPartitionScans = "attach-partition-scans", Medium, "a partition is attached without a check that spares the server from reading it";
    CascadeDrop = "cascade-drop", High, "CASCADE drops objects that the statement does not name";
    CharColumn = "char-column", Low, "a column has the type char(n), which pads values with spaces";
    ColumnTypeRewrite = "column-type-rewrite", High, "a new column type rewrites the table and blocks all access";
    ConcurrentIndexIfNotExists = "concurrent-index-if-not-exists", High, "IF NOT EXISTS accepts the invalid index that a failed concurrent build leaves";
    ConstraintScan = "constraint-scan", High, "a constraint is validated while its table is blocked";
    DetachNotConcurrent = "detach-not-concurrent", Medium, "a partition is detached without CONCURRENTLY";
    DomainConstraint = "domain-constraint", Medium, "a domain has a constraint, which cannot be changed without reading every table that uses it";
    DropConstraint = "drop-constraint", Low, "a constraint is dropped: the server no longer keeps its promise";
    DropDatabase = "drop-database", Blocking, "a database is dropped";
    DropIndexNotConcurrent = "drop-index-not-concurrent", Medium, "an index is dropped without CONCURRENTLY";
    DropLosesData = "drop-loses-data", High, "rows or values are lost for good";
    DropNotNull = "drop-not-null", Low, "a column accepts NULL, which its readers may not expect";
    DropObject = "drop-object", Low, "an object is dropped that clients may still use";
    DropWithoutExpand = "drop-without-expand", High, "a table or column is dropped although no earlier release stopped using it";
    DuplicateAssignment = "duplicate-assignment", Blocking, "a column is assigned twice, which the server refuses";
    EmptyRollback = "empty-rollback", High, "the rollback does nothing although the changeset does something";
    EnumValueOrder = "enum-value-order", Low, "a new enum value has no place in the order";
    EnumValueUsed = "enum-value-used", Blocking, "an enum value is used in the transaction that adds it, which the server refuses";
    ExclusionConstraint = "exclusion-constraint", High, "an exclusion constraint builds its index while the table is blocked";
    ForeignKeyWithoutIndex = "foreign-key-without-index", Medium, "the columns of a foreign key have no index";
    IdentifierTooLong = "identifier-too-long", Medium, "a name is longer than 63 bytes and is cut off by the server";
    IndexNotConcurrent = "index-not-concurrent", High, "an index on an existing table is built without CONCURRENTLY";
    IntegerColumn = "integer-column", Off, "a column is smaller than bigint";
    IntegerKey = "integer-key", Low, "a primary key is smaller than bigint";
    JsonColumn = "json-column", Low, "a column has the type json, which has no equality";
    KeyValueWithoutUnique = "key-value-without-unique", High, "a key/value table has no unique constraint on its natural key";
    MissingRollback = "missing-rollback", Blocking, "a changeset has no rollback and does not say why";
    NotAllowed = "not-allowed", High, "a changeset does what its environment does not allow";
    NotIdempotentCopy = "not-idempotent-copy", High, "a copy of rows makes duplicates when it runs again";
    OnConflictWithoutUnique = "on-conflict-without-unique", Blocking, "ON CONFLICT on a table without a unique key has no effect or fails";
    OutsideTransaction = "outside-transaction", Medium, "a statement that cannot run in a transaction ends that of the statements around it";
    PrimaryKeyBuildsIndex = "primary-key-builds-index", High, "a primary key builds its index while the table is blocked";
    PrimaryKeyNullable = "primary-key-nullable", Low, "a primary key makes columns NOT NULL, which reads the table";
    ReindexNotConcurrent = "reindex-not-concurrent", High, "an index is rebuilt without CONCURRENTLY";
    RenameBreaksClients = "rename-breaks-clients", High, "a name changes that running clients use";
    RequiredColumn = "required-column", High, "a NOT NULL column without a default is added to an existing table";
    RewriteByNewColumn = "rewrite-by-new-column", High, "a new column rewrites the table and blocks all access";
    RewriteCommand = "rewrite-command", High, "VACUUM FULL or CLUSTER rewrites the table and blocks all access";
    RollbackDropsRows = "rollback-drops-rows", Low, "the rollback drops rows that were written since the changeset was applied";
    RollbackLosesData = "rollback-loses-data", Blocking, "the rollback drops data that the changeset moved, without copying it back";
    SecurityDefinerPublic = "security-definer-public", Low, "every role can call a function that runs with its owner's rights";
    SecurityDefinerSearchPath = "security-definer-search-path", Blocking, "a function with its owner's rights has no safe search_path";
    SerialColumn = "serial-column", Low, "a column is serial, whose sequence has privileges and an owner of its own";
    SetNotNullScan = "set-not-null-scan", High, "SET NOT NULL reads the table while all access is blocked";
    SeveralScans = "several-scans", Low, "a table is read or rewritten several times by statements that can be one";
    SeveralTablesLocked = "several-tables-locked", Low, "one transaction blocks several existing tables";
    TableWithoutPrimaryKey = "table-without-primary-key", Medium, "a table has no primary key";
    TimestampWithoutTimeZone = "timestamp-without-time-zone", Low, "a column has the type timestamp, which names no point in time";
    TimeZoneConversion = "time-zone-conversion", Medium, "a conversion to or from timestamptz depends on the TimeZone of the session";
    TruncateCascade = "truncate-cascade", Blocking, "TRUNCATE … CASCADE empties tables that the statement does not name";
    UnbatchedBackfill = "unbatched-backfill", High, "one statement changes or copies the rows of a whole table";
    UniqueBuildsIndex = "unique-builds-index", High, "a unique constraint builds its index while the table is blocked";
    UnqualifiedName = "unqualified-name", Low, "a table has no schema in its name: the search_path decides";
    UnusedIgnore = "unused-ignore", Low, "a rule is ignored at a place where it finds nothing";
    ValidateSameTransaction = "validate-same-transaction", Medium, "a constraint is added NOT VALID and validated in one transaction";
    VarcharLimit = "varchar-limit", Off, "a column has the type varchar(n)";
    WideIndex = "wide-index", Low, "an index that is not unique has more than three columns";
    WorkUnderExclusiveLock = "work-under-exclusive-lock", Medium, "rows are changed while the transaction blocks a table";
}

impl Rule {
    /// The rule of this code.
    #[must_use]
    pub fn find(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.code() == code)
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl JsonSchema for Rule {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "LintRule".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let codes: Vec<&str> = Self::ALL.iter().map(|rule| rule.code()).collect();
        json_schema!({ "type": "string", "description": "The code of a rule of the review.", "enum": codes })
    }
}

/// Levels of rules, by code.
pub type RuleLevels = BTreeMap<Rule, Level>;

/// The schema of [`RuleLevels`], with a hover text for each code.
pub fn levels_schema(generator: &mut SchemaGenerator) -> Schema {
    let level = generator.subschema_for::<Level>();
    let rule = |rule: &Rule| {
        let description = format!("{}; default: {}", rule.meaning(), rule.level().word());
        (rule.code().to_owned(), serde_json::json!({ "description": description, "allOf": [level] }))
    };
    let properties: serde_json::Map<String, serde_json::Value> = Rule::ALL.iter().map(rule).collect();
    json_schema!({ "type": "object", "properties": properties, "additionalProperties": false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_there_once_and_in_order() {
        assert!(Rule::ALL.is_sorted_by(|a, b| a.code().replace('-', "") < b.code().replace('-', "")));
        for rule in Rule::ALL {
            assert!(rule.code().chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{rule}");
            assert_eq!(Rule::ALL.iter().filter(|other| other.meaning() == rule.meaning()).count(), 1, "{rule}");
            assert_eq!(serde_json::to_value(rule).unwrap(), rule.code());
            assert_eq!(Rule::find(rule.code()), Some(*rule));
        }
    }

    #[test]
    fn levels_have_their_order_and_word() {
        assert!(Level::SEVERITIES.is_sorted_by(|a, b| a > b));
        for level in Level::SEVERITIES {
            assert_eq!(serde_json::to_value(level).unwrap(), level.word());
        }
    }
}
