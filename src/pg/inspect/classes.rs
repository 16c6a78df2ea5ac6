//! The classes of objects, one query each.
//!
//! A query names its columns. These say what a row is: `kind`, `name`, `parentKind`, `parent`, `class`, `oid`, `sub`,
//! `unit`, `position`, `unreadable`, `ownedByRole` (where the owner is no property). All others are properties; the end of the name says how the text is read: `:bool`,
//! `:number`, `:json`, `:acl` (an array of `aclitem`s), and `*` is an object with several properties. A row without a
//! kind adds properties to the object of its address.

use crate::inspect::ObjectKind;

/// A class of objects.
#[derive(Debug)]
pub(super) struct Class {
    /// The name of its query, and what it is.
    pub name: &'static str,
    /// Its query with placeholders.
    pub sql: &'static str,
    /// How a part of it is inspected.
    pub by: By,
    /// The first version of the server that has it.
    pub since: u32,
}

/// How a part of the catalog is inspected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// By units, which are rows of this catalog: a relation with its columns.
    Unit(u32),
    /// As a whole: there are few. Its units are rows of the first of these catalogs, and it is read again when one of
    /// them changes.
    Whole(u32, &'static [&'static str]),
    /// With the objects that other classes found: their comments.
    Found,
}

impl Class {
    /// The oid of the catalog of its units.
    pub fn units(&self) -> u32 {
        match self.by {
            By::Unit(catalog) | By::Whole(catalog, _) => catalog,
            By::Found => 0,
        }
    }
}

/// Where the objects and properties of a class are from, so that it can be known that there are none.
#[derive(Debug)]
pub(super) struct Origin {
    /// If none of these catalogs was written, there are none that were not there before.
    pub catalogs: &'static [&'static str],
    /// The kinds of its objects.
    pub kinds: &'static [ObjectKind],
    /// The properties that it adds to others.
    pub properties: &'static [&'static str],
}

impl Class {
    /// Where it is from; `None`: a unit always has some.
    pub fn origin(&self) -> Option<Origin> {
        let (catalogs, kinds, properties): (&[_], &[_], &[_]) = match self.name {
            "constraints" => (&["pg_constraint"], &[ObjectKind::Constraint], &[]),
            "indexes" => (&["pg_index", "pg_class", "pg_constraint"], &[ObjectKind::Index], &[]),
            "triggers" => (&["pg_trigger"], &[ObjectKind::Trigger], &[]),
            "rules" => (&["pg_rewrite"], &[ObjectKind::Rule], &[]),
            "policies" => (&["pg_policy"], &[ObjectKind::Policy], &[]),
            "statistics" => (&["pg_statistic_ext"], &[ObjectKind::Statistics], &[]),
            "sequences" => (&["pg_sequence", "pg_class"], &[ObjectKind::Sequence], &[]),
            "disabled_triggers" => (&["pg_trigger"], &[], &["constraintTriggers"]),
            // the usual name follows from those of table and column
            "not_null" => {
                (&["pg_constraint", "pg_class", "pg_attribute"], &[], &["notNullConstraint", "notNullComment"])
            }
            "comments" => (&["pg_description"], &[], &["comment"]),
            "labels" => (&["pg_seclabel"], &[], &["securityLabels"]),
            "extension_dependencies" => (&["pg_depend"], &[], &["dependsOnExtensions"]),
            _ => return None,
        };
        Some(Origin { catalogs, kinds, properties })
    }
}

/// The oids of catalogs: the same in every version.
pub(super) const RELATION: u32 = 1259;
pub(super) const TYPE: u32 = 1247;
const FUNCTION: u32 = 1255;
const SCHEMA: u32 = 2615;

macro_rules! classes {
    ($($by:expr, $since:literal: $($name:literal)+;)+) => {
        &[$($(Class { name: $name, sql: include_str!(concat!("sql/", $name, ".sql")), by: $by, since: $since }),+),+]
    };
}

/// All of them. What adds properties comes after the objects.
pub(super) const CLASSES: &[Class] = classes! {
    By::Unit(SCHEMA), 0: "schemas";
    By::Unit(FUNCTION), 0: "functions" "aggregates";
    By::Unit(TYPE), 0: "types" "attributes" "domain_constraints";
    By::Unit(RELATION), 0: "relations" "columns" "constraints" "indexes" "triggers" "rules" "policies" "statistics" "sequences" "disabled_triggers";
    By::Unit(RELATION), 18: "not_null";
    By::Whole(3079, &["pg_extension"]), 0: "extensions";
    By::Whole(2612, &["pg_language"]), 0: "languages";
    By::Whole(2617, &["pg_operator"]), 0: "operators";
    By::Whole(2753, &["pg_opfamily", "pg_amop", "pg_amproc"]), 0: "opfamilies";
    By::Whole(2616, &["pg_opclass", "pg_amop", "pg_amproc"]), 0: "opclasses";
    By::Whole(2605, &["pg_cast"]), 0: "casts";
    By::Whole(3456, &["pg_collation"]), 0: "collations";
    By::Whole(2607, &["pg_conversion"]), 0: "conversions";
    By::Whole(3576, &["pg_transform"]), 0: "transforms";
    By::Whole(2601, &["pg_am"]), 0: "access_methods";
    By::Whole(3601, &["pg_ts_parser"]), 0: "ts_parsers";
    By::Whole(3764, &["pg_ts_template"]), 0: "ts_templates";
    By::Whole(3600, &["pg_ts_dict"]), 0: "ts_dictionaries";
    By::Whole(3602, &["pg_ts_config", "pg_ts_config_map"]), 0: "ts_configurations";
    By::Whole(2328, &["pg_foreign_data_wrapper"]), 0: "foreign_data_wrappers";
    By::Whole(1417, &["pg_foreign_server"]), 0: "servers";
    By::Whole(1418, &["pg_user_mapping"]), 0: "user_mappings";
    By::Whole(3466, &["pg_event_trigger"]), 0: "event_triggers";
    By::Whole(6104, &["pg_publication", "pg_publication_rel", "pg_publication_namespace"]), 0: "publications";
    By::Whole(6104, &["pg_publication_namespace"]), 15: "publication_schemas";
    By::Whole(6100, &["pg_subscription"]), 0: "subscriptions";
    By::Whole(826, &["pg_default_acl"]), 0: "default_privileges";
    By::Whole(2964, &["pg_db_role_setting"]), 0: "settings";
    By::Whole(DATABASE, &["pg_database"]), 0: "database";
    By::Whole(PRIVILEGES, &["pg_init_privs", "pg_language", "pg_foreign_data_wrapper"]), 0: "privileges";
    By::Found, 0: "comments" "labels" "extension_dependencies";
};

/// The catalog of databases; only a scope that asks for it has it.
pub(super) const DATABASE: u32 = 1262;

/// That of what objects of the server and of extensions had at first.
pub(super) const PRIVILEGES: u32 = 3394;

#[cfg(test)]
mod tests {
    use super::CLASSES;
    use std::collections::BTreeSet;

    /// Queries that are of no class.
    const OTHERS: [&str; 5] = ["counters", "dependencies", "dependents", "locks", "not_compared"];

    #[test]
    fn every_query_has_its_row() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/pg/inspect/sql")).unwrap();
        let files: BTreeSet<String> =
            folder.map(|file| file.unwrap().file_name().into_string().unwrap().replace(".sql", "")).collect();
        let rows = CLASSES.iter().map(|class| class.name).chain(OTHERS).map(str::to_owned).collect();
        assert_eq!(files, rows);
    }
}
