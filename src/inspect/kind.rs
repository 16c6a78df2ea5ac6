//! The kinds of objects.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

/// One row per kind: the variant, its documentation, its word.
macro_rules! kinds {
    ($($(#[$doc:meta])+ $kind:ident $word:literal)+) => {
        /// The kind of an object.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ObjectKind { $($(#[$doc])+ $kind),+ }

        impl ObjectKind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// The kind in words, as PostgreSQL names it: `materialized view`.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$kind => $word),+ }
            }
        }
    };
}

kinds! {
    /// The database itself: its owner and privileges.
    Database "database"
    /// `ALTER DATABASE … SET`, `ALTER ROLE … IN DATABASE … SET`: the settings of one role.
    Setting "setting"
    /// A schema.
    Schema "schema"
    /// An extension. What belongs to it is not listed.
    Extension "extension"
    /// A procedural language.
    Language "language"
    /// An enum, composite, range or base type.
    Type "type"
    /// An attribute of a composite type.
    Attribute "attribute"
    /// A domain.
    Domain "domain"
    /// A collation.
    Collation "collation"
    /// A conversion between encodings.
    Conversion "conversion"
    /// A function.
    Function "function"
    /// A procedure.
    Procedure "procedure"
    /// An aggregate function.
    Aggregate "aggregate"
    /// An operator.
    Operator "operator"
    /// An operator family with its operators and functions.
    OperatorFamily "operator family"
    /// An operator class.
    OperatorClass "operator class"
    /// A cast.
    Cast "cast"
    /// A transform of a type for a language.
    Transform "transform"
    /// An access method.
    AccessMethod "access method"
    /// A text search parser.
    TextSearchParser "text search parser"
    /// A text search template.
    TextSearchTemplate "text search template"
    /// A text search dictionary.
    TextSearchDictionary "text search dictionary"
    /// A text search configuration.
    TextSearchConfiguration "text search configuration"
    /// A foreign data wrapper.
    ForeignDataWrapper "foreign-data wrapper"
    /// A foreign server.
    Server "server"
    /// A user mapping. Of its options only the names are known.
    UserMapping "user mapping"
    /// A sequence, also that of an identity column.
    Sequence "sequence"
    /// A table, also a partitioned one or a partition.
    Table "table"
    /// A foreign table.
    ForeignTable "foreign table"
    /// A view.
    View "view"
    /// A materialized view.
    MaterializedView "materialized view"
    /// A column of a table or view.
    Column "column"
    /// A constraint of a table or domain.
    Constraint "constraint"
    /// An index, also that of a constraint.
    Index "index"
    /// An extended statistics object.
    Statistics "statistics"
    /// A rule.
    Rule "rule"
    /// A trigger.
    Trigger "trigger"
    /// A row security policy.
    Policy "policy"
    /// An event trigger.
    EventTrigger "event trigger"
    /// A publication.
    Publication "publication"
    /// A subscription.
    Subscription "subscription"
    /// `ALTER DEFAULT PRIVILEGES`.
    DefaultPrivileges "default privileges"
    /// Changed privileges of an object of the server or of an extension.
    Privileges "privileges"
}

impl ObjectKind {
    /// The kind of this word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.word() == word)
    }
}

impl std::fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

impl Serialize for ObjectKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl<'de> Deserialize<'de> for ObjectKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = Cow::<str>::deserialize(deserializer)?;
        Self::of_word(&word).ok_or_else(|| serde::de::Error::custom(format!("`{word}` is no kind of object")))
    }
}

impl JsonSchema for ObjectKind {
    fn schema_name() -> Cow<'static, str> {
        "ObjectKind".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<&str> = Self::ALL.iter().map(|kind| kind.word()).collect();
        json_schema!({ "description": "The kind of an object.", "enum": words })
    }
}
